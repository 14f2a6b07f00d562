//! Values and lists, short enough for a message.

use serde_json::Value;

/// A value on one line, cut where it grows too long to be read.
pub(crate) fn brief(value: &Value) -> String {
    const MAX_CHARS: usize = 300;
    let text = value.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A list in words, cut after a few.
pub(crate) fn some_of(words: &[String]) -> String {
    const SHOWN: usize = 5;
    match words.len() {
        0 => "none".to_owned(),
        count if count <= SHOWN => words.join(", "),
        count => format!("{} and {} more", words[..SHOWN].join(", "), count - SHOWN),
    }
}
