//! The clock protocol, and the one place where this side of the harness reads real time.
//!
//! `GET /clock` tells [`ClockState`]; `POST /clock/advance {"to": <instant>}` fires the earliest timer that is
//! due by then, one at a time, and answers with the state after it. docs/clock-protocol.md has the whole of it.

use jiff::Timestamp;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// What a subject says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ClockState {
    /// Its time.
    pub now: Timestamp,
    /// When it will next do something by itself, if it will.
    pub next_timer: Option<Timestamp>,
    /// Units of work that wait neither for a timer nor for an answer from outside.
    pub busy: u64,
    /// Requests to providers that were begun.
    pub started: u64,
    /// Requests to providers that are over, however they ended.
    pub finished: u64,
}

/// Real time that has passed, for bounds and for wall times in reports.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where real time is measured")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Real time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Real milliseconds since the start.
    #[must_use]
    pub fn elapsed_ms(self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Lets real time pass: only for subjects that live in it.
#[expect(clippy::disallowed_methods, reason = "a subject on real time can only be waited for")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The same for a thread that may block.
#[expect(clippy::disallowed_methods, reason = "what a process leaves behind can only be looked for again")]
pub(crate) fn pause_blocking(duration: Duration) {
    std::thread::sleep(duration);
}

/// What a future comes to, unless so much real time passes before.
#[expect(clippy::disallowed_methods, reason = "whoever starts a process waits for it in real time")]
pub(crate) async fn within<T>(duration: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(duration, work).await.ok()
}
