//! Everything that must outlive the process: connections, runs, the destination, the audit trail, alerts and holds.
//!
//! SQLite behind one writer thread. The rest of the runtime sees coarse operations, each one transaction that is on
//! the disk (WAL, `synchronous=FULL`) before its future resolves; no SQL leaves this folder. It knows nothing of
//! HTTP or of what the integration does.

mod connections;
mod documents;
mod hooks;
mod outcomes;
mod probes;
mod runs;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, Transaction};

pub(crate) use self::connections::{ConnectionView, NewConnection, PutConnection};
pub(crate) use self::documents::{DeliveryView, Document, Protocol};
pub(crate) use self::hooks::{EventCommit, HookAudit, HookConfig, HookEffect};
pub(crate) use self::outcomes::{
    Alert, AuditRow, Hold, PageCommit, Record, RetryCommit, RetryCost, RunHold, TokensCommit,
};
pub(crate) use self::probes::{AlertView, AuditView, HoldView, MessageView, RunView};
pub(crate) use self::runs::{Accepted, Claim, Claimed, Order};
use self::writer::Writer;
use crate::credentials::Vault;
use crate::plants::{Plant, Plants};

/// What a caller of the store may meet.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The runtime is stopping; nothing more is stored.
    #[error("the store is closed: the runtime is stopping; try again once it has been started")]
    Closed,
    /// SQLite refused: a full disk, a damaged file.
    #[error("the database refused: {0}; check the disk's free space and the data directory's permissions")]
    Database(#[from] rusqlite::Error),
}

/// Why a data directory cannot be used.
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
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A handle on the store of one runtime.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    writer: Arc<Writer>,
    plants: Plants,
}

impl Store {
    /// Opens the data directory, making or migrating what is there, and its vault.
    pub(crate) fn open(data_dir: &Path, plants: Plants) -> Result<(Self, Vault), OpenError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OpenError::Io { path, source }
        };
        create_private(data_dir).map_err(at(data_dir))?;
        let lock_path = data_dir.join("lock");
        let lock = std::fs::File::create(&lock_path).map_err(at(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => OpenError::InUse,
            std::fs::TryLockError::Error(source) => at(&lock_path)(source),
        })?;

        let mut database = schema::open(&data_dir.join("runtime.db"))?;
        schema::keep_destination_key(&database, &plants)?;
        let vault = open_vault(data_dir, &database)?;
        runs::recover(&mut database, &plants)?;
        let writer = Writer::start(database, lock).map_err(at(data_dir))?;
        Ok((Self { writer: Arc::new(writer), plants }, vault))
    }

    /// Closes the database; every later operation is answered with [`StoreError::Closed`].
    pub(crate) async fn close(&self) {
        self.writer.close().await;
    }

    /// Runs `operation` in a transaction and commits it.
    async fn transact<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.transact(operation).await
    }

    fn has(&self, plant: Plant) -> bool {
        self.plants.has(plant)
    }
}

/// Makes the folder, for its owner alone: customers' messages lie in it. One that is there stays as it is.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_vault(data_dir: &Path, database: &rusqlite::Connection) -> Result<Vault, OpenError> {
    let path = Vault::key_path(data_dir);
    let sample = connections::any_sealed(database)?;
    // A missing key must not be made anew: what was sealed with it would be lost without a word.
    if sample.is_some() && !path.exists() {
        return Err(OpenError::KeyMissing { path });
    }
    let vault =
        Vault::open_or_create(data_dir).map_err(|source| OpenError::Key { path: path.clone(), source })?;
    match sample {
        Some((lane, sealed)) if vault.open(&lane, &sealed).is_none() => Err(OpenError::WrongKey { path }),
        _ => Ok(vault),
    }
}

/// Reads a column that holds an instant or NULL. Instants are stored as RFC 3339 text, to the nanosecond.
fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    let unreadable =
        |error: jiff::Error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
    text.map(|text| text.parse().map_err(unreadable)).transpose()
}
