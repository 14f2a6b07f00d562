//! A recording from its start to the fixture that it leaves.

use crate::clock::Clock;
use crate::config::{Limits, RecorderConfig};
use crate::forward::{Forwarder, LogPolicy};
use crate::journal::{Captures, Journal};
use crate::route::Route;
use crate::server::{Phase, serve};
use crate::upstream::Upstream;
use counterpart_exchange::keep::{Destination, KeepError, Kept, keep, keep_after};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Direction, Exchange, Fixture, FixtureRef, Library, Provenance, Recorded};
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

/// What a recording left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The fixture.
    pub kept: Kept,
    /// How many exchanges were passed on and not kept, beyond the bounds.
    pub not_kept: usize,
}

/// A recording under way. Dropped without [`Recorder::finish`], it forgets what it captured.
pub struct Recorder {
    address: SocketAddr,
    destination: Destination,
    upstream: Upstream,
    known_secrets: Vec<KnownSecret>,
    until_idle: Option<Duration>,
    journal: Arc<Journal>,
    phase: watch::Sender<Phase>,
    server: JoinHandle<()>,
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
        let name: FixtureRef =
            format!("{}/{}", config.provider, config.flow).parse().map_err(RecorderError::Name)?;
        let upstream = Upstream::of(&config.upstream).map_err(RecorderError::Upstream)?;
        let destination = Destination::new(Library::new(config.out), name).map_err(RecorderError::Keep)?;
        let (listener, address) = listen(config.listen).await?;

        let journal = Journal::new(Clock::start(), limits.clone());
        let log =
            LogPolicy { profile: destination.profile().clone(), known_secrets: config.known_secrets.clone() };
        let route = Route {
            upstream: upstream.clone(),
            direction: Direction::Outbound,
            journal: Arc::clone(&journal),
        };
        let forwarder = Forwarder::new(route, address, limits.connect, log)
            .map_err(|source| RecorderError::Certificates { source })?;
        let (phase, phases) = watch::channel(Phase::Recording);
        let server = tokio::spawn(serve(listener, Arc::new(forwarder), phases, limits));
        tracing::info!(%address, %upstream, fixture = %destination.name(), "recording");
        Ok(Self {
            address,
            destination,
            upstream,
            known_secrets: config.known_secrets,
            until_idle: config.until_idle,
            journal,
            phase,
            server,
        })
    }

    /// Where the integration is to call.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many exchanges have ended so far and will be kept.
    #[must_use]
    pub fn captured(&self) -> usize {
        self.journal.captured()
    }

    /// Resolves when at least one exchange was captured, none is in flight, and none began or ended for the
    /// configured `until_idle`; never, where that is not set.
    pub async fn idle(&self) {
        match self.until_idle {
            Some(quiet) => self.journal.idle(quiet).await,
            None => std::future::pending().await,
        }
    }

    /// Ends the recording and keeps its fixture. Exchanges in flight may end within [`Limits::drain`]; one
    /// that does not is kept as far as it came, as if its client had gone away.
    ///
    /// # Errors
    /// [`RecorderError::NothingCaptured`], or [`RecorderError::Keep`] with what is in the way; an older fixture of the name is untouched then.
    pub async fn finish(self) -> Result<Recording, RecorderError> {
        let stopped = self.stop().await?;
        let provenance = Provenance::Recorded(Recorded {
            at: stopped.journal.clock.started_at,
            upstream: stopped.upstream.to_string(),
            by: format!("counterpart {}", env!("CARGO_PKG_VERSION")),
            server: None,
        });
        stopped.kept(|exchanges, destination, known| keep(exchanges, provenance, destination, known))
    }

    /// Ends the recording and adds what was captured to a fixture of the same name, as it was read from its file. What
    /// is there stays, ids and placeholders included.
    ///
    /// # Errors
    /// As [`Recorder::finish`].
    pub async fn finish_after(self, earlier: Fixture) -> Result<Recording, RecorderError> {
        self.stop()
            .await?
            .kept(|exchanges, destination, known| keep_after(earlier, exchanges, destination, known))
    }

    /// Lets what is in flight end, and gives what was captured.
    async fn stop(self) -> Result<Stopped, RecorderError> {
        self.phase.send_replace(Phase::Stopping);
        if let Err(error) = self.server.await {
            tracing::warn!(%error, "the recorder's server ended badly; what it captured is kept");
        }
        let captures = self.journal.take();
        if captures.exchanges.is_empty() {
            return Err(RecorderError::NothingCaptured { fixture: self.destination.name().to_string() });
        }
        let Self { destination, upstream, known_secrets, journal, .. } = self;
        Ok(Stopped { captures, destination, upstream, known_secrets, journal })
    }
}

/// A recording that ended and is to be kept.
struct Stopped {
    captures: Captures,
    destination: Destination,
    upstream: Upstream,
    known_secrets: Vec<KnownSecret>,
    journal: Arc<Journal>,
}

impl Stopped {
    /// Files are written on this thread: nothing of the recorder is running any more that could wait.
    fn kept(
        self,
        keep: impl FnOnce(Vec<Exchange>, &Destination, &[KnownSecret]) -> Result<Kept, KeepError>,
    ) -> Result<Recording, RecorderError> {
        let Captures { exchanges, not_kept } = self.captures;
        let kept = keep(exchanges, &self.destination, &self.known_secrets).map_err(RecorderError::Keep)?;
        Ok(Recording { kept, not_kept })
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
