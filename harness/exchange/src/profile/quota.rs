//! How often a provider lets itself be called, and how it says so.
//!
//! Real vendors differ in three things: how they count, which header fields tell the count, and how a refusal
//! looks. Each is declared by itself. How it is played is not known here.

use super::field::check_field_text;
use super::{FieldName, RetryAfterForm};
use crate::OperationName;
use crate::RefusalStatus;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;

/// One limit. Several apply at once: a request must pass all that govern it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How it counts.
    pub kind: LimitKind,
    /// Whose requests are counted together.
    #[serde(default)]
    pub per: Per,
    /// The operations that it governs; without any, all.
    #[serde(default)]
    pub operations: Vec<OperationName>,
    /// What a request to an operation costs; 1 where nothing is said. One that costs 0 is always let through.
    #[serde(default)]
    pub cost: IndexMap<OperationName, u32>,
    /// The vendor's header fields, on every answer that this limit governs.
    #[serde(default)]
    pub headers: IndexMap<FieldName, HeaderTemplate>,
    /// How it refuses.
    #[serde(default)]
    pub refusal: LimitRefusal,
}

/// As it stands in a list of limits: `kind: {calls_per_second: {limit: 3}}`.
impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::parse_spanned(Path::new("quota"), text).map_err(|error| error.to_string())
    }
}

/// How a limit counts. All arithmetic is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LimitKind {
    /// A bucket of tokens that is full at first; a request takes some out.
    TokenBucket {
        /// What it holds.
        capacity: NonZeroU32,
        /// What comes back a second.
        refill_per_s: Rate,
    },
    /// A bucket that is empty at first; a request pours something in, and it leaks.
    LeakyBucket {
        /// What it holds.
        capacity: NonZeroU32,
        /// What leaks a second.
        leak_per_s: Rate,
    },
    /// So many within any second, wherever it begins.
    CallsPerSecond {
        /// How many.
        limit: NonZeroU32,
    },
    /// So many within any stretch of time of a length, wherever it begins.
    RollingWindow {
        /// How many.
        limit: NonZeroU32,
        /// The length, in seconds.
        window_s: NonZeroU32,
    },
    /// So many until a given instant; then the count begins anew.
    FixedWindow {
        /// How many.
        limit: NonZeroU32,
        /// The length, in seconds.
        window_s: NonZeroU32,
        /// When a window begins.
        #[serde(default)]
        begins: WindowBegins,
    },
    /// So many requests under way at once.
    Concurrency {
        /// How many.
        limit: NonZeroU32,
    },
    /// So many a day.
    Daily {
        /// How many.
        limit: NonZeroU32,
        /// When the day begins.
        resets_at: TimeOfDay,
    },
}

impl LimitKind {
    /// The most that may be used at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        match self {
            Self::TokenBucket { capacity: limit, .. }
            | Self::LeakyBucket { capacity: limit, .. }
            | Self::CallsPerSecond { limit }
            | Self::RollingWindow { limit, .. }
            | Self::FixedWindow { limit, .. }
            | Self::Concurrency { limit }
            | Self::Daily { limit, .. } => limit.get(),
        }
    }
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// All.
    #[default]
    Client,
    /// Those with the same credential; those without any are counted together.
    Token,
    /// Those to the same operation.
    Operation,
    /// Those with the same credential to the same operation.
    TokenAndOperation,
}

/// When a fixed window begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowBegins {
    /// With the first request after the last window ended.
    #[default]
    FirstRequest,
    /// At whole multiples of its length since 1970 (UTC): each full minute, each full hour.
    Clock,
}

/// So much a second: a whole number, or a fraction as text: `20/60` is twenty a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So much ...
    pub amount: NonZeroU32,
    /// ... in so many seconds.
    pub seconds: NonZeroU32,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (amount, seconds) = text.split_once('/').unwrap_or((text, "1"));
        let number = |part: &str| part.trim().parse::<NonZeroU32>();
        match (number(amount), number(seconds)) {
            (Ok(amount), Ok(seconds)) => Ok(Self { amount, seconds }),
            _ => Err(format!(
                "{text:?} is no rate; expected a whole number a second, or a fraction: 20/60 is twenty a minute"
            )),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.amount, self.seconds)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl serde::de::Visitor<'_> for Spelling {
            type Value = Rate;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number from 1, or a fraction like 20/60")
            }

            fn visit_u64<E: serde::de::Error>(self, amount: u64) -> Result<Rate, E> {
                self.visit_str(&amount.to_string())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.seconds.get() {
            1 => serializer.serialize_u32(self.amount.get()),
            _ => serializer.collect_str(self),
        }
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "So much a second; as a fraction, so much in so many seconds: 20/60",
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^[0-9]+(/[0-9]+)?$" }
            ]
        })
    }
}

/// A time of day in a named offset: `00:00Z`, `02:30+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Minutes since midnight, there.
    minute: u16,
    /// How far the clocks there are ahead of UTC, in minutes.
    offset_minutes: i16,
}

