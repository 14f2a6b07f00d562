//! Placeholders: what stands in a file where a secret was, `«access_token:1»`.
//!
//! They live in files only. When a fixture is played, each becomes an ASCII value of the same kind and
//! length class, derived from fixture and placeholder alone, so that a subject can be given it as its
//! credential and every machine derives the same.

use crate::fixture::{Fixture, RedactedBasic, RedactedJwt, RedactedValue};
use crate::redaction::{iban_remainder, luhn_sum};
use crate::{Body, Exchange, HeaderValue, JsonText};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A secret's stand-in within one fixture: its kind, and its number among that kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placeholder {
    /// What the secret was: `access_token`, `email`.
    pub kind: String,
    /// From 1, by first occurrence.
    pub number: usize,
}

impl fmt::Display for Placeholder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "«{}:{}»", self.kind, self.number)
    }
}

impl FromStr for Placeholder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('«').and_then(|rest| rest.strip_suffix('»'));
        inner
            .and_then(|inner| inner.split_once(':'))
            .filter(|(kind, _)| {
                !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            })
            .and_then(|(kind, number)| Some(Self { kind: kind.to_owned(), number: number.parse().ok()? }))
            .ok_or_else(|| format!("{text:?} is not a placeholder; expected one like «access_token:1»"))
    }
}

/// All placeholders in a text, with their byte ranges.
#[must_use]
pub fn find_placeholders(text: &str) -> Vec<(std::ops::Range<usize>, Placeholder)> {
    text.match_indices('«')
        .filter_map(|(start, _)| {
            let end = start + text[start..].find('»')? + '»'.len_utf8();
            Some((start..end, text[start..end].parse().ok()?))
        })
        .collect()
}

/// The values that a fixture's placeholders become when it is played.
#[derive(Clone, Debug, Default)]
pub struct StandInValues(BTreeMap<Placeholder, String>);

/// Length of a value whose secret's length was not kept, in characters.
const DEFAULT_LENGTH_CHARS: usize = 32;

impl StandInValues {
    /// Derives the value of every placeholder that occurs in the fixture.
    #[must_use]
    pub fn of(fixture: &Fixture) -> Self {
        let mut values = BTreeMap::new();
        let name = fixture.name();
        let mut derive_all = |text: &str| {
            for (_, placeholder) in find_placeholders(text) {
                let length = fixture
                    .redacted
                    .get(&placeholder)
                    .map_or(DEFAULT_LENGTH_CHARS, |value| value.length_chars);
                let value = derive(&name, &placeholder, length);
                values.insert(placeholder, value);
            }
        };
        fixture.exchanges.iter().for_each(|exchange| for_each_text(exchange, &mut derive_all));
        fixture.redacted.values().flat_map(RedactedValue::texts).for_each(derive_all);
        let plain = Self(values);
        // What is made of parts is put together from them; no part is made of parts.
        let mut all = plain.clone();
        for (placeholder, redacted) in &fixture.redacted {
            let made = match (&redacted.jwt, &redacted.basic) {
                (Some(jwt), _) => signed(&plain, jwt, &seed_of(&name, placeholder)),
                (None, Some(basic)) => plain.credential(basic, placeholder),
                (None, None) => continue,
            };
            if let Some(value) = all.0.get_mut(placeholder) {
                *value = made;
            }
        }
        all
    }

    /// A Basic credential whose parts are the values of the placeholders that stand for them.
    fn credential(&self, basic: &RedactedBasic, placeholder: &Placeholder) -> String {
        let part = |text: &Option<String>| text.as_deref().map(|text| self.fill(text));
        let user = part(&basic.user).unwrap_or_else(|| format!("user-{}", placeholder.number));
        STANDARD.encode(format!("{user}:{}", part(&basic.password).unwrap_or_default()))
    }

    /// The value of one placeholder.
    #[must_use]
    pub fn get(&self, placeholder: &Placeholder) -> Option<&str> {
        self.0.get(placeholder).map(String::as_str)
    }

