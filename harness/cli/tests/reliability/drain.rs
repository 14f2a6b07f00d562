//! SIGTERM under load: the runtime ends by itself, with 0 and soon, and leaves its work to whoever comes next. What it
//! had claimed and not begun is free at once, so the next does not wait for a lease to lapse.

use crate::settings;
use crate::trial::Trial;
use counterpart_test_postgres::TestPostgres;
use std::time::Duration;

/// A call that is under way may take 10 s to its end.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// Much longer than all of the test: whoever waited for it would be seen.
const LEASE_S: &str = "120";
const RESUMED_WITHIN: Duration = Duration::from_secs(30);
const ROUNDS: u64 = 3;
const SENDERS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_under_load_on_sqlite_it_ends_in_order() {
    let _turn = settings::turn().await;
    terminated_under_load("SIGTERM, SQLite", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_under_load_on_postgres_it_ends_in_order() {
    let _turn = settings::turn().await;
    let proof = "SIGTERM, PostgreSQL";
    let Some(postgres) = TestPostgres::for_test(proof) else { return };
    terminated_under_load(proof, Some(postgres.url().to_owned())).await;
}

async fn terminated_under_load(proof: &str, database: Option<String>) {
    let dice = settings::dice(proof);
    let mut moments = dice.apart(2);
    let trial = Trial::new(proof, SENDERS, &dice, database).await;
    let mut slowest = Duration::ZERO;
    let rounds = ROUNDS * settings::times_longer();
    for round in 0..rounds {
        let mut process = trial.launch().with("--lease-s", LEASE_S).start().await;
        if round == 0 {
            trial.connect(&process).await;
        }
        trial.load.aim(&[process.url()]);
        trial.acknowledged(40).await;
        // Requests that the destination holds back are work that waits behind them, claimed and not begun.
        trial.sink.hold();
        let span = Duration::from_millis(100 + moments.below(300));
        assert!(!trial.run(&mut process, span).await, "it ended by itself: {}", process.log());
        let watch = crate::clock::Stopwatch::start();
        process.terminate();
        crate::clock::pause(Duration::from_millis(50)).await;
        trial.sink.let_go();
        let status = process.ended(ENDS_WITHIN).await;
        trial.load.aim(&[]);
        assert_eq!(status.code(), Some(0), "{status}: {}", process.log());
        slowest = slowest.max(watch.elapsed());
    }
    let last = trial.launch().with("--lease-s", LEASE_S).start().await;
    let summary = format!("{rounds} terminations, the slowest in {:.2} s", slowest.as_secs_f64());
    let resumed = trial.judge(&last, &summary).await;
    assert!(resumed < RESUMED_WITHIN, "{resumed:?}: the next waited for leases of {LEASE_S} s");
}