impl TimeOfDay {
    /// When it comes on 1 January 1970, in seconds since that day began in UTC: from -86 340 to 172 740.
    #[must_use]
    pub fn first_s(self) -> i64 {
        (i64::from(self.minute) - i64::from(self.offset_minutes)) * 60
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("{text:?} is no time of day with its offset; expected 00:00Z or 02:30+01:00");
        let (time, offset) = text.split_at_checked(5).ok_or_else(refuse)?;
        let minute = minutes(time).ok_or_else(refuse)?;
        let offset_minutes = match (offset, offset.split_at_checked(1)) {
            ("Z", _) => 0,
            (_, Some(("+", ahead))) => minutes(ahead).ok_or_else(refuse)?,
            (_, Some(("-", behind))) => -minutes(behind).ok_or_else(refuse)?,
            _ => return Err(refuse()),
        };
        Ok(Self { minute: minute.unsigned_abs(), offset_minutes })
    }
}

/// The minutes of `hh:mm`.
fn minutes(text: &str) -> Option<i16> {
    let (hour, minute) =
        text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let number = |part: &str, below: i16| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i16>().ok().filter(|number| digits && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.minute / 60, self.minute % 60)?;
        let ahead = self.offset_minutes.unsigned_abs();
        match self.offset_minutes {
            0 => formatter.write_str("Z"),
            1.. => write!(formatter, "+{:02}:{:02}", ahead / 60, ahead % 60),
            _ => write!(formatter, "-{:02}:{:02}", ahead / 60, ahead % 60),
        }
    }
}

/// How a limit refuses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitRefusal {
    /// The status: 429, 403 as GitHub does, 503.
    pub status: RefusalStatus,
    /// How the wait is told, where it is known how long it is.
    pub retry_after: RetryAfterForm,
    /// The name among the profile's `errors` whose recorded form it has.
    pub form: String,
    /// Its JSON body, where none was recorded.
    pub json: Option<serde_json::Value>,
}

impl Default for LimitRefusal {
    fn default() -> Self {
        Self {
            status: RefusalStatus::TOO_MANY_REQUESTS,
            retry_after: RetryAfterForm::default(),
            form: "rate_limited".to_owned(),
            json: None,
        }
    }
}

/// What stands in a header field: text with names in braces, as in `{used}/{limit}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate(Vec<TemplatePart>);

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it is.
    Text(String),
    /// A figure of the limit.
    Figure(LimitFigure),
}

macro_rules! figures {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a header field can tell about a limit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum LimitFigure {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl LimitFigure {
            /// Every figure with its name in a template.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name),)+];
        }
    };
}

figures! {
    /// The most that may be used.
    Limit = "limit",
    /// What is used.
    Used = "used",
    /// What is left.
    Remaining = "remaining",
    /// The length of a window in seconds; of a bucket, the time in which it fills or empties.
    WindowS = "window_s",
    /// The same in milliseconds.
    WindowMs = "window_ms",
    /// The instant from which all is free again, in seconds since 1970, rounded up.
    ResetEpochS = "reset_epoch_s",
    /// The same in milliseconds since 1970, rounded up.
    ResetEpochMs = "reset_epoch_ms",
    /// The same in seconds from now, rounded up.
    ResetInS = "reset_in_s",
    /// The same as an HTTP date (RFC 9110 section 5.6.7), rounded up to a second.
    ResetHttpDate = "reset_http_date",
    /// The same as ISO 8601, in UTC, rounded up to a second.
    ResetIso8601 = "reset_iso8601",
}

impl HeaderTemplate {
    /// Its parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[TemplatePart] {
        &self.0
    }
}

impl FromStr for HeaderTemplate {
    type Err = String;

    fn from_str(template: &str) -> Result<Self, String> {
        check_field_text(template)?;
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((text, tail)) = rest.split_once('{') {
            let (name, after) =
                tail.split_once('}').ok_or_else(|| format!("{template:?}: a brace is not closed"))?;
            let figure = LimitFigure::ALL.iter().find(|(_, known)| *known == name).ok_or_else(|| {
                let names: Vec<_> = LimitFigure::ALL.iter().map(|(_, name)| *name).collect();
                match crate::suggest(name, names.iter().copied()) {
                    Some(near) => format!("{template:?}: there is no `{name}`; did you mean `{near}`?"),
                    None => format!("{template:?}: there is no `{name}`; there are: {}", names.join(", ")),
                }
            })?;
            if !text.is_empty() {
                parts.push(TemplatePart::Text(text.to_owned()));
            }
            parts.push(TemplatePart::Figure(figure.0));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for HeaderTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            TemplatePart::Text(text) => formatter.write_str(text),
            TemplatePart::Figure(figure) => {
                let name = LimitFigure::ALL.iter().find(|(known, _)| known == figure);
                write!(formatter, "{{{}}}", name.map_or("", |(_, name)| *name))
            }
        })
    }
}

macro_rules! spelled_as_text {
    ($($name:ident: $description:literal,)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description })
            }
        }
    )+};
}

