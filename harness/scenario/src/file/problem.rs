//! What is wrong with a part of a file, and where: each message says what was found, what was expected, and which word
//! is the nearest.

use super::place::Location;
use counterpart_exchange::{DocumentError, suggest};
use serde::de::{Error, Expected, Unexpected};
use std::fmt;
use std::path::Path;

/// Words that a message lists: more would hide the rest.
const MAX_LISTED: usize = 16;
/// Characters of the file that a message quotes.
const MAX_QUOTED_CHARS: usize = 80;

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) location: Location,
}

impl Problem {
    pub(crate) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { message: message.into(), location }
    }

    /// The same with a place, where it has none yet: the innermost one tells most.
    pub(super) fn at(self, location: Location) -> Self {
        if self.location.is_known() { self } else { Self { location, ..self } }
    }

    pub(crate) fn in_file(&self, path: &Path, text: &str) -> DocumentError {
        match self.location.is_known() {
            true => DocumentError::at(path, text, self.location.into(), &self.message),
            false => DocumentError::whole(path, &self.message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Location::UNKNOWN, message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("found {}; expected {}", kind_of(found), plain(&expected.to_string())))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("found {}; expected {}", kind_of(found), plain(&expected.to_string())))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::custom(unknown("word", found, known.iter().copied()))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self::custom(unknown("key", found, known.iter().copied()))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::custom(format!("the key `{name}` is missing; it is required here"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::custom(format!("the key `{name}` is given twice"))
    }
}

/// That a word is none of those that may stand there, with the nearest or all of them.
pub(crate) fn unknown<'a>(
    kind: &str,
    found: &str,
    known: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> String {
    let known = known.into_iter();
    let shown = quoted(found);
    let hint = match suggest(found, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => listed(known),
    };
    format!("there is no {kind} `{shown}` here; {hint}")
}

/// The words that there are, as many as a person reads.
pub(crate) fn listed<'a>(known: impl Iterator<Item = &'a str> + Clone) -> String {
    let more = known.clone().count().saturating_sub(MAX_LISTED);
    let words: Vec<&str> = known.take(MAX_LISTED).collect();
    match (words.is_empty(), more) {
        (true, _) => "there is none".to_owned(),
        (false, 0) => format!("there are: {}", words.join(", ")),
        (false, more) => format!("there are: {} and {more} more", words.join(", ")),
    }
}

/// The beginning of a text, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String =
        text.chars().take(MAX_QUOTED_CHARS).map(|one| if one.is_control() { ' ' } else { one }).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

fn kind_of(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(word) => format!("`{word}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the text {:?}", quoted(text)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a mapping".to_owned(),
        Unexpected::Enum | Unexpected::UnitVariant | Unexpected::NewtypeVariant => "a word".to_owned(),
        other => other.to_string(),
    }
}

/// What serde says is expected, in the words of people who write YAML.
fn plain(expected: &str) -> String {
    match expected {
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping of keys to values".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "nonzero u64" | "a nonzero u64" | "a nonzero u32" => "a whole number from 1".to_owned(),
        other if other.starts_with("struct ") => "a mapping of keys to values".to_owned(),
        other if other.starts_with("enum ") => "one word with its value, as in `settle: {}`".to_owned(),
        other => other.to_owned(),
    }
}
