//! Version 4: every unit of work is a run that is claimed under a lease, on either database.

/// All tables.
pub(super) const TABLES: &str = "
CREATE TABLE connections (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    sealed {blob} NOT NULL,
    access_token_expires_at TEXT,
    max_requests_per_second {real},
    -- The only authority that calls trust; NULL for the system's.
    ca_pem TEXT,
    -- Paused: its credential is useless. Halted: its work was held for the same reason again and again.
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'halted')),
    -- Grows with each change of the credentials, so that what was decided on old ones is not done to new ones.
    generation {int} NOT NULL,
    alert_after_failures {int} NOT NULL DEFAULT 3,
    outcome_deadline_s {int},
    -- How often in a row work was held, and for what.
    hold_streak {int} NOT NULL DEFAULT 0,
    hold_fingerprint TEXT,
    PRIMARY KEY (tenant, connection)
) {strict};

CREATE TABLE runs (
    id {id},
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- Not `kind IN (...)`: for a list SQLite makes a table each time a row is written. So below, too.
    kind TEXT NOT NULL CHECK (kind = 'import' OR kind = 'delivery' OR kind = 'event' OR kind = 'record'),
    -- What it is about: a room, the reference of a document, the id of an event, the key of a record.
    room TEXT NOT NULL,
    -- Runs of one connection and key go one after the other, in the order of their ids. NULL: whenever. One that is
    -- held holds those behind it up where the key begins with 'strict:', else it steps aside.
    order_key TEXT,
    -- Blocked: another of its key comes first. Parked: its connection is halted.
    state TEXT NOT NULL CHECK (state = 'queued' OR state = 'waiting' OR state = 'running' OR state = 'blocked'
        OR state = 'parked' OR state = 'succeeded' OR state = 'held' OR state = 'discarded'),
    requested_at TEXT NOT NULL,
    finished_at TEXT,
    finished_us {int},
    detail TEXT,
    -- From when on it may be claimed, in microseconds since 1970, as all columns that end so.
    ready_us {int} NOT NULL,
    -- Grows with each claim, so that what an earlier claim brings is refused.
    epoch {int} NOT NULL DEFAULT 0,
    worker TEXT,
    lease_us {int},
    -- How often in a row its worker was lost.
    lapses {int} NOT NULL DEFAULT 0,
    -- By when it should be done; NULL where nobody asked, and once that was told.
    deadline_us {int},
    -- A call with an effect that was about to be made: it may have been.
    intent TEXT,
    intent_at TEXT,
    -- Held work that goes on once this run has succeeded.
    canary_for TEXT,
    imported {int} NOT NULL DEFAULT 0,
    held_records {int} NOT NULL DEFAULT 0,
    failed_attempts {int} NOT NULL DEFAULT 0,
    -- Where it stands, so that any process can take its next step.
    room_id TEXT,
    cursor TEXT,
    pages {int} NOT NULL DEFAULT 0,
    -- Which credentials the provider called expired; a refresh comes next as long as they are in use.
    expired_generation {int},
    refreshes_in_a_row {int} NOT NULL DEFAULT 0,
    failures_in_a_row {int} NOT NULL DEFAULT 0,
    rate_limits_in_a_row {int} NOT NULL DEFAULT 0,
    calls_in_vain {int} NOT NULL DEFAULT 0,
    begun_anew {int} NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, connection)
) {strict};
CREATE INDEX runs_of_tenant ON runs (tenant, id);
-- None of these holds a run that is done, so that a million of them cost a claim nothing.
CREATE INDEX runs_ready ON runs (ready_us, id) WHERE state IN ('queued', 'waiting');
CREATE INDEX runs_leased ON runs (lease_us) WHERE state = 'running';
CREATE INDEX runs_in_order ON runs (tenant, connection, order_key, id)
    WHERE order_key IS NOT NULL AND (state = 'queued' OR state = 'waiting' OR state = 'running'
        OR state = 'blocked' OR state = 'parked' OR state = 'held');
CREATE INDEX runs_parked ON runs (tenant, connection) WHERE state = 'parked';
CREATE INDEX runs_due ON runs (deadline_us)
    WHERE deadline_us IS NOT NULL AND (state = 'queued' OR state = 'waiting' OR state = 'running'
        OR state = 'blocked' OR state = 'parked');

