//! Finds the secrets of a flow: those the user named, by place, and by look.
//!
//! The first place that shows a secret decides its kind; numbers count up by kind in order of occurrence.

use super::nested::{Spot, scheme_credentials, secret_of_basic};
use super::replace::Search;
use super::spelling::percent_decoded;
use super::walk::{Look, Shape, Walk};
use super::{KnownSecret, detect};
use crate::placeholder::for_each_text;
use crate::{Exchange, Placeholder, ProviderProfile, find_placeholders};
use regex::Regex;
use std::borrow::Cow;
use std::collections::HashMap;

/// The secrets of one flow, each with its placeholder.
#[derive(Default)]
pub(super) struct Collected {
    secrets: Vec<(KnownSecret, Placeholder)>,
    by_value: HashMap<String, usize>,
    count_by_kind: HashMap<String, usize>,
}

impl Collected {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&KnownSecret, &Placeholder)> {
        self.secrets.iter().map(|(secret, placeholder)| (secret, placeholder))
    }

    pub(super) fn get(&self, value: &str) -> Option<(&KnownSecret, &Placeholder)> {
        self.by_value.get(value).map(|index| (&self.secrets[*index].0, &self.secrets[*index].1))
    }

    fn add(&mut self, kind: &str, value: &str) {
        // What stands there already instead of a secret is none.
        if value.is_empty() || self.by_value.contains_key(value) || value.parse::<Placeholder>().is_ok() {
            return;
        }
        let number = self.count_by_kind.entry(kind.to_owned()).or_default();
        *number += 1;
        let placeholder = Placeholder { kind: kind.to_owned(), number: *number };
        self.by_value.insert(value.to_owned(), self.secrets.len());
        self.secrets.push((KnownSecret { kind: kind.to_owned(), value: value.to_owned() }, placeholder));
    }

    /// Numbers go past those of placeholders that are there before any is put in, so that ours are no others.
    fn number_past(&mut self, exchange: &Exchange) {
        for_each_text(exchange, &mut |text| {
            for (_, placeholder) in find_placeholders(text) {
                let count = self.count_by_kind.entry(placeholder.kind).or_default();
                *count = placeholder.number.min(usize::MAX / 2).max(*count);
            }
        });
    }
}

pub(super) fn collect(
    exchanges: &mut [Exchange],
    profile: &ProviderProfile,
    known: &[KnownSecret],
) -> Collected {
    let mut collected = Collected::default();
    exchanges.iter().for_each(|exchange| collected.number_past(exchange));
    // The named ones first: nothing, not even an identifier's pattern, exempts them.
    known.iter().for_each(|secret| collected.add(&secret.kind, &secret.value));
    let identifiers = Identifiers::of(profile);
    let named = Search::of(known.iter());
    for exchange in exchanges {
        for by in [By::Place, By::Look] {
            let mut look =
                Collecting { by, identifiers: &identifiers, named: &named, collected: &mut collected };
            Walk { profile, look: &mut look }.exchange(exchange);
        }
    }
    collected
}

/// What shows a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Place,
    Look,
}

struct Collecting<'a> {
    by: By,
    identifiers: &'a Identifiers,
    /// The secrets that the user named: another spelling of one is no other secret.
    named: &'a Search,
    collected: &'a mut Collected,
}

impl Collecting<'_> {
    fn by_place(&mut self, kind: &str, value: &str) {
        self.collected.add(kind, value);
        let inner = scheme_credentials(value).map_or(value, |range| &value[range]);
        self.collected.add(if kind == "authorization" { "access_token" } else { kind }, inner);
        if let Some(secret) = secret_of_basic(inner).filter(|_| kind == "basic" || inner.len() < value.len())
        {
            self.collected.add("password", &secret);
        }
    }

    fn forms(&mut self, text: &str) {
        for found in detect::forms_in(text) {
            let value = &text[found.range.clone()];
            if !self.identifiers.exempt(None, value) {
                self.collected.add(found.kind, value);
            }
        }
    }

    fn random(&mut self, field: Option<&str>, value: &str) {
        let is_named = || self.named.find(value).iter().any(|(range, _)| *range == (0..value.len()));
        if detect::looks_random(value) && !self.identifiers.exempt(field, value) && !is_named() {
            self.collected.add("token", value);
        }
    }
}

impl Look for Collecting<'_> {
    fn secret(&mut self, kind: &str, value: &str) -> Option<String> {
        if self.by == By::Place {
            self.by_place(kind, value);
        }
        None
    }

    fn text(&mut self, field: Option<&str>, text: &str, spots: &[Spot], shape: Shape) -> Option<String> {
        if self.by == By::Place {
            spots.iter().for_each(|spot| self.by_place(&spot.kind, &spot.value));
            return None;
        }
        // What stands at a secret's place was judged by it: the end of a URL's password is no address.
        let blanked = blanked(text, spots);
        let text = blanked.as_ref();
        self.forms(text);
        if text.contains('%') {
            self.forms(&percent_decoded(text));
        }
        if text.contains("\\u") {
            self.forms(&unicode_unescaped(text));
        }
        let harmless = field.is_some_and(|field| HARMLESS_HEADERS.contains(&field));
        match shape {
            Shape::Value => self.random(field, text),
            Shape::Prose if !harmless => {
                for word in text.split(|c: char| c.is_whitespace() || ",;\"<>?&#".contains(c)) {
                    self.random(field, word);
                    if let Some((name, value)) = word.split_once('=') {
                        self.random(Some(name), value);
                    }
                }
            }
            Shape::Prose | Shape::Raw => {}
        }
        None
    }

    fn number(&mut self, _: &str) -> Option<String> {
        None
    }

    fn drops_header(&self, _: &str) -> bool {
        false
    }

    fn drops_bytes(&mut self, _: &[u8]) -> bool {
        false
    }
}

fn blanked<'t>(text: &'t str, spots: &[Spot]) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for spot in spots.iter().rev() {
        text.to_mut().replace_range(spot.range.clone(), " ");
    }
    text
}

/// Text in which `\uXXXX` is what it stands for, as in JSON that is not whole.
fn unicode_unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code =
            part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        out.extend(code);
        out.push_str(if code.is_some() { &part[4..] } else { part });
    }
    out
}

/// Header fields whose values are random-looking by design and open nothing.
const HARMLESS_HEADERS: [&str; 6] =
    ["etag", "if-none-match", "date", "user-agent", "content-security-policy", "traceparent"];

/// What the profile exempts from detection.
struct Identifiers {
    fields: Vec<String>,
    patterns: Vec<Regex>,
}

impl Identifiers {
    fn of(profile: &ProviderProfile) -> Self {
        Self { fields: profile.identifiers.fields.clone(), patterns: whole_patterns(profile) }
    }

    fn exempt(&self, field: Option<&str>, value: &str) -> bool {
        field.is_some_and(|field| self.fields.iter().any(|known| known == field))
            || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }
}

/// The profile's identifier patterns, anchored at both ends. A profile that was read has only valid ones.
pub(super) fn whole_patterns(profile: &ProviderProfile) -> Vec<Regex> {
    profile
        .identifiers
        .patterns
        .iter()
        .filter_map(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok())
        .collect()
}
