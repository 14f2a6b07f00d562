//! How much of one limit is used, in whole nanoseconds and whole units: nothing drifts.

use crate::behaviour::told::{Nanos, SECOND, rounded_up};
use counterpart_exchange::{LimitKind, Rate, WindowBegins};
use std::collections::VecDeque;

/// Marks that a rolling window keeps at most. Beyond them, requests that lie close together are counted as the
/// last of them: the window may admit later than it must, never more.
const MAX_MARKS: u32 = 1_000;
const DAY: Nanos = 86_400 * SECOND;

/// What is measured, and in which units.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gauge {
    /// A bucket, whatever it is called: tokens that come back are water that leaks.
    Bucket {
        capacity: u32,
        /// Parts of a token that come back each nanosecond ...
        per_ns: u128,
        /// ... and how many of them are a token.
        parts: u128,
    },
    Rolling {
        limit: u32,
        window_ns: Nanos,
        grain_ns: Nanos,
    },
    Window {
        limit: u32,
        length_ns: Nanos,
        /// An instant at which a window begins, where they do not begin with a request.
        phase_ns: Option<Nanos>,
    },
    Slots {
        limit: u32,
    },
}

/// What has to pass before a request is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// Nothing.
    No,
    /// So many nanoseconds.
    For(Nanos),
    /// Something of which nobody knows when it comes: that another request is over.
    Unknown,
}

/// The figures of a limit at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) limit: u32,
    pub(super) used: u32,
    /// From when all is free again.
    pub(super) reset_ns: Nanos,
    pub(super) window_ns: Nanos,
}

impl Reading {
    pub(super) fn remaining(&self) -> u32 {
        self.limit - self.used
    }
}

impl Gauge {
    pub(super) fn of(kind: LimitKind) -> Self {
        let bucket = |capacity: u32, rate: Rate| Self::Bucket {
            capacity,
            per_ns: u128::from(rate.amount.get()),
            parts: u128::from(rate.seconds.get()) * SECOND.unsigned_abs(),
        };
        let rolling = |limit: u32, window_ns: Nanos| Self::Rolling {
            limit,
            window_ns,
            grain_ns: if limit <= MAX_MARKS { 1 } else { rounded_up(window_ns, Nanos::from(MAX_MARKS)) },
        };
        match kind {
            LimitKind::TokenBucket { capacity, refill_per_s: rate }
            | LimitKind::LeakyBucket { capacity, leak_per_s: rate } => bucket(capacity.get(), rate),
            LimitKind::CallsPerSecond { limit } => rolling(limit.get(), SECOND),
            LimitKind::RollingWindow { limit, window_s } => {
                rolling(limit.get(), Nanos::from(window_s.get()) * SECOND)
            }
            LimitKind::FixedWindow { limit, window_s, begins } => Self::Window {
                limit: limit.get(),
                length_ns: Nanos::from(window_s.get()) * SECOND,
                phase_ns: (begins == WindowBegins::Clock).then_some(0),
            },
            LimitKind::Concurrency { limit } => Self::Slots { limit: limit.get() },
            LimitKind::Daily { limit, resets_at } => Self::Window {
                limit: limit.get(),
                length_ns: DAY,
                phase_ns: Some(Nanos::from(resets_at.first_s()) * SECOND),
            },
        }
    }

    /// The state at the beginning: everything is free.
    pub(super) fn fresh(self, now: Nanos) -> Meter {
        match self {
            Self::Bucket { capacity, parts, .. } => {
                Meter::Bucket { free: u128::from(capacity) * parts, at: now }
            }
            Self::Rolling { .. } => Meter::Rolling(Rolling::default()),
            Self::Window { .. } => Meter::Window { ends: None, used: 0 },
            Self::Slots { .. } => Meter::Slots { used: 0 },
        }
    }
}

/// The state of one limit for those whose requests are counted together.
#[derive(Debug)]
pub(super) enum Meter {
    Bucket {
        /// Parts of tokens that are there.
        free: u128,
        /// When.
        at: Nanos,
    },
    Rolling(Rolling),
    Window {
        /// When the present window ends, if there is one.
        ends: Option<Nanos>,
        used: u32,
    },
    Slots {
        used: u32,
    },
}

impl Meter {
    /// Whether it may be forgotten: a request that is under way must find its slot again.
    pub(super) fn may_go(&self) -> bool {
        !matches!(self, Self::Slots { used: 1.. })
    }

    /// Lets time pass. Time that goes back stands still.
    pub(super) fn settle(&mut self, gauge: Gauge, now: Nanos) {
        match (self, gauge) {
            (Self::Bucket { free, at }, Gauge::Bucket { capacity, per_ns, parts }) => {
                let passed = (now - *at).max(0);
                let full = u128::from(capacity) * parts;
                *free = free.saturating_add(passed.unsigned_abs().saturating_mul(per_ns)).min(full);
                *at += passed;
            }
            (Self::Rolling(rolling), Gauge::Rolling { window_ns, .. }) => rolling.settle(now, window_ns),
            (Self::Window { ends, used }, Gauge::Window { .. }) if ends.is_some_and(|ends| ends <= now) => {
                (*ends, *used) = (None, 0);
            }
            _ => {}
        }
    }

