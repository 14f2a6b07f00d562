//! The forms in which one secret can turn up, and how far a secret may be looked for.

use super::KnownSecret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Where a secret is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Where its place shows it, and nowhere else: elsewhere the same text means something else.
    Place,
    /// At its place, and where it is all of a value.
    Value,
    /// Within any text, in all its spellings.
    Everywhere,
}

/// Shorter ones are ordinary text.
const MIN_EVERYWHERE_CHARS: usize = 8;
/// Lower-case words that are shorter stand in any dictionary.
const MIN_LETTERS_CHARS: usize = 12;
/// Shorter values are equal by accident.
const MIN_VALUE_CHARS: usize = 4;

pub(super) fn reach(secret: &KnownSecret) -> Reach {
    let value = &secret.value;
    let length = value.chars().count();
    // A card's number has a check digit: that it turns up within a text is no accident.
    let all_digits = secret.kind != "card_number" && value.bytes().all(|byte| byte.is_ascii_digit());
    let word = value.bytes().all(|byte| byte.is_ascii_lowercase()) && length < MIN_LETTERS_CHARS;
    if length < MIN_VALUE_CHARS
        || is_mask(value)
        || (secret.kind == "cookie" && length < MIN_EVERYWHERE_CHARS)
    {
        Reach::Place
    } else if length < MIN_EVERYWHERE_CHARS || all_digits || word {
        Reach::Value
    } else {
        Reach::Everywhere
    }
}

/// Whether a value is what another tool put in the place of a secret, or of much else: `<TOKEN>`, `[FILTERED]`, `****`.
fn is_mask(value: &str) -> bool {
    let inner = value.trim_matches(['<', '>', '[', ']', '{', '}', '*', '%', '$']);
    let framed = inner.len() + 2 <= value.len();
    let is_name = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' ');
    let says_so = ["redacted", "filtered", "masked", "scrubbed", "removed", "hidden"]
        .iter()
        .any(|word| inner.eq_ignore_ascii_case(word));
    says_so
        || (framed && inner.chars().all(is_name))
        || value.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'.'))
}

/// The spellings in which a secret is looked for within text.
pub(super) fn spellings(secret: &KnownSecret) -> BTreeSet<String> {
    let value = secret.value.as_str();
    let mut all = escaped(value);
    // Addresses come by the thousand and are no keys to anything: nobody spells them in base64 or hex.
    if secret.kind != "email" {
        let hex = value.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        all.insert(hex.to_ascii_uppercase());
        all.insert(hex);
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let once = engine.encode(value);
            all.insert(engine.encode(&once));
            all.insert(once);
        }
    }
    all.remove("");
    all
}

/// What base64 of a longer text shows of a secret within it, wherever it begins there: `Basic` credentials, files, whole
/// documents. The first and the last character can hold bits of what stands beside it and are left out.
pub(super) fn within_base64(secret: &KnownSecret) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    if secret.kind == "email" {
        return all;
    }
    let once = STANDARD_NO_PAD.encode(&secret.value);
    for inner in [secret.value.as_bytes(), once.as_bytes()] {
        for shift in 0..3_usize {
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(inner);
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&bytes);
                let from = (shift * 8).div_ceil(6);
                let to = bytes.len() * 8 / 6;
                if let Some(part) = encoded.get(from..to).filter(|part| part.len() >= MIN_EVERYWHERE_CHARS) {
                    all.insert(part.to_owned());
                }
            }
        }
    }
    all
}

