//! The stand-ins and recorders that take the place of real APIs while a command runs.

use super::super::playing::{Chosen, share_out};
use super::super::record::{known_secrets, named_secret, stopped};
use super::jobs::{Job, Way, Work};
use crate::arguments::Exec;
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Auth, Fixture, FixtureRef, Library};
use counterpart_recorder::{AskFirst, AskFirstConfig, Recorder, RecorderConfig, RecorderError, Recording};
use counterpart_stand_in::{ProviderConfig, StandIn, StandInClock, StandInConfig, StandInError};
use http::{HeaderName, HeaderValue, Uri};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

/// How the stand-in says that it has no answer to a request, to whoever else could be asked.
const UNANSWERED: HeaderName = HeaderName::from_static("counterpart-unanswered");

/// A free port of this machine alone.
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What takes the place of one provider.
pub(super) struct Server {
    pub(super) provider: String,
    pub(super) way: Way,
    kind: Kind,
}

enum Kind {
    Playing(StandIn),
    Recording { recorder: Recorder },
    Completing { stand_in: StandIn, front: AskFirst, recorder: Recorder, earlier: Box<Fixture> },
}

/// What came of the servers.
pub(super) struct Finished {
    pub(super) stand_ins: Vec<StandIn>,
    pub(super) recorded: Vec<Recorded>,
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
    /// Where the API begins for the command.
    pub(super) fn base_url(&self) -> String {
        match &self.kind {
            // What it plays has targets as the real API's, its base path included.
            Kind::Playing(stand_in) => format!("{}{}", stand_in.base_url(), self.way.base_path()),
            Kind::Recording { recorder } => format!("http://{}", recorder.address()),
            Kind::Completing { front, .. } => format!("http://{}{}", front.address(), self.way.base_path()),
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
pub(super) async fn finish(servers: Vec<Server>) -> Finished {
    let mut finished = Finished { stand_ins: Vec::new(), recorded: Vec::new() };
    let (mut recorders, mut earlier) = (Vec::new(), Vec::new());
    for Server { kind, .. } in servers {
        match kind {
            Kind::Playing(stand_in) => finished.stand_ins.push(stand_in),
            Kind::Recording { recorder } => recorders.push(recorder),
            Kind::Completing { stand_in, front, recorder, earlier: fixture } => {
                front.finish().await;
                finished.stand_ins.push(stand_in);
                recorders.push(recorder);
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
                Kind::Recording { recorder: record(&fixture, way.upstream.clone(), library, secrets).await? }
            }
            Work::Complete { chosen, fixture } => {
                faults.next();
                complete(chosen, &fixture, &way, library, secrets).await?
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

async fn record(
    fixture: &FixtureRef,
    upstream: Option<Uri>,
    library: &Library,
    known_secrets: Vec<KnownSecret>,
) -> Result<Recorder, Stop> {
    let provider = fixture.provider.clone();
    let Some(upstream) = upstream else {
        return Err(Stop::usage(anyhow!(
            "nothing tells where {provider} is; write --upstream https://api.example.com, or `upstream` under \
             [exec.{provider}] in counterpart.toml"
        )));
    };
    let config = RecorderConfig {
        provider,
        flow: fixture.flow.clone(),
        upstream,
        listen: ANYWHERE,
        out: library.root().to_owned(),
        until_idle: None,
        known_secrets,
    };
    Recorder::start(config).await.map_err(stopped)
}

async fn complete(
    chosen: Chosen,
    fixture: &FixtureRef,
    way: &Way,
    library: &Library,
    secrets: Vec<KnownSecret>,
) -> Result<Kind, Stop> {
    // What is completed is read as it is now: what is played are values that must not be written.
    let earlier = Box::new(library.fixture(fixture).map_err(Stop::usage)?);
    let Chosen { mut profile, fixtures, forms } = chosen;
    // The command has the credentials of the real API, which the stand-in cannot judge.
    profile.auth = Auth::default();
    let stand_in = play(ProviderConfig { profile, fixtures, forms, faults: Vec::new() }).await?;
    let mark = HeaderValue::from_str(&run_id()).map_err(Stop::environment)?;
    stand_in.mark_unanswered(UNANSWERED, mark.clone());
    // Targets begin with the base path already, as they were recorded.
    let origin = way.upstream.as_ref().map(origin_of).transpose().map_err(Stop::usage)?;
    let recorder = record(fixture, origin, library, secrets).await?;
    let config = AskFirstConfig {
        listen: ANYWHERE,
        first: stand_in.address(),
        declined: (UNANSWERED, mark),
        second: recorder.address(),
    };
    let front = AskFirst::start(config).await.map_err(stopped)?;
    Ok(Kind::Completing { stand_in, front, recorder, earlier })
}

fn origin_of(upstream: &Uri) -> Result<Uri, http::Error> {
    let mut builder = Uri::builder().path_and_query("/");
    if let Some(scheme) = upstream.scheme() {
        builder = builder.scheme(scheme.clone());
    }
    if let Some(authority) = upstream.authority() {
        builder = builder.authority(authority.clone());
    }
    builder.build()
}

/// What nobody outside this process can know: no answer of a provider's can bear it by chance or on purpose.
fn run_id() -> String {
    let half = |_| RandomState::new().hash_one(std::process::id());
    (0..2).map(half).map(|half: u64| format!("{half:016x}")).collect()
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
