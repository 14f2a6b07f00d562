//! A value at the edge of what its format allows.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field of the recorded answer holds a value that is allowed and that few are ready for.
///
/// A good integration keeps the value as it is, or holds the record back and says why. It neither rounds, cuts nor
/// fails without a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeValue {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
    /// Which.
    pub value: Edge,
}

/// Values at the edge of their format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// 2^53 + 1: a double cannot hold it (RFC 8259 section 6).
    #[serde(rename = "number_beyond_2_53")]
    NumberBeyond2To53,
    /// 2^64: no integer of 64 bits can hold it.
    #[serde(rename = "number_beyond_64_bits")]
    NumberBeyond64Bits,
    /// 1e400: beyond any double.
    NumberBeyondDouble,
    /// -0.
    NegativeZero,
    /// 1.0E+2, where 100 is usual.
    NumberWithExponent,
    /// A second that is the 61st of its minute (RFC 3339 section 5.7).
    LeapSecond,
    /// 29 February.
    LeapDay,
    /// A day before 1970.
    DateBeforeEpoch,
    /// The last second of the year 9999.
    #[serde(rename = "date_of_year_9999")]
    DateOfYear9999,
    /// An offset of 14 hours, the largest in use.
    DateWithLargeOffset,
    /// A date without an offset: nobody knows when that is.
    DateWithoutOffset,
    /// A fraction of nine digits.
    DateWithNanoseconds,
    /// 100,000 characters.
    LongText,
    /// Letters that combine, run from right to left, or take two UTF-16 units each.
    OddText,
    /// A NUL in its middle: PostgreSQL's text cannot hold it.
    TextWithNul,
    /// Half of a surrogate pair, which JSON can spell and Unicode does not have (RFC 8259 section 8.2).
    LoneSurrogate,
    /// An object 100 levels deep.
    DeepObject,
}

/// Characters of a long text.
const LONG_CHARS: usize = 100_000;
/// Levels of a deep object: within what parsers allow by default.
const DEEP_LEVELS: usize = 100;

impl Edge {
    /// The value, as it is spelled in JSON.
    fn spelled(self) -> String {
        match self {
            Self::NumberBeyond2To53 => "9007199254740993".to_owned(),
            Self::NumberBeyond64Bits => "18446744073709551616".to_owned(),
            Self::NumberBeyondDouble => "1e400".to_owned(),
            Self::NegativeZero => "-0".to_owned(),
            Self::NumberWithExponent => "1.0E+2".to_owned(),
            Self::LeapSecond => "\"2016-12-31T23:59:60Z\"".to_owned(),
            Self::LeapDay => "\"2024-02-29T12:00:00Z\"".to_owned(),
            Self::DateBeforeEpoch => "\"1901-12-13T20:45:51Z\"".to_owned(),
            Self::DateOfYear9999 => "\"9999-12-31T23:59:59Z\"".to_owned(),
            Self::DateWithLargeOffset => "\"2024-01-01T00:30:00+14:00\"".to_owned(),
            Self::DateWithoutOffset => "\"2024-03-31T02:30:00\"".to_owned(),
            Self::DateWithNanoseconds => "\"2024-01-01T00:00:00.123456789Z\"".to_owned(),
            Self::LongText => format!("\"{}\"", "long ".repeat(LONG_CHARS / 5)),
            Self::OddText => {
                "\"e\u{301} \u{202e}txet\u{202c} \u{1f469}\u{200d}\u{1f4bb} \u{fdfd} \u{200b} ﬁ İ ß\""
                    .to_owned()
            }
            Self::TextWithNul => "\"before\\u0000after\"".to_owned(),
            Self::LoneSurrogate => "\"half \\ud83d of it\"".to_owned(),
            Self::DeepObject => {
                format!("{}1{}", "{\"deeper\":".repeat(DEEP_LEVELS), "}".repeat(DEEP_LEVELS))
            }
        }
    }
}

impl Misbehaves for EdgeValue {
    const EXAMPLES: &'static [&'static str] =
        &[r#"edge_value{"record":2,"field":"origin_server_ts","value":"number_beyond_2_53"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::spell(response, around.profile, self.record, &self.field, &self.value.spelled())
        }))
    }
}