/// Plain, escaped for a URL (once or twice), for JSON (once or twice), and for HTML.
fn escaped(value: &str) -> BTreeSet<String> {
    let strict = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let unreserved = strict.replace("%2D", "-").replace("%2E", ".").replace("%5F", "_").replace("%7E", "~");
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value).to_owned();
    let mut all = BTreeSet::from([value.to_owned(), unreserved.replace("%20", "+")]);
    for url in [&strict, &unreserved] {
        all.extend([url.clone(), lower_case_escapes(url), url.replace('%', "%25")]);
        all.insert(lower_case_escapes(url).replace('%', "%25"));
    }
    // Libraries differ in what they escape beyond the need.
    for also in ["", "<>&", "<>&'", "<>&'@"] {
        for text in [unicode_escaped(&json, false, also), unicode_escaped(&json, true, also)] {
            all.insert(text.replace('/', "\\/"));
            all.insert(text);
        }
    }
    all.insert(json.replace('/', "\\/"));
    // JSON in a string of JSON: what was escaped is escaped again.
    let again = serde_json::to_string(&json).unwrap_or_default();
    all.extend(again.get(1..again.len().saturating_sub(1)).map(str::to_owned));
    all.insert(json);
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    all.insert(html.replace('"', "&quot;").replace('\'', "&#39;"));
    all.insert(html.replace('"', "&#34;").replace('\'', "&#x27;"));
    all.insert(html.replace('"', "&quot;").replace('\'', "&apos;"));
    all.insert(html);
    all
}

/// JSON text in which what is not ASCII, and the characters given, are `\uXXXX`.
fn unicode_escaped(json: &str, upper: bool, also: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && !also.contains(character) {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
    out
}

/// A percent-encoded value of a query, decoded.
pub(super) fn url_decoded(value: &str) -> String {
    percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Percent escapes decoded, a plus left alone.
pub(super) fn percent_decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
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

    fn secret(kind: &str, value: &str) -> KnownSecret {
        KnownSecret { kind: kind.into(), value: value.into() }
    }

    #[test]
    fn a_secret_is_known_in_every_dress() {
        let all = spellings(&secret("token", "p/ä\"=<"));
        for expected in [
            "p/ä\"=<",
            "p%2F%C3%A4%22%3D%3C",
            "p%2f%c3%a4%22%3d%3c",
            "p%252F%25C3%25A4%2522%253D%253C",
            "p/ä\\\"=<",
            "p\\/ä\\\"=<",
            "p/\\u00e4\\\"=<",
            "p\\/\\u00E4\\\"=\\u003C",
            "cC/DpCI9PA==",
            "702fc3a4223d3c",
            "702FC3A4223D3C",
            "p/ä\\\\\\\"=<",
            "p/ä&quot;=&lt;",
        ] {
            assert!(all.contains(expected), "{expected} is not in {all:?}");
        }
        assert!(!spellings(&secret("email", "jo@example.org")).iter().any(|one| one.starts_with("6a6f")));
    }

    #[test]
    fn base64_of_more_than_the_secret_shows_it_wherever_it_begins() {
        let named = secret("named", "correct horse");
        for before in ["", "a", "ab", "user:", "user:x"] {
            let text = STANDARD.encode(format!("{before}correct horse and more"));
            assert!(within_base64(&named).iter().any(|part| text.contains(part.as_str())), "{before}");
            let once_whole = STANDARD.encode(format!("{before}{}", STANDARD_NO_PAD.encode("correct horse")));
            assert!(within_base64(&named).iter().any(|part| once_whole.contains(part.as_str())), "{before}");
        }
        let none = STANDARD.encode("user:correct mouse and more");
        assert!(!within_base64(&named).iter().any(|part| none.contains(part.as_str())));
    }

    #[test]
    fn what_reads_like_a_word_or_a_number_is_no_substring() {
        for (kind, value, expected) in [
            ("password", "pw", Reach::Place),
            ("password", "1234", Reach::Value),
            ("password", "123456789012", Reach::Value),
            ("password", "sunflower", Reach::Value),
            ("password", "sunflowerseed", Reach::Everywhere),
            ("password", "Sunflower", Reach::Everywhere),
            ("cookie", "abcd-12", Reach::Place),
            ("password", "<<ACCESS_TOKEN>>", Reach::Place),
            ("password", "[FILTERED]", Reach::Place),
            ("password", "************", Reach::Place),
            ("password", "REDACTED", Reach::Place),
            ("password", "<a1b2c3d4>", Reach::Everywhere),
        ] {
            assert_eq!(reach(&secret(kind, value)), expected, "{value}");
        }
    }
}
