//! A recording from its start to the fixture that it leaves.

use crate::clock::Clock;
use crate::config::{Limits, RecorderConfig};
use crate::forward::{Forwarder, LogPolicy};
use crate::journal::Journal;
use crate::server::{Phase, serve};
use crate::store::{Destination, Evidence, LeftSecret, Recording, keep};
use crate::upstream::Upstream;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{DocumentError, FixtureError, FixtureRef, Library};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How many findings an error message lists.
const MAX_FINDINGS_SHOWN: usize = 20;

/// A recording that cannot start, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The names make no fixture.
    #[error("{0}")]
    Name(String),
    /// The upstream's URI cannot be used.
    #[error("the upstream {0}")]
    Upstream(String),
    /// The provider's profile is there and cannot be used.
    #[error(transparent)]
    Profile(DocumentError),
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
    /// The search of what was about to be kept found secrets, so nothing was kept.
    #[error("{fixture} would hold what looks secret, so nothing was written:{}\nname each field in {profile} under `secrets.fields` (or `secrets.headers`), or, where it is harmless, under `identifiers`; then record again", shown(findings), profile = profile.display())]
    SecretLeft {
        /// `provider/flow`.
        fixture: String,
        /// The profile in which the fields are to be named.
        profile: PathBuf,
        /// Where the secrets were.
        findings: Vec<LeftSecret>,
    },
    /// The fixture cannot be written, or what was written cannot be read.
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    /// The file system said no.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

fn shown(findings: &[LeftSecret]) -> String {
    let mut out: String =
        findings.iter().take(MAX_FINDINGS_SHOWN).map(|finding| format!("\n  {finding}")).collect();
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_FINDINGS_SHOWN) {
        out.push_str(&format!("\n  and {more} more"));
    }
    out
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
        if name.flow == "provider" {
            let message =
                "a flow cannot be called `provider`: provider.yaml is the profile; call it otherwise";
            return Err(RecorderError::Name(message.to_owned()));
        }
        let upstream = Upstream::of(&config.upstream).map_err(RecorderError::Upstream)?;
        let library = Library::new(config.out);
        let profile = library.profile(&name.provider).map_err(RecorderError::Profile)?;
        let (listener, address) = listen(config.listen).await?;

        let journal = Journal::new(Clock::start(), limits.clone());
        let log = LogPolicy { profile: profile.clone(), known_secrets: config.known_secrets.clone() };
        let forwarder = Forwarder::new(upstream.clone(), Arc::clone(&journal), address, limits.connect, log)
            .map_err(|source| RecorderError::Certificates { source })?;
        let (phase, phases) = watch::channel(Phase::Recording);
        let server = tokio::spawn(serve(listener, Arc::new(forwarder), phases, limits));
        tracing::info!(%address, %upstream, fixture = %name, "recording");
        Ok(Self {
            address,
            destination: Destination { library, name, profile },
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
    /// [`RecorderError::NothingCaptured`], [`RecorderError::SecretLeft`], or what the file system says; an
    /// older fixture of the name is untouched then.
    pub async fn finish(self) -> Result<Recording, RecorderError> {
        self.phase.send_replace(Phase::Stopping);
        if let Err(error) = self.server.await {
            tracing::warn!(%error, "the recorder's server ended badly; what it captured is kept");
        }
        let evidence = Evidence {
            captures: self.journal.take(),
            at: self.journal.clock.started_at,
            upstream: self.upstream.to_string(),
        };
        // Files are written on this thread: nothing of the recorder is running any more that could wait.
        keep(evidence, &self.destination, &self.known_secrets)
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), RecorderError> {
    let problem = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => RecorderError::AddressInUse { address },
        _ => RecorderError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(problem)?;
    let bound = listener.local_addr().map_err(problem)?;
    Ok((listener, bound))
}
