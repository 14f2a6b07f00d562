//! The forms in which one secret can turn up: as it is, escaped for a URL or for JSON, in base64.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeSet;

/// All spellings of a secret, the plain one among them.
pub(super) fn spellings(secret: &str) -> BTreeSet<String> {
    let strict = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let unreserved = strict.replace("%2D", "-").replace("%2E", ".").replace("%5F", "_").replace("%7E", "~");
    let json = serde_json::to_string(secret).unwrap_or_default();
    let escaped = json.trim_matches('"').to_owned();
    let mut all = BTreeSet::from([
        secret.to_owned(),
        unreserved.replace("%20", "+"),
        lower_case_escapes(&unreserved),
        escaped.replace('/', "\\/"),
        escaped,
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        unreserved,
        strict,
    ]);
    all.remove("");
    all
}

/// A percent-encoded value, decoded.
pub(super) fn url_decoded(value: &str) -> String {
    percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn lower_case_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_escape = 0;
    for character in text.chars() {
        in_escape = if character == '%' { 2 } else { i32::max(in_escape - 1, -1) };
        out.push(if in_escape >= 0 { character.to_ascii_lowercase() } else { character });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_in_every_dress() {
        let all = spellings("p/ä\"=");
        for expected in
            ["p/ä\"=", "p%2F%C3%A4%22%3D", "p%2f%c3%a4%22%3d", "p/ä\\\"=", "p\\/ä\\\"=", "cC/DpCI9"]
        {
            assert!(all.contains(expected), "{expected} is not in {all:?}");
        }
    }
}
