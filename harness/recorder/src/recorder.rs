//! A recording from its start to the fixture that it leaves.

use crate::clients::{self, Clients};
use crate::clock::Clock;
use crate::config::{Limits, RecorderConfig};
use crate::door::{Door, Proxy, Treatment};
use crate::forward::Forwarder;
use crate::house::House;
use crate::interception::Interception;
use crate::journal::Journal;
use crate::proxy_config::{HostAction, ProxyConfig, ProxyHost};
use crate::pulse::Pulse;
use crate::route::{LogPolicy, Reached, Route};
use crate::routes::Routes;
use crate::server::Phase;
use crate::sink::Sink;
use crate::streams::Streams;
use crate::traffic::{Tally, Traffic};
use crate::upstream::Upstream;
use crate::webhook_route::{self, WebhookRoute};
use counterpart_exchange::keep::{KeepError, Kept};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{FixtureRef, Library, ProviderProfile};
use rustls::RootCertStore;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A recording that cannot start, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The names make no fixture.
    #[error("{0}")]
    Name(String),
    /// The upstream's URI cannot be used.
    #[error("the upstream {0}")]
    Upstream(String),
    /// Webhooks cannot be told from one another, or from calls.
    #[error("{0}")]
    Webhooks(String),
    /// There is nothing to record.
    #[error("there is neither an upstream nor a path for webhooks; name the one, the other, or both")]
    NothingToRecord,
    /// Something else listens there.
    #[error(
        "{address} is in use already; stop what listens there, or listen on another port (0 takes a free one)"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; use an address of this machine, as 127.0.0.1:0")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The machine's root certificates cannot be had.
    #[error(
        "the upstream needs TLS, but the machine's root certificates cannot be read: {source}; install them, or name a file of them in SSL_CERT_FILE"
    )]
    Certificates {
        /// What the system said.
        source: std::io::Error,
    },
    /// No exchange was captured, so nothing was written.
    #[error(
        "nothing was captured for {fixture}, so nothing was written; point the integration at the recorder's address, as its base URL or, where the recorder is a proxy, as its proxy"
    )]
    NothingCaptured {
        /// `provider/flow`.
        fixture: String,
    },
    /// What was captured cannot be kept.
    #[error(transparent)]
    Keep(KeepError),
}

/// What a recording left of one fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The fixture's name.
    pub fixture: FixtureRef,
    /// The fixture.
    pub kept: Kept,
    /// How many exchanges were passed on and not kept, beyond the bounds.
    pub not_kept: usize,
}

/// How a recording ended.
#[derive(Debug)]
pub struct Finished {
    /// Each fixture, kept or not; one that could not be kept takes no other with it.
    pub recordings: Vec<Result<Recording, RecorderError>>,
    /// What passed beside.
    pub traffic: Traffic,
}

/// What a recording is before it listens.
struct Begun {
    clock: Clock,
    pulse: Arc<Pulse>,
    library: Library,
    known_secrets: Vec<KnownSecret>,
    until_idle: Option<Duration>,
    limits: Limits,
}

impl Begun {
    fn new(
        out: PathBuf,
        known_secrets: Vec<KnownSecret>,
        until_idle: Option<Duration>,
        limits: Limits,
    ) -> Self {
        let clock = Clock::start();
        let pulse = Pulse::new(clock, limits.clone());
        Self { clock, pulse, library: Library::new(out), known_secrets, until_idle, limits }
    }

    fn sink(&self, provider: &str, flow: &str) -> Result<Sink, RecorderError> {
        Sink::new(&self.library, provider, flow, &self.known_secrets, &self.pulse)
    }

    fn serve(
        self,
        listener: TcpListener,
        address: SocketAddr,
        door: Door,
        roots: RootCertStore,
        sinks: Vec<Sink>,
    ) -> Result<Recorder, RecorderError> {
        let Self { clock, pulse, known_secrets, until_idle, limits, .. } = self;
        let clients = Clients::new(roots, limits.connect).map_err(certificates)?;
        let forwarder = Forwarder::new(clients, address, limits.body_bytes);
        let tally = Tally::default();
        let house =
            House { door, forwarder, streams: Streams::default(), tally: tally.clone(), limits, clock };
        let (phase, phases) = watch::channel(Phase::Serving);
        let server = tokio::spawn(Arc::new(house).open(listener, phases));
        Ok(Recorder { address, clock, sinks, known_secrets, until_idle, pulse, tally, phase, server })
    }
}

fn certificates(source: std::io::Error) -> RecorderError {
    RecorderError::Certificates { source }
}

/// A recording under way. Dropped without [`Recorder::finish`], it forgets what it captured.
pub struct Recorder {
    address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) known_secrets: Vec<KnownSecret>,
    until_idle: Option<Duration>,
    pulse: Arc<Pulse>,
    pub(crate) tally: Tally,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) server: JoinHandle<()>,
}

impl fmt::Debug for Recorder {
    /// Shows nothing of what was captured, for that is not redacted yet.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recorder").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Listens, within the usual bounds.
    ///
    /// # Errors
    /// [`RecorderError`]: names or upstream that cannot be used, an address in use, a broken profile.
    pub async fn start(config: RecorderConfig) -> Result<Self, RecorderError> {
        Self::start_within(config, Limits::default()).await
    }

