//! Guards through which work enters and leaves the books of the clock.
//!
//! Each wait puts itself right when its future is dropped half-way, so that an aborted task leaves no trace in the
//! books.

use std::future::pending;

use jiff::{SignedDuration, Timestamp};

use super::activity::{RequestEnd, SlotKey, TimerKey, Wait};
use super::{Clock, Source, later, real_sleep_until};

/// One unit of work: busy while it lives, except within the waits below.
#[derive(Debug)]
pub(crate) struct Work {
    clock: Clock,
}

impl Work {
    pub(super) fn begin(clock: Clock) -> Self {
        clock.activity().enter_busy();
        Self { clock }
    }

    /// Waits until the clock reads `instant`, which may be past.
    pub(crate) async fn sleep_until(&mut self, instant: Timestamp) {
        match self.clock.0.source {
            Source::Real => {
                let _away = Away::leave(&self.clock);
                real_sleep_until(instant).await;
            }
            Source::Test => {
                let wait = self.clock.activity().begin_wait(instant);
                if let Some(Wait { key, over }) = wait {
                    let _waiting = Waiting { clock: &self.clock, key };
                    let _ = over.await;
                }
            }
        }
    }

    /// Waits for something that no clock decides, and is not busy meanwhile.
    pub(crate) async fn rest<T>(&mut self, until: impl Future<Output = T>) -> T {
        let _away = Away::leave(&self.clock);
        until.await
    }

    /// Runs a request to the provider, counted as such; `None` when it took longer than `limit`.
    pub(crate) async fn request<T>(
        &mut self,
        limit: Option<SignedDuration>,
        request: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = limit.map(|limit| later(self.clock.now(), limit));
        let on_test_clock = deadline.filter(|_| self.clock.is_test());
        let wait = self.clock.activity().begin_request(on_test_clock);
        let (timer, over) = wait.map_or((None, None), |wait| (Some(wait.key), Some(wait.over)));
        let mut requesting = Requesting { clock: &self.clock, timer, ended: None };

        let expiry = async {
            match (deadline, over) {
                (_, Some(over)) => drop(over.await),
                (Some(deadline), None) => real_sleep_until(deadline).await,
                (None, None) => pending().await,
            }
        };
        let answer = tokio::select! {
            biased;
            () = expiry => None,
            answer = request => Some(answer),
        };
        match requesting.end() {
            RequestEnd::InTime => answer,
            RequestEnd::TimedOut => None,
        }
    }

    /// Waits for one of the slots that bound how much goes on at once.
    pub(crate) async fn slot(&mut self) -> Slot {
        let wait = self.clock.activity().take_slot();
        if let Some(Wait { key, over }) = wait {
            let mut queued = Queued { clock: &self.clock, key: Some(key) };
            let _ = over.await;
            queued.key = None;
        }
        Slot { clock: self.clock.clone() }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.clock.activity().leave_busy();
    }
}

/// A slot that is held; given back, to whoever has waited longest, when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    clock: Clock,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.clock.activity().release_slot();
    }
}

/// Not busy, for as long as it lives: a wait that has no timer in the books.
struct Away<'a>(&'a Clock);

impl<'a> Away<'a> {
    fn leave(clock: &'a Clock) -> Self {
        clock.activity().leave_busy();
        Self(clock)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.activity().enter_busy();
    }
}

struct Waiting<'a> {
    clock: &'a Clock,
    key: TimerKey,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.clock.activity().end_wait(self.key);
    }
}

struct Requesting<'a> {
    clock: &'a Clock,
    timer: Option<TimerKey>,
    ended: Option<RequestEnd>,
}

impl Requesting<'_> {
    fn end(&mut self) -> RequestEnd {
        *self.ended.get_or_insert_with(|| self.clock.activity().end_request(self.timer))
    }
}

impl Drop for Requesting<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

struct Queued<'a> {
    clock: &'a Clock,
    /// `None` once the slot is taken over.
    key: Option<SlotKey>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.activity().leave_slot_queue(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::config::ClockMode;

    fn clock() -> Clock {
        Clock::new(ClockMode::Test { start: Timestamp::UNIX_EPOCH })
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_aborted_wait_leaves_no_trace() {
        let clock = clock();
        let in_a_minute = later(clock.now(), SignedDuration::from_secs(60));
        let mut work = clock.begin_work();
        {
            let mut wait = pin!(work.sleep_until(in_a_minute));
            assert!(poll(wait.as_mut()).is_pending());
            assert_eq!((clock.state().busy, clock.state().next_timer), (0, Some(in_a_minute)));
        }
        assert_eq!((clock.state().busy, clock.state().next_timer), (1, None));
        drop(work);
        assert_eq!(clock.state().busy, 0);
    }

    #[test]
    fn a_request_is_counted_until_it_ends_however_it_ends() {
        let clock = clock();
        let mut work = clock.begin_work();
        let limit = Some(SignedDuration::from_secs(10));
        {
            let mut request = pin!(work.request(limit, pending::<()>()));
            assert!(poll(request.as_mut()).is_pending());
            let state = clock.state();
            assert_eq!((state.busy, state.started, state.finished), (0, 1, 0));
            clock.advance(state.next_timer.unwrap()).unwrap();
            assert_eq!(poll(request.as_mut()), Poll::Ready(None));
        }
        {
            let mut aborted = pin!(work.request(limit, pending::<()>()));
            assert!(poll(aborted.as_mut()).is_pending());
        }
        {
            let mut answered = pin!(work.request(limit, async { 7 }));
            assert_eq!(poll(answered.as_mut()), Poll::Ready(Some(7)));
        }
        let state = clock.state();
        assert_eq!((state.busy, state.started, state.finished, state.next_timer), (1, 3, 3, None));
    }

    #[test]
    fn the_seventeenth_waits_for_a_slot_out_of_sight_of_busy() {
        let clock = clock();
        let mut works: Vec<_> = (0..17).map(|_| clock.begin_work()).collect();
        let (last, others) = works.split_last_mut().unwrap();
        let mut slots: Vec<_> = others
            .iter_mut()
            .map(|work| match poll(pin!(work.slot())) {
                Poll::Ready(slot) => slot,
                Poll::Pending => panic!("sixteen are free"),
            })
            .collect();
        let mut queued = pin!(last.slot());
        assert!(poll(queued.as_mut()).is_pending());
        assert_eq!(clock.state().busy, 16);
        slots.pop();
        assert_eq!(clock.state().busy, 17);
        assert!(poll(queued.as_mut()).is_ready());
    }
}
