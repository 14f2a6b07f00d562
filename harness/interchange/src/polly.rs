//! Recordings of Polly.js: a HAR whose log has `_recordingName`, whose entries have `_id` and `_order`.
//!
//! Bodies of answers are as sent. A compressed one is a JSON list of its pieces, each in base64 (hex in recordings of
//! before version 5, which say `_isBinary`).

use crate::har::{Dialect, HarFile, base64_bytes, read_entries};
use crate::source::Source;
use crate::{ImportError, Imported, json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;

const EXPECTED: &str = "a recording of Polly.js: a HAR whose log has `_recordingName`";

#[derive(Deserialize)]
struct Marked {
    log: Mark,
}

#[derive(Deserialize)]
struct Mark {
    #[serde(rename = "_recordingName")]
    _recording_name: IgnoredAny,
}

/// Imports a recording of Polly.js.
///
/// # Errors
/// Where it is not one, or an entry cannot be an exchange.
pub fn import_polly(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let Marked { log: Mark { .. } } = json::parse(source, text, EXPECTED)?;
    let file: HarFile<'_> = json::parse(source, text, EXPECTED)?;
    read_entries(source, &file.log, Dialect::Polly)
}

/// The bytes of an answer's body; none where the text is not what it says.
pub(crate) fn body(text: &str, encoding: Option<&str>, is_binary: bool) -> Option<Vec<u8>> {
    let decode: fn(&str) -> Option<Vec<u8>> = match encoding {
        Some("base64") => base64_bytes,
        Some("hex") => hex_bytes,
        _ if is_binary => hex_bytes,
        _ => return Some(text.as_bytes().to_vec()),
    };
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(pieces) => Some(pieces.iter().map(|piece| decode(piece)).collect::<Option<Vec<_>>>()?.concat()),
        Err(_) => decode(text),
    }
}

/// The bytes of hexadecimal digits.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
