//! What a matcher of WireMock's describes: one value, or many.

use crate::ImportError;
use crate::example::{self, Example};
use crate::fields::{Fields, plain_text};
use crate::source::Source;

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Described {
    /// It is this one.
    Exactly(String),
    /// It may be this one, or another. The name of the matcher is told with it.
    Like(String, &'static str),
    /// There is none.
    Absent,
    /// Nobody can say one.
    Unknown(String),
}

impl Described {
    /// The value that stands for it, and what is to be told of that. `whose` is what it is the value of.
    pub(super) fn resolve(self, whose: &str) -> (Option<String>, Option<String>) {
        match self {
            Self::Exactly(text) => (Some(text), None),
            Self::Absent => (None, Some(format!("that {whose} must be absent"))),
            Self::Like(text, how) => {
                let told = format!("the pattern of {whose} (`{how}`); a value that fits stands for it");
                (Some(text), Some(told))
            }
            Self::Unknown(how) => (None, Some(format!("{whose}: no value can be said for `{how}`"))),
        }
    }
}

/// Reads a matcher: `{"equalTo": "x"}`, `{"matches": "[a-z]+"}`.
pub(super) fn read(source: Source<'_>, part: &str) -> Result<Described, ImportError> {
    if !part.starts_with('{') {
        // WireMock 1 had plain values here.
        return Ok(Described::Exactly(plain_text(part)));
    }
    let mut fields = Fields::read(source, part, "a matcher: an object such as {\"equalTo\": ...}")?;
    if fields.raw("absent") == Some("true") {
        return Ok(Described::Absent);
    }
    let ignores_case = fields.raw("caseInsensitive") == Some("true");
    if let Some(raw) = fields.raw("equalTo") {
        let text = plain_text(raw);
        return Ok(match ignores_case {
            true => Described::Like(text, "equalTo without regard to case"),
            false => Described::Exactly(text),
        });
    }
    if let Some(raw) = fields.raw("contains") {
        return Ok(Described::Like(plain_text(raw), "contains"));
    }
    if let Some(raw) = fields.raw("equalToJson") {
        let text = if raw.starts_with('"') { plain_text(raw) } else { raw.to_owned() };
        return Ok(Described::Like(text, "equalToJson"));
    }
    if let Some(pattern) = fields.text("matches")? {
        return Ok(match example::of_pattern(&pattern) {
            Some(Example::Exact(text)) => Described::Exactly(text),
            Some(Example::OneOf(text)) => Described::Like(text, "matches"),
            None => Described::Unknown("matches".to_owned()),
        });
    }
    let names: Vec<&str> = fields.unread().collect();
    let how = names.first().map_or("{}", |name| *name);
    Ok(Described::Unknown(crate::making::shown(how)))
}

/// Reads a matcher of several values: `{"hasExactly": [...]}`, `{"includes": [...]}`, or one of a single value.
pub(super) fn read_several(source: Source<'_>, part: &str) -> Result<Vec<Described>, ImportError> {
    if part.starts_with('{') {
        let mut fields = Fields::read(source, part, "a matcher")?;
        if let Some(all) = fields.list("hasExactly")? {
            return all.into_iter().map(|part| read(source, part)).collect();
        }
        if let Some(all) = fields.list("includes")? {
            let like = |described| match described {
                Described::Exactly(text) => Described::Like(text, "includes"),
                other => other,
            };
            return all.into_iter().map(|part| read(source, part).map(like)).collect();
        }
    }
    Ok(vec![read(source, part)?])
}
