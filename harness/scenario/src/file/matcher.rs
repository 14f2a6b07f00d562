//! Matchers for JSON, as they are spelled.
//!
//! A plain value stands for itself: a mapping for any object that has at least these fields, a list for a list of these
//! items. A mapping whose keys begin with `$` is a matcher, and one with a `$` key that is no matcher is refused: so no
//! literal object is ever taken for a matcher. `$equal` says what is meant literally.

use super::measures::Counts;
use super::place::Spanned;
use super::problem;
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use serde_json_path::JsonPath;
use std::fmt;

/// What a JSON value must be.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// This value; `null` stands for a field that is absent, too.
    Literal(Value),
    /// A list of just these items.
    List(Vec<Matcher>),
    /// An object with at least these fields.
    Fields(Vec<(String, Matcher)>),
    /// All of these hold.
    All(Vec<Check>),
}

/// One check of a value.
#[derive(Clone, Debug)]
pub enum Check {
    /// `$equal`: just this value, without a field more.
    Equal(Value),
    /// `$type`.
    Type(JsonType),
    /// `$regex`: a text in which this is found.
    Regex(Box<regex::Regex>),
    /// `$near`: a number that is no further away than `within`.
    Near {
        /// The number.
        value: f64,
        /// How far away it may be.
        within: f64,
    },
    /// `$one_of`: one of these fits.
    OneOf(Vec<Matcher>),
    /// `$absent`: the field is not there at all, or, with `false`, is there.
    Absent(bool),
    /// `$length`: of a text in characters, a list in items, an object in fields.
    Length(Counts),
    /// `$contains`: a list with an item that fits, or a text with this text in it.
    Contains(Box<Matcher>),
    /// `$path`: what a JSONPath selects is there, and all of it fits.
    Path(Vec<(String, JsonPath, Matcher)>),
    /// `$not`: it does not fit.
    Not(Box<Matcher>),
}

/// The types of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonType {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction.
    Integer,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
    /// Null, and there.
    Null,
}

impl JsonType {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
            Self::Null => "null",
        }
    }
}

/// The words of matchers.
const WORDS: [&str; 10] =
    ["$equal", "$type", "$regex", "$near", "$one_of", "$absent", "$length", "$contains", "$path", "$not"];

impl JsonSchema for Matcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a JSON value must be: a literal, or a mapping with one of $equal, $type, $regex, $near, \
                            $one_of, $absent, $length, $contains, $path, $not"
        })
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelling)
    }
}

struct Spelling;

