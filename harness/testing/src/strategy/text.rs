//! Texts: their lengths, their patterns, and the formats that JSON Schema names.

use super::build::{Built, Schema, Stop};
use super::pattern::translated;
use super::validity::keep;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::string::string_regex;
use serde_json::Value;

/// Characters beyond the fewest that are allowed.
const MORE_CHARS: usize = 24;
/// Characters that a text must not have to have.
const MOST_REQUIRED: usize = 10_000;

/// Formats that a text is to have and that are not made.
const NOT_MADE: [&str; 9] = [
    "duration",
    "idn-email",
    "idn-hostname",
    "iri",
    "iri-reference",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

pub(super) fn build(schema: &Schema) -> Built {
    let fewest = schema.count("minLength")?.unwrap_or(0);
    let most = schema.count("maxLength")?;
    if most.is_some_and(|most| fewest > most) {
        return Err(schema.impossible(format!(
            "no text has at least {fewest} and at most {} characters",
            most.unwrap_or(0)
        )));
    }
    if fewest > MOST_REQUIRED {
        return Err(
            schema.error(format!("`minLength` is {fewest}; texts of over {MOST_REQUIRED} are not made"))
        );
    }
    let pattern = schema.value.get("pattern").map(|pattern| of_pattern(schema, pattern)).transpose()?;
    let format = schema.value.get("format").and_then(Value::as_str);
    let formatted = match format {
        Some(format) if NOT_MADE.contains(&format) => {
            return Err(schema.error(format!("texts of the format `{format}` are not made")));
        }
        Some(format) => of_format(format),
        None => None,
    };
    let texts = match (pattern, formatted) {
        (Some(_), Some(_)) => {
            return Err(schema.error("`pattern` and `format` have to hold at once, which cannot be honoured"));
        }
        (Some(texts), None) | (None, Some(texts)) => texts,
        (None, None) => {
            let last = most.unwrap_or(usize::MAX).min(fewest + MORE_CHARS);
            return Ok(regex(schema, &format!("\\PC{{{fewest},{last}}}"))?.prop_map(Value::String).boxed());
        }
    };
    let texts = texts.prop_map(Value::String).boxed();
    if fewest == 0 && most.is_none() {
        return Ok(texts);
    }
    let fits = move |value: &Value| {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        length >= fewest && most.is_none_or(|most| length <= most)
    };
    keep(texts, fits, schema, "hardly any text of the `pattern` or `format` has a length that is allowed")
}

fn of_pattern(schema: &Schema, pattern: &Value) -> Result<BoxedStrategy<String>, Stop> {
    let pattern = pattern.as_str().ok_or_else(|| schema.error("`pattern` is no text"))?;
    let translated = translated(pattern)
        .map_err(|problem| schema.error(format!("the pattern {pattern:?} cannot be honoured: {problem}")))?;
    regex(schema, &translated)
}

fn regex(schema: &Schema, regex: &str) -> Result<BoxedStrategy<String>, Stop> {
    let made = string_regex(regex);
    made.map(Strategy::boxed)
        .map_err(|error| schema.error(format!("the pattern cannot be honoured: {error}")))
}

/// Texts of a format; nothing for one that is the API's own word, and says nothing to a validator.
fn of_format(format: &str) -> Option<BoxedStrategy<String>> {
    Some(match format {
        "date-time" => {
            let offset = prop_oneof![Just("Z".to_owned()), "[+-](0[0-9]|1[0-3]):[0-5][0-9]"];
            (date(), time_of_day(), offset)
                .prop_map(|(date, time, offset)| format!("{date}T{time}{offset}"))
                .boxed()
        }
        "date" => date(),
        "time" => time_of_day().prop_map(|time| format!("{time}Z")).boxed(),
        "uuid" => made("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        "email" => made("[a-z][a-z0-9]{0,8}(\\.[a-z0-9]{1,6})?@[a-z][a-z0-9]{0,10}\\.(example|invalid)"),
        "hostname" => made("[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,4})?(\\.[a-z][a-z0-9]{1,6}){0,2}"),
        "uri" | "url" => made(
            "https?://[a-z][a-z0-9]{0,10}\\.example(/[a-z0-9_~-]{0,6}){0,3}(\\?[a-z]{1,4}=[a-z0-9]{0,4})?",
        ),
        "uri-reference" => made("(/[a-z0-9_~-]{1,6}){1,3}(\\?[a-z]{1,4}=[a-z0-9]{0,4})?"),
        "ipv4" => any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()).boxed(),
        "ipv6" => any::<[u16; 8]>().prop_map(|parts| std::net::Ipv6Addr::from(parts).to_string()).boxed(),
        "byte" => made("([A-Za-z0-9+/]{4}){0,6}"),
        _ => return None,
    })
}

/// Dates that there are: of every month the days that each year has.
fn date() -> BoxedStrategy<String> {
    (1970_u16..2100, 1_u8..=12, 1_u8..=28)
        .prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
        .boxed()
}

fn time_of_day() -> BoxedStrategy<String> {
    (0_u8..24, 0_u8..60, 0_u8..60, prop::option::of(0_u16..1_000))
        .prop_map(|(hour, minute, second, fraction)| {
            let fraction = fraction.map(|fraction| format!(".{fraction:03}")).unwrap_or_default();
            format!("{hour:02}:{minute:02}:{second:02}{fraction}")
        })
        .boxed()
}

fn made(regex: &str) -> BoxedStrategy<String> {
    #[expect(clippy::expect_used, reason = "these patterns are this file's own")]
    string_regex(regex).expect("a pattern of this file").boxed()
}