    /// What a request of a cost has to wait for. Call [`Meter::settle`] before.
    pub(super) fn wait(&self, gauge: Gauge, cost: u32, now: Nanos) -> Wait {
        match (self, gauge) {
            _ if cost == 0 => Wait::No,
            (Self::Bucket { free, .. }, Gauge::Bucket { per_ns, parts, .. }) => {
                match (u128::from(cost) * parts).saturating_sub(*free) {
                    0 => Wait::No,
                    missing => Wait::For(missing.div_ceil(per_ns).cast_signed()),
                }
            }
            (Self::Rolling(rolling), Gauge::Rolling { limit, window_ns, .. }) => rolling
                .free_from(limit.saturating_sub(cost), window_ns)
                .map_or(Wait::No, |at| Wait::For(at - now)),
            (Self::Window { used, ends }, Gauge::Window { limit, .. }) if cost > limit - used => {
                ends.map_or(Wait::No, |ends| Wait::For(ends - now))
            }
            (Self::Slots { used }, Gauge::Slots { limit }) if cost > limit - used => Wait::Unknown,
            _ => Wait::No,
        }
    }

    /// Uses what a request costs. Call [`Meter::wait`] before.
    pub(super) fn take(&mut self, gauge: Gauge, cost: u32, now: Nanos) {
        match (self, gauge) {
            _ if cost == 0 => {}
            (Self::Bucket { free, .. }, Gauge::Bucket { parts, .. }) => {
                *free = free.saturating_sub(u128::from(cost) * parts);
            }
            (Self::Rolling(rolling), Gauge::Rolling { grain_ns, .. }) => rolling.mark(now, cost, grain_ns),
            (Self::Window { ends, used }, Gauge::Window { limit, length_ns, phase_ns }) => {
                ends.get_or_insert_with(|| match phase_ns {
                    None => now + length_ns,
                    Some(phase) => now + length_ns - (now - phase).rem_euclid(length_ns),
                });
                *used = limit.min(used.saturating_add(cost));
            }
            (Self::Slots { used }, Gauge::Slots { limit }) => *used = limit.min(used.saturating_add(cost)),
            _ => {}
        }
    }

    /// Gives back slots.
    pub(super) fn release(&mut self, slots: u32) {
        if let Self::Slots { used } = self {
            *used = used.saturating_sub(slots);
        }
    }

    /// The figures. Call [`Meter::settle`] before.
    pub(super) fn read(&self, gauge: Gauge, now: Nanos) -> Reading {
        match (self, gauge) {
            (Self::Bucket { free, .. }, Gauge::Bucket { capacity, per_ns, parts }) => {
                let full = u128::from(capacity) * parts;
                let until_full = (full - free).div_ceil(per_ns).cast_signed();
                // What is half used is used: nobody can have it.
                let left = u32::try_from(free / parts).unwrap_or(capacity);
                let window_ns = full.div_ceil(per_ns).cast_signed();
                Reading { limit: capacity, used: capacity - left, reset_ns: now + until_full, window_ns }
            }
            (Self::Rolling(rolling), Gauge::Rolling { limit, window_ns, .. }) => {
                let reset_ns = rolling.free_from(0, window_ns).unwrap_or(now);
                Reading { limit, used: limit.min(rolling.used()), reset_ns, window_ns }
            }
            (Self::Window { ends, used }, Gauge::Window { limit, length_ns, .. }) => {
                Reading { limit, used: *used, reset_ns: ends.unwrap_or(now), window_ns: length_ns }
            }
            (Self::Slots { used }, Gauge::Slots { limit }) => {
                Reading { limit, used: *used, reset_ns: now, window_ns: 0 }
            }
            // A meter is only ever read with the gauge that made it.
            _ => Reading { limit: 0, used: 0, reset_ns: now, window_ns: 0 },
        }
    }
}

/// What came within a stretch of time that ends now.
#[derive(Debug, Default)]
pub(crate) struct Rolling {
    /// When something came, and how much; the oldest first.
    marks: VecDeque<(Nanos, u32)>,
    used: u32,
}

impl Rolling {
    /// Lets what is older than the window go.
    pub(crate) fn settle(&mut self, now: Nanos, window_ns: Nanos) {
        while let Some((_, cost)) = self.marks.pop_front_if(|(at, _)| *at + window_ns <= now) {
            self.used = self.used.saturating_sub(cost);
        }
    }

    /// Counts what comes now, as if it came at the end of its grain.
    pub(crate) fn mark(&mut self, now: Nanos, cost: u32, grain_ns: Nanos) {
        let at = rounded_up(now, grain_ns) * grain_ns;
        self.used = self.used.saturating_add(cost);
        match self.marks.back_mut() {
            Some((last, marked)) if *last >= at => *marked = marked.saturating_add(cost),
            _ => self.marks.push_back((at, cost)),
        }
    }

    /// How much came within the window.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// From when no more than this is used, if it is more now.
    fn free_from(&self, at_most: u32, window_ns: Nanos) -> Option<Nanos> {
        let mut surplus = self.used.checked_sub(at_most).filter(|surplus| *surplus > 0)?;
        for (at, cost) in &self.marks {
            surplus = surplus.saturating_sub(*cost);
            if surplus == 0 {
                return Some(at + window_ns);
            }
        }
        None
    }
}
