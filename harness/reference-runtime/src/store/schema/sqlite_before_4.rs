//! The schema of versions 1 to 3, which were of SQLite alone, and the way from there to version 4.
//!
//! Never edited: databases of those versions are out there.

pub(super) const VERSION_1: &str = "
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

pub(super) const VERSION_2: &str = "
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
pub(super) const VERSION_3: &str = "
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

/// Before the tables of version 4 are made: those of version 3 step aside.
pub(super) const STEP_ASIDE: &str = "
DROP INDEX IF EXISTS messages_key;
DROP INDEX runs_of_tenant;
DROP INDEX runs_unfinished;
DROP INDEX messages_in_order;
DROP INDEX audit_of_tenant;
DROP INDEX alerts_of_tenant;
DROP INDEX holds_of_tenant;
ALTER TABLE connections RENAME TO connections_3;
ALTER TABLE runs RENAME TO runs_3;
ALTER TABLE messages RENAME TO messages_3;
ALTER TABLE audit RENAME TO audit_3;
ALTER TABLE alerts RENAME TO alerts_3;
ALTER TABLE holds RENAME TO holds_3;
ALTER TABLE cursors RENAME TO cursors_3;
ALTER TABLE documents RENAME TO documents_3;
ALTER TABLE deliveries RENAME TO deliveries_3;
ALTER TABLE hook_configs RENAME TO hook_configs_3;
ALTER TABLE hook_events RENAME TO hook_events_3;
";

/// Afterwards: what they held moves in. An instant was a text; a wait is to the second from here on, and never shorter.
pub(super) const MOVE_IN: &str = "
INSERT INTO connections (tenant, connection, provider, base_url, sealed, access_token_expires_at,
                         max_requests_per_second, ca_pem, state, generation)
    SELECT tenant, connection, provider, base_url, sealed, access_token_expires_at,
           max_requests_per_second, ca_pem, state, generation FROM connections_3;
INSERT INTO runs (id, tenant, connection, kind, room, order_key, state, requested_at, finished_at, detail, ready_us, imported,
                  held_records, failed_attempts, room_id, cursor, pages, expired_generation, refreshes_in_a_row,
                  failures_in_a_row, rate_limits_in_a_row, calls_in_vain, begun_anew)
    SELECT id, tenant, connection,
           CASE WHEN EXISTS (SELECT 1 FROM documents_3 WHERE run = id) THEN 'delivery' ELSE 'import' END,
           room, '',
           CASE WHEN state IN ('succeeded', 'held') THEN state
                WHEN id = (SELECT min(id) FROM runs_3 AS first WHERE first.tenant = runs_3.tenant
                           AND first.connection = runs_3.connection AND first.state NOT IN ('succeeded', 'held'))
                THEN CASE state WHEN 'running' THEN 'queued' ELSE state END
                ELSE 'blocked' END,
           requested_at, finished_at, detail,
           CASE WHEN not_before IS NULL THEN 0 ELSE (CAST(strftime('%s', not_before) AS INTEGER) + 1) * 1000000 END,
           imported, held_records, failed_attempts, room_id, cursor, pages, expired_generation, refreshes_in_a_row,
           failures_in_a_row, rate_limits_in_a_row, calls_in_vain, begun_anew FROM runs_3;
INSERT INTO messages (tenant, event_id, room_id, sender, kind, body, sent_at_ms, as_of_us)
    SELECT tenant, event_id, room_id, sender, kind, body, sent_at_ms, as_of_us FROM messages_3 ORDER BY rowid;
INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, status, outcome, detail)
    SELECT at, run, tenant, connection, operation, method, path, attempt, status, outcome, detail
    FROM audit_3 ORDER BY id;
INSERT INTO alerts (at, tenant, run, kind, message) SELECT at, tenant, run, kind, message FROM alerts_3 ORDER BY id;
INSERT INTO holds (at, tenant, connection, run, reason, key, detail, payload, fingerprint, state)
    SELECT at, tenant, coalesce((SELECT connection FROM runs_3 WHERE runs_3.id = run), ''), run, reason, key, detail,
           payload, 'from-version-3', 'open'
    FROM holds_3 ORDER BY id;
INSERT INTO cursors SELECT run, cursor FROM cursors_3;
INSERT INTO documents (run, protocol, method, path, content_type, body, confirm, delivered)
    SELECT run, protocol, method, path, content_type, body, confirm, delivered FROM documents_3;
INSERT INTO deliveries SELECT tenant, connection, reference, protocol, method, path FROM deliveries_3;
INSERT INTO hook_configs (tenant, connection, format, scheme, sealed, account, url)
    SELECT tenant, connection, 'slack', scheme, sealed, account, url FROM hook_configs_3;
INSERT INTO hook_events (tenant, connection, id, digest, at_us)
    SELECT tenant, connection, id, digest, CAST(strftime('%s', at) AS INTEGER) * 1000000 FROM hook_events_3;
DROP TABLE hook_events_3;
DROP TABLE hook_configs_3;
DROP TABLE deliveries_3;
DROP TABLE documents_3;
DROP TABLE cursors_3;
DROP TABLE holds_3;
DROP TABLE alerts_3;
DROP TABLE audit_3;
DROP TABLE messages_3;
DROP TABLE runs_3;
DROP TABLE connections_3;
";
