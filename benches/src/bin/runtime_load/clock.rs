//! The one place of the load run that reads the time and waits: what it measures happens in real time.
#![expect(clippy::disallowed_methods, reason = "a load run is about real time")]

use std::time::{Duration, Instant};

/// Timers of tokio are no finer than this.
const TIMER: Duration = Duration::from_millis(2);

pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn timestamp() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

pub(crate) async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

pub(crate) fn block(pause: Duration) {
    std::thread::sleep(pause);
}

/// Waits until `instant`, to some microseconds: the last of it by asking again and again.
pub(crate) async fn exactly(instant: Instant) {
    let left = instant.saturating_duration_since(now());
    if left > TIMER {
        sleep(left - TIMER).await;
    }
    while now() < instant {
        tokio::task::yield_now().await;
    }
}
