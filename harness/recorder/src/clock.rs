//! Real time: how long traffic took, and how long the recorder waits. The one place that reads a clock.
//!
//! A recording is of the real world, so nothing here can be made to jump. Knows nothing of traffic.

use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Counts from the start of a recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// The wall-clock time of the start, in whole milliseconds.
    pub(crate) started_at: Timestamp,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "recording is of real traffic, in real time")]
    pub(crate) fn start() -> Self {
        let now = Timestamp::now();
        let started_at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        Self { origin: Instant::now(), started_at }
    }

    /// Milliseconds since the start, never going back.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The wall-clock time, by which clients judge certificates.
    pub(crate) fn wall(&self) -> Timestamp {
        let passed = jiff::SignedDuration::try_from(self.origin.elapsed()).unwrap_or_default();
        self.started_at.saturating_add(passed).unwrap_or(self.started_at)
    }

    #[expect(clippy::disallowed_methods, reason = "waits for real traffic")]
    pub(crate) async fn wait(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// The result of a future, if it has one in time.
    #[expect(clippy::disallowed_methods, reason = "bounds a wait for real traffic")]
    pub(crate) async fn within<T>(bound: Duration, future: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(bound, future).await.ok()
    }
}
