//! A virtual clock for code under test that runs in the test's own process.
//!
//! It keeps the books of the clock protocol. A unit of work is busy while it is being polled, once a timer has woken it, and
//! as long as it waits for nothing that the books know; each change is one step under one lock. Time moves when [`TestStandIn::settle`](crate::TestStandIn::settle) moves it.

use counterpart_scenario::Timed;
use counterpart_subject::{ClockState, SubjectError};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A clock that stands still until it is moved.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use counterpart_testing::{fixture, stand_in};
/// use std::time::Duration;
///
/// let provider = stand_in(fixture!("matrix/room-history")).virtual_clock().await;
/// let clock = provider.clock().clone();
/// let began = clock.now();
/// let work = clock.spawn({
///     let clock = clock.clone();
///     async move { clock.sleep(Duration::from_secs(3600)).await }
/// });
/// provider.settle().await; // an hour, at once
/// work.await.unwrap();
/// assert_eq!(clock.now().duration_since(began).as_secs(), 3600);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<Books>>);

#[derive(Debug)]
struct Books {
    now: Timestamp,
    /// By instant and order of being set.
    timers: BTreeMap<TimerKey, Timer>,
    /// Work that is not over, by number.
    units: BTreeMap<u64, Unit>,
    /// Timers and units so far: no number is given twice.
    numbered: u64,
    started: u64,
    finished: u64,
}

type TimerKey = (Timestamp, u64);

#[derive(Debug)]
struct Timer {
    unit: u64,
    fire: oneshot::Sender<()>,
}

/// A unit of work.
#[derive(Debug, Default)]
struct Unit {
    /// Timers that it waits for, those of its requests among them.
    waiting: usize,
    is_woken: bool,
    is_polled: bool,
}

impl Unit {
    fn is_busy(&self) -> bool {
        self.is_polled || self.is_woken || self.waiting == 0
    }
}

tokio::task_local! {
    /// The unit of work that is being polled.
    static UNIT: u64;
}

/// A request of [`VirtualClock::request`] that was not over in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer came in time")]
pub struct TimedOut;

impl VirtualClock {
    /// A clock that stands at an instant.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let (timers, units) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Books { now, timers, units, numbered: 0, started: 0, finished: 0 })))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.with(|books| books.now)
    }

    /// Begins a unit of work: it is busy from now until it ends, but for what it waits for.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let number = self.with(|books| {
            books.numbered += 1;
            books.units.insert(books.numbered, Unit::default());
            books.numbered
        });
        let entry = Entry { clock: self.clone(), number };
        tokio::spawn(Work { work: Box::pin(UNIT.scope(number, work)), entry })
    }

    /// Waits for so long on this clock.
    ///
    /// # Panics
    /// Outside of work that [`Self::spawn`] began: the books would not hold.
    pub async fn sleep(&self, length: Duration) {
        let (_waiting, came) = self.wait(length);
        let _ = came.await;
    }

    /// Makes a request to the provider, which must be over within a time on this clock ([`Duration::MAX`] is for ever).
    /// Every request has to go this way, or the books do not hold; the client's own time-outs and retries are to be off.
    ///
    /// # Errors
    /// [`TimedOut`]; what was under way is dropped then, so its connection closes.
    ///
    /// # Panics
    /// As [`Self::sleep`].
    pub async fn request<T>(
        &self,
        within: Duration,
        request: impl Future<Output = T>,
    ) -> Result<T, TimedOut> {
        let (_waiting, came) = self.wait(within);
        self.with(|books| books.started += 1);
        // Counted as over when this is dropped, after what was under way.
        let _over = Over(self);
        let mut request = std::pin::pin!(request);
        tokio::select! {
            answer = &mut request => Ok(answer),
            _ = came => Err(TimedOut),
        }
    }

    /// Sets a timer for the unit of work that asks for it.
    fn wait(&self, length: Duration) -> (Waiting<'_>, oneshot::Receiver<()>) {
        let (fire, fired) = oneshot::channel();
        #[expect(clippy::expect_used, reason = "a test whose work is not in the books would show nothing")]
        let unit = UNIT.try_with(|unit| *unit).expect(
            "this waits on a virtual clock outside of work that its `spawn` began; begin every task that waits or asks \
             the provider with `clock.spawn(...)`",
        );
        let key = self.with(|books| {
            books.numbered += 1;
            let length = jiff::SignedDuration::try_from(length).unwrap_or(jiff::SignedDuration::MAX);
            let key = (books.now.saturating_add(length).unwrap_or(Timestamp::MAX), books.numbered);
            books.timers.insert(key, Timer { unit, fire });
            if let Some(unit) = books.units.get_mut(&unit) {
                unit.waiting += 1;
            }
            key
        });
        (Waiting { clock: self, key }, fired)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Books) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> ClockState {
        self.with(|books| ClockState {
            now: books.now,
            // The end of time is never.
            next_timer: books.timers.keys().map(|(at, _)| *at).next().filter(|at| *at < Timestamp::MAX),
            busy: books.units.values().filter(|unit| unit.is_busy()).count() as u64,
            started: books.started,
            finished: books.finished,
        })
    }

    /// Fires the earliest timer that is due by then, or moves the clock there.
    fn fire(&self, to: Timestamp) {
        self.with(|books| match books.timers.first_entry().filter(|first| first.key().0 <= to) {
            Some(first) => {
                let ((at, _), timer) = first.remove_entry();
                books.now = books.now.max(at);
                if let Some(unit) = books.units.get_mut(&timer.unit) {
                    unit.waiting -= 1;
                    unit.is_woken = true;
                }
                let _ = timer.fire.send(());
            }
            None => books.now = books.now.max(to),
        });
    }
}

impl Timed for VirtualClock {
    async fn clock(&self) -> Result<Option<ClockState>, SubjectError> {
        Ok(Some(self.state()))
    }

    async fn advance(&self, to: Timestamp) -> Result<(), SubjectError> {
        self.fire(to);
        Ok(())
    }
}

/// Work that tells the books when it is being polled.
struct Work<T> {
    work: Pin<Box<dyn Future<Output = T> + Send>>,
    entry: Entry,
}

impl<T> Future for Work<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.entry.with(|unit| (unit.is_polled, unit.is_woken) = (true, false));
        let polled = self.work.as_mut().poll(context);
        self.entry.with(|unit| unit.is_polled = false);
        polled
    }
}

/// A unit's place in the books, until it ends: also where it panics or is aborted.
struct Entry {
    clock: VirtualClock,
    number: u64,
}

impl Entry {
    fn with(&self, act: impl FnOnce(&mut Unit)) {
        self.clock.with(|books| {
            if let Some(unit) = books.units.get_mut(&self.number) {
                act(unit);
            }
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.clock.with(|books| books.units.remove(&self.number));
    }
}

/// A wait for a timer; dropping it takes out a timer that did not fire.
struct Waiting<'a> {
    clock: &'a VirtualClock,
    key: TimerKey,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.clock.with(|books| {
            let unfired = books.timers.remove(&self.key);
            if let Some(unit) = unfired.and_then(|timer| books.units.get_mut(&timer.unit)) {
                unit.waiting -= 1;
            }
        });
    }
}

/// A request that is over, however it ended, once this is dropped.
struct Over<'a>(&'a VirtualClock);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.with(|books| books.finished += 1);
    }
}
