//! The file that is being read, and how a problem of it is told.
//!
//! What is imported is not redacted yet. So a problem shows no line of the file and no value of it: only the place, what
//! kind of thing was found, and what was expected.

use crate::ImportError;
use counterpart_exchange::{DocumentError, Place};
use std::path::Path;

/// A file's name and text.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

/// A point of the text: a parser gives one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Bytes from the start of the text.
    Offset(usize),
    /// Line and column.
    Place(Place),
}

impl From<serde_saphyr::Location> for At {
    fn from(location: serde_saphyr::Location) -> Self {
        Self::Place(location.into())
    }
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    /// Where a part of the text begins, from the start of the text.
    pub(crate) fn offset_of(self, part: &str) -> At {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        At::Offset(offset.min(self.text.len()))
    }

    /// A refusal at a point of the text.
    pub(crate) fn refuse(self, at: At, message: impl Into<String>) -> ImportError {
        let place = match at {
            At::Place(place) => place,
            At::Offset(offset) => place_at(self.text, offset),
        };
        let mut error = DocumentError::at(self.path, "", place, message);
        error.excerpt = None;
        ImportError::Document(error)
    }

    /// A refusal of the file as a whole.
    pub(crate) fn refuse_whole(self, message: impl Into<String>) -> ImportError {
        ImportError::Document(DocumentError::whole(self.path, message))
    }
}

/// Line and column of a byte. Counts from the start of the text, so it is meant for errors alone.
fn place_at(text: &str, offset: usize) -> Place {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1,
        column: before[line_start..].chars().count() as u64 + 1,
    }
}

/// A parser's message without the values that it quotes. Names in backticks stay where they read like names.
pub(crate) fn without_values(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(start);
        let quote = &from[..1];
        // What is quoted may hold the quote again, escaped or not: the last one before an `, expected` ends it.
        let inner = &from[1..];
        let end = match (quote, inner.rfind(", expected")) {
            ("\"", Some(expected)) => inner[..expected].rfind('"'),
            ("\"", None) => inner.rfind('"'),
            _ => inner.find('`'),
        };
        let Some(end) = end else {
            out.push_str(before.trim_end());
            return out;
        };
        let name = &inner[..end];
        let is_name = quote == "`"
            && name.len() <= 60
            && name.bytes().all(|b| b.is_ascii_alphabetic() || b"_-.:/!<>".contains(&b));
        if is_name {
            out.push_str(before);
            out.push_str(&from[..end + 2]);
        } else {
            out.push_str(before.trim_end());
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    without_types(&out)
}

/// A message without the names of types, which are none of the reader's business.
fn without_types(message: &str) -> String {
    let Some((before, after)) = message.split_once("struct ") else { return message.to_owned() };
    let after = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    match after.strip_prefix(" with ") {
        // A list would do for the library, item by item.
        Some(_) => "invalid type: sequence, expected an object".to_owned(),
        None => format!("{before}an object{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_text_has_its_place() {
        let text = "ab\nü-x";
        let source = Source::new(Path::new("a/b.har"), text);
        let error = source.refuse(source.offset_of(&text[5..]), "is no URL").to_string();
        assert_eq!(error, "a/b.har:2:2: is no URL");
    }

    #[test]
    fn no_value_is_told() {
        for (message, told) in [
            ("invalid type: string \"sk_live_1\", expected u16", "invalid type: string, expected u16"),
            ("invalid type: string \"a\\\"sk_live\", expected u16", "invalid type: string, expected u16"),
            (
                "invalid type: string \"a\", expected \"sk\", expected u16",
                "invalid type: string, expected u16",
            ),
            (
                "invalid type: integer `4242424242`, expected a string",
                "invalid type: integer, expected a string",
            ),
            ("missing field `log`", "missing field `log`"),
            (
                "unsupported tag `!ruby/object:Gem::Installer`",
                "unsupported tag `!ruby/object:Gem::Installer`",
            ),
            ("odd \"quote", "odd"),
            ("invalid type: null, expected struct HarFile", "invalid type: null, expected an object"),
            (
                "invalid length 0, expected struct HarFile with 1 element",
                "invalid type: sequence, expected an object",
            ),
        ] {
            assert_eq!(without_values(message), told, "{message}");
        }
    }
}