    /// Listens, within given bounds.
    ///
    /// # Errors
    /// As [`Recorder::start`].
    pub async fn start_within(config: RecorderConfig, limits: Limits) -> Result<Self, RecorderError> {
        let upstream =
            config.upstream.as_ref().map(Upstream::of).transpose().map_err(RecorderError::Upstream)?;
        webhook_route::check(&config.webhooks, upstream.is_some()).map_err(RecorderError::Webhooks)?;
        if upstream.is_none() && config.webhooks.is_empty() {
            return Err(RecorderError::NothingToRecord);
        }
        let begun = Begun::new(config.out, config.known_secrets, config.until_idle, limits);
        let sink = begun.sink(&config.provider, &config.flow)?;
        let routes = routes_of(upstream, config.webhooks, &sink);
        let roots = if routes.any_is_encrypted() {
            clients::roots(&config.additional_roots).map_err(certificates)?
        } else {
            RootCertStore::empty()
        };
        let (listener, address) = listen(config.listen).await?;
        tracing::info!(%address, fixture = %sink.name(), "recording");
        begun.serve(listener, address, Door::Reverse(routes), roots, vec![sink])
    }

    /// Listens as a forward proxy, within the usual bounds.
    ///
    /// # Errors
    /// [`RecorderError`]: names or upstreams that cannot be used, an address in use, a broken profile.
    pub async fn proxy(config: ProxyConfig) -> Result<Self, RecorderError> {
        Self::proxy_within(config, Limits::default()).await
    }

    /// Listens as a forward proxy, within given bounds.
    ///
    /// # Errors
    /// As [`Recorder::proxy`].
    pub async fn proxy_within(config: ProxyConfig, limits: Limits) -> Result<Self, RecorderError> {
        let begun = Begun::new(config.out, config.known_secrets, config.until_idle, limits);
        let (mut sinks, mut hosts) = (Vec::<Sink>::new(), Vec::new());
        for ProxyHost { pattern, action } in config.hosts {
            let treatment = match action {
                HostAction::Record { provider, flow } => {
                    let is_it = |sink: &&Sink| sink.name().provider == provider && sink.name().flow == flow;
                    let (journal, log) = match sinks.iter().find(is_it) {
                        Some(known) => known.ends(),
                        None => {
                            let sink = begun.sink(&provider, &flow)?;
                            let ends = sink.ends();
                            sinks.push(sink);
                            ends
                        }
                    };
                    Treatment::Record { journal, log }
                }
                HostAction::ForwardTo { base } => {
                    Treatment::ForwardTo(Upstream::of(&base).map_err(RecorderError::Upstream)?)
                }
            };
            hosts.push((pattern, treatment));
        }
        // Who sends everything elsewhere, without TLS, needs nobody to be trusted.
        let roots = match clients::roots(&config.additional_roots) {
            Err(source) if !sinks.is_empty() => return Err(certificates(source)),
            roots => roots.unwrap_or_else(|_| RootCertStore::empty()),
        };
        let (listener, address) = listen(config.listen).await?;
        tracing::info!(%address, hosts = hosts.len(), "recording as a forward proxy");
        let apart = Pulse::new(begun.clock, begun.limits.clone());
        let log = LogPolicy {
            profile: ProviderProfile::unknown("unrecorded"),
            known_secrets: begun.known_secrets.clone(),
        };
        let proxy = Proxy {
            address,
            hosts,
            others: config.others,
            interception: Interception::new(config.authority),
            unrecorded: Journal::of_nothing(&apart),
            log: Arc::new(log),
            routes: Mutex::default(),
        };
        begun.serve(listener, address, Door::Proxy(Box::new(proxy)), roots, sinks)
    }

    /// Where the integration is to call.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many exchanges have ended so far and will be kept.
    #[must_use]
    pub fn captured(&self) -> usize {
        self.sinks.iter().map(|sink| sink.journal.captured()).sum()
    }

    /// What passed so far that no fixture shows.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.tally.so_far()
    }

    /// Resolves when at least one exchange was captured, none is in flight, and none began or ended for the
    /// configured `until_idle`; never, where that is not set.
    pub async fn idle(&self) {
        match self.until_idle {
            Some(quiet) => self.pulse.idle(quiet).await,
            None => std::future::pending().await,
        }
    }

    /// Ends the recording and keeps its fixtures. Exchanges in flight may end within [`Limits::drain`]; one
    /// that does not is kept as far as it came, as if its client had gone away.
    pub async fn finish(self) -> Finished {
        self.phase.send_replace(Phase::Stopping);
        if let Err(error) = self.server.await {
            tracing::warn!(%error, "the recorder's server ended badly; what it captured is kept");
        }
        // Files are written on this thread: nothing of the recorder is running any more that could wait.
        let keep = |sink: &Sink| sink.keep(self.clock, &self.known_secrets);
        Finished { recordings: self.sinks.iter().map(keep).collect(), traffic: self.tally.so_far() }
    }
}

/// The ways through a reverse proxy, all into one fixture.
fn routes_of(upstream: Option<Upstream>, webhooks: Vec<WebhookRoute>, sink: &Sink) -> Routes {
    let route = |upstream: Upstream, webhooks: Option<WebhookRoute>| {
        let (journal, log) = sink.ends();
        let reached = if webhooks.is_some() { Reached::InItsOwnName } else { Reached::AtRecorder };
        Arc::new(Route { upstream, webhooks, journal, reached, log })
    };
    if let Some(upstream) = &upstream {
        sink.journal.goes_on_to(upstream);
    }
    let webhooks = webhooks.into_iter().map(|one| route(one.integration().clone(), Some(one))).collect();
    Routes { webhooks, upstream: upstream.map(|upstream| route(upstream, None)) }
}

pub(crate) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), RecorderError> {
    let problem = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => RecorderError::AddressInUse { address },
        _ => RecorderError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(problem)?;
    let bound = listener.local_addr().map_err(problem)?;
    Ok((listener, bound))
}
