//! The one place where the runtime learns what time it is, and waits.
//!
//! Injected everywhere. With the test clock time stands still until it is advanced over HTTP, and an observer can
//! tell from [`ClockState`] whether anything is still going on; with the real clock the same books are kept and time
//! is the machine's. `activity` holds the books, `work` the guards through which the rest of the runtime changes
//! them.

mod activity;
mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::activity::Activity;
pub(crate) use self::activity::ClockState;
pub(crate) use self::work::{Slot, Work};
use crate::config::ClockMode;

/// At most this many calls, with what follows from them, are under way at once.
const SLOTS: usize = 16;

/// A long real sleep looks at the wall clock this often, so that a suspended machine or a corrected clock is noticed.
const LONGEST_NAP: SignedDuration = SignedDuration::from_secs(60);

/// A handle on the clock of one runtime.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    activity: Mutex<Activity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Real,
    Test,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        let (source, now) = match mode {
            ClockMode::Real => (Source::Real, real_now()),
            ClockMode::Test { start } => (Source::Test, start),
        };
        Self(Arc::new(Inner { source, activity: Mutex::new(Activity::new(now, SLOTS)) }))
    }

    pub(crate) fn is_test(&self) -> bool {
        self.0.source == Source::Test
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self.0.source {
            Source::Real => real_now(),
            Source::Test => self.activity().now(),
        }
    }

    pub(crate) fn state(&self) -> ClockState {
        self.activity().state()
    }

    /// Advances the test clock: fires one timer, or moves to `to` when none is due by then.
    ///
    /// # Errors
    /// The present instant, when `to` lies before it.
    pub(crate) fn advance(&self, to: Timestamp) -> Result<ClockState, Timestamp> {
        let mut activity = self.activity();
        activity.advance(to)?;
        Ok(activity.state())
    }

    /// A new unit of work, busy from now on.
    pub(crate) fn begin_work(&self) -> Work {
        Work::begin(self.clone())
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        // Each method of the books leaves them whole, so a panic elsewhere does not spoil them.
        self.0.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `base` plus `duration`, or the last instant there is.
pub(crate) fn later(base: Timestamp, duration: SignedDuration) -> Timestamp {
    base.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Waits for `future` no longer than `limit` of real time; `None` when it took longer. For stopping, and for bodies on
/// their way in, which must end even when the test clock stands still.
pub(crate) async fn bounded_in_real_time<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    #[expect(clippy::disallowed_methods, reason = "the clock module")]
    tokio::time::timeout(limit, future).await.ok()
}

/// Waits for so much real time. For what processes do for each other, which no test clock has to wait for.
pub(crate) async fn pause_in_real_time(pause: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the clock module")]
    tokio::time::sleep(pause).await;
}

#[expect(clippy::disallowed_methods, reason = "the clock module")]
fn real_now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "the clock module")]
async fn real_sleep_until(instant: Timestamp) {
    loop {
        let left = instant.duration_since(real_now());
        if left <= SignedDuration::ZERO {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_NAP).unsigned_abs()).await;
    }
}
