//! The copy of a body that is kept aside while the body itself passes through: bounded, one by one and in all.
//!
//! Knows nothing of HTTP. A body that outgrows its bound is forgotten and only counted.

use counterpart_exchange::Body;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes that a recording may still keep.
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(bytes)))
    }

    /// Takes all of `bytes`, or nothing.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(|_| ()).map_err(|_| Exhausted)
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The budget has less left than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// How far a body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Arriving,
    Whole,
    Broken,
}

/// A body's copy, filled by the task that passes it on and read by the one that concludes the exchange.
#[derive(Clone)]
pub(crate) struct SharedCopy(Arc<Mutex<BodyCopy>>);

struct BodyCopy {
    /// Nothing once the body is not kept.
    bytes: Option<Vec<u8>>,
    size_bytes: u64,
    progress: Progress,
    max_bytes: usize,
    budget: Arc<Budget>,
}

impl SharedCopy {
    /// A copy of up to `max_bytes`, charged to the budget.
    pub(crate) fn keeping(max_bytes: usize, budget: &Arc<Budget>) -> Self {
        Self::new(Some(Vec::new()), max_bytes, budget)
    }

    /// A copy that keeps nothing and counts.
    pub(crate) fn counting(budget: &Arc<Budget>) -> Self {
        Self::new(None, 0, budget)
    }

    fn new(bytes: Option<Vec<u8>>, max_bytes: usize, budget: &Arc<Budget>) -> Self {
        let budget = Arc::clone(budget);
        Self(Arc::new(Mutex::new(BodyCopy {
            bytes,
            size_bytes: 0,
            progress: Progress::Arriving,
            max_bytes,
            budget,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, BodyCopy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, data: &[u8]) {
        self.lock().push(data);
    }

    pub(crate) fn set_whole(&self) {
        self.lock().progress = Progress::Whole;
    }

    pub(crate) fn set_broken(&self) {
        self.lock().progress = Progress::Broken;
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.lock().progress == Progress::Broken
    }

    /// What was copied; the copy counts on from nothing.
    pub(crate) fn take(&self) -> Copied {
        let mut copy = self.lock();
        Copied { bytes: copy.bytes.take(), size_bytes: copy.size_bytes, progress: copy.progress }
    }
}

impl BodyCopy {
    fn push(&mut self, data: &[u8]) {
        self.size_bytes += data.len() as u64;
        let Some(bytes) = &mut self.bytes else { return };
        if bytes.len() + data.len() <= self.max_bytes && self.budget.take(data.len()).is_ok() {
            bytes.extend_from_slice(data);
        } else {
            self.forget();
        }
    }

    fn forget(&mut self) {
        if let Some(bytes) = self.bytes.take() {
            self.budget.give_back(bytes.len());
        }
    }
}

impl Drop for BodyCopy {
    fn drop(&mut self) {
        self.forget();
    }
}

/// What was copied of a body.
pub(crate) struct Copied {
    bytes: Option<Vec<u8>>,
    size_bytes: u64,
    progress: Progress,
}

impl Copied {
    /// The body of a request. One that was not sent whole is omitted: a part of it is evidence of nothing
    /// that can be compared, but its size is, or what its head said that it would be.
    pub(crate) fn into_request_body(self, media_type: Option<&str>, declared_bytes: Option<u64>) -> Body {
        match self.progress {
            Progress::Whole => self.into_answer_body(media_type),
            Progress::Arriving | Progress::Broken => {
                Body::Omitted { size_bytes: declared_bytes.unwrap_or_default().max(self.size_bytes) }
            }
        }
    }

    /// The body of an answer: what arrived of it.
    pub(crate) fn into_answer_body(self, media_type: Option<&str>) -> Body {
        match self.bytes {
            Some(bytes) => Body::from_bytes(&bytes, media_type),
            None if self.size_bytes == 0 => Body::None,
            None => Body::Omitted { size_bytes: self.size_bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_within_its_bounds_is_kept() {
        let copy = SharedCopy::keeping(8, &Budget::new(8));
        copy.push(b"1234");
        copy.push(b"5678");
        assert_eq!(copy.take().into_answer_body(None), Body::Text("12345678".into()));
    }

    #[test]
    fn a_body_beyond_its_bound_is_counted_and_gives_its_room_back() {
        let budget = Budget::new(100);
        let copy = SharedCopy::keeping(8, &budget);
        copy.push(b"1234");
        copy.push(b"56789");
        copy.push(b"0");
        assert_eq!(copy.take().into_answer_body(None), Body::Omitted { size_bytes: 10 });
        assert_eq!(budget.take(100), Ok(()));
    }

    #[test]
    fn the_budget_bounds_all_bodies_together() {
        let budget = Budget::new(6);
        let (one, two) = (SharedCopy::keeping(8, &budget), SharedCopy::keeping(8, &budget));
        one.push(b"1234");
        two.push(b"1234");
        assert_eq!(two.take().into_answer_body(None), Body::Omitted { size_bytes: 4 });
        assert_eq!(one.take().into_answer_body(None), Body::Text("1234".into()));
        assert_eq!(budget.take(3), Err(Exhausted));
        drop(SharedCopy::keeping(8, &budget));
        assert_eq!(budget.take(2), Ok(()));
    }

    #[test]
    fn a_request_body_counts_only_when_whole() {
        let copy = || {
            let copy = SharedCopy::keeping(8, &Budget::new(8));
            copy.push(b"12");
            copy
        };
        assert_eq!(copy().take().into_request_body(None, Some(5)), Body::Omitted { size_bytes: 5 });
        assert_eq!(copy().take().into_request_body(None, None), Body::Omitted { size_bytes: 2 });
        let whole = copy();
        whole.set_whole();
        assert_eq!(whole.take().into_request_body(None, Some(2)), Body::Text("12".into()));
    }
}
