//! The stand-ins and recorders that take the place of real APIs while a command runs.

use super::super::playing::{Chosen, share_out};
use super::super::record::{certificates, stopped};
use super::jobs::{Job, Way, Work};
use crate::arguments::Exec;
use crate::exit::Stop;
use crate::known_secrets::{known_secrets, named_secret};
use anyhow::anyhow;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Auth, Fixture, FixtureRef, Library};
use counterpart_recorder::{
    AskFirst, AskFirstConfig, HostAction, Recorder, RecorderConfig, RecorderError, Recording, Traffic,
};
use counterpart_stand_in::{ProviderConfig, StandIn, StandInClock, StandInConfig, StandInError};
use http::{HeaderName, HeaderValue, Uri};
use rustls::pki_types::CertificateDer;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

/// How the stand-in says that it has no answer to a request, to whoever else could be asked.
const UNANSWERED: HeaderName = HeaderName::from_static("counterpart-unanswered");

/// A free port of this machine alone.
pub(super) const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What takes the place of one provider.
pub(super) struct Server {
    pub(super) provider: String,
    pub(super) way: Way,
    kind: Kind,
}

enum Kind {
    Playing(StandIn),
    /// The recorder is the way by a base URL; none where the real one is not known.
    Recording {
        fixture: FixtureRef,
        recorder: Option<Recorder>,
    },
    /// The first way is that by a base URL.
    Completing {
        stand_in: StandIn,
        ways: Vec<Completed>,
        earlier: Box<Fixture>,
    },
}

/// A host whose fixture is completed: the stand-in is asked first, then the host itself.
struct Completed {
    host: String,
    front: AskFirst,
    recorder: Recorder,
}

/// What came of the servers.
pub(super) struct Finished {
    pub(super) stand_ins: Vec<StandIn>,
    pub(super) recorded: Vec<Recorded>,
    /// What passed the proxy that no fixture shows.
    pub(super) traffic: Traffic,
}

/// What came of a recording.
pub(super) struct Recorded {
    pub(super) fixture: String,
    /// How many exchanges were there before, of a fixture that was completed.
    pub(super) earlier: Option<usize>,
    /// None where there was nothing to keep.
    pub(super) outcome: Result<Option<Recording>, Stop>,
}

impl Server {
    /// Where the API begins for the command; none where only its hosts are known.
    pub(super) fn base_url(&self) -> Option<String> {
        match &self.kind {
            // What it plays has targets as the real API's, its base path included.
            Kind::Playing(stand_in) => Some(format!("{}{}", stand_in.base_url(), self.way.base_path())),
            Kind::Recording { recorder, .. } => {
                recorder.as_ref().map(|recorder| format!("http://{}", recorder.address()))
            }
            Kind::Completing { ways, .. } => {
                ways.first().map(|way| format!("http://{}{}", way.front.address(), self.way.base_path()))
            }
        }
    }

    /// What a proxy is to do with a host of the provider's; none where it is as any other.
    pub(super) fn action(&self, host: &str) -> Option<HostAction> {
        let forward = |address: SocketAddr| {
            let base = Uri::builder().scheme("http").authority(address.to_string()).path_and_query("/");
            base.build().ok().map(|base| HostAction::ForwardTo { base })
        };
        match &self.kind {
            Kind::Playing(stand_in) => forward(stand_in.address()),
            Kind::Recording { fixture, .. } => {
                Some(HostAction::Record { provider: fixture.provider.clone(), flow: fixture.flow.clone() })
            }
            Kind::Completing { ways, .. } => {
                ways.iter().find(|way| way.host == host).and_then(|way| forward(way.front.address()))
            }
        }
    }

    pub(super) fn stand_in(&self) -> Option<&StandIn> {
        match &self.kind {
            Kind::Playing(stand_in) | Kind::Completing { stand_in, .. } => Some(stand_in),
            Kind::Recording { .. } => None,
        }
    }

    /// Whether the command is to have the stand-in's credentials: not where its requests may reach the real API.
    pub(super) fn gives_credentials(&self) -> bool {
        matches!(self.kind, Kind::Playing(_))
    }
}

/// Ends all servers, and keeps what they recorded.
pub(super) async fn finish(servers: Vec<Server>, proxy: Option<Recorder>) -> Finished {
    let traffic = proxy.as_ref().map(Recorder::traffic).unwrap_or_default();
    let mut finished = Finished { stand_ins: Vec::new(), recorded: Vec::new(), traffic };
    let (mut recorders, mut earlier) = (Vec::from_iter(proxy), Vec::new());
    for Server { kind, .. } in servers {
        match kind {
            Kind::Playing(stand_in) => finished.stand_ins.push(stand_in),
            Kind::Recording { recorder, .. } => recorders.extend(recorder),
            Kind::Completing { stand_in, ways, earlier: fixture } => {
                for way in ways {
                    way.front.finish().await;
                    recorders.push(way.recorder);
                }
                finished.stand_ins.push(stand_in);
                earlier.push(*fixture);
            }
        }
    }
    let counts: Vec<(String, usize)> = earlier.iter().map(|one| (one.name(), one.exchanges.len())).collect();
    for (fixture, kept) in Recorder::finish_together(recorders, earlier).await {
        let fixture = fixture.to_string();
        let earlier = counts.iter().find(|(name, _)| *name == fixture).map(|(_, count)| *count);
        let outcome = match kept {
            Ok(recording) => Ok(Some(recording)),
            Err(RecorderError::NothingCaptured { .. }) => Ok(None),
            Err(error) => Err(stopped(error)),
        };
        finished.recorded.push(Recorded { fixture, earlier, outcome });
    }
    finished
}

