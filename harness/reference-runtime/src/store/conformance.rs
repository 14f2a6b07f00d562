//! What every database must do: one suite, which each of them passes.
//!
//! `machine` holds the same promises against any order of events.

mod accepting;
mod holding;
mod machine;
mod working;

use std::time::Duration;

use counterpart_test_postgres::{TestCluster, TestPostgres};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::config::ClockMode;
use crate::credentials::Sealed;
use crate::identity::{HoldId, Lane, Name, RunId};
use crate::vocabulary::{AuditOutcome, HoldReason, Operation};

/// Where every test begins.
const START: &str = "2026-01-05T00:00:00Z";

/// A store that is under test, and what it lies in.
pub(super) struct Place {
    pub(super) store: Store,
    config: RuntimeConfig,
    _directory: TempDir,
    _postgres: Option<TestPostgres>,
}

impl Place {
    pub(super) async fn sqlite() -> Self {
        Self::open(None).await
    }

    /// `None` where there is no PostgreSQL; that was told then.
    pub(super) async fn postgres(test: &str) -> Option<Self> {
        Some(Self::open(Some(TestPostgres::for_test(test)?)).await)
    }

    async fn open(postgres: Option<TestPostgres>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = RuntimeConfig {
            database: postgres.as_ref().map(|postgres| postgres.url().to_owned()),
            clock: ClockMode::Test { start: at(0) },
            ..RuntimeConfig::new(directory.path().to_path_buf())
        };
        let (store, _) = Store::open(&config, Plants::default(), Crash::default(), at(0)).await.unwrap();
        let place = Self { store, config, _directory: directory, _postgres: postgres };
        for connection in ["a", "b", "c"] {
            place.connect(&lane(connection)).await;
        }
        place
    }

    async fn connect(&self, lane: &Lane) -> PutConnection {
        self.put(lane, None).await
    }

    async fn put(&self, lane: &Lane, webhook: Option<HookConfig>) -> PutConnection {
        let new = NewConnection {
            base_url: "http://127.0.0.1:9".to_owned(),
            ca_pem: None,
            sealed: Sealed(vec![7; 40]),
            max_requests_per_second: Some(2.5),
            alert_after_failures: 3,
            outcome_deadline_s: (lane.connection.as_str() == "c").then_some(60),
            idempotency_s: Some(86_400),
            webhook,
        };
        self.store.put_connection(lane.clone(), name("matrix"), new).await.unwrap()
    }

    /// The same database as another process sees it.
    pub(super) fn other_worker(&self) -> Store {
        Store { worker: crate::identity::random_name(), ..self.store.clone() }
    }

