//! How long certificates hold.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::CertificateParams;

/// Clocks differ: what is made today holds since the day before.
const BEFORE_DAYS: i64 = 1;
/// An authority is trusted by hand, so it should not have to be again soon.
const AUTHORITY_YEARS: i64 = 10;
/// With the day before it 397 days. Apple's clients take at most 825 days of any server's certificate, and browsers 398
/// of one whose authority came with them.
const LEAF_DAYS: i64 = 396;
/// A certificate is made anew when it is so old.
const FRESH_DAYS: i64 = 30;

/// From when until when a certificate holds, in whole days of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub(crate) from: Date,
    pub(crate) until: Date,
}

impl Life {
    /// For clients that live in a virtual time, whatever it is: from 2020 until 2120.
    pub const ANY_TIME: Self =
        Self { from: jiff::civil::date(2020, 1, 1), until: jiff::civil::date(2120, 1, 1) };

    /// Of a certificate that is over.
    pub(crate) const OVER: Self =
        Self { from: jiff::civil::date(2020, 1, 1), until: jiff::civil::date(2021, 1, 1) };

    /// That of an authority made now: ten years.
    #[must_use]
    pub fn of_authority(now: Timestamp) -> Self {
        Self::since(now, Span::new().years(AUTHORITY_YEARS))
    }

    /// That of a server's certificate made now, as strict clients take it.
    #[must_use]
    pub fn of_leaf(now: Timestamp) -> Self {
        Self::since(now, Span::new().days(LEAF_DAYS))
    }

    fn since(now: Timestamp, lasting: Span) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        Self {
            from: today.saturating_sub(Span::new().days(BEFORE_DAYS)),
            until: today.saturating_add(lasting),
        }
    }

    /// Whether one that was made with this life is still as good as one of `other`.
    pub(crate) fn serves_for(self, other: Self) -> bool {
        self.from <= other.from && other.from <= self.from.saturating_add(Span::new().days(FRESH_DAYS))
    }

    pub(crate) fn set_in(self, params: &mut CertificateParams) {
        let time = |date: Date| {
            // A month and a day of the calendar are small and not negative.
            let part = |value: i8| u8::try_from(value).unwrap_or(1);
            rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
        };
        params.not_before = time(self.from);
        params.not_after = time(self.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_holds_since_yesterday_and_at_most_as_long_as_clients_take_it() {
        let life = Life::of_leaf(at("2026-11-26T12:00:00Z"));
        assert_eq!(
            (life.from.to_string(), life.until.to_string()),
            ("2026-11-25".into(), "2027-12-27".into())
        );
        assert_eq!(life.from.until(life.until).unwrap().get_days(), 397);
        let life = Life::of_authority(at("2026-11-26T12:00:00Z"));
        assert_eq!(life.until.to_string(), "2036-11-26");
    }

    #[test]
    fn one_is_made_anew_after_a_month() {
        let made = Life::of_leaf(at("2026-11-01T00:00:00Z"));
        assert!(made.serves_for(Life::of_leaf(at("2026-11-30T00:00:00Z"))));
        assert!(!made.serves_for(Life::of_leaf(at("2026-12-02T00:00:00Z"))));
        assert!(!made.serves_for(Life::of_leaf(at("2026-10-01T00:00:00Z"))), "a clock that was set back");
        assert!(Life::ANY_TIME.serves_for(Life::ANY_TIME));
    }
}
