//! How many requests went which way: exact however many there are, while the journal keeps the latest alone.

use crate::journal::{Looseness, SeenNote};
use std::sync::atomic::{AtomicU64, Ordering};

/// Requests by what was done with them: each counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered as recorded.
    pub replayed: u64,
    /// Answered as recorded, though the request differed in what the profile calls volatile.
    pub volatile: u64,
    /// Answered as recorded, though nobody knows the body that was recorded.
    pub any_body: u64,
    /// Answered once more with the last recorded answer.
    pub repeated: u64,
    /// Answered by what the profile declares as behaviour.
    pub behaved: u64,
    /// A fault had an effect on them.
    pub faulted: u64,
    /// A fault should have had one, and could not.
    pub fault_inapplicable: u64,
    /// Every recorded answer was given, and they are not safe to repeat.
    pub exhausted: u64,
    /// Nothing fits.
    pub unmatched: u64,
}

impl Counts {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.named().into_iter().map(|(_, count)| count).sum()
    }

    /// Each count with its name, in an order that stays.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("replayed", self.replayed),
            ("volatile", self.volatile),
            ("any_body", self.any_body),
            ("repeated", self.repeated),
            ("behaved", self.behaved),
            ("faulted", self.faulted),
            ("fault_inapplicable", self.fault_inapplicable),
            ("exhausted", self.exhausted),
            ("unmatched", self.unmatched),
        ]
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            replayed: self.replayed + other.replayed,
            volatile: self.volatile + other.volatile,
            any_body: self.any_body + other.any_body,
            repeated: self.repeated + other.repeated,
            behaved: self.behaved + other.behaved,
            faulted: self.faulted + other.faulted,
            fault_inapplicable: self.fault_inapplicable + other.fault_inapplicable,
            exhausted: self.exhausted + other.exhausted,
            unmatched: self.unmatched + other.unmatched,
        }
    }
}

/// The counts of one provider, as they grow.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    replayed: AtomicU64,
    volatile: AtomicU64,
    any_body: AtomicU64,
    repeated: AtomicU64,
    behaved: AtomicU64,
    faulted: AtomicU64,
    fault_inapplicable: AtomicU64,
    exhausted: AtomicU64,
    unmatched: AtomicU64,
}

impl Tally {
    /// Counts a request by what was done with it.
    pub(crate) fn count(&self, note: &SeenNote, fault: Option<&'static str>) {
        let counter = match note {
            SeenNote::Unmatched(_) => &self.unmatched,
            SeenNote::Exhausted(_) => &self.exhausted,
            SeenNote::FaultInapplicable(_) => &self.fault_inapplicable,
            _ if fault.is_some() => &self.faulted,
            SeenNote::Faulted(_) | SeenNote::ClientGaveUp => &self.faulted,
            SeenNote::Replayed => &self.replayed,
            SeenNote::ReplayedLoosely(Looseness::Volatile) => &self.volatile,
            SeenNote::ReplayedLoosely(Looseness::AnyBody) => &self.any_body,
            SeenNote::Repeated => &self.repeated,
            SeenNote::Behaved(_) => &self.behaved,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            replayed: read(&self.replayed),
            volatile: read(&self.volatile),
            any_body: read(&self.any_body),
            repeated: read(&self.repeated),
            behaved: read(&self.behaved),
            faulted: read(&self.faulted),
            fault_inapplicable: read(&self.fault_inapplicable),
            exhausted: read(&self.exhausted),
            unmatched: read(&self.unmatched),
        }
    }

    /// Counts from nothing again.
    pub(crate) fn clear(&self) {
        for counter in [
            &self.replayed,
            &self.volatile,
            &self.any_body,
            &self.repeated,
            &self.behaved,
            &self.faulted,
            &self.fault_inapplicable,
            &self.exhausted,
            &self.unmatched,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}
