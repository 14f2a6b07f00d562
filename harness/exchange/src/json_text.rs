//! JSON as text: whitespace may change, nothing else.
//!
//! A recorded body must come back as the vendor wrote it: key order, duplicate keys, the spelling
//! of numbers and of escapes. A parsed value keeps none of the last three, so bodies stay text and
//! are laid out token by token. Knows nothing of fixtures or redaction.

use serde_json::value::RawValue;
use std::fmt;

/// A valid JSON document (RFC 8259), kept without insignificant whitespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonText(String);

/// Text that is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON at line {line}, column {column}: {problem}")]
pub struct JsonTextError {
    /// Line within the text, from 1.
    pub line: usize,
    /// Column within that line, from 1.
    pub column: usize,
    /// What the parser found.
    pub problem: String,
}

/// One scalar value inside a document, for reading and replacing in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonScalar {
    /// The nearest enclosing object key, unescaped; `None` at the top or in a top-level array.
    pub key: Option<String>,
    /// The byte range of the token, quotes included.
    pub range: std::ops::Range<usize>,
    /// The value: strings unescaped, numbers and literals as spelled.
    pub value: String,
    /// Whether the token is a string.
    pub is_string: bool,
}

impl JsonText {
    /// Checks `text` and strips its insignificant whitespace.
    ///
    /// # Errors
    /// [`JsonTextError`] with the place of the first offence.
    pub fn parse(text: &str) -> Result<Self, JsonTextError> {
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        serde_json::from_str::<&RawValue>(trimmed).map_err(|error| {
            let skipped = &text[..text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len()];
            let skipped_lines = skipped.matches('\n').count();
            JsonTextError {
                line: error.line().max(1) + skipped_lines,
                column: error.column(),
                problem: without_position(&error.to_string()),
            }
        })?;
        let mut compact = String::with_capacity(trimmed.len());
        compact.extend(Tokens::new(trimmed).map(|token| token.text));
        // It is kept as long as its exchange.
        compact.shrink_to_fit();
        Ok(Self(compact))
    }

    /// The compact text, as it is sent over the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The compact text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text over several lines, two spaces a level, ending with a newline.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::with_capacity(self.0.len() * 2);
        let mut depth = 0_usize;
        let mut tokens = Tokens::new(&self.0).peekable();
        while let Some(token) = tokens.next() {
            match token.text {
                "{" | "[" => {
                    out.push_str(token.text);
                    if tokens.peek().is_some_and(|next| matches!(next.text, "}" | "]")) {
                        out.push_str(tokens.next().map_or("", |close| close.text));
                    } else {
                        depth += 1;
                        break_line(&mut out, depth);
                    }
                }
                "}" | "]" => {
                    depth = depth.saturating_sub(1);
                    break_line(&mut out, depth);
                    out.push_str(token.text);
                }
                "," => {
                    out.push(',');
                    break_line(&mut out, depth);
                }
                ":" => out.push_str(": "),
                scalar => out.push_str(scalar),
            }
        }
        out.push('\n');
        out
    }

    /// The document as a value. Duplicate keys collapse to the last one.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }

    /// All scalars in document order, object keys left out.
    #[must_use]
    pub fn scalars(&self) -> Vec<JsonScalar> {
        let mut found = Vec::new();
        // One entry for each open bracket: the key that leads there, and whether it is an object.
        let mut open: Vec<(Option<String>, bool)> = Vec::new();
        let mut key: Option<String> = None;
        let mut tokens = Tokens::new(&self.0).peekable();
        while let Some(token) = tokens.next() {
            match token.text {
                "{" | "[" => open.push((key.clone(), token.text == "{")),
                "}" | "]" => {
                    open.pop();
                    key = open.last().and_then(|(outer, _)| outer.clone());
                }
                "," => {
                    if let Some((outer, false)) = open.last() {
                        key.clone_from(outer);
                    }
                }
                ":" => {}
                scalar => {
                    let in_object = open.last().is_some_and(|(_, is_object)| *is_object);
                    let value = unescape(scalar);
                    if in_object && tokens.peek().is_some_and(|next| next.text == ":") {
                        key = Some(value);
                    } else {
                        found.push(JsonScalar {
                            key: key.clone(),
                            range: token.start..token.start + scalar.len(),
                            value,
                            is_string: scalar.starts_with('"'),
                        });
                    }
                }
            }
        }
        found
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn unescape(token: &str) -> String {
    if token.starts_with('"') {
        serde_json::from_str(token).unwrap_or_else(|_| token.trim_matches('"').to_owned())
    } else {
        token.to_owned()
    }
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

struct Token<'a> {
    start: usize,
    text: &'a str,
}

/// Cuts text that is known to be valid JSON into tokens, whitespace left out.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        let start = self.at;
        match bytes.get(start)? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => self.at += 1,
            b'"' => {
                self.at += 1;
                while let Some(byte) = bytes.get(self.at) {
                    self.at += if *byte == b'\\' { 2 } else { 1 };
                    if *byte == b'"' {
                        break;
                    }
                }
            }
            _ => {
                while !matches!(
                    bytes.get(self.at),
                    None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b'[' | b']' | b',' | b':')
                ) {
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(bytes.len());
        Some(Token { start, text: &self.text[start..self.at] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_duplicates_and_spellings_survive() {
        let text = r#" { "b" : 1.0 , "a":1e2,"a": "\u00e9", "empty": {}, "list": [ 1 , 2 ] } "#;
        let json = JsonText::parse(text).unwrap();
        assert_eq!(json.as_str(), r#"{"b":1.0,"a":1e2,"a":"\u00e9","empty":{},"list":[1,2]}"#);
        assert_eq!(
            json.pretty(),
            "{\n  \"b\": 1.0,\n  \"a\": 1e2,\n  \"a\": \"\\u00e9\",\n  \"empty\": {},\n  \"list\": [\n    1,\n    2\n  ]\n}\n"
        );
        assert_eq!(JsonText::parse(&json.pretty()).unwrap(), json);
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        let error = JsonText::parse("{\n  \"a\": ]\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert!(JsonText::parse("").is_err());
        assert!(JsonText::parse("{} {}").is_err());
    }

    #[test]
    fn scalars_know_the_key_they_belong_to() {
        let json = JsonText::parse(r#"{"a":"x","list":["p",{"b":2},"q"],"c":null}"#).unwrap();
        let found: Vec<_> =
            json.scalars().into_iter().map(|s| (s.key.unwrap_or_default(), s.value)).collect();
        let expected = [("a", "x"), ("list", "p"), ("b", "2"), ("list", "q"), ("c", "null")];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}