    /// All placeholders with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Placeholder, &str)> {
        self.0.iter().map(|(placeholder, value)| (placeholder, value.as_str()))
    }

    /// The text with every placeholder replaced by its value.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, placeholder) in find_placeholders(text) {
            if let Some(value) = self.get(&placeholder) {
                out.push_str(&text[at..range.start]);
                out.push_str(value);
                at = range.end;
            }
        }
        out.push_str(&text[at..]);
        out
    }

    /// The exchange as it goes over the wire.
    #[must_use]
    pub fn fill_exchange(&self, exchange: &Exchange) -> Exchange {
        let mut filled = exchange.clone();
        map_texts(&mut filled, &|text| self.fill(text));
        filled
    }
}

/// Puts the values of several fixtures back to their placeholders, all in one pass over a text.
#[derive(Clone, Debug)]
pub struct Hider {
    /// None where there is nothing to hide.
    finder: Option<aho_corasick::AhoCorasick>,
    placeholders: Vec<String>,
}

impl Hider {
    /// For all values of these fixtures.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a StandInValues>) -> Self {
        let (values, placeholders): (Vec<&str>, Vec<String>) = values
            .into_iter()
            .flat_map(StandInValues::iter)
            .map(|(placeholder, value)| (value, placeholder.to_string()))
            .unzip();
        // The longest of several that begin at one place, so that `cp-1-ab` never cuts `cp-1-abcd` in two. Values
        // are short and few enough that a finder can be built; if one could not, nothing may be shown at all.
        let finder = aho_corasick::AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostLongest)
            .build(&values)
            .ok()
            .filter(|_| !values.is_empty());
        Self { finder, placeholders }
    }

    /// The text with every value put back to its placeholder: what may be shown and stored.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) => finder.replace_all(text, &self.placeholders),
            None if self.placeholders.is_empty() => text.to_owned(),
            None => "(not shown: what must be hidden in it cannot be searched for)".to_owned(),
        }
    }
}

/// A JSON Web Token that says what the recorded one said, signed with HMAC SHA-256 under a key that follows from the
/// fixture and the placeholder. Its header names that algorithm: it would be a lie to keep another.
fn signed(values: &StandInValues, jwt: &RedactedJwt, seed: &[u8; 32]) -> String {
    let mut header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&values.fill(&jwt.header)).unwrap_or_default();
    header.insert("alg".to_owned(), "HS256".into());
    let header = serde_json::Value::Object(header).to_string();
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(values.fill(&jwt.claims)));
    // A key shorter than a block is filled up with zeros (RFC 2104).
    let mut key = [0; 64];
    key[..seed.len()].copy_from_slice(seed);
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn seed_of(fixture: &str, placeholder: &Placeholder) -> [u8; 32] {
    Sha256::digest(format!("{fixture}\n{placeholder}")).into()
}

/// A number of a card that no bank issues, with its check digit.
fn card_number(number: usize) -> String {
    let body = format!("400000{:09}", number % 1_000_000_000);
    let digits: Vec<u32> = body.chars().chain(['0']).filter_map(|digit| digit.to_digit(10)).collect();
    format!("{body}{}", (10 - luhn_sum(&digits) % 10) % 10)
}

/// An account at a bank that there is not, with its check digits.
fn iban(number: usize) -> String {
    let account = format!("00000000{:010}", number % 10_000_000_000);
    format!("DE{:02}{account}", 98 - iban_remainder(&format!("DE00{account}")))
}

fn derive(fixture: &str, placeholder: &Placeholder, length_chars: usize) -> String {
    let number = placeholder.number;
    let seed = seed_of(fixture, placeholder);
    match placeholder.kind.as_str() {
        "email" => format!("person-{number}@example.invalid"),
        "basic" => STANDARD.encode(format!("user-{number}:{}", letters(seed, 16))),
        "card_number" => card_number(number),
        "iban" => iban(number),
        // 555-0100 to 555-0199 of every area are kept for what is invented.
        "phone" => format!("+1{}55501{:02}", 200 + number / 100 % 600, number % 100),
        // The prefix makes plain in any log that the value is no vendor's.
        _ => format!("cp-{number}-{}", letters(seed, length_chars.clamp(8, 4096))),
    }
}

