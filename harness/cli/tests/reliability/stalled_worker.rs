//! A worker stands still past its lease while its call is under way. Another does the work; when the first goes on,
//! what it believes to have done no longer counts.

use crate::clock;
use crate::events;
use crate::load::deliver;
use crate::oracle::{Ledger, judge};
use crate::process::Launch;
use crate::runtime_api::{self, Connection, Queue, Work, client};
use crate::settings;
use crate::sink::{Moods, Sink};
use counterpart_test_postgres::TestPostgres;
use std::time::Duration;

const LEASE_S: &str = "2";
/// The other takes over within this; a call of the first would end by itself after 10 s.
const TAKEN_OVER: Duration = Duration::from_secs(8);
const CONNECTION: Connection = Connection { tenant: "acme", name: "orders", work: Work::ForwardInOrder };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_past_its_lease_commits_nothing_stale() {
    let _turn = settings::turn().await;
    let proof = "stalled worker";
    let Some(postgres) = TestPostgres::for_test(proof) else { return };
    let watch = clock::Stopwatch::start();
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(settings::dice(proof), Moods::NONE).await;
    let launch = Launch::new(folder.path()).with_database(Some(postgres.url())).with("--lease-s", LEASE_S);

    // The first takes the work, since it is alone, and its call is held back.
    let first = launch.start().await;
    CONNECTION.put(first.url(), sink.url()).await;
    sink.hold();
    let mut ledger = Ledger::default();
    let body = events::forwarded("stalled-1", Some("a"), 100);
    ledger.sent("stalled-1", &body, None);
    let answer = deliver(&client(), first.url(), &CONNECTION, "stalled-1", &body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    ledger.acknowledged("stalled-1", 1);
    let held = async |count: usize| (sink.held() == count).then_some(());
    clock::wait_for("the first calls", Duration::from_secs(5), async || held(1).await).await;

    // It stands still, and the second does the work.
    let second = launch.start().await;
    first.stop();
    clock::wait_for("the second calls", TAKEN_OVER, async || held(2).await).await;
    sink.let_go();
    let done = Queue { unfinished: 0, held: 0 };
    let is_done = async |process| (runtime_api::queue(process).await == Some(done)).then_some(());
    clock::wait_for("the second is done", TAKEN_OVER, async || is_done(&second).await).await;

    // The first finds its answer waiting, and may not commit what follows from it.
    first.go_on();
    let noticed = async || {
        let events = runtime_api::log_events(&first).await;
        events.iter().any(|event| event == "stale_claim").then_some(())
    };
    clock::wait_for("the first notices that it is stale", Duration::from_secs(15), noticed).await;
    assert_eq!(runtime_api::queue(&first).await, Some(done));
    assert_eq!(runtime_api::queue(&second).await, Some(done));
    let events = runtime_api::log_events(&second).await;
    assert!(!events.iter().any(|event| event == "stale_claim"), "the second was never stale: {events:?}");
    let arrived = sink.arrived();
    let broken = judge(&ledger, &arrived);
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!((arrived.applied.len(), arrived.requests), (1, 2), "one key, sent by both");
    settings::tell(&format!(
        "{proof}: 1 delivery acknowledged, {} requests under one key, {:.1} s",
        arrived.requests,
        watch.elapsed().as_secs_f64()
    ));
}
