//! The stand-in's time, and what waits for it: real where a person drives it, virtual where a conductor does.
//!
//! What falls due is done within [`StandInClock::advance_to`], before it returns: whoever moves the clock finds
//! the stand-in as it is at the new instant. This is the only module that reads real time or waits for it.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Where the stand-in takes the time from.
#[derive(Clone, Debug)]
pub enum StandInClock {
    /// The machine's clock.
    Real,
    /// A clock that moves only when it is told to.
    Virtual(VirtualClock),
    /// The machine's clock, so far off: beside a program whose dates are shifted and whose waits are real.
    Shifted(ShiftedClock),
}

/// The machine's clock, so far off.
#[derive(Clone, Debug)]
pub struct ShiftedClock(Arc<watch::Sender<SignedDuration>>);

/// A point in time that a conductor moves.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    /// What waits, by its instant and the order in which it began to wait.
    waiting: BTreeMap<(Timestamp, u64), Due>,
    begun: u64,
}

/// What is done when its time has come.
struct Due(Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Due {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Due")
    }
}

impl StandInClock {
    /// A virtual clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Virtual(VirtualClock(Arc::new(Mutex::new(Hands {
            now: start,
            waiting: BTreeMap::new(),
            begun: 0,
        }))))
    }

    /// The machine's clock, shifted so that it is `now`.
    #[must_use]
    pub fn shifted_to(now: Timestamp) -> Self {
        let offset = now.duration_since(Self::Real.now());
        Self::Shifted(ShiftedClock(Arc::new(watch::Sender::new(offset))))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place where the stand-in reads real time")]
            Self::Real => Timestamp::now(),
            Self::Virtual(clock) => clock.with(|hands| hands.now),
            Self::Shifted(ShiftedClock(offset)) => {
                Self::Real.now().saturating_add(*offset.borrow()).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Moves a virtual clock forward and does what falls due; a real one, or one that is already later, stays. What falls
    /// due on a shifted one is done at once, but not before this returns.
    pub fn advance_to(&self, to: Timestamp) {
        if let Self::Shifted(ShiftedClock(offset)) = self {
            let by = to.duration_since(self.now());
            if by.is_positive() {
                offset.send_modify(|offset| *offset = offset.saturating_add(by));
            }
        }
        let Self::Virtual(clock) = self else { return };
        let due = clock.with(|hands| {
            hands.now = to.max(hands.now);
            let later = hands.waiting.split_off(&(hands.now, u64::MAX));
            std::mem::replace(&mut hands.waiting, later)
        });
        for Due(act) in due.into_values() {
            act();
        }
    }

    /// The next instant at which a virtual clock has something to do.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        match self {
            Self::Real | Self::Shifted(_) => None,
            Self::Virtual(clock) => {
                clock.with(|hands| hands.waiting.first_key_value().map(|((at, _), _)| *at))
            }
        }
    }

    /// Does something once its time has come, unless what is returned is dropped before.
    pub(crate) fn when(&self, at: Timestamp, act: impl FnOnce() + Send + 'static) -> Waiting {
        match self {
            Self::Real => {
                let wait = real_wait(self.now(), at);
                Waiting::Real(tokio::spawn(async move {
                    wait.await;
                    act();
                }))
            }
            Self::Shifted(ShiftedClock(offset)) => {
                let (clock, mut shifts) = (self.clone(), offset.subscribe());
                Waiting::Real(tokio::spawn(async move {
                    while clock.now() < at {
                        tokio::select! {
                            () = real_wait(clock.now(), at) => {}
                            changed = shifts.changed() => if changed.is_err() { return },
                        }
                    }
                    act();
                }))
            }
            Self::Virtual(clock) => {
                let key = clock.with(|hands| {
                    hands.begun += 1;
                    (at, hands.begun)
                });
                let is_due = clock.with(|hands| at <= hands.now);
                if is_due {
                    act();
                } else {
                    clock.with(|hands| hands.waiting.insert(key, Due(Box::new(act))));
                }
                Waiting::Virtual(clock.clone(), key)
            }
        }
    }

    /// Waits for an instant. `on_time` is done at that very instant, before anybody is woken.
    pub(crate) async fn wait_until(&self, at: Timestamp, on_time: impl FnOnce() + Send + 'static) {
        let (came, coming) = oneshot::channel();
        let _waiting = self.when(at, move || {
            on_time();
            let _ = came.send(());
        });
        let _ = coming.await;
    }
}

impl VirtualClock {
    fn with<T>(&self, act: impl FnOnce(&mut Hands) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Something that waits for its time; dropping it calls it off.
pub(crate) enum Waiting {
    Real(tokio::task::JoinHandle<()>),
    Virtual(VirtualClock, (Timestamp, u64)),
}

impl Drop for Waiting {
    fn drop(&mut self) {
        match self {
            Self::Real(task) => task.abort(),
            Self::Virtual(clock, key) => {
                let called_off = clock.with(|hands| hands.waiting.remove(key));
                drop(called_off);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the stand-in waits in real time")]
fn real_wait(now: Timestamp, until: Timestamp) -> impl Future<Output = ()> {
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    tokio::time::sleep(wait)
}

/// Gives something so much real time, whatever the stand-in's clock says: a client that stops half-way through
/// its request must not be waited for.
#[expect(clippy::disallowed_methods, reason = "a bound on real time")]
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

/// Waits in real time, where the machine has run out of something.
#[expect(clippy::disallowed_methods, reason = "a pause of real time")]
pub(crate) async fn pause(how_long: Duration) {
    tokio::time::sleep(how_long).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> Timestamp {
        Timestamp::from_second(number).unwrap()
    }

    #[test]
    fn a_virtual_clock_never_goes_back() {
        let clock = StandInClock::starting_at(second(100));
        clock.advance_to(second(200));
        clock.advance_to(second(150));
        assert_eq!(clock.now(), second(200));
    }

    #[test]
    fn what_falls_due_is_done_in_order_before_the_clock_returns() {
        let clock = StandInClock::starting_at(second(0));
        let done = Arc::new(Mutex::new(Vec::new()));
        let wait = |at: i64| {
            let done = Arc::clone(&done);
            clock.when(second(at), move || done.lock().unwrap().push(at))
        };
        let _kept = [wait(20), wait(10), wait(0), wait(30)];
        drop(wait(15));
        assert_eq!(clock.next_timer(), Some(second(10)));
        clock.advance_to(second(20));
        assert_eq!(*done.lock().unwrap(), [0, 10, 20]);
        assert_eq!(clock.next_timer(), Some(second(30)));
    }
}