/// Lower-case letters and digits that follow from a seed.
fn letters(mut seed: [u8; 32], length: usize) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::with_capacity(length);
    while out.len() < length {
        let room = length - out.len();
        out.extend(
            seed.iter().take(room).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])),
        );
        seed = Sha256::digest(seed).into();
    }
    out
}

/// Calls `see` with every text of an exchange in which a placeholder may stand.
pub(crate) fn for_each_text(exchange: &Exchange, see: &mut impl FnMut(&str)) {
    see(&exchange.request.target);
    let messages = std::iter::once((&exchange.request.headers, &exchange.request.body))
        .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)));
    for (headers, body) in messages {
        for (_, values) in headers.iter() {
            values.iter().filter_map(HeaderValue::as_text).for_each(&mut *see);
        }
        match body {
            Body::Json(json) => see(json.as_str()),
            Body::Text(text) => see(text),
            Body::Form(fields) => fields.iter().for_each(|(_, value)| see(value)),
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
    }
}

/// Changes every text of an exchange in which a placeholder may stand.
pub(crate) fn map_texts(exchange: &mut Exchange, change: &impl Fn(&str) -> String) {
    exchange.request.target = change(&exchange.request.target);
    map_message(&mut exchange.request.headers, &mut exchange.request.body, change);
    if let Some(response) = &mut exchange.response {
        map_message(&mut response.headers, &mut response.body, change);
    }
}

fn map_message(headers: &mut crate::Headers, body: &mut Body, change: &impl Fn(&str) -> String) {
    for (_, value) in headers.iter_mut() {
        if let HeaderValue::Text(text) = value {
            *text = change(text);
        }
    }
    match body {
        // What is put in has no quote or backslash in it, so the document stays valid; if a caller breaks
        // that, the body degrades to text rather than to nothing.
        Body::Json(json) => {
            let changed = change(json.as_str());
            *body = JsonText::parse(&changed).map_or(Body::Text(changed), Body::Json);
        }
        Body::Text(text) => *text = change(text),
        Body::Form(fields) => fields.iter_mut().for_each(|(_, value)| *value = change(value)),
        Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_other_text() {
        let text = "Bearer «access_token:12», «not one», «x:y» and «email:1»";
        let found: Vec<_> = find_placeholders(text).into_iter().map(|(_, found)| found.to_string()).collect();
        assert_eq!(found, ["«access_token:12»", "«email:1»"]);
    }

    #[test]
    fn numbers_have_their_check_digits_and_belong_to_nobody() {
        for number in [1, 2, 99, 100, 123_456] {
            let of = |kind: &str| derive("p/f", &Placeholder { kind: kind.into(), number }, 16);
            let digits: Vec<u32> = of("card_number").chars().filter_map(|digit| digit.to_digit(10)).collect();
            assert_eq!((digits.len(), luhn_sum(&digits) % 10), (16, 0));
            assert_eq!((of("iban").len(), iban_remainder(&of("iban"))), (22, 1));
            assert!(of("phone").contains("55501") && of("phone").len() == 12, "{}", of("phone"));
        }
    }

    #[test]
    fn values_are_ascii_of_their_kind_and_differ() {
        let one = Placeholder { kind: "access_token".into(), number: 1 };
        let two = Placeholder { kind: "access_token".into(), number: 2 };
        let value = derive("p/f", &one, 40);
        assert_eq!(value.len(), "cp-1-".len() + 40);
        assert!(value.is_ascii());
        assert_ne!(value, derive("p/f", &two, 40));
        assert_ne!(value, derive("p/g", &one, 40));
        assert_eq!(
            derive("p/f", &Placeholder { kind: "email".into(), number: 3 }, 0),
            "person-3@example.invalid"
        );
    }
}
