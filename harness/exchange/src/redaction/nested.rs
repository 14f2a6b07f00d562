//! Secrets that a name shows within running text: `password="x"`, links with queries, XML elements, URL
//! userinfo, and the parameters and credentials of headers.
//!
//! Finds byte ranges and says nothing of what becomes of them.

use super::names;
use super::spelling::percent_decoded;
use super::token::BasicParts;
use crate::ProviderProfile;
use base64::Engine;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A part of a text that is secret by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) range: Range<usize>,
    pub(super) kind: String,
    /// The name that shows it.
    pub(super) name: String,
    /// What stands there, decoded where it stands encoded.
    pub(super) value: String,
}

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        // A fixed pattern that a test compiles.
        #[allow(clippy::unwrap_used)]
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).unwrap());
    };
}

pattern!(
    PAIR,
    r#"([A-Za-z_][A-Za-z0-9_.\[\]%-]{0,63})(?:\\?["'])?\s{0,4}(?:[:=]\s{0,4}(?:\\"([^"\\]+)\\"|"((?:[^"\\]|\\.)+)"|'([^']+)')|=([^\s&;,"'<>(){}\[\]\\#]+)|:\s{1,4}(?:(?:[Bb]earer|[Bb]asic|[Tt]oken)\s{1,4})?([^\s&;,"'<>(){}\[\]\\#]{4,}))"#
);
pattern!(
    ELEMENT,
    r"<(?:[A-Za-z0-9_]{1,40}:)?([A-Za-z_][A-Za-z0-9_.-]{0,63})(?:\s[^<>]{0,400})?>\s*([^<>]*[^<>\s])\s*</"
);
pattern!(USERINFO, r#"[a-z]//?([^\s/?#@:"'<>]*):([^\s/?#@"'<>]+)@|//([^\s/?#@:"'<>]*):([^\s/?#@"'<>]+)@"#);
pattern!(QUERY, r#"[?#&]([^\s"'<>?#]+=[^\s"'<>?#]*)"#);

/// The secrets that names show within a text, in order and apart from one another.
pub(super) fn spots_in(text: &str, profile: &ProviderProfile) -> Vec<Spot> {
    let mut spots = Vec::new();
    if text.contains("//") {
        for found in USERINFO.captures_iter(text) {
            if let Some(password) = found.get(2).or(found.get(4)) {
                let value = percent_decoded(password.as_str());
                push(&mut spots, password.range(), "//user:password@", "password".to_owned(), value);
            }
        }
    }
    if text.contains('=') {
        for query in QUERY.captures_iter(text).filter_map(|found| found.get(1)) {
            in_query(query.as_str(), query.start(), profile, &mut spots);
        }
    }
    if text.contains(['=', ':']) {
        in_pairs(text, profile, &mut spots);
    }
    if text.contains("</") {
        for found in ELEMENT.captures_iter(text) {
            if let (Some(name), Some(value)) = (found.get(1), found.get(2))
                && let Some(kind) = names::kind_of_field(name.as_str(), profile)
            {
                push(&mut spots, value.range(), name.as_str(), kind, value.as_str().to_owned());
            }
        }
    }
    apart(spots)
}

/// Ranges in order, those that overlap an earlier one left out.
pub(super) fn apart(mut spots: Vec<Spot>) -> Vec<Spot> {
    spots.sort_by_key(|spot| (spot.range.start, std::cmp::Reverse(spot.range.end)));
    let mut end = 0;
    spots.retain(|spot| {
        let free = spot.range.start >= end;
        if free {
            end = spot.range.end;
        }
        free
    });
    spots
}

fn push(spots: &mut Vec<Spot>, range: Range<usize>, name: &str, kind: String, value: String) {
    if !matches!(value.as_str(), "" | "true" | "false" | "null") {
        spots.push(Spot { range, kind, name: name.to_owned(), value });
    }
}

fn in_query(query: &str, start: usize, profile: &ProviderProfile, spots: &mut Vec<Spot>) {
    let names: Vec<String> = query
        .split('&')
        .map(|pair| percent_decoded(pair.split_once('=').map_or(pair, |(name, _)| name)))
        .collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut at = start;
    for (pair, name) in query.split('&').zip(&all) {
        if let Some((spelled, value)) = pair.split_once('=')
            && let Some(kind) = names::kind_in_query(name, &all, profile)
        {
            let from = at + spelled.len() + 1;
            push(spots, from..from + value.len(), name, kind, percent_decoded(value));
        }
        at += pair.len() + 1;
    }
}

fn in_pairs(text: &str, profile: &ProviderProfile, spots: &mut Vec<Spot>) {
    let mut at = 0;
    while let Some(found) = PAIR.captures_at(text, at) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { return };
        let value = (2..=6).find_map(|group| found.get(group));
        // Behind an unquoted colon stands a secret or a sentence: what mixes letters and digits is no word of it.
        let value = value.filter(|value| found.get(6).is_none() || is_no_word(value.as_str()));
        match (names::kind_of_field(&percent_decoded(name.as_str()), profile), value) {
            (Some(kind), Some(value)) => {
                let decoded = if found.get(5).is_some() {
                    percent_decoded(value.as_str())
                } else {
                    value.as_str().to_owned()
                };
                push(spots, value.range(), name.as_str(), kind, decoded);
                at = whole.end();
            }
            // The value of one pair can hold another.
            _ => at = name.end(),
        }
    }
}

fn is_no_word(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The secret parts of a header's value.
pub(super) fn spots_in_header(name: &str, text: &str, profile: &ProviderProfile) -> Vec<Spot> {
    let words = names::words(name);
    let mut spots = Vec::new();
    if profile.secrets.headers.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
        push(&mut spots, 0..text.len(), name, "secret".to_owned(), text.to_owned());
    } else if name == "cookie" || name == "set-cookie" {
        let pairs = if name == "cookie" { usize::MAX } else { 1 };
        let mut at = 0;
        for pair in text.split(';').take(pairs) {
            let value = pair.split_once('=').map_or(pair, |(_, value)| value);
            let from = at + pair.len() - value.len();
            let range = trimmed(text, from..at + pair.len(), &[' ', '\t', '"']);
            push(&mut spots, range.clone(), name, "cookie".to_owned(), text[range].to_owned());
            at += pair.len() + 1;
        }
    } else if words.last().is_some_and(|word| word == "authorization") {
        let (kind, range) = credentials(text);
        push(&mut spots, range.clone(), name, kind.to_owned(), text[range].to_owned());
    } else if names::kind_of_field(name, profile).is_some() {
        let kind = if words.last().is_some_and(|word| word == "key") || name.starts_with("x-") {
            "api_key".to_owned()
        } else {
            names::kind_of_field(name, profile).unwrap_or_default()
        };
        let range = scheme_credentials(text).unwrap_or(0..text.len());
        push(&mut spots, range.clone(), name, kind, text[range].to_owned());
    }
    spots
}

/// What follows a scheme that is well known; nothing where the text has none.
pub(super) fn scheme_credentials(text: &str) -> Option<Range<usize>> {
    let scheme = text.trim_start().split([' ', '\t']).next().unwrap_or_default();
    let known = ["bearer", "basic", "token", "apikey"].iter().any(|one| scheme.eq_ignore_ascii_case(one));
    let (_, range) = credentials(text);
    (known && range.start > scheme.len() && !range.is_empty()).then_some(range)
}

/// What follows the scheme in `Bearer tok`, and its kind; all of the text where there is no scheme.
pub(super) fn credentials(text: &str) -> (&'static str, Range<usize>) {
    let all = trimmed(text, 0..text.len(), &[' ', '\t']);
    let inner = &text[all.clone()];
    let Some(gap) = inner.find([' ', '\t']) else { return ("access_token", all) };
    let scheme = &inner[..gap];
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return ("access_token", all);
    }
    let range = trimmed(text, all.start + gap..all.end, &[' ', '\t']);
    (if scheme.eq_ignore_ascii_case("basic") { "basic" } else { "access_token" }, range)
}

