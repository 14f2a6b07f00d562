//! The tables, and how an older database becomes one of today's.

use std::path::Path;

use rusqlite::Connection;

use super::OpenError;
use crate::plants::{Plant, Plants};

/// Each brings the schema from the version of its place to the next; never edited once released, only added to.
const MIGRATIONS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &str = "
CREATE TABLE connections (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    sealed BLOB NOT NULL,
    access_token_expires_at TEXT,
    max_requests_per_second REAL,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused')),
    -- Grows with each change of the credentials, so that what was decided on old ones is not done to new ones.
    generation INTEGER NOT NULL,
    PRIMARY KEY (tenant, connection)
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    room TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'held')),
    requested_at TEXT NOT NULL,
    finished_at TEXT,
    detail TEXT,
    imported INTEGER NOT NULL DEFAULT 0,
    held_records INTEGER NOT NULL DEFAULT 0,
    failed_attempts INTEGER NOT NULL DEFAULT 0,
    -- Where the run stands, so that any process can take its next step.
    room_id TEXT,
    cursor TEXT,
    pages INTEGER NOT NULL DEFAULT 0,
    -- Which credentials the provider called expired; a refresh comes next as long as they are in use.
    expired_generation INTEGER,
    refreshes_in_a_row INTEGER NOT NULL DEFAULT 0,
    failures_in_a_row INTEGER NOT NULL DEFAULT 0,
    rate_limits_in_a_row INTEGER NOT NULL DEFAULT 0,
    calls_in_vain INTEGER NOT NULL DEFAULT 0,
    not_before TEXT,
    FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, connection)
) STRICT;
CREATE INDEX runs_of_tenant ON runs (tenant, id);
CREATE INDEX runs_unfinished ON runs (tenant, connection, id) WHERE state IN ('queued', 'running', 'waiting');

CREATE TABLE messages (
    tenant TEXT NOT NULL,
    event_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_in_order ON messages (tenant, sent_at_ms, event_id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    operation TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status INTEGER,
    outcome TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX audit_of_tenant ON audit (tenant, id);

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    kind TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_of_tenant ON alerts (tenant, id);

CREATE TABLE holds (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    reason TEXT NOT NULL,
    key TEXT,
    detail TEXT NOT NULL,
    payload TEXT
) STRICT;
CREATE INDEX holds_of_tenant ON holds (tenant, id);
";

const VERSION_2: &str = "
-- Where the pages of unfinished runs began: one that leads back to one of these never ends.
CREATE TABLE cursors (
    run INTEGER NOT NULL REFERENCES runs (id),
    cursor TEXT NOT NULL,
    PRIMARY KEY (run, cursor)
) STRICT, WITHOUT ROWID;
ALTER TABLE runs ADD COLUMN begun_anew INTEGER NOT NULL DEFAULT 0;
-- The only authority that calls trust; NULL for the system's.
ALTER TABLE connections ADD COLUMN ca_pem TEXT;

-- What a run of the relay is to deliver; it is in the destination once the provider has confirmed it.
CREATE TABLE documents (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    protocol TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Where the document can be read back, if it is to be.
    confirm TEXT,
    delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE deliveries (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    reference TEXT NOT NULL,
    protocol TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, reference)
) STRICT;
";

/// Webhooks: what came in by one belongs to no run.
const VERSION_3: &str = "
CREATE TABLE hook_configs (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    scheme TEXT NOT NULL,
    sealed BLOB NOT NULL,
    account TEXT NOT NULL,
    url TEXT,
    PRIMARY KEY (tenant, connection),
    FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, connection)
) STRICT;

CREATE TABLE hook_events (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    id TEXT NOT NULL,
    -- SHA-256 of the event as it came.
    digest BLOB NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, id)
) STRICT, WITHOUT ROWID;

-- When what a record says was true, in microseconds; NULL where nobody said.
ALTER TABLE messages ADD COLUMN as_of_us INTEGER;

ALTER TABLE audit RENAME TO audit_1;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run INTEGER REFERENCES runs (id),
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    operation TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status INTEGER,
    outcome TEXT NOT NULL,
    detail TEXT
) STRICT;
INSERT INTO audit SELECT * FROM audit_1;
DROP TABLE audit_1;
CREATE INDEX audit_of_tenant ON audit (tenant, id);

ALTER TABLE alerts RENAME TO alerts_1;
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run INTEGER REFERENCES runs (id),
    kind TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
INSERT INTO alerts SELECT * FROM alerts_1;
DROP TABLE alerts_1;
CREATE INDEX alerts_of_tenant ON alerts (tenant, id);

ALTER TABLE holds RENAME TO holds_1;
CREATE TABLE holds (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run INTEGER REFERENCES runs (id),
    reason TEXT NOT NULL,
    key TEXT,
    detail TEXT NOT NULL,
    payload TEXT
) STRICT;
INSERT INTO holds SELECT * FROM holds_1;
DROP TABLE holds_1;
CREATE INDEX holds_of_tenant ON holds (tenant, id);
";

/// Opens the database file and brings it to today's schema.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let mut database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut database)?;
    Ok(database)
}

fn migrate(database: &mut Connection) -> Result<(), OpenError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if !(0..=known).contains(&found) {
        return Err(OpenError::NewerSchema { found, known });
    }
    for (version, migration) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let transaction = database.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Keeps the destination's unique key, which the upserts rest on.
pub(super) fn keep_destination_key(database: &Connection, plants: &Plants) -> rusqlite::Result<()> {
    if plants.has(Plant::InsertNotUpsert) || plants.has(Plant::WebhookNotDeduplicated) {
        return database.execute_batch("DROP INDEX IF EXISTS messages_key");
    }
    database.execute_batch("CREATE UNIQUE INDEX IF NOT EXISTS messages_key ON messages (tenant, event_id)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_newer_build_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runtime.db");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { found: 99, known: 3 }), "{error}");
        let version: i64 =
            Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn opening_again_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runtime.db");
        drop(open(&path).unwrap());
        let database = open(&path).unwrap();
        let (mode, synchronous): (String, i64) = (
            database.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap(),
            database.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap(),
        );
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }
}
