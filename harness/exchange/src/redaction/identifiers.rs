//! What is exempt from being judged by its look: the profile's identifiers, what an identifier's name stands over, and
//! what was seen under such a name elsewhere in the flow.

use super::{detect, names};
use crate::ProviderProfile;
use regex::Regex;
use std::collections::HashSet;

/// Most values that are learned of one flow.
const MAX_LEARNED: usize = 200_000;

/// What is exempt in one flow.
pub(super) struct Identifiers {
    fields: Vec<String>,
    values: HashSet<String>,
    patterns: Vec<Regex>,
    /// Values that stand under an identifier's name and would look drawn at random elsewhere: in a path, in a link.
    learned: HashSet<String>,
}

impl Identifiers {
    pub(super) fn of(profile: &ProviderProfile) -> Self {
        let identifiers = &profile.identifiers;
        Self {
            fields: identifiers.fields.clone(),
            values: identifiers.values.iter().cloned().collect(),
            patterns: whole_patterns(profile),
            learned: HashSet::new(),
        }
    }

    /// Takes a value for an identifier from now on, where the name that it stands under says so.
    pub(super) fn learn(&mut self, name: &str, value: &str) {
        if self.learned.len() < MAX_LEARNED && self.exempt_field(name) && detect::looks_random(value) {
            self.learned.insert(value.to_owned());
        }
    }

    /// Whether what stands under a name is an identifier.
    pub(super) fn exempt_field(&self, name: &str) -> bool {
        self.fields.iter().any(|known| known == name) || names::names_an_identifier(name)
    }

    /// Whether the profile says of a value that it is no secret, whatever it looks like.
    pub(super) fn exempt_value(&self, value: &str) -> bool {
        self.values.contains(value) || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }

    /// Whether a value may look drawn at random.
    pub(super) fn exempt(&self, name: Option<&str>, value: &str) -> bool {
        name.is_some_and(|name| self.exempt_field(name) || names::fits_prefix(name, value))
            || self.exempt_value(value)
            || self.learned.contains(value)
    }
}

/// The profile's identifier patterns, anchored at both ends. A profile that was read has only valid ones.
fn whole_patterns(profile: &ProviderProfile) -> Vec<Regex> {
    profile
        .identifiers
        .patterns
        .iter()
        .filter_map(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok())
        .collect()
}