-- Where the pages of unfinished imports began: one that leads back to one of these never ends.
CREATE TABLE cursors (
    run {int} NOT NULL,
    cursor TEXT NOT NULL,
    PRIMARY KEY (run, cursor)
) {strict};

-- What a delivery is to bring; it is in the destination once the provider has confirmed it.
CREATE TABLE documents (
    run {int} PRIMARY KEY,
    protocol TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Where the document can be read back, if it is to be.
    confirm TEXT,
    -- Sent with each attempt; NULL where it is made of the document.
    effect_key TEXT,
    delivered {int} NOT NULL DEFAULT 0
) {strict};
CREATE TABLE deliveries (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    reference TEXT NOT NULL,
    protocol TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, reference)
) {strict};

-- What came by webhook, or is looked at again, as it came.
CREATE TABLE events (
    run {int} PRIMARY KEY,
    format TEXT NOT NULL,
    payload TEXT NOT NULL
) {strict};

-- Finished runs of long ago.
CREATE TABLE archived_runs (
    id {int} PRIMARY KEY,
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    room TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    finished_at TEXT,
    detail TEXT,
    payload TEXT
) {strict};

CREATE TABLE messages (
    id {row_id},
    tenant TEXT NOT NULL,
    event_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at_ms {int} NOT NULL,
    -- When what it says was true; NULL where nobody said.
    as_of_us {int}
) {strict};
CREATE INDEX messages_in_order ON messages (tenant, sent_at_ms, event_id);
CREATE UNIQUE INDEX messages_key ON messages (tenant, event_id);

-- An endpoint that many connections share: whose an event is, is read from it.
CREATE TABLE apps (
    app TEXT PRIMARY KEY,
    format TEXT NOT NULL,
    scheme TEXT NOT NULL,
    sealed {blob} NOT NULL,
    url TEXT
) {strict};
CREATE TABLE hook_configs (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    format TEXT NOT NULL,
    -- Both NULL where its webhooks come by an app alone.
    scheme TEXT,
    sealed {blob},
    -- The customer's account as the provider spells it; NULL where events do not tell.
    account TEXT,
    app TEXT,
    url TEXT,
    -- Where each event is sent on to; NULL where it is written here.
    forward TEXT,
    -- Where an event tells by what it is to stay in order.
    order_by TEXT,
    max_per_second {real},
    burst {int},
    PRIMARY KEY (tenant, connection),
    FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, connection)
) {strict};
CREATE UNIQUE INDEX hook_configs_of_app ON hook_configs (app, account) WHERE app IS NOT NULL;

CREATE TABLE hook_events (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    id TEXT NOT NULL,
    -- SHA-256 of the event as it came.
    digest {blob} NOT NULL,
    at_us {int} NOT NULL,
    PRIMARY KEY (tenant, connection, id)
) {strict};
CREATE INDEX hook_events_by_age ON hook_events (at_us);

CREATE TABLE audit (
    id {row_id},
    at TEXT NOT NULL,
    run {int},
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    operation TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt {int} NOT NULL,
    status {int},
    outcome TEXT NOT NULL,
    detail TEXT
) {strict};
CREATE INDEX audit_of_tenant ON audit (tenant, id);

CREATE TABLE alerts (
    id {row_id},
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    run {int},
    kind TEXT NOT NULL,
    message TEXT NOT NULL
) {strict};
CREATE INDEX alerts_of_tenant ON alerts (tenant, id);

CREATE TABLE holds (
    id {id},
    at TEXT NOT NULL,
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    run {int},
    reason TEXT NOT NULL,
    key TEXT,
    detail TEXT NOT NULL,
    payload TEXT,
    -- Where a record that is held by itself would be written.
    room_id TEXT,
    -- The same for all that is held for the same cause.
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'released', 'discarded')),
    settled_at TEXT,
    settled_by TEXT
) {strict};
CREATE INDEX holds_of_tenant ON holds (tenant, id);
CREATE INDEX holds_open ON holds (tenant, fingerprint, id) WHERE state = 'open';
";
