//! Virtual time for code whose clock can be driven.

use crate::client::Importer;
use counterpart_testing::{ClockError, ClockState, Timed, VirtualClock, fixture, stand_in};
use std::time::Duration;
use tokio::task::JoinHandle;

fn began(provider: &counterpart_testing::TestStandIn) -> JoinHandle<Vec<serde_json::Value>> {
    let clock = provider.clock().clone();
    let mut importer = Importer::of(provider);
    importer.clock = Some(clock.clone());
    clock.spawn(importer.import())
}

#[tokio::test]
async fn waits_of_minutes_take_no_time() {
    let provider = stand_in(fixture!("matrix/room-history"))
        .virtual_clock()
        .with_fault("server_error@messages-2*3")
        .with_fault("timeout@messages-5")
        .await;
    let start = provider.clock().now();
    let work = began(&provider);
    provider.settle().await;
    assert_eq!(work.await.unwrap().len(), 81);
    // Three waits of a minute, a time-out of ten seconds, and the minute behind it.
    assert_eq!(provider.clock().now().duration_since(start).as_secs(), 250);
    provider.assert_requests("messages", 14);
}

#[tokio::test]
async fn time_goes_as_far_as_the_test_says() {
    let provider = stand_in(fixture!("matrix/room-history"))
        .virtual_clock()
        .with_fault("server_error@messages-2*3")
        .await;
    let work = began(&provider);
    provider.advance(Duration::from_secs(59)).await;
    provider.assert_requests("messages", 2);
    provider.advance(Duration::from_secs(2)).await;
    provider.assert_requests("messages", 3);
    provider.settle().await;
    assert!(work.is_finished());
}

#[tokio::test]
#[should_panic(expected = "waits for ever: 1 request(s) are held")]
async fn a_request_without_a_time_out_is_found() {
    let provider =
        stand_in(fixture!("matrix/room-history")).virtual_clock().with_fault("timeout@resolve_alias-1").await;
    let clock = provider.clock().clone();
    let url = format!("{}{}", provider.base_url(), crate::client::ALIAS);
    // Ten days and more: longer than anybody waits.
    let timed = clock.clone();
    let _work = clock.spawn(async move {
        let asked = async { crate::client::http().get(url).send().await.is_ok() };
        let _ = timed.request(Duration::MAX, asked).await;
    });
    provider.settle().await;
}

#[tokio::test]
#[should_panic(expected = "lives in real time")]
async fn a_stand_in_in_real_time_has_no_clock_to_move() {
    stand_in(fixture!("matrix/room-history")).await.settle().await;
}

#[tokio::test]
async fn books_hold_where_work_is_given_up() {
    let provider = stand_in(fixture!("matrix/room-history")).virtual_clock().await;
    let clock = provider.clock().clone();
    let sleeping = |clock: VirtualClock| async move { clock.sleep(Duration::from_secs(5)).await };
    // Aborted while it sleeps, and while another wait of the same work goes on.
    let aborted = clock.spawn(sleeping(clock.clone()));
    tokio::task::yield_now().await;
    aborted.abort();
    let raced = clock.clone();
    let race = clock.spawn(async move {
        tokio::select! {
            () = raced.sleep(Duration::from_secs(1)) => 1,
            () = raced.sleep(Duration::from_secs(9)) => 9,
        }
    });
    provider.settle().await;
    assert_eq!(race.await.unwrap(), 1);
    let panicking = clock.spawn(async { panic!("of the code under test") });
    provider.settle().await;
    assert!(panicking.await.is_err());
}

/// A clock that a connector brings itself: here, one around another.
struct OwnClock(VirtualClock);

impl Timed for OwnClock {
    async fn clock(&self) -> Result<Option<ClockState>, ClockError> {
        self.0.clock().await
    }

    async fn advance(&self, to: jiff::Timestamp) -> Result<(), ClockError> {
        self.0.advance(to).await
    }
}

#[tokio::test]
async fn a_clock_of_the_tests_own_is_settled() {
    let provider =
        stand_in(fixture!("matrix/room-history")).virtual_clock().with_fault("server_error@messages-2").await;
    let own = OwnClock(provider.clock().clone());
    let work = began(&provider);
    provider.settle_clock(&own).await;
    assert_eq!(work.await.unwrap().len(), 81);
}

#[tokio::test]
async fn a_wait_outside_of_the_books_is_told() {
    let provider = stand_in(fixture!("matrix/room-history")).virtual_clock().await;
    let clock = provider.clock().clone();
    let outside = tokio::spawn(async move { clock.sleep(Duration::from_secs(1)).await });
    let panicked = outside.await.unwrap_err().into_panic();
    let told = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(told.contains("outside of work that its `spawn` began"), "{told}");
}

#[tokio::test]
async fn work_that_a_timer_woke_is_busy_before_it_runs() {
    let start = jiff::Timestamp::UNIX_EPOCH;
    let clock = VirtualClock::starting_at(start);
    let busy = async || clock.clock().await.unwrap().unwrap().busy;
    let waits = clock.clone();
    let work = clock.spawn(async move {
        tokio::join!(waits.sleep(Duration::from_secs(1)), waits.sleep(Duration::from_secs(9)))
    });
    assert_eq!(busy().await, 1, "it has not begun");
    tokio::task::yield_now().await;
    assert_eq!(busy().await, 0, "it waits for both");
    clock.advance(start + jiff::SignedDuration::from_secs(9)).await.unwrap();
    assert_eq!(busy().await, 1, "one has fired, though it did not run yet");
    tokio::task::yield_now().await;
    assert_eq!(busy().await, 0, "it waits for the other");
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    assert_eq!(clock.clock().await.unwrap().unwrap().next_timer, None);
}
