//! Everything that must outlive the process: connections, runs, the destination, the audit trail, alerts and holds.
//!
//! The rest of the runtime sees coarse operations, each one transaction that is on the disk before its future resolves;
//! no SQL leaves this folder. Each is written once, over a [`sql::Session`], and runs on SQLite (`sqlite`: one writer
//! thread, WAL, `synchronous=FULL`) or PostgreSQL (`postgres`), which several processes may share. The way of a run:
//! `accept` makes it durable, `claims` gives it to a worker under a lease, `steps` commits what a step led to if the
//! claim is still good, `holds` keeps what cannot go on. It knows nothing of HTTP or of what the integration does.

mod accept;
mod claims;
#[cfg(test)]
mod conformance;
mod connections;
mod documents;
mod events;
mod holds;
mod hooks;
mod housekeeping;
mod messages;
mod postgres;
mod probes;
mod runs;
mod schema;
mod sql;
mod sqlite;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rusqlite::TransactionBehavior;
use tokio::sync::Notify;

pub(crate) use self::accept::{Accepted, Delivery, HookAudit, HookCounts, HookEvent, HookWork, Order};
pub(crate) use self::claims::Claimed;
pub(crate) use self::connections::{ConnectionView, NewConnection, PutConnection};
pub(crate) use self::documents::{DeliveryView, Document, Protocol};
pub(crate) use self::events::{EventEffect, EventOutcome};
pub(crate) use self::holds::{Hold, HoldView, Release, ReleaseScope, Settled};
pub(crate) use self::hooks::{AppConfig, HookConfig, Proof};
pub(crate) use self::messages::{MessageView, Record};
use self::postgres::{Postgres, RefusedServer};
pub(crate) use self::probes::{AlertView, AuditView, QueueView, RunView};
pub(crate) use self::runs::{Claim, Lease, Task};
pub use self::schema::Synchronous;
pub use self::sql::DatabaseError;
use self::sql::{Session, values};
use self::sqlite::{Sqlite, SqliteSession};
pub(crate) use self::steps::{Alert, AuditRow, PageCommit, RetryCommit, RetryCost, RunHold, TokensCommit};
use crate::config::RuntimeConfig;
use crate::crash::{Boundary, Crash};
use crate::credentials::{Sealed, Vault};
use crate::plants::{Plant, Plants};

/// What a caller of the store may meet.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The runtime is stopping; nothing more is stored.
    #[error("the store is closed: the runtime is stopping; try again once it has been started")]
    Closed,
    /// The work was given to another worker meanwhile: what this one did is not taken.
    #[error("the claim is no longer good: another worker has taken the run over")]
    Stale,
    /// The database refused: a full disk, a damaged file, a server that is gone.
    #[error("the database refused: {0}; check its free space, its permissions, and that it runs")]
    Database(Arc<DatabaseError>),
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Why a data directory or a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("another runtime is using it; stop that one, or name another data directory")]
    InUse,
    #[error(
        "the database is of schema version {found}, this build knows up to {known}; use the newer build that wrote it"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("the key file {path} is missing, but encrypted credentials exist; restore it from your backup")]
    KeyMissing { path: PathBuf },
    #[error("the key file {path} {source}")]
    Key { path: PathBuf, source: crate::credentials::KeyError },
    #[error(
        "the key file {path} is not the one that the stored credentials were encrypted with; restore that one"
    )]
    WrongKey { path: PathBuf },
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Server(#[from] RefusedServer),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
}

#[derive(Debug, Clone)]
enum Database {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

/// What every process that shares a database can open. No connection is called so.
const KEY_CHECK: &str = "//";

/// A handle on the store of one runtime.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Database,
    plants: Plants,
    /// Who claims by this handle; another process has another name.
    worker: String,
    lease: SignedDuration,
    /// So many runs may be unfinished; more are not accepted.
    pub(crate) most_unfinished: i64,
    /// So many deliveries share a commit at most.
    pub(crate) most_per_commit: usize,
    /// Unfinished runs; with several processes as of the last count.
    backlog: Arc<AtomicI64>,
}

impl Store {
    /// Opens the store, making or migrating what is there, and its vault. What is this process's alone is taken up at
    /// once.
    pub(crate) async fn open(
        config: &RuntimeConfig,
        plants: Plants,
        crash: Crash,
        now: Timestamp,
    ) -> Result<(Self, Vault), OpenError> {
        let data_dir = &config.data_dir;
        create_private(data_dir).map_err(at(data_dir))?;
        let lease = config.lease;
        let worker = crate::identity::random_name();
        let most_unfinished = i64::from(config.most_unfinished);
        let store = |database| Self {
            database,
            plants: plants.clone(),
            worker,
            lease,
            most_unfinished,
            most_per_commit: config.most_per_commit,
            backlog: Arc::default(),
        };
        let store = match &config.database {
            None => store(Database::Sqlite(Arc::new(open_sqlite(config, &plants, crash, now)?))),
            Some(url) => {
                let postgres = Postgres::connect(url, crash).await?;
                schema::migrate_postgres(&postgres).await?;
                store(Database::Postgres(Arc::new(postgres)))
            }
        };
        match store.begin(data_dir).await {
            Ok(vault) => Ok((store, vault)),
            Err(error) => {
                // Its lock is free when the error is told.
                store.close().await;
                Err(error)
            }
        }
    }

