//! The books of the clock protocol: which units of work are busy, which wait for what, and what time it is.
//!
//! Pure state, changed under the one lock of [`super::Clock`]. A unit of work is always in exactly one state: busy,
//! waiting for a timer, waiting for the provider (perhaps with a time-out timer), or queued for a slot that another
//! unit holds. Each change of state is one method here, so there is no instant at which an observer could see a
//! unit in none of them and take the runtime for idle. This module must not know what the work is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::oneshot;

/// A registered timer: its instant, then its place among the timers of the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey(Timestamp, u64);

/// A unit's place in the queue for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotKey(u64);

/// A wait that was entered: by which key to leave it early, and what resolves when it is over.
#[derive(Debug)]
pub(super) struct Wait<K> {
    pub(super) key: K,
    pub(super) over: oneshot::Receiver<()>,
}

/// How a request to the provider ended, by the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestEnd {
    /// Before its time-out fired.
    InTime,
    /// Its time-out had fired.
    TimedOut,
}

/// What an observer is told of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ClockState {
    pub(crate) now: Timestamp,
    pub(crate) next_timer: Option<Timestamp>,
    pub(crate) busy: u64,
    pub(crate) started: u64,
    pub(crate) finished: u64,
}

#[derive(Debug)]
pub(super) struct Activity {
    now: Timestamp,
    timers: BTreeMap<TimerKey, oneshot::Sender<()>>,
    busy: u64,
    started: u64,
    finished: u64,
    free_slots: usize,
    slot_queue: BTreeMap<SlotKey, oneshot::Sender<()>>,
    /// Orders timers of one instant, and the slot queue, by registration.
    registered: u64,
}

