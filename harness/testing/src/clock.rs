//! A virtual clock for code under test that runs in the test's own process.
//!
//! It keeps the books of the clock protocol: work is busy, waits for a timer, or waits for an answer of the provider, and
//! goes from one to the next in one step. Time moves when [`TestStandIn::settle`](crate::TestStandIn::settle) moves it.

use counterpart_scenario::Timed;
use counterpart_subject::{ClockState, SubjectError};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
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
    timers: BTreeMap<TimerKey, oneshot::Sender<()>>,
    set: u64,
    busy: u64,
    started: u64,
    finished: u64,
}

type TimerKey = (Timestamp, u64);

/// A request of [`VirtualClock::request`] that was not over in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer came in time")]
pub struct TimedOut;

impl VirtualClock {
    /// A clock that stands at an instant.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let timers = BTreeMap::new();
        Self(Arc::new(Mutex::new(Books { now, timers, set: 0, busy: 0, started: 0, finished: 0 })))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.with(|books| books.now)
    }

    /// Begins a unit of work: it is busy from now until it ends, but for what it waits for.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let busy = Busy::begin(self);
        tokio::spawn(async move {
            let _busy = busy;
            work.await
        })
    }

    /// Waits for so long on this clock. For units of work that [`Self::spawn`] began: for anything else the books would
    /// not hold.
    pub async fn sleep(&self, length: Duration) {
        let (mut waiting, came) = self.wait(length);
        let _ = came.await;
        waiting.is_over = true;
    }

    /// Makes a request to the provider, which must be over within a time on this clock. Every request has to go this way,
    /// or the books do not hold; the client's own time-outs and retries are to be off.
    ///
    /// # Errors
    /// [`TimedOut`]; what was under way is dropped then, so its connection closes.
    pub async fn request<T>(
        &self,
        within: Duration,
        request: impl Future<Output = T>,
    ) -> Result<T, TimedOut> {
        let (mut waiting, came) = self.wait(within);
        self.with(|books| books.started += 1);
        // Over when this is dropped, after what was under way.
        let under_way = UnderWay(self);
        let answered = {
            let mut request = std::pin::pin!(request);
            tokio::select! {
                answer = &mut request => Some(answer),
                _ = came => None,
            }
        };
        self.with(|books| {
            // Counted in one step with becoming busy again, or with having become so when the timer fired.
            books.finished += 1;
            waiting.be_busy(books);
        });
        std::mem::forget(under_way);
        answered.ok_or(TimedOut)
    }

    /// Sets a timer; whoever waits is busy no longer, in the same step.
    fn wait(&self, length: Duration) -> (Waiting<'_>, oneshot::Receiver<()>) {
        let (fire, fired) = oneshot::channel();
        let key = self.with(|books| {
            books.set += 1;
            books.busy = books.busy.saturating_sub(1);
            let length = jiff::SignedDuration::try_from(length).unwrap_or(jiff::SignedDuration::MAX);
            let key = (books.now.saturating_add(length).unwrap_or(Timestamp::MAX), books.set);
            books.timers.insert(key, fire);
            key
        });
        (Waiting { clock: self, key, is_over: false }, fired)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Books) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> ClockState {
        self.with(|books| ClockState {
            now: books.now,
            next_timer: books.timers.first_key_value().map(|((at, _), _)| *at),
            busy: books.busy,
            started: books.started,
            finished: books.finished,
        })
    }

    /// Fires the earliest timer that is due by then, or moves the clock there.
    fn fire(&self, to: Timestamp) {
        self.with(|books| {
            match books.timers.first_entry().filter(|first| first.key().0 <= to) {
                Some(first) => {
                    let ((at, _), fire) = first.remove_entry();
                    books.now = books.now.max(at);
                    // Busy on behalf of whoever wakes.
                    books.busy += 1;
                    let _ = fire.send(());
                }
                None => books.now = books.now.max(to),
            }
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

/// A unit of work that is busy until this is dropped, also where it panics or is aborted.
struct Busy(VirtualClock);

impl Busy {
    fn begin(clock: &VirtualClock) -> Self {
        clock.with(|books| books.busy += 1);
        Self(clock.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.with(|books| books.busy = books.busy.saturating_sub(1));
    }
}

/// A wait for a timer. Dropped before it is over, whoever waited is busy again.
struct Waiting<'a> {
    clock: &'a VirtualClock,
    key: TimerKey,
    is_over: bool,
}

impl Waiting<'_> {
    /// Takes the timer out, if it did not fire; that it fired made its owner busy already.
    fn be_busy(&mut self, books: &mut Books) {
        if !std::mem::replace(&mut self.is_over, true) && books.timers.remove(&self.key).is_some() {
            books.busy += 1;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let clock = self.clock.clone();
            clock.with(|books| self.be_busy(books));
        }
    }
}

/// A request that is given up before it is over.
struct UnderWay<'a>(&'a VirtualClock);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.with(|books| books.finished += 1);
    }
}
