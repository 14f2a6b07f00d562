//! How much a connection may send: a token bucket each, asked before anything reaches the disk.
//!
//! Pure state; whoever asks brings the time.

use jiff::{SignedDuration, Timestamp};

/// What a connection may send in a second, and at once, where nobody set it.
pub(super) const DEFAULT_PER_SECOND: f64 = 1_000.0;
pub(super) const DEFAULT_BURST: u32 = 20_000;

/// A flood is told once in this time.
const TOLD_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Deliveries that nothing proves are put down in the audit trail up to this many at once and a second.
const UNPROVEN_BURST: f64 = 200.0;
const UNPROVEN_PER_SECOND: f64 = 10.0;

/// What is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    /// When there is room again.
    pub(crate) retry_after: SignedDuration,
    /// Whether a person is to be told: the first time, and then now and then.
    pub(crate) is_news: bool,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    left: f64,
    at: Timestamp,
}

impl Bucket {
    /// Whether there is one to take; when not, in how many seconds there is.
    fn look(&mut self, now: Timestamp) -> Result<(), f64> {
        let passed_s = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = (self.left + passed_s * self.per_second).min(self.burst);
        self.at = now;
        if self.left >= 1.0 { Ok(()) } else { Err((1.0 - self.left) / self.per_second) }
    }

    fn take(&mut self, now: Timestamp) -> Result<(), f64> {
        self.look(now)?;
        self.left -= 1.0;
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Limit {
    proven: Bucket,
    unproven: Bucket,
    told_at: Option<Timestamp>,
}

impl Limit {
    pub(super) fn new(per_second: Option<f64>, burst: Option<u32>, now: Timestamp) -> Self {
        let per_second = per_second.unwrap_or(DEFAULT_PER_SECOND);
        let burst = f64::from(burst.unwrap_or(DEFAULT_BURST)).max(1.0);
        Self {
            proven: Bucket { per_second, burst, left: burst, at: now },
            unproven: Bucket {
                per_second: UNPROVEN_PER_SECOND,
                burst: UNPROVEN_BURST,
                left: UNPROVEN_BURST,
                at: now,
            },
            told_at: None,
        }
    }

    /// Whether one more would be taken, were it the provider's: under a flood no signature is checked in vain. Only the
    /// provider uses this up, so that nobody else can bring it about.
    ///
    /// # Errors
    /// When it would be one too many.
    pub(super) fn look(&mut self, now: Timestamp) -> Result<(), Excess> {
        let looked = self.proven.look(now);
        looked.map_err(|wait_s| self.excess(wait_s, now))
    }

    /// Takes one delivery that is the provider's.
    ///
    /// # Errors
    /// When it is one too many.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Excess> {
        let taken = self.proven.take(now);
        taken.map_err(|wait_s| self.excess(wait_s, now))
    }

    fn excess(&mut self, wait_s: f64, now: Timestamp) -> Excess {
        let is_news = self.told_at.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if is_news {
            self.told_at = Some(now);
        }
        let retry_after = SignedDuration::try_from_secs_f64(wait_s).unwrap_or(TOLD_EVERY);
        Excess { retry_after, is_news }
    }

    /// Whether one more delivery that nothing proves is put down: whoever forges must not fill the disk, nor use up
    /// what the provider may send.
    pub(super) fn notes_unproven(&mut self, now: Timestamp) -> bool {
        self.unproven.take(now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_so_much_a_second() {
        let mut limit = Limit::new(Some(2.0), Some(3), at(0));
        assert!((0..3).all(|_| limit.take(at(0)).is_ok()));
        let excess = limit.take(at(0)).unwrap_err();
        assert_eq!(excess, Excess { retry_after: SignedDuration::from_millis(500), is_news: true });
        assert!(!limit.take(at(1)).unwrap_err().is_news, "told once");
        assert!(limit.look(at(500)).is_ok() && limit.look(at(500)).is_ok(), "to look costs nothing");
        assert!(limit.take(at(500)).is_ok() && limit.look(at(500)).is_err());
        assert!(limit.take(at(501)).is_err());
        assert!((0..3).all(|_| limit.take(at(60_000)).is_ok()));
        assert!(limit.take(at(60_000)).unwrap_err().is_news, "and again after a minute");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
        let mut limit = Limit::new(Some(1.0), Some(2), at(10_000));
        assert!(limit.take(at(0)).is_ok() && limit.take(at(0)).is_ok() && limit.take(at(0)).is_err());
    }

    #[test]
    fn forgeries_use_up_nothing_of_the_provider_s() {
        let mut limit = Limit::new(Some(1.0), Some(1), at(0));
        let noted = (0..1_000).filter(|_| limit.notes_unproven(at(0))).count();
        assert_eq!(noted, 200);
        assert!(limit.take(at(0)).is_ok());
    }
}