    /// Closes the store and opens it again, as a process does that ended and was started anew.
    async fn reopen(mut self, now: Timestamp) -> Self {
        self.store.close().await;
        // The key must not be looked for: what is sealed here was sealed by nobody.
        let crash = Crash::default();
        let database = match &self.config.database {
            None => {
                let sqlite = open_sqlite(&self.config, &Plants::default(), crash, now).unwrap();
                Database::Sqlite(Arc::new(sqlite))
            }
            Some(url) => Database::Postgres(Arc::new(Postgres::connect(url, crash).await.unwrap())),
        };
        self.store = Store { database, worker: crate::identity::random_name(), ..self.store };
        self.store.recount().await.unwrap();
        self
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn lane(connection: &str) -> Lane {
    Lane { tenant: name("acme"), connection: name(connection) }
}

/// So many seconds after the start.
pub(super) fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) fn event(lane: &Lane, id: &str, body: &str, order_key: Option<&str>) -> HookEvent {
    HookEvent {
        lane: lane.clone(),
        id: Some(id.to_owned()),
        digest: body.as_bytes().to_vec(),
        order_key: order_key.map(str::to_owned),
        work: HookWork::Apply { format: "slack", payload: body.to_owned() },
    }
}

pub(super) fn delivery(events: Vec<HookEvent>, seconds: i64) -> Delivery {
    let lane = events.first().map(|event| event.lane.clone());
    Delivery {
        at: at(seconds),
        method: "POST".to_owned(),
        path: "/hooks".to_owned(),
        lane,
        events,
        refused: vec![],
    }
}

async fn deliver(store: &Store, events: Vec<HookEvent>, seconds: i64) -> HookCounts {
    store.accept_deliveries(vec![delivery(events, seconds)]).await.unwrap().pop().unwrap()
}

async fn import(store: &Store, lane: &Lane, room: &str) -> RunId {
    match store.accept_run(lane.clone(), Order::Import { room: room.to_owned() }, at(0)).await.unwrap() {
        Accepted::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

async fn claim_all(store: &Store, seconds: i64) -> Vec<Claim> {
    store.claim(at(seconds), 100, vec![]).await.unwrap().claims
}

async fn claim_one(store: &Store, seconds: i64) -> Claim {
    let mut claims = claim_all(store, seconds).await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.pop().unwrap()
}

fn rooms(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.room.as_str()).collect()
}

fn audit(claim: &Claim, outcome: AuditOutcome) -> AuditRow {
    AuditRow {
        at: at(0),
        lane: claim.lane.clone(),
        lease: claim.lease.clone(),
        operation: Operation::Messages,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        attempt: claim.attempt(),
        status: Some(200),
        outcome,
        detail: None,
    }
}

pub(super) fn record(key: &str, body: &str) -> Record {
    Record {
        event_id: key.to_owned(),
        sender: "u".to_owned(),
        kind: "k".to_owned(),
        body: body.to_owned(),
        sent_at_ms: 1,
    }
}

fn page(keys: &[&str], next: Option<&str>) -> PageCommit {
    PageCommit {
        room_id: "!r".to_owned(),
        records: keys.iter().map(|key| record(key, key)).collect(),
        holds: vec![],
        withdrawn: vec![],
        next: next.map(str::to_owned),
        mixed_up_with: None,
    }
}

async fn finish(store: &Store, claim: &Claim) -> Result<(), StoreError> {
    store.commit_event(claim.lane.clone(), claim.lease.clone(), EventEffect::Nothing, at(0)).await.map(drop)
}

async fn hold(store: &Store, claim: &Claim, detail: &str) {
    let hold = Hold {
        reason: HoldReason::Refused,
        key: None,
        detail: detail.to_owned(),
        payload: Some("{}".to_owned()),
        room_id: None,
    };
    let held = RunHold { hold, pause: None, failed_attempts: 0 };
    store.hold_run((claim.lane.clone(), claim.lease.clone()), None, held, at(0)).await.unwrap();
}

async fn retry(store: &Store, claim: &Claim, cost: RetryCost, seconds: i64) {
    let retry = RetryCommit {
        not_before: Some(at(seconds)),
        cost,
        detail: "no".to_owned(),
        alert: None,
        doubt_since: None,
    };
    store.commit_retry(audit(claim, AuditOutcome::ServerError), retry, at(0)).await.unwrap();
}

/// A list as JSON, to compare with.
async fn shown<T: serde::Serialize>(
    list: impl Future<Output = Result<Vec<T>, StoreError>>,
) -> Vec<serde_json::Value> {
    list.await.unwrap().iter().map(|row| serde_json::to_value(row).unwrap()).collect()
}

async fn column<T: serde::Serialize>(
    list: impl Future<Output = Result<Vec<T>, StoreError>>,
    field: &str,
) -> Vec<serde_json::Value> {
    shown(list).await.into_iter().map(|row| row[field].clone()).collect()
}

async fn states(store: &Store) -> Vec<serde_json::Value> {
    column(store.runs(name("acme")), "state").await
}

async fn release(store: &Store, how: Release) -> Settled {
    let scope = ReleaseScope::Fingerprint(None);
    store.release(name("acme"), scope, how, "me".to_owned(), at(0)).await.unwrap()
}

/// Declares tests that each database has to pass.
macro_rules! conformance {
    ($(async fn $test:ident($place:ident: Place) $body:block)+) => {
        $(async fn $test($place: Place) $body)+

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::sqlite().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(place) = super::Place::postgres(stringify!($test)).await {
                    super::$test(place).await;
                }
            })+
        }
    };
}
use conformance;