impl<'de> Visitor<'de> for Spelling {
    type Value = Matcher;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value or a matcher, as in {$type: string}")
    }

    fn visit_unit<E>(self) -> Result<Matcher, E> {
        Ok(Matcher::Literal(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Matcher, E> {
        Ok(Matcher::Literal(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Matcher, E> {
        Ok(Matcher::Literal(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Matcher, E> {
        Ok(Matcher::Literal(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Matcher, E> {
        Ok(Matcher::Literal(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Matcher, E> {
        Ok(Matcher::Literal(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Matcher, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Matcher::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Matcher, A::Error> {
        let (mut fields, mut checks) = (Vec::new(), Vec::new());
        while let Some(key) = entries.next_key::<MatcherKey>()? {
            match key {
                MatcherKey::Field(name) if checks.is_empty() => fields.push((name, entries.next_value()?)),
                MatcherKey::Word(word) if fields.is_empty() => checks.push(check(word, &mut entries)?),
                MatcherKey::Field(name) => return Err(mixed(&name)),
                MatcherKey::Word(word) => return Err(mixed(word)),
            }
        }
        Ok(if checks.is_empty() { Matcher::Fields(fields) } else { Matcher::All(checks) })
    }
}

fn mixed<E: Error>(word: &str) -> E {
    E::custom(format!(
        "`{}` makes a mixture of fields and matchers; a mapping is either, so put the matcher under its field, or the \
         fields under $path",
        problem::quoted(word)
    ))
}

enum MatcherKey {
    Field(String),
    Word(&'static str),
}

impl<'de> Deserialize<'de> for MatcherKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        if !key.starts_with('$') {
            return Ok(Self::Field(key));
        }
        match WORDS.iter().find(|word| **word == key) {
            Some(word) => Ok(Self::Word(word)),
            None => Err(D::Error::custom(format!(
                "{} (a literal object with such a key is written {{$equal: {{...}}}})",
                problem::unknown("matcher", &key, WORDS)
            ))),
        }
    }
}

fn check<'de, A: MapAccess<'de>>(word: &str, entries: &mut A) -> Result<Check, A::Error> {
    Ok(match word {
        "$equal" => Check::Equal(entries.next_value()?),
        "$type" => Check::Type(entries.next_value()?),
        "$regex" => Check::Regex(Box::new(entries.next_value::<Pattern>()?.0)),
        "$near" => {
            let Near { value, within } = entries.next_value()?;
            if within < 0.0 {
                return Err(A::Error::custom(format!("{within} is no distance; `within` is 0 or more")));
            }
            Check::Near { value, within }
        }
        "$one_of" => match entries.next_value::<Vec<Matcher>>()? {
            none if none.is_empty() => return Err(says_nothing(word, "nothing fits one of none")),
            matchers => Check::OneOf(matchers),
        },
        "$absent" => Check::Absent(entries.next_value()?),
        "$length" => match entries.next_value::<Length>()?.0 {
            counts if counts.is_always_so() => return Err(says_nothing(word, "every length is that")),
            counts if counts.is_impossible() => return Err(says_nothing(word, "no length is that")),
            counts => Check::Length(counts),
        },
        "$contains" => Check::Contains(Box::new(entries.next_value()?)),
        "$path" => match entries.next_value::<Paths>()?.0 {
            none if none.is_empty() => return Err(says_nothing(word, "it names no path")),
            paths => Check::Path(paths),
        },
        _ => Check::Not(Box::new(entries.next_value()?)),
    })
}

fn says_nothing<E: Error>(word: &str, why: &str) -> E {
    let expected = match word {
        "$one_of" => "a list of what may be there, as in {$one_of: [held, done]}",
        "$path" => "a mapping of JSONPaths to what they select, as in {$.items[0].id: 5}",
        _ => "a whole number, or {at_least: 1, at_most: 9}",
    };
    E::custom(format!("`{word}` says nothing: {why}; expected {expected}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    value: f64,
    within: f64,
}

/// Bytes that a compiled expression may take: what is larger was not written by hand.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

struct Pattern(regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let built = regex::RegexBuilder::new(&text).size_limit(MAX_REGEX_BYTES).build();
        built.map(Self).map_err(|error| {
            let told = error.to_string();
            let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
            D::Error::custom(format!("{:?} is no regular expression: {last}", problem::quoted(&text)))
        })
    }
}

struct Length(Counts);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;
        impl<'de> Visitor<'de> for Spelling {
            type Value = Length;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number, or {at_least: 1, at_most: 9}")
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Length, E> {
                let count = usize::try_from(count).map_err(E::custom)?;
                Ok(Length(Counts { count: Some(count), ..Counts::default() }))
            }
            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Length, A::Error> {
                Counts::deserialize(serde::de::value::MapAccessDeserializer::new(entries)).map(Length)
            }
        }
        deserializer.deserialize_any(Spelling)
    }
}

struct Paths(Vec<(String, JsonPath, Matcher)>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;
        impl<'de> Visitor<'de> for Spelling {
            type Value = Paths;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping of JSONPaths to what they select, as in {$.items[0].id: 5}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Paths, A::Error> {
                let mut paths = Vec::new();
                while let Some(Query { text, path }) = entries.next_key()? {
                    paths.push((text, path, entries.next_value()?));
                }
                Ok(Paths(paths))
            }
        }
        deserializer.deserialize_map(Spelling)
    }
}

/// A JSONPath (RFC 9535) with its spelling.
#[derive(Clone, Debug)]
pub struct Query {
    /// As it is written.
    pub text: String,
    /// As it is followed.
    pub path: JsonPath,
}

/// Characters of a JSONPath.
const MAX_QUERY_CHARS: usize = 1_000;

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let shown = problem::quoted(&text);
        if text.len() > MAX_QUERY_CHARS {
            return Err(D::Error::custom(format!("{shown:?} is over {MAX_QUERY_CHARS} characters long")));
        }
        match JsonPath::parse(&text) {
            Ok(path) => Ok(Self { text, path }),
            Err(error) => Err(D::Error::custom(format!(
                "{shown:?} is no JSONPath: {error}; expected one like $.run.id or $.items[*].state"
            ))),
        }
    }
}

impl JsonSchema for Query {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A JSONPath (RFC 9535): $.run.id" })
    }
}

/// What an object must have, field by field: a matcher that is a mapping.
#[derive(Clone, Debug)]
pub struct RecordMatcher(pub Matcher);

impl JsonSchema for RecordMatcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecordMatcher".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "minProperties": 1,
            "description": "Fields with what each must be, a literal or a matcher; or a matcher of the whole record"
        })
    }
}

impl<'de> Deserialize<'de> for RecordMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placed = Spanned::<Matcher>::deserialize(deserializer)?;
        match placed.value {
            Matcher::Fields(fields) if fields.is_empty() => {
                Err(D::Error::custom("names no field, and any record has none; name a field with its value"))
            }
            matcher @ (Matcher::Fields(_) | Matcher::All(_)) => Ok(Self(matcher)),
            _ => Err(D::Error::custom("expected a mapping of fields to values, as in {state: done}")),
        }
    }
}

/// Whether what a matcher says is read before anything is played, and so holds no name that is known only then.
pub(crate) fn is_read_early(key: &str) -> bool {
    matches!(key, "$regex" | "$type" | "$near" | "$absent" | "$length")
}
