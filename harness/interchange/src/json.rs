//! JSON of other tools, read with its places.
//!
//! The parser tells line and column of what it parses. Where a part of a document is kept as text (a `RawValue`, which is
//! a slice of the file) and read later, the place is told within the file all the same. Nesting is bounded by the parser
//! (128), size by whoever reads the file.

use crate::ImportError;
use crate::source::{At, Source, without_values};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a part of a file (all of it, or a `RawValue` within it) as a value of a type. `what` says what the part is
/// meant to be: "a HAR file: an object with `log.entries`".
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    source: Source<'a>,
    part: &'a str,
    what: &str,
) -> Result<T, ImportError> {
    serde_json::from_str(part).map_err(|error| {
        let told = error.to_string();
        let told = told.split(" at line ").next().unwrap_or(&told);
        let message = format!("{}; expected {what}", without_values(told));
        let (line, column) = (error.line(), error.column());
        if line == 0 {
            return source.refuse(source.offset_of(part), message);
        }
        let line_start = if line == 1 {
            0
        } else {
            part.match_indices('\n').nth(line - 2).map_or(0, |(newline, _)| newline + 1)
        };
        // The library's columns count bytes, from 1 to the one that was read last.
        let At::Offset(start) = source.offset_of(part) else { return source.refuse_whole(message) };
        source.refuse(At::Offset(start + line_start + column.saturating_sub(1)), message)
    })
}

/// Where a part that was kept as text stands.
pub(crate) fn at(source: Source<'_>, raw: &RawValue) -> At {
    source.offset_of(raw.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[derive(Debug, Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }

    #[derive(Debug, Deserialize)]
    struct Item {
        #[serde(rename = "n")]
        _n: u8,
    }

    fn read(text: &str) -> Result<usize, String> {
        let source = Source::new(Path::new("f.json"), text);
        let outer: Outer<'_> = parse(source, text, "an object with `items`").map_err(|e| e.to_string())?;
        for item in &outer.items {
            parse::<Item>(source, item.get(), "an item").map_err(|error| error.to_string())?;
        }
        Ok(outer.items.len())
    }

    #[test]
    fn a_problem_deep_within_is_told_with_its_place_in_the_file() {
        assert_eq!(read("{\"items\": [{\"n\": 1}]}"), Ok(1));
        let errors = [
            read("{\"items\": [\n  {\"n\": 1},\n  {\"ü\": 0,\n   \"n\": \"top secret\"}]}"),
            read("{\"items\": [{\"n\": 1}, {\"n\": }]}"),
            read("{\"items\": 3}"),
            read("{}"),
            read(""),
            read("---\n"),
            read(&"[".repeat(100_000)),
            read(&format!("{{\"items\": [{}1{}]}}", "[".repeat(200), "]".repeat(200))),
        ];
        insta::assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r"
        f.json:4:20: invalid type: string, expected u8; expected an item
        f.json:1:28: expected value; expected an object with `items`
        f.json:1:11: invalid type: integer, expected a sequence; expected an object with `items`
        f.json:1:2: missing field `items`; expected an object with `items`
        f.json:1:1: EOF while parsing a value; expected an object with `items`
        f.json:1:2: invalid number; expected an object with `items`
        f.json:1:100000: EOF while parsing a list; expected an object with `items`
        f.json:1:12: invalid type: sequence, expected u8; expected an item
        ");
    }
}