async fn claim_count(store: &Store) -> usize {
    let states = states(store).await;
    states.iter().filter(|state| *state != "succeeded").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_does_not_keep_what_it_confirms_is_refused() {
    let Some(cluster) = TestCluster::for_test("not_durable") else { return };
    let url = cluster.url();
    let connected = Postgres::connect(&url, Crash::default()).await.unwrap();
    // What is asked for on each connection wins over the server's default.
    connected.batch("ALTER SYSTEM SET synchronous_commit = off").await.unwrap();
    connected.batch("SELECT pg_reload_conf()").await.unwrap();
    Postgres::connect(&url, Crash::default()).await.unwrap();
    for setting in ["full_page_writes", "fsync"] {
        connected.batch(&format!("ALTER SYSTEM SET {setting} = off")).await.unwrap();
        connected.batch("SELECT pg_reload_conf()").await.unwrap();
        // The server takes its time to read what it was told.
        let mut refused = None;
        for _ in 0..1_000 {
            refused = Postgres::connect(&url, Crash::default()).await.err();
            if refused.is_some() {
                break;
            }
        }
        let told = refused.unwrap().to_string();
        assert!(told.starts_with(&format!("{setting} is off: a commit would not be on the disk")), "{told}");
        connected.batch(&format!("ALTER SYSTEM RESET {setting}")).await.unwrap();
        connected.batch("SELECT pg_reload_conf()").await.unwrap();
        while connected
            .batch(&format!("DO $$ BEGIN ASSERT current_setting('{setting}') = 'on'; END $$"))
            .await
            .is_err()
        {}
    }
}

#[tokio::test]
async fn a_postgres_that_cannot_be_had_is_told() {
    let refused =
        Postgres::connect("postgres://nobody@127.0.0.1:1/none", Crash::default()).await.unwrap_err();
    assert!(refused.to_string().contains("check that the server runs"), "{refused}");
    let refused = Postgres::connect("mysql://x", Crash::default()).await.unwrap_err();
    assert!(refused.to_string().contains("expected postgres://"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_share_a_database_share_a_key() {
    let Some(postgres) = TestPostgres::for_test("one_key") else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let open = async |folder: &TempDir| {
        let config = RuntimeConfig {
            database: Some(postgres.url().to_owned()),
            ..RuntimeConfig::new(folder.path().to_path_buf())
        };
        Store::open(&config, Plants::default(), Crash::default(), at(0)).await.map(drop)
    };
    open(&folders[0]).await.unwrap();
    std::fs::copy(Vault::key_path(folders[0].path()), Vault::key_path(folders[1].path())).unwrap();
    open(&folders[1]).await.unwrap();
    // A key of its own would be of no use for what the others have sealed.
    let refused = open(&folders[2]).await.unwrap_err();
    assert!(matches!(refused, OpenError::WrongKey { .. }), "{refused}");
}

/// The moment that the lock of an order key is for: one comes, and is not committed, while the one before it ends.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_as_the_one_before_it_ends_is_not_overlooked() {
    let Some(place) = Place::postgres("order_lock").await else { return };
    let store = &place.store;
    deliver(store, vec![event(&lane("a"), "1", "x", Some("k"))], 0).await;
    let first = claim_one(store, 0).await;
    let (inserted, has_inserted) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let accepting = place.other_worker();
    let accepting = tokio::spawn(async move {
        let insert = move |session: &mut dyn Session| {
            let lane = lane("a");
            let new =
                accept::NewRun { lane: &lane, kind: "event", room: "2", room_id: None, order_key: Some("k") };
            let run = accept::insert_runs(session, &[new], at(0))?[0];
            session.query_each(accept::INSERT_EVENT, &[sql::set![run.0, "slack", "x"]])?;
            inserted.send(()).unwrap();
            may_go.recv().unwrap();
            Ok(())
        };
        accepting.write(Boundary::Unnamed, insert).await
    });
    has_inserted.recv().unwrap();
    let ending = place.other_worker();
    let ending = tokio::spawn(async move { finish(&ending, &first).await });
    // It either waits for the one that comes, or has overlooked it.
    let waits = || {
        store.read(|session| {
            let sql = "SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
            Ok(session.query_row(sql, &[])?.map_or(Ok(0), |row| row.integer("waiting"))?)
        })
    };
    while !ending.is_finished() && waits().await.unwrap() == 0 {}
    go.send(()).unwrap();
    accepting.await.unwrap().unwrap();
    ending.await.unwrap().unwrap();
    assert_eq!(claim_one(store, 0).await.room, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn word_of_work_reaches_another_process() {
    let Some(place) = Place::postgres("word_of_work").await else { return };
    let bell = Arc::new(Notify::new());
    let (listener, heard) = (place.other_worker(), Arc::clone(&bell));
    let listening = tokio::spawn(async move { listener.listen(&heard).await });
    // It rings once when it begins to listen.
    bell.notified().await;
    place.store.tell_others().await;
    let rung = async {
        bell.notified().await;
        true
    };
    #[expect(clippy::disallowed_methods, reason = "a bound for a test that would wait for ever")]
    let rung = tokio::time::timeout(Duration::from_secs(10), rung).await;
    assert!(rung.is_ok());
    listening.abort();
}
