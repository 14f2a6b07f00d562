//! A runtime from start to stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{Clock, bounded_in_real_time};
use crate::config::{ClockMode, RuntimeConfig};
use crate::crash::Crash;
use crate::http::{self, Cut, Lines};
use crate::journal::{About, Journal, Level};
use crate::outbound::Outbound;
use crate::plants::{Plant, Plants};
use crate::store::Store;
use crate::worker::{Context, Parts, Workers};

/// A client that holds a request back keeps a stop waiting no longer than this.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);

/// Why a runtime did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens there.
    #[error("cannot listen on {address}: it is in use; stop what listens there, or choose another port")]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Plants are for tests alone.
    #[error("the plant {plant} needs the test clock: a known bug must never run on real time")]
    PlantNeedsTestClock {
        /// The first plant that was asked for.
        plant: Plant,
    },
    /// Some plants take the destination's unique key away, which others may rely on.
    #[error("the plant {plant} needs SQLite: start it without a database")]
    PlantNeedsSqlite {
        /// The plant that was asked for.
        plant: Plant,
    },
    /// The data directory cannot be used: in use, of a newer version, its key missing or wrong, or not readable.
    #[error("cannot use the data directory {data_dir}: {reason}")]
    DataDir {
        /// The directory that was asked for.
        data_dir: PathBuf,
        /// What is wrong with it, and how to mend it.
        reason: String,
    },
    /// The database that was named cannot be used: not reachable, of a newer version, or not durable.
    #[error("cannot use the database: {reason}")]
    Database {
        /// What is wrong with it, and how to mend it.
        reason: String,
    },
    /// The process has no TLS implementation.
    #[error(
        "no TLS provider is installed; call rustls::crypto::aws_lc_rs::default_provider().install_default() first"
    )]
    TlsProviderMissing,
    /// The client for calls to providers cannot be built.
    #[error("cannot set up the HTTP client: {0}; check the system's certificates")]
    HttpClient(#[source] reqwest::Error),
}

/// A running integration runtime.
///
/// Dropping it stops its work at once; [`shutdown`](Self::shutdown) also waits until everything is closed, so that
/// the data directory can be used again. A stop is like a power cut: what is committed stays, and the next start
/// takes it up.
#[derive(Debug)]
pub struct Runtime {
    address: SocketAddr,
    workers: Arc<Workers>,
    drain: Duration,
    server: JoinHandle<()>,
    /// Dropping it tells the server to close.
    open: Option<watch::Sender<()>>,
    /// Ends its connections, which outlive the server.
    cut: Cut,
}

impl Runtime {
    /// Opens the data directory, takes up unfinished runs, and serves the HTTP API.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    pub async fn start(config: RuntimeConfig) -> Result<Self, StartError> {
        if let (ClockMode::Real, Some(plant)) = (config.clock, config.plants.first()) {
            return Err(StartError::PlantNeedsTestClock { plant: *plant });
        }
        let keyless = [Plant::InsertNotUpsert, Plant::WebhookNotDeduplicated];
        if let Some(plant) = keyless.iter().find(|plant| config.plants.contains(*plant))
            && config.database.is_some()
        {
            return Err(StartError::PlantNeedsSqlite { plant: *plant });
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(StartError::TlsProviderMissing);
        }
        let plants = Plants::new(config.plants.clone());
        let clock = Clock::new(config.clock);
        let outbound = Outbound::new(clock.clone(), plants.clone()).map_err(StartError::HttpClient)?;
        let (listener, address) = listen(config.listen).await?;
        let crash = Crash::new(config.crash);
        let opened = Store::open(&config, plants.clone(), crash.clone(), clock.now()).await;
        let (store, vault) = opened.map_err(|error| match &config.database {
            Some(_) => StartError::Database { reason: error.to_string() },
            None => StartError::DataDir { data_dir: config.data_dir.clone(), reason: error.to_string() },
        })?;
        let journal = Journal::new(clock.clone());
        journal.line(Level::Info, "started", About::Runtime, json!({}));
        let seed = config.seed;
        let parts = Parts { clock, store, vault, outbound, journal, plants, crash, seed };
        let workers = Workers::new(Context::new(parts));
        workers.start().await;

        let (open, mut closed) = watch::channel(());
        let cut = Cut::default();
        let lines = Lines { listener, cut: cut.clone() };
        let served = axum::serve(lines, http::router(Arc::clone(&workers)))
            .with_graceful_shutdown(async move { while closed.changed().await.is_ok() {} });
        let server = tokio::spawn(async move {
            // It ends without an error: a failing accept is tried again.
            let _ = served.await;
        });
        Ok(Self { address, workers, drain: config.drain, server, open: Some(open), cut })
    }

    /// The address it listens on, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops claiming work, waits for calls under way as long as the configuration says, closes the listener, then the
    /// store. What is dropped is given back, and made again by whoever claims it next.
    pub async fn shutdown(mut self) {
        self.workers.stop(self.drain).await;
        self.open = None;
        bounded_in_real_time(LONGEST_FAREWELL, &mut self.server).await;
        self.workers.context.store.close().await;
    }

    /// Ends it as a crash does, but waits until the data directory can be used again: no step comes to its end, no
    /// caller is told why, and no work is given back.
    pub async fn crash(mut self) {
        self.cut.now();
        self.workers.abort();
        self.server.abort();
        let _ = (&mut self.server).await;
        self.workers.context.store.close().await;
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.cut.now();
        self.workers.abort();
        self.server.abort();
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
        _ => StartError::Listen { address, source },
    })?;
    let taken = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
    Ok((listener, taken))
}
