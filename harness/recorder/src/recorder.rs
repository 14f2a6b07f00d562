//! A recording from its start to the fixture that it leaves.

use crate::clock::Clock;
use crate::config::{Limits, RecorderConfig};
use crate::forward::Forwarder;
use crate::pulse::Pulse;
use crate::route::{Reached, Route};
use crate::server::{Phase, serve};
use crate::sink::Sink;
use crate::upstream::Upstream;
use counterpart_exchange::keep::{KeepError, Kept};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Direction, FixtureRef, Library};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
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
        "nothing was captured for {fixture}, so nothing was written; point the integration's base URL at the recorder's address"
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
}

/// A recording under way. Dropped without [`Recorder::finish`], it forgets what it captured.
pub struct Recorder {
    address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) known_secrets: Vec<KnownSecret>,
    until_idle: Option<Duration>,
    pulse: Arc<Pulse>,
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
        let upstream = Upstream::of(&config.upstream).map_err(RecorderError::Upstream)?;
        let clock = Clock::start();
        let pulse = Pulse::new(clock, limits.clone());
        let library = Library::new(config.out);
        let known_secrets = config.known_secrets;
        let sink = Sink::new(&library, &config.provider, &config.flow, &known_secrets, &pulse)?;
        let (listener, address) = listen(config.listen).await?;

        sink.journal.goes_on_to(&upstream);
        tracing::info!(%address, %upstream, fixture = %sink.name(), "recording");
        let route = Route {
            upstream,
            direction: Direction::Outbound,
            journal: Arc::clone(&sink.journal),
            reached: Reached::AtRecorder,
            log: Arc::clone(&sink.log),
        };
        let forwarder = Forwarder::new(&route.upstream, address, limits.connect)
            .map_err(|source| RecorderError::Certificates { source })?;
        let (phase, phases) = watch::channel(Phase::Recording);
        let server = tokio::spawn(serve(listener, Arc::new(forwarder), Arc::new(route), phases, limits));
        let until_idle = config.until_idle;
        Ok(Self { address, clock, sinks: vec![sink], known_secrets, until_idle, pulse, phase, server })
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
        Finished { recordings: self.sinks.iter().map(keep).collect() }
    }
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
