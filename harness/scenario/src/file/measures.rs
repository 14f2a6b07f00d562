//! Lengths of time and numbers of things, as a scenario spells them.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// How many there must be: exactly, at least, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Exactly so many.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many or more.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many or fewer.
    #[serde(default)]
    pub at_most: Option<usize>,
}

impl Counts {
    /// Whether it says anything.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether every number fits.
    pub(crate) fn is_always_so(self) -> bool {
        self.count.is_none() && self.at_most.is_none() && self.at_least.unwrap_or(0) == 0
    }

    /// Whether no number at all fits: 3 at least and 2 at most.
    pub(crate) fn is_impossible(self) -> bool {
        let least = self.count.max(self.at_least).unwrap_or(0);
        let most = [self.count, self.at_most].into_iter().flatten().min().unwrap_or(usize::MAX);
        least > most
    }

    pub(crate) fn hold(self, found: usize) -> bool {
        self.count.is_none_or(|wanted| found == wanted)
            && self.at_least.is_none_or(|wanted| found >= wanted)
            && self.at_most.is_none_or(|wanted| found <= wanted)
    }

    pub(crate) fn words(self) -> String {
        let bounds = [("", self.count), ("at least ", self.at_least), ("at most ", self.at_most)];
        let words = bounds.into_iter().filter_map(|(word, bound)| Some(format!("{word}{}", bound?)));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How long something must take: `{at_least: 30s, at_most: 40s}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElapsedExpected {
    /// So long or longer.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "optional_duration")]
    pub at_least: Option<SignedDuration>,
    /// So long or shorter.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "optional_duration")]
    pub at_most: Option<SignedDuration>,
}

impl ElapsedExpected {
    /// Whether every length of time fits.
    pub(crate) fn is_always_so(self) -> bool {
        self.at_most.is_none() && self.at_least.is_none_or(|least| least.is_zero())
    }

    /// Whether none does: 40s at least and 30s at most.
    pub(crate) fn is_impossible(self) -> bool {
        matches!((self.at_least, self.at_most), (Some(least), Some(most)) if least > most)
    }

    pub(crate) fn hold(self, elapsed: SignedDuration) -> bool {
        self.at_least.is_none_or(|least| elapsed >= least) && self.at_most.is_none_or(|most| elapsed <= most)
    }

    pub(crate) fn words(self) -> String {
        let bounds = [("at least", self.at_least), ("at most", self.at_most)];
        let words =
            bounds.into_iter().filter_map(|(word, bound)| bound.map(|bound| format!("{word} {bound:#}")));
        words.collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SignedDuration>, D::Error> {
    duration(deserializer).map(Some)
}

/// Days are 24 hours: virtual time has no time zone.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let expected = "expected a length of time like 30s, 5m, 1h 30m or 10d";
    let shown = super::problem::quoted(text);
    let span: jiff::Span = text.parse().map_err(|_| format!("{shown:?} is no length of time; {expected}"))?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("{shown:?} cannot be counted in seconds; {expected}"))?;
    if duration.is_negative() { Err(format!("{shown:?} goes backwards; {expected}")) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, seconds) in [("30s", 30), ("1h 30m", 5400), ("10d", 864_000), ("2m", 120)] {
            assert_eq!(parse_duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "30", "-5s", "1month", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_bounded_from_both_sides() {
        let counts = Counts { at_least: Some(2), at_most: Some(3), ..Counts::default() };
        assert_eq!([1, 2, 3, 4].map(|found| counts.hold(found)), [false, true, true, false]);
        assert_eq!(counts.words(), "at least 2, at most 3");
        assert!(!counts.is_impossible() && Counts { count: Some(4), ..counts }.is_impossible());
    }
}