spelled_as_text! {
    TimeOfDay: "A time of day with its offset from UTC: 00:00Z, 02:30+01:00",
    HeaderTemplate: "Text with names in braces: limit, used, remaining, window_s, window_ms, reset_epoch_s, reset_epoch_ms, reset_in_s, reset_http_date, reset_iso8601",
}

impl Limit {
    /// What a request to an operation costs.
    #[must_use]
    pub fn cost_of(&self, operation: &OperationName) -> u32 {
        self.cost.get(operation).copied().unwrap_or(1)
    }

    /// Whether requests to an operation are counted.
    #[must_use]
    pub fn governs(&self, operation: &OperationName) -> bool {
        self.operations.is_empty() || self.operations.contains(operation)
    }

    /// The operations that it speaks of.
    pub(super) fn operations_named(&self) -> impl Iterator<Item = &OperationName> {
        self.operations.iter().chain(self.cost.keys())
    }

    /// What is wrong with it in itself, if anything.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let limit = self.kind.limit();
        for (operation, cost) in &self.cost {
            if *cost > limit {
                return Err(format!(
                    "`{operation}` costs {cost}, which a limit of {limit} never lets through; lower the cost"
                ));
            }
            if !self.governs(operation) {
                return Err(format!("`{operation}` has a cost, but the limit's `operations` leave it out"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderProfile;
    use proptest::prelude::*;

    /// What is wrong with a profile that has a limit.
    fn problem(limit: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider.yaml");
        let operations = "operations: {list: GET /list, get: GET /get}";
        let text = format!("counterpart: provider/1\nprovider: p\n{operations}\nquota:\n- {limit}\n");
        std::fs::write(&path, text).unwrap();
        ProviderProfile::read(&path).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
    }

    #[test]
    fn a_limit_that_cannot_be_kept_is_refused() {
        let kind = "kind: {calls_per_second: {limit: 3}}";
        for (limit, expected) in [
            (format!("{{{kind}}}"), "nothing"),
            (
                format!("{{{kind}, cost: {{list: 4}}}}"),
                "`list` costs 4, which a limit of 3 never lets through",
            ),
            (
                format!("{{{kind}, operations: [get], cost: {{list: 1}}}}"),
                "the limit's `operations` leave it out",
            ),
            (format!("{{{kind}, operations: [gett]}}"), "did you mean `get`?"),
            (format!("{{{kind}, headers: {{x: '{{remainin}}'}}}}"), "did you mean `remaining`?"),
            (format!("{{{kind}, headers: {{x: '{{limit'}}}}"), "a brace is not closed"),
            (format!("{{{kind}, headers: {{'x y': a}}}}"), "is no name of a header field"),
            (
                format!("{{{kind}, refusal: {{status: 200}}}}"),
                "the status 200 does not fit; expected one from 400 to 599",
            ),
            ("{kind: {calls_per_second: {limit: 0}}}".to_owned(), "a whole number from 1"),
            ("{kind: {token_bucket: {capacity: 1, refill_per_s: 1/0}}}".to_owned(), "is no rate"),
            ("{kind: {token_bucket: {capacity: 1, refill_per_s: 0}}}".to_owned(), "is no rate"),
            ("{kind: {daily: {limit: 1, resets_at: '24:00Z'}}}".to_owned(), "is no time of day"),
        ] {
            let problem = problem(&limit);
            assert!(problem.contains(expected), "{limit}: {problem}");
        }
    }

    #[test]
    fn a_day_begins_where_its_offset_has_it() {
        let first_s = |text: &str| text.parse::<TimeOfDay>().map(TimeOfDay::first_s);
        assert_eq!(first_s("00:00Z"), Ok(0));
        assert_eq!(first_s("02:30+01:00"), Ok(90 * 60));
        assert_eq!(first_s("00:00+05:30"), Ok(-330 * 60));
        assert_eq!(first_s("23:59-11:00"), Ok((23 * 60 + 59 + 11 * 60) * 60));
        for text in ["", "00:00", "0:00Z", "00:60Z", "+1:00Z", "00:00+1", "00:00+24:00", "00:00ä", "äääZ"]
        {
            assert!(first_s(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_again(minute in 0..1_440_u16, offset in -1_439..1_440_i16, amount: u32, seconds: u32) {
            let time = TimeOfDay { minute, offset_minutes: offset };
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            if let (Some(amount), Some(seconds)) = (NonZeroU32::new(amount), NonZeroU32::new(seconds)) {
                let rate = Rate { amount, seconds };
                prop_assert_eq!(serde_json::from_str::<Rate>(&serde_json::to_string(&rate).unwrap()).unwrap(), rate);
            }
        }

        #[test]
        fn any_template_is_read_or_refused(text in "[ -~]{0,20}|[a-z/=]{0,5}\\{(limit|used|reset_epoch_s)\\}[a-z/]{0,5}") {
            if let Ok(template) = text.parse::<HeaderTemplate>() {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