    /// Closes the database; every later operation is answered with [`StoreError::Closed`].
    pub(crate) async fn close(&self) {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.close().await,
            Database::Postgres(postgres) => postgres.close(),
        }
    }

    /// How long a worker that is not heard of keeps its work.
    pub(crate) fn lease(&self) -> SignedDuration {
        self.lease
    }

    /// Whether other processes work on the same database.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// A part of `most` that is this process's own, so that those that share a store do not all ask at once.
    pub(crate) fn jitter(&self, most: SignedDuration) -> SignedDuration {
        let byte = u8::from_str_radix(self.worker.get(..2).unwrap_or_default(), 16).unwrap_or_default();
        most * i32::from(byte) / 256
    }

    /// Tells the other processes that there is work; they find it by themselves too, only later.
    pub(crate) async fn tell_others(&self) {
        if let Database::Postgres(postgres) = &self.database {
            let _ = postgres.tell().await;
        }
    }

    /// Rings `bell` when another process tells of work. Returns when it cannot listen any more.
    pub(crate) async fn listen(&self, bell: &Notify) -> Result<(), StoreError> {
        match &self.database {
            Database::Sqlite(_) => std::future::pending().await,
            Database::Postgres(postgres) => Ok(postgres.listen(bell).await?),
        }
    }

    /// How many runs are unfinished, as far as this process knows.
    pub(crate) fn backlog(&self) -> i64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Notes that a run is over; held work that follows it is unfinished again.
    async fn one_is_over(&self, brings_more: bool) {
        self.add_to_backlog(-1);
        if brings_more {
            // What the run came to is committed. A count that fails is made good by the next.
            let _ = self.recount().await;
        }
    }

    fn add_to_backlog(&self, runs: i64) {
        self.backlog.fetch_add(runs, Ordering::Relaxed);
    }

    /// Runs `operation` in a transaction and commits it.
    async fn write<T: Send + 'static>(
        &self,
        boundary: Boundary,
        operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.write(boundary, operation).await,
            Database::Postgres(postgres) => postgres.transact(boundary, operation).await,
        }
    }

    /// Runs `operation`, which changes nothing.
    async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.read(operation).await,
            Database::Postgres(postgres) => postgres.transact(Boundary::Unnamed, operation).await,
        }
    }

    fn has(&self, plant: Plant) -> bool {
        self.plants.has(plant)
    }

    async fn begin(&self, data_dir: &Path) -> Result<Vault, OpenError> {
        let vault = self.open_vault(data_dir).await?;
        if self.is_shared() && !self.shares_key(&vault).await? {
            return Err(OpenError::WrongKey { path: Vault::key_path(data_dir) });
        }
        self.recount().await?;
        Ok(vault)
    }

    /// Whether all that work on the database have the same key. The first leaves something to try it on.
    async fn shares_key(&self, vault: &Vault) -> Result<bool, StoreError> {
        let mine = vault.seal_hook_secret(KEY_CHECK, KEY_CHECK).map(|sealed| sealed.0);
        let first = self
            .write(Boundary::Unnamed, move |session| {
                let sql = "UPDATE schema_version SET key_check = ?1 WHERE key_check IS NULL";
                session.execute(sql, &values![mine])?;
                let row = session.query_row("SELECT key_check FROM schema_version", &[])?;
                Ok(row.map(|row| row.blob("key_check")).transpose()?)
            })
            .await?;
        Ok(first.is_some_and(|sealed| vault.open_hook_secret(KEY_CHECK, &Sealed(sealed)).is_some()))
    }

    async fn open_vault(&self, data_dir: &Path) -> Result<Vault, OpenError> {
        let path = Vault::key_path(data_dir);
        let sample = self.any_sealed().await?;
        // A missing key must not be made anew: what was sealed with it would be lost without a word.
        if sample.is_some() && !path.exists() {
            return Err(OpenError::KeyMissing { path });
        }
        let vault = Vault::open_or_create(data_dir)
            .map_err(|source| OpenError::Key { path: path.clone(), source })?;
        match sample {
            Some((lane, sealed)) if vault.open(&lane, &sealed).is_none() => Err(OpenError::WrongKey { path }),
            _ => Ok(vault),
        }
    }
}

fn open_sqlite(
    config: &RuntimeConfig,
    plants: &Plants,
    crash: Crash,
    now: Timestamp,
) -> Result<Sqlite, OpenError> {
    let data_dir = &config.data_dir;
    let lock_path = data_dir.join("lock");
    let lock = std::fs::File::create(&lock_path).map_err(at(&lock_path))?;
    lock.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => OpenError::InUse,
        std::fs::TryLockError::Error(source) => at(&lock_path)(source),
    })?;
    let path = data_dir.join("runtime.db");
    let mut database = schema::open(&path, config.synchronous)?;
    schema::keep_destination_key(&database, plants)?;
    // Nobody else works here: whatever is claimed was claimed by a process that is gone.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    claims::recover(&mut SqliteSession::new(&transaction), plants, now)?;
    transaction.commit()?;
    Sqlite::start(&path, database, lock, crash, config.most_per_commit).map_err(at(data_dir))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError + use<> {
    let path = path.to_path_buf();
    move |source| OpenError::Io { path, source }
}

/// Makes the folder, for its owner alone: customers' messages lie in it. One that is there stays as it is.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// An instant as the columns in microseconds hold it.
fn micros(instant: Timestamp) -> i64 {
    instant.as_microsecond()
}

/// And back; what no instant can be is the last one.
fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// Reads a column that holds an instant or NULL. Where nothing is computed with them, instants are RFC 3339 text.
fn instant(row: &sql::Row, column: &str) -> Result<Option<Timestamp>, DatabaseError> {
    let unreadable = || DatabaseError::Column { column: column.to_owned(), expected: "an instant" };
    row.optional_text(column)?.map(|text| text.parse().map_err(|_| unreadable())).transpose()
}
