//! Redaction: what is secret is taken out of exchanges before the first byte reaches a disk.
//!
//! [`walk`] goes over everything of an exchange, decoded, twice: [`collect`] gathers the secrets on it, by
//! place ([`names`], [`nested`], [`json`]) and by look ([`detect`]), and [`replace`] puts placeholders that
//! keep kind and equality where they were, in every spelling ([`spelling`]). [`scan`] reads what was
//! written and refuses it if something secret is left. It has its own way through a fixture and shares no
//! code that collects or replaces; it does share the profile, the forms of tokens, and the spellings.

mod collect;
mod detect;
mod identifiers;
mod json;
pub(crate) mod multipart;
mod names;
mod nested;
mod replace;
mod rule;
mod scan;
mod spelling;
mod token;
mod walk;
mod words;

pub use detect::{KnownForm, known_forms};
pub(crate) use detect::{iban_remainder, luhn_sum};
pub(crate) use names::words;
pub use rule::Rule;
pub use scan::{FieldFinding, Finding, Scan};

use crate::fixture::{RedactedBasic, RedactedJwt, RedactedValue};
use crate::placeholder::for_each_text;
use crate::{Exchange, Placeholder, ProviderProfile, find_placeholders};
use collect::Collect;
use replace::Replacer;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use token::{BasicParts, Token};
use walk::Walk;

/// A secret that the user named: it is replaced wherever and however it is spelled.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownSecret {
    /// What it is, as it will stand in the placeholder: lower-case letters and underscores.
    pub kind: String,
    /// The secret itself.
    pub value: String,
}

impl std::fmt::Debug for KnownSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "KnownSecret({})", self.kind)
    }
}

/// Exchanges without secrets.
#[derive(Clone)]
pub struct Redacted {
    /// The exchanges, placeholders in place of secrets.
    pub exchanges: Vec<Exchange>,
    /// What is kept of each secret that a placeholder stands for.
    pub values: BTreeMap<Placeholder, RedactedValue>,
    /// Which rule took out what each placeholder stands for.
    pub rules: BTreeMap<Placeholder, Rule>,
    /// The secrets that were found, for the scan of what gets written. Never to be stored.
    pub found: Vec<KnownSecret>,
    replacer: Arc<Replacer>,
}

impl std::fmt::Debug for Redacted {
    // What replaces knows the secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Redacted")
            .field("exchanges", &self.exchanges)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl Redacted {
    /// Another text that goes with the exchanges, such as the URL of their upstream, without secrets: theirs
    /// become the same placeholders, and what only this text shows at a secret's place becomes `«kind»`.
    #[must_use]
    pub fn text(&self, text: &str, profile: &ProviderProfile) -> String {
        let mut text = text.to_owned();
        for spot in nested::spots_in(&text, profile).into_iter().rev() {
            if self.replacer.collected().get(&spot.value).is_none() {
                text.replace_range(spot.range, &format!("«{}»", spot.kind));
            }
        }
        self.replacer.replaced(&text, &nested::spots_in(&text, profile)).unwrap_or(text)
    }
}

/// Takes every secret out of the exchanges of one flow.
///
/// Placeholders that are there already stay, and new ones are numbered past them: redacting again changes
/// nothing. Whoever redacts live traffic makes sure first that nothing in it reads like a placeholder.
#[must_use]
pub fn redact(mut exchanges: Vec<Exchange>, profile: &ProviderProfile, known: &[KnownSecret]) -> Redacted {
    let collected = collect::collect(&mut exchanges, profile, known);
    let mut replacer = Replacer::new(collected);
    let mut used = HashSet::new();
    for exchange in &mut exchanges {
        Walk { profile, look: &mut replacer }.exchange(exchange);
        for_each_text(exchange, &mut |text| note_placeholders(text, &mut used));
    }
    let mut values = BTreeMap::new();
    let mut rules = BTreeMap::new();
    // What a credential was made of is told by further placeholders, none of which is told by others.
    for with_parts in [true, false] {
        let open: Vec<Collect> = replacer
            .collected()
            .iter()
            .filter(|one| used.contains(&one.placeholder) && !values.contains_key(&one.placeholder))
            .cloned()
            .collect();
        for one in open {
            let mut value = RedactedValue::of_length(one.secret.value.chars().count().div_ceil(8) * 8);
            if with_parts {
                value.jwt = one.token.as_ref().map(|token| kept_of_token(token, profile, &mut replacer));
                value.basic = one.basic.as_ref().map(|basic| kept_of_basic(basic, &replacer));
            }
            value.texts().for_each(|text| note_placeholders(text, &mut used));
            values.insert(one.placeholder, value);
        }
    }
    for one in replacer.collected().iter().filter(|one| values.contains_key(&one.placeholder)) {
        rules.insert(one.placeholder.clone(), one.rule.clone());
    }
    let found = replacer.collected().iter().map(|one| one.secret.clone()).collect();
    Redacted { exchanges, values, rules, found, replacer: Arc::new(replacer) }
}

fn kept_of_token(token: &Token, profile: &ProviderProfile, replacer: &mut Replacer) -> RedactedJwt {
    let mut part =
        |text: &str| Walk { profile, look: replacer }.claims(text).unwrap_or_else(|| text.to_owned());
    RedactedJwt { header: part(&token.header), claims: part(&token.claims) }
}

fn kept_of_basic(basic: &BasicParts, replacer: &Replacer) -> RedactedBasic {
    let placeholder = |part: &str| replacer.at_its_place(part);
    RedactedBasic { user: placeholder(&basic.user), password: placeholder(&basic.password) }
}

fn note_placeholders(text: &str, used: &mut HashSet<Placeholder>) {
    used.extend(find_placeholders(text).into_iter().map(|(_, placeholder)| placeholder));
}

#[cfg(test)]
mod leaks;
#[cfg(test)]
mod tests;