impl Activity {
    pub(super) fn new(now: Timestamp, slots: usize) -> Self {
        Self {
            now,
            timers: BTreeMap::new(),
            busy: 0,
            started: 0,
            finished: 0,
            free_slots: slots,
            slot_queue: BTreeMap::new(),
            registered: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn state(&self) -> ClockState {
        ClockState {
            now: self.now,
            next_timer: self.timers.first_key_value().map(|(key, _)| key.0),
            busy: self.busy,
            started: self.started,
            finished: self.finished,
        }
    }

    pub(super) fn enter_busy(&mut self) {
        self.busy += 1;
    }

    pub(super) fn leave_busy(&mut self) {
        self.busy -= 1;
    }

    /// A busy unit begins to wait for `at`; `None` when that is not in the future, and the unit stays busy.
    pub(super) fn begin_wait(&mut self, at: Timestamp) -> Option<Wait<TimerKey>> {
        if at <= self.now {
            return None;
        }
        let wait = self.register(at);
        self.leave_busy();
        Some(wait)
    }

    /// The unit is busy again: either since its timer fired, or, when it gives up the wait, from now on.
    pub(super) fn end_wait(&mut self, key: TimerKey) {
        if self.timers.remove(&key).is_some() {
            self.enter_busy();
        }
    }

    /// A busy unit begins a request to the provider, which times out at `deadline`, if at all.
    pub(super) fn begin_request(&mut self, deadline: Option<Timestamp>) -> Option<Wait<TimerKey>> {
        self.started += 1;
        let wait = deadline.map(|deadline| self.register(deadline));
        self.leave_busy();
        wait
    }

    /// The unit is busy again and its request is counted as finished. Once the timer has fired the request has timed
    /// out, even if its answer came in the same moment: what the clock did decides, not which task woke first.
    pub(super) fn end_request(&mut self, timer: Option<TimerKey>) -> RequestEnd {
        let end = match timer {
            Some(key) if self.timers.remove(&key).is_none() => RequestEnd::TimedOut,
            _ => {
                self.enter_busy();
                RequestEnd::InTime
            }
        };
        self.finished += 1;
        end
    }

    /// A busy unit asks for a slot; `None` when it has one at once, else it leaves busy until one is handed over.
    pub(super) fn take_slot(&mut self) -> Option<Wait<SlotKey>> {
        if self.free_slots > 0 {
            self.free_slots -= 1;
            return None;
        }
        let (sender, over) = oneshot::channel();
        let key = SlotKey(self.next_place());
        self.slot_queue.insert(key, sender);
        self.leave_busy();
        Some(Wait { key, over })
    }

    /// A unit gives up its place in the queue, and is busy again. If a slot was handed to it meanwhile, that goes on
    /// to the next.
    pub(super) fn leave_slot_queue(&mut self, key: SlotKey) {
        if self.slot_queue.remove(&key).is_some() {
            self.enter_busy();
        } else {
            self.release_slot();
        }
    }

    /// Hands the slot to the unit that has waited longest; that is busy from now on.
    pub(super) fn release_slot(&mut self) {
        match self.slot_queue.pop_first() {
            Some((_, handed_over)) => {
                self.enter_busy();
                // A receiver that is gone has its `leave_slot_queue` still to come, which passes the slot on.
                let _ = handed_over.send(());
            }
            None => self.free_slots += 1,
        }
    }

    /// Fires the earliest timer that is not after `to` and moves to its instant; without such a timer, moves to `to`.
    ///
    /// # Errors
    /// The present instant, when `to` lies before it.
    pub(super) fn advance(&mut self, to: Timestamp) -> Result<(), Timestamp> {
        if to < self.now {
            return Err(self.now);
        }
        match self.timers.first_entry() {
            Some(timer) if timer.key().0 <= to => {
                self.now = self.now.max(timer.key().0);
                self.busy += 1;
                // A receiver that is gone ends its wait next, and finds itself counted as busy.
                let _ = timer.remove().send(());
            }
            _ => self.now = to,
        }
        Ok(())
    }

    fn register(&mut self, at: Timestamp) -> Wait<TimerKey> {
        let (sender, over) = oneshot::channel();
        let key = TimerKey(at, self.next_place());
        self.timers.insert(key, sender);
        Wait { key, over }
    }

    fn next_place(&mut self) -> u64 {
        self.registered += 1;
        self.registered
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_timer_fires_alone_and_leaves_its_unit_busy() {
        let mut activity = Activity::new(at(0), 1);
        activity.enter_busy();
        activity.enter_busy();
        let mut first = activity.begin_wait(at(10)).unwrap();
        let mut second = activity.begin_wait(at(10)).unwrap();
        assert_eq!(activity.state().busy, 0);

        activity.advance(at(60)).unwrap();
        assert_eq!((activity.now(), activity.state().busy), (at(10), 1));
        assert_eq!((first.over.try_recv().is_ok(), second.over.try_recv().is_ok()), (true, false));

        activity.advance(at(60)).unwrap();
        assert_eq!((activity.now(), activity.state().busy), (at(10), 2));
        assert_eq!(activity.state().next_timer, None);
        activity.advance(at(60)).unwrap();
        assert_eq!(activity.now(), at(60));
        assert_eq!(activity.advance(at(59)), Err(at(60)));
    }

    #[test]
    fn what_is_not_in_the_future_is_not_waited_for() {
        let mut activity = Activity::new(at(5), 1);
        activity.enter_busy();
        assert!(activity.begin_wait(at(5)).is_none());
        assert_eq!(activity.state().busy, 1);
    }

    #[test]
    fn a_request_whose_time_out_fired_has_timed_out_even_if_its_answer_is_there() {
        let mut activity = Activity::new(at(0), 1);
        activity.enter_busy();
        let timer = activity.begin_request(Some(at(10))).map(|wait| wait.key);
        activity.advance(at(10)).unwrap();
        assert_eq!((activity.state().busy, activity.state().finished), (1, 0));
        assert_eq!(activity.end_request(timer), RequestEnd::TimedOut);
        assert_eq!((activity.state().busy, activity.state().finished), (1, 1));

        let timer = activity.begin_request(Some(at(20))).map(|wait| wait.key);
        assert_eq!(activity.end_request(timer), RequestEnd::InTime);
        assert_eq!((activity.state().next_timer, activity.state().busy), (None, 1));
    }

    #[test]
    fn a_slot_handed_to_a_unit_that_gave_up_goes_to_the_next() {
        let mut activity = Activity::new(at(0), 1);
        (0..3).for_each(|_| activity.enter_busy());
        assert!(activity.take_slot().is_none());
        let gave_up = activity.take_slot().unwrap();
        let mut next = activity.take_slot().unwrap();
        assert_eq!(activity.state().busy, 1);
        activity.release_slot();
        assert_eq!(activity.state().busy, 2);
        activity.leave_slot_queue(gave_up.key);
        assert!(next.over.try_recv().is_ok());
        assert_eq!(activity.state().busy, 3);
    }

    /// Where the model believes one unit to be.
    enum Unit {
        Busy { slot: bool },
        Waiting(TimerKey),
        Asking { timer: Option<TimerKey>, slot: bool },
        Queued(Wait<SlotKey>),
    }

    fn run_step(activity: &mut Activity, units: &mut Vec<Unit>, action: u8, pick: usize) {
        let later = activity.now() + SignedDuration::from_secs(i64::from(action % 3) + 1);
        if action == 0 {
            activity.enter_busy();
            units.push(Unit::Busy { slot: false });
            return;
        }
        if action == 1 {
            let to = activity.now() + SignedDuration::from_secs(2);
            activity.advance(to).unwrap();
            return;
        }
        if units.is_empty() {
            return;
        }
        let index = pick % units.len();
        let unit = units.swap_remove(index);
        units.push(match unit {
            Unit::Busy { slot: false } if action == 2 => match activity.take_slot() {
                None => Unit::Busy { slot: true },
                Some(wait) => Unit::Queued(wait),
            },
            Unit::Busy { slot: true } if action == 2 => {
                activity.release_slot();
                Unit::Busy { slot: false }
            }
            // Nobody sleeps while holding a slot.
            Unit::Busy { slot: false } if action == 3 => {
                activity.begin_wait(later).map_or(Unit::Busy { slot: false }, |wait| Unit::Waiting(wait.key))
            }
            Unit::Busy { slot: false } if action == 4 => {
                activity.leave_busy();
                return;
            }
            Unit::Busy { slot } if action > 4 => {
                let deadline = (action == 5).then_some(later);
                Unit::Asking { timer: activity.begin_request(deadline).map(|wait| wait.key), slot }
            }
            Unit::Waiting(key) => {
                activity.end_wait(key);
                Unit::Busy { slot: false }
            }
            Unit::Asking { timer, slot } => {
                activity.end_request(timer);
                Unit::Busy { slot }
            }
            Unit::Queued(mut wait) => match wait.over.try_recv() {
                Ok(()) => Unit::Busy { slot: true },
                Err(_) if action == 3 => {
                    activity.leave_slot_queue(wait.key);
                    Unit::Busy { slot: false }
                }
                Err(_) => Unit::Queued(wait),
            },
            unit @ Unit::Busy { .. } => unit,
        });
    }

    proptest! {
        /// Whatever happens, in whatever order: while a unit exists, an observer can see it.
        #[test]
        fn a_unit_of_work_is_never_out_of_sight(steps in prop::collection::vec((0u8..7, 0usize..8), 1..120)) {
            let mut activity = Activity::new(at(0), 2);
            let mut units = Vec::new();
            for (action, pick) in steps {
                run_step(&mut activity, &mut units, action, pick);
                let state = activity.state();
                prop_assert!(state.finished <= state.started);
                let asking = units.iter().filter(|unit| matches!(unit, Unit::Asking { .. })).count() as u64;
                prop_assert_eq!(state.started - state.finished, asking);
                let visible = state.busy > 0 || asking > 0 || state.next_timer.is_some();
                prop_assert_eq!(!units.is_empty(), visible);
                let busy_units = units.iter().filter(|unit| matches!(unit, Unit::Busy { .. })).count() as u64;
                prop_assert!(state.busy >= busy_units);
            }
        }
    }
}