/// The parts of a Basic credential (RFC 7617), where it is one.
pub(super) fn basic_parts(encoded: &str) -> Option<BasicParts> {
    let engines =
        [&base64::engine::general_purpose::STANDARD, &base64::engine::general_purpose::STANDARD_NO_PAD];
    let decoded = engines.iter().find_map(|engine| engine.decode(encoded).ok())?;
    let text = String::from_utf8_lossy(&decoded).into_owned();
    let (user, password) = text.split_once(':')?;
    Some(BasicParts { user: user.to_owned(), password: password.to_owned() })
}

fn trimmed(text: &str, range: Range<usize>, away: &[char]) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start_matches(away).len();
    start..start + part.trim_matches(away).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        spots_in(text, &ProviderProfile::unknown("p"))
            .into_iter()
            .map(|spot| format!("{} {}", spot.kind, spot.value))
            .collect()
    }

    #[test]
    fn names_in_running_text_show_their_values() {
        for (text, expected) in [
            (r#"mutation{login(user:"jo",password:"hunter2")}"#, "password hunter2"),
            (r#"{\"password\":\"hunter2\"}"#, "password hunter2"),
            ("see https://x.example/a?lang=de&access_token=ab%2Fc1#top", "access_token ab/c1"),
            ("https://x.example/cb?code=abc&state=1", "code abc"),
            ("postgres://jo:s3cret@db.example/x", "password s3cret"),
            ("<a:clientSecret x='1'>abc</a:clientSecret>", "client_secret abc"),
            (r#"Bearer realm="x", token="abc""#, "token abc"),
            ("a=1; session_id='abc'", "session_id abc"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        for text in
            ["no token: here", "a=b&c=d", "at 10:30 // 12:30", r#"code="abc""#, "https://x.example:80/a@b"]
        {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn credentials_follow_any_space_and_cookies_need_no_sign() {
        let of = |name: &str, text: &str| -> Vec<String> {
            spots_in_header(name, text, &ProviderProfile::unknown("p"))
                .into_iter()
                .map(|spot| spot.value)
                .collect()
        };
        assert_eq!(of("authorization", "Bearer   tok"), ["tok"]);
        assert_eq!(of("x-forwarded-authorization", "Bearer\ttok"), ["tok"]);
        assert_eq!(of("cookie", "consent=2; bare; q=\"x y\""), ["2", "bare", "x y"]);
        assert_eq!(of("set-cookie", "sid=\"abc\"; Path=/"), ["abc"]);
        assert_eq!(of("access-control-allow-credentials", "true"), [""; 0]);
        for name in
            ["private-token", "x-vault-token", "x-shopify-access-token", "x-amz-security-token", "x-auth-key"]
        {
            assert_eq!(of(name, "abc"), ["abc"], "{name}");
        }
        let secrets = |encoded: &str| -> Vec<String> {
            let parts = basic_parts(encoded).unwrap();
            parts.secrets().into_iter().map(|(_, secret)| secret.to_owned()).collect()
        };
        assert_eq!(secrets("am86"), ["jo"], "jo:");
        assert_eq!(secrets("am86cGFzc3dk"), ["passwd"], "jo:passwd");
        assert_eq!(secrets("am86cHc"), ["pw", "jo"], "jo:pw: either can be the key");
    }
}
