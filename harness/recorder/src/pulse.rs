//! What all journals of a recording share: its clock, its bounds, and how many exchanges are under way in all.
//!
//! Knows nothing of messages.

use crate::body_copy::Budget;
use crate::clock::Clock;
use crate::config::Limits;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The pulse of a recording.
pub(crate) struct Pulse {
    clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) budget: Arc<Budget>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    in_flight: usize,
    kept: usize,
    last_activity_ms: u64,
}

impl Pulse {
    pub(crate) fn new(clock: Clock, limits: Limits) -> Arc<Self> {
        let budget = Budget::new(limits.total_bytes);
        Arc::new(Self { clock, limits, budget, state: Mutex::default(), changed: watch::Sender::new(()) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the recording began.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// An exchange begins; gives when.
    pub(crate) fn begun(&self) -> u64 {
        let now_ms = self.now_ms();
        let mut state = self.lock();
        state.in_flight += 1;
        state.last_activity_ms = now_ms;
        drop(state);
        self.changed.send_replace(());
        now_ms
    }

    /// An exchange has ended, of which so many (none or one) are kept.
    pub(crate) fn ended(&self, now_ms: u64, kept: usize) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.kept += kept;
        state.last_activity_ms = now_ms;
        drop(state);
        self.changed.send_replace(());
    }

    /// Resolves when something was captured, nothing is in flight, and nothing happened for `quiet`.
    pub(crate) async fn idle(&self, quiet: Duration) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            match self.quiet_left(quiet) {
                Some(Duration::ZERO) => return,
                Some(left) => {
                    let _ = Clock::within(left, changed.changed()).await;
                }
                None => {
                    let _ = changed.changed().await;
                }
            }
        }
    }

    /// How much is left of a quiet time; nothing while it has not begun.
    fn quiet_left(&self, quiet: Duration) -> Option<Duration> {
        let state = self.lock();
        let so_far = Duration::from_millis(self.now_ms().saturating_sub(state.last_activity_ms));
        (state.in_flight == 0 && state.kept > 0).then(|| quiet.saturating_sub(so_far))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_begins_when_the_last_exchange_in_flight_has_ended() {
        let pulse = Pulse::new(Clock::start(), Limits::default());
        let quiet = Duration::from_secs(3600);
        assert_eq!(pulse.quiet_left(quiet), None);
        let begun = pulse.begun();
        assert_eq!(pulse.quiet_left(quiet), None);
        pulse.ended(begun, 1);
        assert!(pulse.quiet_left(quiet).is_some_and(|left| left > Duration::from_secs(3500)));
        assert_eq!(pulse.quiet_left(Duration::ZERO), Some(Duration::ZERO));
        pulse.begun();
        assert_eq!(pulse.quiet_left(Duration::ZERO), None);
    }

    #[test]
    fn what_is_not_kept_is_nothing_to_be_quiet_after() {
        let pulse = Pulse::new(Clock::start(), Limits::default());
        let begun = pulse.begun();
        pulse.ended(begun, 0);
        assert_eq!(pulse.quiet_left(Duration::ZERO), None);
    }
}
