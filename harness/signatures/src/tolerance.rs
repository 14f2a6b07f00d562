//! How far a delivery's own time may lie from the receiver's.

use crate::Rejection;
use jiff::Timestamp;

/// The window in which a signed time is accepted. Clocks differ both ways, so it has two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Greatest age, in seconds.
    pub past_s: u64,
    /// Greatest lead over the receiver's clock, in seconds.
    pub future_s: u64,
}

impl Tolerance {
    /// Any time is accepted: replays are left to the deduplication of ids.
    pub const ANY_TIME: Self = Self { past_s: u64::MAX, future_s: u64::MAX };

    /// The same number of seconds on both sides.
    #[must_use]
    pub const fn seconds(both_s: u64) -> Self {
        Self { past_s: both_s, future_s: both_s }
    }

    /// Whether a delivery of that time may be accepted now. The bounds themselves are inside.
    pub(crate) fn check(self, sent: Timestamp, now: Timestamp) -> Result<(), Rejection> {
        // Both lie within the years -9999 to 9999: the difference fits.
        let age_ms = now.as_millisecond() - sent.as_millisecond();
        let distance_ms = age_ms.unsigned_abs();
        let distance_s = distance_ms.div_ceil(1000);
        let allowed_s = if age_ms < 0 { self.future_s } else { self.past_s };
        if distance_ms <= allowed_s.saturating_mul(1000) {
            Ok(())
        } else if age_ms < 0 {
            Err(Rejection::FromTheFuture { ahead_s: distance_s, tolerance_s: allowed_s })
        } else {
            Err(Rejection::TooOld { age_s: distance_s, tolerance_s: allowed_s })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn both_bounds_are_inside_and_one_millisecond_more_is_not() {
        let five_s = Tolerance::seconds(5);
        assert_eq!(five_s.check(at_ms(0), at_ms(5_000)), Ok(()));
        assert_eq!(five_s.check(at_ms(5_000), at_ms(0)), Ok(()));
        let too_old = five_s.check(at_ms(0), at_ms(5_001));
        assert_eq!(too_old, Err(Rejection::TooOld { age_s: 6, tolerance_s: 5 }));
        let ahead = five_s.check(at_ms(5_001), at_ms(0));
        assert_eq!(ahead, Err(Rejection::FromTheFuture { ahead_s: 6, tolerance_s: 5 }));
    }

    #[test]
    fn the_sides_are_independent() {
        let tolerance = Tolerance { past_s: 1, future_s: 60 };
        assert!(tolerance.check(at_ms(0), at_ms(2_000)).is_err());
        assert!(tolerance.check(at_ms(2_000), at_ms(0)).is_ok());
    }

    #[test]
    fn any_time_is_any_time() {
        assert_eq!(Tolerance::ANY_TIME.check(Timestamp::MIN, Timestamp::MAX), Ok(()));
        assert_eq!(Tolerance::ANY_TIME.check(Timestamp::MAX, Timestamp::MIN), Ok(()));
    }
}
