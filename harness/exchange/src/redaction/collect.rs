//! Finds the secrets of a flow: those the user named, by place, and by look.
//!
//! The first place that shows a secret decides its kind; numbers count up by kind in order of occurrence.

use super::identifiers::Identifiers;
use super::nested::{Spot, basic_parts, scheme_credentials};
use super::replace::Search;
use super::rule::Rule;
use super::spelling::percent_decoded;
use super::token::{BasicParts, Token};
use super::walk::{Look, Shape, Walk};
use super::{KnownSecret, detect, names, words};
use crate::placeholder::for_each_text;
use crate::{Exchange, Placeholder, ProviderProfile, find_placeholders};
use std::borrow::Cow;
use std::collections::HashMap;

/// A secret of a flow.
#[derive(Clone)]
pub(super) struct Collect {
    pub(super) secret: KnownSecret,
    pub(super) placeholder: Placeholder,
    pub(super) rule: Rule,
    /// Its parts, where it is a Basic credential.
    pub(super) basic: Option<BasicParts>,
    /// Its parts, where it is a JSON Web Token.
    pub(super) token: Option<Token>,
}

/// The secrets of one flow, each with its placeholder.
#[derive(Default)]
pub(super) struct Collected {
    secrets: Vec<Collect>,
    by_value: HashMap<String, usize>,
    count_by_kind: HashMap<String, usize>,
}

impl Collected {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Collect> {
        self.secrets.iter()
    }

    pub(super) fn get(&self, value: &str) -> Option<&Collect> {
        self.by_value.get(value).map(|index| &self.secrets[*index])
    }

    fn add(&mut self, kind: &str, value: &str, rule: impl FnOnce() -> Rule) {
        // What stands there already instead of a secret is none.
        if value.is_empty() || self.by_value.contains_key(value) || value.parse::<Placeholder>().is_ok() {
            return;
        }
        let number = self.count_by_kind.entry(kind.to_owned()).or_default();
        *number += 1;
        self.by_value.insert(value.to_owned(), self.secrets.len());
        self.secrets.push(Collect {
            secret: KnownSecret { kind: kind.to_owned(), value: value.to_owned() },
            placeholder: Placeholder { kind: kind.to_owned(), number: *number },
            rule: rule(),
            basic: if kind == "basic" { basic_parts(value) } else { None },
            token: Token::read(value),
        });
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
    known
        .iter()
        .for_each(|secret| collected.add(&secret.kind, &secret.value, || Rule::Known(secret.kind.clone())));
    let mut identifiers = Identifiers::of(profile);
    for exchange in &mut *exchanges {
        Walk { profile, look: &mut Learning(&mut identifiers) }.exchange(exchange);
    }
    let named = Search::of(known.iter());
    let walk = |by: By, collected: &mut Collected, go: &mut dyn FnMut(&mut Walk<'_, Collecting<'_>>)| {
        let mut look = Collecting { by, profile, identifiers: &identifiers, named: &named, collected };
        go(&mut Walk { profile, look: &mut look });
    };
    for exchange in exchanges {
        for by in [By::Place, By::Look] {
            walk(by, &mut collected, &mut |walk| walk.exchange(exchange));
        }
    }
    // A token within a token's claims is one secret of them.
    let tokens: Vec<Token> = collected.iter().filter_map(|one| one.token.clone()).collect();
    for token in tokens {
        for part in [&token.header, &token.claims] {
            for by in [By::Place, By::Look] {
                walk(by, &mut collected, &mut |walk| {
                    walk.claims(part);
                });
            }
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
    profile: &'a ProviderProfile,
    identifiers: &'a Identifiers,
    /// The secrets that the user named: another spelling of one is no other secret.
    named: &'a Search,
    collected: &'a mut Collected,
}

impl Collecting<'_> {
    fn by_place(&mut self, name: &str, kind: &str, value: &str) {
        let secrets = &self.profile.secrets;
        let is_profiles =
            secrets.fields.iter().chain(&secrets.headers).any(|it| it.eq_ignore_ascii_case(name));
        let rule = || if is_profiles { Rule::Profile(name.to_owned()) } else { Rule::Name(name.to_owned()) };
        self.collected.add(kind, value, rule);
        let inner = scheme_credentials(value).map_or(value, |range| &value[range]);
        self.collected.add(if kind == "authorization" { "access_token" } else { kind }, inner, rule);
        if let Some(parts) = basic_parts(inner).filter(|_| kind == "basic" || inner.len() < value.len()) {
            for (kind, secret) in parts.secrets() {
                self.collected.add(kind, secret, rule);
            }
        }
    }

    fn forms(&mut self, field: Option<&str>, text: &str) {
        for found in detect::forms_in(text) {
            let value = &text[found.range.clone()];
            let exempt = self.identifiers.exempt_value(value)
                || (found.is_personal() && field.is_some_and(|field| self.identifiers.exempt_field(field)));
            if !exempt {
                self.collected.add(found.kind, value, || Rule::Form(found.name));
            }
        }
    }

    fn random(&mut self, field: Option<&str>, value: &str) {
        let is_named = || self.named.find(value).iter().any(|(range, _)| *range == (0..value.len()));
        if detect::looks_random(value) && !self.identifiers.exempt(field, value) && !is_named() {
            self.collected.add("token", value, || Rule::Random);
        }
    }
}

/// Learns which values stand under an identifier's name: they are identifiers wherever they stand.
struct Learning<'a>(&'a mut Identifiers);

impl Look for Learning<'_> {
    fn asks_for_spots(&self) -> bool {
        false
    }

    fn secret(&mut self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }

    fn text(&mut self, field: Option<&str>, text: &str, _: &[Spot], shape: Shape) -> Option<String> {
        if shape != Shape::Raw
            && let Some(field) = field
        {
            self.0.learn(field, text);
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

impl Look for Collecting<'_> {
    fn secret(&mut self, name: &str, kind: &str, value: &str) -> Option<String> {
        if self.by == By::Place {
            self.by_place(name, kind, value);
        }
        None
    }

    fn text(&mut self, field: Option<&str>, text: &str, spots: &[Spot], shape: Shape) -> Option<String> {
        if self.by == By::Place {
            spots.iter().for_each(|spot| self.by_place(&spot.name, &spot.kind, &spot.value));
            return None;
        }
        // What stands at a secret's place was judged by it: the end of a URL's password is no address.
        let blanked = blanked(text, spots);
        let text = blanked.as_ref();
        self.forms(field, text);
        if text.contains('%') {
            self.forms(field, &percent_decoded(text));
        }
        if text.contains("\\u") {
            self.forms(field, &unicode_unescaped(text));
        }
        let harmless = field.is_some_and(names::is_harmless_header);
        match shape {
            Shape::Value if detect::looks_random(text) => self.random(field, text),
            Shape::Value | Shape::Prose if !harmless => {
                for (name, word) in words::words_in(text) {
                    self.random(name.or(field), word);
                }
            }
            Shape::Value | Shape::Prose | Shape::Raw => {}
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