/// Starts what each job needs.
pub(super) async fn start(jobs: Vec<Job>, library: &Library, arguments: &Exec) -> Result<Vec<Server>, Stop> {
    let played: Vec<_> = jobs.iter().filter_map(Job::chosen).collect();
    let mut faults = share_out(&played, &arguments.faults)?.into_iter();
    let recorders = Recorders { library, additional_roots: certificates(&arguments.upstream_ca)? };
    let mut servers = Vec::new();
    for Job { provider, work, way } in jobs {
        let secrets = secrets_of(&way, arguments)?;
        let kind = match work {
            Work::Play(chosen) => {
                let faults = faults.next().unwrap_or_default();
                let Chosen { profile, fixtures, forms } = chosen;
                Kind::Playing(play(ProviderConfig { profile, fixtures, forms, faults }).await?)
            }
            Work::Record(fixture) => {
                let recorder = match &way.upstream {
                    Some(upstream) => Some(recorders.start(&fixture, upstream.clone(), secrets).await?),
                    None => None,
                };
                Kind::Recording { fixture, recorder }
            }
            Work::Complete { chosen, fixture } => {
                faults.next();
                recorders.complete(chosen, &fixture, &way, secrets).await?
            }
        };
        servers.push(Server { provider, way, kind });
    }
    Ok(servers)
}

async fn play(provider: ProviderConfig) -> Result<StandIn, Stop> {
    let config =
        StandInConfig { providers: vec![provider], clock: StandInClock::Real, listen: ANYWHERE, tls: None };
    StandIn::start(config).await.map_err(|error| match error {
        StandInError::Webhooks(_) => Stop::usage(error),
        StandInError::NeedsTls(_) => {
            Stop::usage(anyhow!("{error}: `counterpart serve --tls`; `exec` plays it without"))
        }
        StandInError::AddressInUse(_) | StandInError::Listen { .. } | StandInError::Authority(_) => {
            Stop::environment(error)
        }
    })
}

/// What all recorders have in common.
struct Recorders<'a> {
    library: &'a Library,
    additional_roots: Vec<CertificateDer<'static>>,
}

impl Recorders<'_> {
    async fn start(
        &self,
        fixture: &FixtureRef,
        upstream: Uri,
        known_secrets: Vec<KnownSecret>,
    ) -> Result<Recorder, Stop> {
        let config = RecorderConfig {
            provider: fixture.provider.clone(),
            flow: fixture.flow.clone(),
            upstream: Some(upstream),
            webhooks: Vec::new(),
            listen: ANYWHERE,
            out: self.library.root().to_owned(),
            until_idle: None,
            known_secrets,
            additional_roots: self.additional_roots.clone(),
        };
        Recorder::start(config).await.map_err(stopped)
    }

    async fn complete(
        &self,
        chosen: Chosen,
        fixture: &FixtureRef,
        way: &Way,
        secrets: Vec<KnownSecret>,
    ) -> Result<Kind, Stop> {
        // What is completed is read as it is now: what is played are values that must not be written.
        let earlier = Box::new(self.library.fixture(fixture).map_err(Stop::usage)?);
        let Chosen { mut profile, fixtures, forms } = chosen;
        // The command has the credentials of the real API, which the stand-in cannot judge.
        profile.auth = Auth::default();
        let stand_in = play(ProviderConfig { profile, fixtures, forms, faults: Vec::new() }).await?;
        let mark = HeaderValue::from_str(&run_id()).map_err(Stop::environment)?;
        stand_in.mark_unanswered(UNANSWERED, mark.clone());
        let mut ways = Vec::new();
        for (host, origin) in way.origins() {
            let recorder = self.start(fixture, origin, secrets.clone()).await?;
            let config = AskFirstConfig {
                listen: ANYWHERE,
                first: stand_in.address(),
                declined: (UNANSWERED, mark.clone()),
                second: recorder.address(),
            };
            let front = AskFirst::start(config).await.map_err(stopped)?;
            ways.push(Completed { host, front, recorder });
        }
        Ok(Kind::Completing { stand_in, ways, earlier })
    }
}

/// What nobody outside this process can know: no answer of a provider's can bear it by chance or on purpose.
fn run_id() -> String {
    let half = |_| RandomState::new().hash_one(std::process::id());
    (0..2).map(half).map(|half: u64| format!("{half:016x}")).collect()
}

/// All secrets that are known beforehand, of whatever provider.
pub(super) fn all_secrets(servers: &[Server], arguments: &Exec) -> Result<Vec<KnownSecret>, Stop> {
    let mut all: Vec<KnownSecret> = Vec::new();
    for server in servers {
        for secret in secrets_of(&server.way, arguments)? {
            if !all.contains(&secret) {
                all.push(secret);
            }
        }
    }
    Ok(all)
}

/// The secrets that are known beforehand: those that are named, and the credentials that the command is given.
fn secrets_of(way: &Way, arguments: &Exec) -> Result<Vec<KnownSecret>, Stop> {
    let mut secrets = known_secrets(&arguments.secret_env)?;
    for name in way.spec.credentials_env.keys().filter(|name| !arguments.secret_env.contains(name)) {
        if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
            secrets.push(named_secret(name, value));
        }
    }
    Ok(secrets)
}
