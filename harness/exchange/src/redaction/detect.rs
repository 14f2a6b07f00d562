//! What a secret looks like where nothing says that it is one: known token forms, emails, entropy.
//!
//! Each form is written after the vendor's documentation of its tokens.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A form that tokens of one kind have.
struct Form {
    kind: &'static str,
    pattern: LazyLock<Regex>,
}

macro_rules! form {
    ($kind:literal, $pattern:literal) => {
        Form {
            kind: $kind,
            // A fixed pattern that a test compiles.
            #[allow(clippy::unwrap_used)]
            pattern: LazyLock::new(|| Regex::new($pattern).unwrap()),
        }
    };
}

static FORMS: [Form; 10] = [
    form!(
        "private_key",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?s:.*?-----END [A-Z ]{0,40}PRIVATE KEY-----|.*)"
    ),
    form!("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    form!("access_token", r"\bsy[tr]_[A-Za-z0-9+/=]+_[A-Za-z]{20}_[A-Za-z0-9]{6}\b"),
    form!("access_token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    form!("access_token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    form!("api_key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}\b"),
    form!("api_key", r"\bwhsec_[A-Za-z0-9+/=]{16,}"),
    form!("api_key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    form!("api_key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    form!("email", r"\b[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b"),
];

/// Shortest value that is judged by entropy: 120 bits in base64url are 20 characters.
const MIN_ENTROPY_CHARS: usize = 20;
/// Bits a character from which text looks drawn at random. English prose and identifiers stay below.
const MIN_BITS_PER_CHAR: f64 = 3.6;

/// Every part of a text that has the form of a known kind of token: kind and byte range.
pub(super) fn forms_at(text: &str) -> Vec<(&'static str, Range<usize>)> {
    FORMS
        .iter()
        .flat_map(|form| form.pattern.find_iter(text).map(|found| (form.kind, found.range())))
        .filter(|(kind, range)| *kind != "email" || !text[range.clone()].ends_with(".invalid"))
        .collect()
}

/// As [`forms_at`]: kind and value.
pub(super) fn forms_in(text: &str) -> Vec<(&'static str, String)> {
    forms_at(text).into_iter().map(|(kind, range)| (kind, text[range].to_owned())).collect()
}

/// Whether a whole value looks drawn at random: long, of a token's alphabet, mixed, and with high entropy.
pub(super) fn looks_random(value: &str) -> bool {
    let in_alphabet = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~')
    };
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    value.len() >= MIN_ENTROPY_CHARS
        && value.bytes().all(in_alphabet)
        && digits >= 2
        && letters >= 6
        && !is_made_of_words(value)
        && bits_per_char(value) >= MIN_BITS_PER_CHAR
}

/// Dates, versions, host names, paths and media types mix letters and digits, but in runs that words have.
fn is_made_of_words(value: &str) -> bool {
    value.split(['_', '-', '+', '/', '=', '.', '~']).all(|part| {
        let one_case =
            part.bytes().all(|b| !b.is_ascii_uppercase()) || part.bytes().all(|b| !b.is_ascii_lowercase());
        let changes = part
            .as_bytes()
            .windows(2)
            .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
            .count();
        part.len() <= 16
            && changes <= 1
            && (one_case || part.bytes().skip(1).all(|b| !b.is_ascii_uppercase()))
    })
}

fn bits_per_char(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_seen_and_words_are_not() {
        for token in ["aB3dE5fG7hI9jK1lM3nO5", "5f4dcc3b5aa765d61d8327deb882cf99", "q7Jx_92Kd-Lm3PzR8vTn0Ws"]
        {
            assert!(looks_random(token), "{token}");
        }
        for word in [
            "application/json",
            "2026-11-22T08:00:00.000Z",
            "Synapse/1.163.2",
            "org.matrix.msc3981.v2",
            "chat-import-integration-test",
            "no-cache-no-store-must-revalidate",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa11",
        ] {
            assert!(!looks_random(word), "{word}");
        }
    }

    #[test]
    fn known_forms_are_found_within_text() {
        let text = format!(
            "token {}, mail jo.doe@example.org",
            ["syt_YWxpY2U_", "abcdefghijABCDEFGHIJ_0a1b2c"].concat()
        );
        let kinds: Vec<_> = forms_in(&text).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["access_token", "email"]);
        assert!(forms_in("person-1@example.invalid and nothing else").is_empty());
        assert!(FORMS.iter().all(|form| !form.pattern.as_str().is_empty()), "every pattern compiles");
    }
}
