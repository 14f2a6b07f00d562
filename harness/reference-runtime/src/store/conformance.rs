//! What every database must do: one suite, which each of them passes.
//!
//! `machine` holds the same promises against any order of events.

mod machine;

use std::time::Duration;

use counterpart_test_postgres::TestPostgres;
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
    store.claim(at(seconds), 100).await.unwrap().claims
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
    let retry = RetryCommit { not_before: Some(at(seconds)), cost, detail: "no".to_owned(), alert: None };
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

conformance! {
    async fn imports_of_a_connection_go_one_after_the_other(place: Place) {
        let store = &place.store;
        for (connection, room) in [("a", "!1"), ("a", "!2"), ("b", "!3")] {
            import(store, &lane(connection), room).await;
        }
        let claims = claim_all(store, 0).await;
        assert_eq!(rooms(&claims), ["!1", "!3"]);
        assert!(claim_all(store, 0).await.is_empty());
        assert_eq!((claims[0].provider.as_str(), claims[0].max_requests_per_second), ("matrix", Some(2.5)));
        store.commit_page(audit(&claims[0], AuditOutcome::Ok), page(&["e1"], Some("t1")), at(0)).await.unwrap();
        let next = claim_one(store, 0).await;
        assert_eq!((next.room.as_str(), next.cursor.as_deref(), next.pages), ("!1", Some("t1"), 1));
        assert!(store.leads_back(next.run(), "t1".to_owned()).await.unwrap());
        assert!(!store.leads_back(next.run(), "t2".to_owned()).await.unwrap());
        let written =
            store.commit_page(audit(&next, AuditOutcome::Ok), page(&["e1", "e2"], None), at(0)).await.unwrap();
        assert_eq!((written.new, written.repeated), (1, 1));
        assert_eq!(rooms(&claim_all(store, 0).await), ["!2"]);
        assert_eq!(states(store).await, ["succeeded", "running", "running"]);
        assert_eq!(column(store.messages(name("acme")), "event_id").await, ["e1", "e2"]);
        assert_eq!(store.backlog(), 2);
    }

    async fn a_run_needs_a_connection_of_its_provider(place: Place) {
        let order = || Order::Import { room: "!r".to_owned() };
        let unknown = place.store.accept_run(lane("none"), order(), at(0)).await.unwrap();
        assert_eq!(unknown, Accepted::UnknownConnection);
    }

    async fn an_event_is_accepted_once_whoever_brings_it_and_when(place: Place) {
        let store = &place.store;
        let first = || event(&lane("a"), "Ev1", "one", None);
        let counts = |accepted, duplicates| HookCounts { accepted, duplicates, refused: 0 };
        assert_eq!(deliver(store, vec![first(), first()], 0).await, counts(1, 1), "twice in one delivery");
        assert_eq!(deliver(store, vec![first()], 1).await, counts(0, 1));
        assert_eq!(deliver(store, vec![event(&lane("a"), "Ev1", "two", None)], 2).await, counts(0, 1));
        assert_eq!(column(store.alerts(name("acme")), "kind").await, ["event_conflict"]);
        assert_eq!(deliver(store, vec![event(&lane("b"), "Ev1", "one", None)], 3).await, counts(1, 0), "another's");
        let place = place.reopen(at(4)).await;
        assert_eq!(deliver(&place.store, vec![first()], 4).await, counts(0, 1), "and after a restart");
        assert_eq!(claim_all(&place.store, 4).await.len(), 2);
        let told = column(place.store.audit(name("acme")), "detail").await;
        assert_eq!(told[0], "1 accepted, 1 duplicates, 0 refused");
        assert_eq!(told.len(), 5);
    }

    async fn events_without_an_id_are_all_accepted(place: Place) {
        let nameless = HookEvent { id: None, ..event(&lane("a"), "", "x", None) };
        assert_eq!(deliver(&place.store, vec![nameless.clone(), nameless], 0).await.accepted, 2);
        assert_eq!(place.store.backlog(), 2);
    }

    async fn many_deliveries_share_a_transaction_and_keep_their_counts(place: Place) {
        let deliveries = (0..50).map(|number| {
            let number = number % 40;
            delivery(vec![event(&lane("a"), &format!("Ev{number}"), "x", Some("k"))], 0)
        });
        let counts = place.store.accept_deliveries(deliveries.collect()).await.unwrap();
        assert_eq!(counts.iter().map(|counts| counts.accepted).sum::<u32>(), 40);
        assert!(counts[..40].iter().all(|counts| counts.accepted == 1), "the earlier ones");
        assert_eq!(rooms(&claim_all(&place.store, 0).await), ["Ev0"]);
    }

    async fn what_is_accepted_by_many_at_once_is_accepted_once(place: Place) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = place.other_worker();
            tasks.spawn(async move {
                let events = (0..25).rev().map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
                deliver(&store, events.collect(), 0).await
            });
        }
        let all = tasks.join_all().await;
        assert_eq!(all.iter().map(|counts| counts.accepted).sum::<u32>(), 25);
        assert_eq!(claim_all(&place.store, 0).await.len(), 25);
    }

    async fn a_stale_claim_commits_nothing(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let stale = claim_one(first, 0).await;
        assert!(claim_all(&second, 59).await.is_empty(), "the lease holds");
        let fresh = claim_one(&second, 60).await;
        assert!(fresh.lease.epoch > stale.lease.epoch);
        let effect = |body| EventEffect::Upsert {
            room_id: "r".to_owned(),
            record: Box::new(record("m1", body)),
            as_of_us: 1,
        };
        let commit = |store: Store, claim: Claim, body| async move {
            store.commit_event(claim.lane.clone(), claim.lease.clone(), effect(body), at(60)).await
        };
        let refused = commit(first.clone(), stale.clone(), "stale").await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale), "{refused}");
        let retried = RetryCommit { not_before: None, cost: RetryCost::Attempt, detail: String::new(), alert: None };
        let refused = first.commit_retry(audit(&stale, AuditOutcome::TimedOut), retried, at(60)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale), "{refused}");
        for refused in [
            first.give_back(stale.lease.clone(), at(60)).await,
            first.put_off(stale.lease.clone(), at(60)).await,
            first.intend(stale.lease.clone(), Operation::Deliver, ("POST".into(), "/".into()), at(60)).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        }
        assert_eq!(commit(second, fresh.clone(), "fresh").await.unwrap(), EventOutcome::Applied);
        let again = commit(first.clone(), fresh, "again").await.unwrap_err();
        assert!(matches!(again, StoreError::Stale), "a run that is done is nobody's");
        assert_eq!(column(first.messages(name("acme")), "body").await, ["fresh"]);
        assert_eq!(column(first.audit(name("acme")), "operation").await, ["webhook"], "no row of the stale call");
    }

    async fn a_lease_that_is_renewed_holds(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(first, 0).await;
        first.renew_leases(at(50)).await.unwrap();
        assert!(claim_all(&second, 60).await.is_empty());
        finish(first, &claim).await.unwrap();
        assert!(claim_all(&second, 1_000).await.is_empty());
    }

    async fn its_own_leases_are_not_taken_from_a_worker(place: Place) {
        deliver(&place.store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(&place.store, 0).await;
        assert!(claim_all(&place.store, 1_000).await.is_empty(), "whoever asks is not lost");
        finish(&place.store, &claim).await.unwrap();
    }

    async fn poison_is_held_after_three_lost_workers(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", Some("k")), event(&lane("a"), "Ev2", "x", Some("k"))], 0)
            .await;
        for (worker, seconds) in [(first, 0), (&second, 60), (first, 120)] {
            assert_eq!(claim_one(worker, seconds).await.room, "Ev1");
        }
        let next = claim_one(&second, 180).await;
        assert_eq!(next.room, "Ev2", "what comes after it goes on");
        assert_eq!(states(first).await, ["held", "running"]);
        assert_eq!(column(first.alerts(name("acme")), "kind").await, ["poisoned"]);
        assert_eq!(column(first.holds(name("acme"), false), "reason").await, ["poisoned"]);
        assert_eq!(release(first, Release::All).await, Settled::Done(1));
        finish(&second, &next).await.unwrap();
        assert_eq!(claim_one(first, 180).await.room, "Ev1", "it begins anew");
    }

    async fn a_run_whose_task_fell_is_given_out_again_and_held_in_the_end(place: Place) {
        let store = &place.store;
        deliver(store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        for _ in 0..3 {
            let claim = claim_one(store, 0).await;
            store.fell(claim.lease).await.unwrap();
        }
        assert!(claim_all(store, 0).await.is_empty());
        assert_eq!(column(store.holds(name("acme"), false), "reason").await, ["poisoned"]);
    }

    async fn a_step_that_is_done_clears_a_run_of_suspicion(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        import(first, &lane("a"), "!r").await;
        for seconds in [0, 1_000, 2_000, 3_000] {
            claim_one(first, seconds).await;
            let claim = claim_one(&second, seconds + 100).await;
            retry(&second, &claim, RetryCost::Attempt, 0).await;
        }
        assert_eq!(states(first).await, ["waiting"]);
    }

    async fn waits_are_kept_and_counted_by_their_cost(place: Place) {
        import(&place.store, &lane("a"), "!r").await;
        let claim = claim_one(&place.store, 0).await;
        retry(&place.store, &claim, RetryCost::Attempt, 300).await;
        let waiting = place.store.claim(at(299), 100).await.unwrap();
        assert_eq!((waiting.claims.len(), waiting.next), (0, Some(at(300))));
        let place = place.reopen(at(299)).await;
        let store = &place.store;
        assert!(claim_all(store, 299).await.is_empty(), "over a restart");
        let claim = claim_one(store, 300).await;
        assert_eq!((claim.failures_in_a_row, claim.attempt()), (1, 2));
        retry(store, &claim, RetryCost::RateLimitWait, 301).await;
        let claim = claim_one(store, 301).await;
        assert_eq!((claim.failures_in_a_row, claim.rate_limits_in_a_row, claim.attempt()), (1, 1, 3));
        store.put_off(claim.lease.clone(), at(302)).await.unwrap();
        let claim = claim_one(store, 302).await;
        assert_eq!((claim.failures_in_a_row, claim.attempt()), (1, 3), "being put off costs nothing");
        assert_eq!(column(store.runs(name("acme")), "failed_attempts").await, [1]);
    }

    async fn what_is_to_stay_in_order_stays_in_order(place: Place) {
        let store = &place.store;
        let keyed = |id, key| event(&lane("a"), id, "x", Some(key));
        deliver(store, vec![keyed("1", "k"), keyed("2", "k"), keyed("3", "other"), keyed("4", "k")], 0).await;
        let claims = claim_all(store, 0).await;
        assert_eq!(rooms(&claims), ["1", "3"]);
        retry(store, &claims[0], RetryCost::Attempt, 10).await;
        assert!(claim_all(store, 9).await.is_empty(), "who waits holds those behind it up");
        let first = claim_one(store, 10).await;
        finish(store, &first).await.unwrap();
        let second = claim_one(store, 10).await;
        assert_eq!(second.room, "2");
        hold(store, &second, "no").await;
        let fourth = claim_one(store, 10).await;
        assert_eq!(fourth.room, "4", "what is held steps aside");
        assert_eq!(release(store, Release::All).await, Settled::Done(1));
        assert!(claim_all(store, 10).await.is_empty(), "and waits for its turn when it comes back");
        finish(store, &fourth).await.unwrap();
        assert_eq!(claim_one(store, 10).await.room, "2");
    }

    async fn nothing_is_stuck_when_one_comes_as_the_one_before_it_ends(place: Place) {
        let accepting = place.other_worker();
        let accepted = tokio::spawn(async move {
            for number in 0..60 {
                deliver(&accepting, vec![event(&lane("a"), &number.to_string(), "x", Some("k"))], 0).await;
            }
        });
        let mut done = Vec::new();
        while done.len() < 60 {
            for claim in claim_all(&place.store, 0).await {
                done.push(claim.room.parse::<u32>().unwrap());
                finish(&place.store, &claim).await.unwrap();
            }
            if accepted.is_finished() && claim_count(&place.store).await == 0 {
                break;
            }
        }
        assert_eq!(done, (0..60).collect::<Vec<_>>());
    }

    async fn each_run_is_given_to_one_worker(place: Place) {
        let events = (0..200).map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
        deliver(&place.store, events.collect(), 0).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let store = place.other_worker();
            tasks.spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claims = store.claim(at(0), 7).await.unwrap().claims;
                    if claims.is_empty() {
                        return mine;
                    }
                    for claim in claims {
                        mine.push(claim.run().0);
                        finish(&store, &claim).await.unwrap();
                    }
                }
            });
        }
        let mut all: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!((before, all.len()), (200, 200));
        assert!(states(&place.store).await.iter().all(|state| state == "succeeded"));
    }

    async fn a_worker_gives_back_what_is_its_own(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        for number in 0..2 {
            deliver(first, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        let mine = first.claim(at(0), 1).await.unwrap().claims.pop().unwrap();
        let theirs = claim_one(&second, 0).await;
        first.give_all_back().await.unwrap();
        assert!(matches!(finish(first, &mine).await, Err(StoreError::Stale)), "it is its own no more");
        finish(&second, &theirs).await.unwrap();
        let again = claim_one(&second, 0).await;
        assert_eq!(again.room, "Ev0");
        second.give_back(again.lease, at(5)).await.unwrap();
        assert!(claim_all(&second, 4).await.is_empty());
        assert_eq!(claim_all(&second, 5).await.len(), 1);
    }

    async fn a_call_that_may_have_been_made_is_in_the_trail(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        let document = Document {
            protocol: Protocol::Rest,
            method: "POST".to_owned(),
            path: "/x".to_owned(),
            content_type: "a/b".to_owned(),
            body: "{}".to_owned(),
            confirm: None,
            effect_key: Some("key-1".to_owned()),
            delivered: false,
        };
        let forwarded = HookEvent { work: HookWork::Forward(document), ..event(&lane("a"), "Ev1", "x", None) };
        deliver(first, vec![forwarded], 0).await;
        let claim = claim_one(first, 0).await;
        let what = ("POST".to_owned(), "/x with a space".to_owned());
        first.intend(claim.lease, Operation::Deliver, what, at(3)).await.unwrap();
        let again = claim_one(&second, 60).await;
        let Task::Delivery(document) = &again.task else { panic!("{again:?}") };
        assert_eq!(document.effect_key.as_deref(), Some("key-1"));
        let trail = shown(first.audit(name("acme"))).await;
        assert_eq!((&trail[1]["outcome"], &trail[1]["operation"]), (&"unknown".into(), &"deliver".into()));
        assert_eq!((&trail[1]["path"], &trail[1]["at"]), (&"/x with a space".into(), &at(3).to_string().into()));
        second
            .commit_delivered(audit(&again, AuditOutcome::Ok), "Ev1".to_owned(), document.clone(), at(60))
            .await
            .unwrap();
        assert_eq!(column(first.deliveries(name("acme")), "key").await, ["Ev1"]);
        assert_eq!(shown(first.audit(name("acme"))).await.len(), 3, "told once");
    }

    async fn held_work_is_released_or_discarded_once(place: Place) {
        let store = &place.store;
        for number in 0..3 {
            deliver(store, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        for claim in claim_all(store, 0).await {
            hold(store, &claim, "no").await;
        }
        assert_eq!((store.backlog(), states(store).await.len()), (0, 3));
        let one = |hold| store.release(name("acme"), ReleaseScope::One(HoldId(hold)), Release::All, "me".into(), at(1));
        assert_eq!(one(1).await.unwrap(), Settled::Done(1));
        assert_eq!(one(1).await.unwrap(), Settled::SettledBefore);
        assert_eq!(one(9).await.unwrap(), Settled::NoSuchHold);
        let other = store.release(name("bolt"), ReleaseScope::One(HoldId(2)), Release::All, "me".into(), at(1));
        assert_eq!(other.await.unwrap(), Settled::NoSuchHold, "another tenant's");
        let discard = |hold| store.discard(name("acme"), HoldId(hold), ("ann".into(), "a test".into()), at(2));
        assert_eq!(discard(2).await.unwrap(), Settled::Done(1));
        assert_eq!(discard(2).await.unwrap(), Settled::SettledBefore);
        assert_eq!(states(store).await, ["queued", "discarded", "held"]);
        assert_eq!(claim_one(store, 1).await.room, "Ev0");
        let trail = shown(store.audit(name("acme"))).await;
        let told = |row: usize| (trail[row]["operation"].clone(), trail[row]["detail"].clone());
        assert_eq!(told(3), ("release".into(), "by me".into()));
        assert_eq!(told(4), ("discard".into(), "by ann: a test".into()));
        assert_eq!(column(store.holds(name("acme"), false), "id").await, ["hold-3"]);
        assert_eq!(column(store.holds(name("acme"), true), "state").await, ["released", "discarded", "open"]);
    }

    async fn a_canary_goes_first_and_brings_the_others_when_it_succeeds(place: Place) {
        let store = &place.store;
        for number in 0..3 {
            deliver(store, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        for claim in claim_all(store, 0).await {
            hold(store, &claim, &format!("answered {}", 400 + claim.run().0)).await;
        }
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        hold(store, &canary, "answered 400").await;
        assert!(claim_all(store, 0).await.is_empty(), "it failed: the others stay");
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        finish(store, &canary).await.unwrap();
        assert_eq!(claim_all(store, 0).await.len(), 2);
        assert!(shown(store.holds(name("acme"), false)).await.is_empty());
    }

    async fn a_connection_that_is_held_again_and_again_is_halted_until_a_canary_succeeds(place: Place) {
        let store = &place.store;
        let events = (0..24).map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
        deliver(store, events.collect(), 0).await;
        let order = |id| event(&lane("a"), id, "x", Some("k"));
        deliver(store, vec![order("in-order-1"), order("in-order-2")], 0).await;
        for _ in 0..20 {
            let claim = store.claim(at(0), 1).await.unwrap().claims.pop().unwrap();
            hold(store, &claim, "no").await;
        }
        assert!(claim_all(store, 0).await.is_empty(), "parked");
        deliver(store, vec![event(&lane("a"), "later", "x", None), event(&lane("b"), "other", "x", None)], 0).await;
        let other = claim_one(store, 0).await;
        assert_eq!(other.room, "other", "other connections go on");
        let kinds = column(store.alerts(name("acme")), "kind").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "connection_halted").count(), 1);
        assert_eq!(store.queue().await.map(|queue| serde_json::to_value(queue).unwrap()).unwrap()["unfinished"], 8);
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        finish(store, &canary).await.unwrap();
        let claims = claim_all(store, 0).await;
        assert_eq!(claims.len(), 19 + 4 + 1 + 1, "the held, the parked, the later one, and the first in order");
        assert!(!rooms(&claims).contains(&"in-order-2"));
    }

    async fn a_missed_deadline_is_told_once(place: Place) {
        let store = &place.store;
        deliver(store, vec![event(&lane("c"), "Ev1", "x", None)], 0).await;
        deliver(store, vec![event(&lane("a"), "Ev2", "x", None)], 0).await;
        let claims = claim_all(store, 0).await;
        retry(store, claims.iter().find(|claim| claim.room == "Ev1").unwrap(), RetryCost::Attempt, 500).await;
        assert_eq!(store.claim(at(59), 10).await.unwrap().next, Some(at(60)), "there is a timer for it");
        assert!(column(store.alerts(name("acme")), "kind").await.is_empty());
        for seconds in [60, 61] {
            claim_all(store, seconds).await;
        }
        assert_eq!(column(store.alerts(name("acme")), "kind").await, ["deadline_missed"]);
    }

    async fn what_is_older_does_not_overwrite(place: Place) {
        let store = &place.store;
        let mut outcomes = Vec::new();
        for (id, body, as_of_us) in [("1", "second", 2), ("2", "first", 1), ("3", "third", 3), ("4", "same", 3)] {
            deliver(store, vec![event(&lane("a"), id, "x", None)], 0).await;
            let claim = claim_one(store, 0).await;
            let record = Box::new(record("m1", body));
            let effect = EventEffect::Upsert { room_id: "r".to_owned(), record, as_of_us };
            outcomes.push(store.commit_event(claim.lane, claim.lease, effect, at(0)).await.unwrap());
        }
        use EventOutcome::{Applied, Superseded};
        assert_eq!(outcomes, [Applied, Superseded, Applied, Applied]);
        assert_eq!(column(store.messages(name("acme")), "body").await, ["same"]);
    }

    async fn tokens_are_replaced_only_where_nobody_else_has(place: Place) {
        let store = &place.store;
        import(store, &lane("a"), "!r").await;
        let claim = claim_one(store, 0).await;
        store.commit_expiry(audit(&claim, AuditOutcome::Refused), claim.generation, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert!(claim.refreshing);
        place.connect(&lane("a")).await;
        let tokens =
            TokensCommit { sealed: Some(Sealed(vec![1])), expires_at: Some(at(9)), replaces: claim.generation };
        store.commit_tokens(audit(&claim, AuditOutcome::Ok), tokens, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert_eq!((claim.sealed.0.len(), claim.generation, claim.refreshing), (40, 2, false), "a person was faster");
        let tokens =
            TokensCommit { sealed: Some(Sealed(vec![1])), expires_at: Some(at(9)), replaces: claim.generation };
        store.commit_tokens(audit(&claim, AuditOutcome::Ok), tokens, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert_eq!((claim.sealed.0, claim.generation, claim.refreshes_in_a_row), (vec![1], 3, 2));
    }

    async fn an_account_at_an_app_is_one_connection_s(place: Place) {
        let taken = |account: &str| HookConfig {
            format: "slack".to_owned(),
            proof: None,
            account: Some(account.to_owned()),
            app: Some(name("app")),
            url: None,
            forward: None,
            order_by: None,
            max_per_second: Some(1.5),
            burst: Some(3),
        };
        assert_eq!(place.put(&lane("a"), Some(taken("T1"))).await, PutConnection::Replaced);
        assert_eq!(place.put(&lane("b"), Some(taken("T1"))).await, PutConnection::AccountTaken);
        assert_eq!(place.put(&lane("a"), Some(taken("T1"))).await, PutConnection::Replaced, "its own again");
        let route = |account: &str| place.store.route(name("app"), account.to_owned());
        let (owner, config) = route("T1").await.unwrap().unwrap();
        assert_eq!((owner, config.max_per_second, config.burst), (lane("a"), Some(1.5), Some(3)));
        assert!(route("T2").await.unwrap().is_none());
        place.connect(&lane("a")).await;
        assert!(route("T1").await.unwrap().is_none());
    }

    async fn what_is_old_is_put_away(place: Place) {
        let store = &place.store;
        let day = 24 * 3_600;
        deliver(store, vec![event(&lane("a"), "old", "x", None), event(&lane("a"), "held", "x", None)], 0).await;
        for claim in claim_all(store, 0).await {
            match claim.room.as_str() {
                "old" => finish(store, &claim).await.unwrap(),
                _ => hold(store, &claim, "no").await,
            }
        }
        deliver(store, vec![event(&lane("a"), "open", "x", None)], 31 * day).await;
        assert!(!store.put_away(at(29 * day)).await.unwrap());
        assert_eq!(states(store).await.len(), 3);
        assert!(!store.put_away(at(31 * day)).await.unwrap());
        assert_eq!(states(store).await, ["held", "queued"], "what is not done stays");
        assert_eq!(deliver(store, vec![event(&lane("a"), "old", "x", None)], 31 * day).await.accepted, 1, "forgotten");
        assert_eq!(deliver(store, vec![event(&lane("a"), "open", "x", None)], 31 * day).await.duplicates, 1);
    }

    async fn texts_are_kept_whatever_is_in_them(place: Place) {
        let store = &place.store;
        let odd = "quote ' backslash \\ dollar $1 question ?1 emoji \u{1f600} bidi \u{202e} long ".to_owned() + &"x".repeat(70_000);
        deliver(store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(store, 0).await;
        let record = Box::new(record("m'1", &odd));
        let effect = EventEffect::Upsert { room_id: "r".to_owned(), record, as_of_us: 1 };
        store.commit_event(claim.lane, claim.lease, effect, at(0)).await.unwrap();
        assert_eq!(column(store.messages(name("acme")), "body").await, [odd]);
    }

    async fn a_closed_store_says_so(place: Place) {
        place.store.close().await;
        let error = place.store.claim(at(0), 1).await.unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{error}");
    }
}

async fn claim_count(store: &Store) -> usize {
    let states = states(store).await;
    states.iter().filter(|state| *state != "succeeded").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_does_not_keep_what_it_confirms_is_refused() {
    let Some(postgres) = TestPostgres::for_test("not_durable") else { return };
    // The database's own default, which every connection to it begins with.
    let url = postgres.url();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let connected = Postgres::connect(url, Crash::default()).await.unwrap();
    connected.batch(&format!("ALTER DATABASE \"{database}\" SET full_page_writes TO off")).await.unwrap_err();
    connected.batch(&format!("ALTER DATABASE \"{database}\" SET synchronous_commit TO off")).await.unwrap();
    // What is asked for on the connection wins over the database's default.
    Postgres::connect(url, Crash::default()).await.unwrap();
    let refused =
        Postgres::connect("postgres://nobody@127.0.0.1:1/none", Crash::default()).await.unwrap_err();
    assert!(refused.to_string().contains("check that the server runs"), "{refused}");
    let refused = Postgres::connect("mysql://x", Crash::default()).await.unwrap_err();
    assert!(refused.to_string().contains("expected postgres://"), "{refused}");
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
