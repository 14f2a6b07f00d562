//! The independent look at what was written: fails closed.
//!
//! Reads a fixture back as any reader would and judges every field of it, decoded, and the raw text of the
//! files besides. It goes its own way: no code that walks, collects or replaces is used here, so that a
//! mistake there is not repeated. What it shares is policy: the profile, the names of secret fields, the
//! forms of tokens, and in which spellings and how far a secret is looked for.
//!
//! The text of files is searched here, the fields of a fixture in [`fields`].

mod fields;

use super::identifiers::Identifiers;
use super::replace::Search;
use super::spelling::{Reach, reach, url_decoded};
use super::{KnownSecret, detect, words};
use crate::{Fixture, ProviderProfile};
use fields::Fields;
use std::collections::HashMap;
use std::fmt;

/// Something secret that is still there, in a file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// What it is; never the value itself.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.what)
    }
}

/// Something secret that is still there, in a field of a fixture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldFinding {
    /// The exchange; none where it is in the fixture's own head.
    pub exchange: Option<String>,
    /// The field or header, where there is one.
    pub field: Option<String>,
    /// What it is; never the value itself.
    pub what: String,
}

/// A look for what is known to be secret and for what looks so.
pub struct Scan<'a> {
    profile: &'a ProviderProfile,
    identifiers: Identifiers,
    known: &'a [KnownSecret],
    search: Search,
    whole: HashMap<&'a str, &'a str>,
}

impl<'a> Scan<'a> {
    /// Prepares a look.
    #[must_use]
    pub fn new(profile: &'a ProviderProfile, known: &'a [KnownSecret]) -> Self {
        let whole = known
            .iter()
            .filter(|secret| reach(secret) == Reach::Value)
            .map(|secret| (secret.value.as_str(), secret.kind.as_str()))
            .collect();
        Self {
            profile,
            identifiers: Identifiers::of(profile),
            known,
            search: Search::of(known.iter()),
            whole,
        }
    }

    /// Looks through a file as it stands on the disk, for known secrets and forms of tokens.
    #[must_use]
    pub fn raw(&self, text: &str) -> Vec<Finding> {
        let mut found: Vec<(usize, String)> = Vec::new();
        if self.search.is_overwhelmed() {
            found.push((0, "more secrets than can be looked for; record less at a time".to_owned()));
        }
        for (range, secret) in self.search.find(text) {
            found.push((range.start, still_there(&self.known[secret].kind)));
        }
        for form in detect::forms_in(text) {
            if !self.identifiers.exempt_value(&text[form.range.clone()]) && !form.is_personal() {
                found.push((form.range.start, form_of(form.name)));
            }
        }
        let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line_of = |at: usize| line_ends.partition_point(|end| *end < at) + 1;
        let mut findings: Vec<Finding> =
            found.into_iter().map(|(at, what)| Finding { line: line_of(at), what }).collect();
        findings.sort_by(|a, b| (a.line, &a.what).cmp(&(b.line, &b.what)));
        findings.dedup();
        findings
    }

    /// Looks through prose: as [`Self::raw`], and judges every word of it by its look.
    #[must_use]
    pub fn prose(&self, text: &str) -> Vec<Finding> {
        let mut findings = self.raw(text);
        for (index, line) in text.lines().enumerate() {
            if self.random_word(None, line, &self.identifiers) {
                findings.push(Finding { line: index + 1, what: RANDOM.to_owned() });
            }
        }
        findings
    }

    /// Looks through every field of a fixture that was read back.
    #[must_use]
    pub fn fixture(&self, fixture: &Fixture) -> Vec<FieldFinding> {
        Fields::of(self, fixture)
    }

    /// Whether a word of a text looks drawn at random and nothing exempts it.
    fn random_word(&self, field: Option<&str>, text: &str, identifiers: &Identifiers) -> bool {
        if identifiers.exempt(field, text) {
            return false;
        }
        words::words_in(text).into_iter().any(|(name, word)| {
            let name = name.or(field);
            let suspicious = |value: &str| detect::looks_random(value) && !identifiers.exempt(name, value);
            let decoded = url_decoded(word);
            suspicious(word) && suspicious(&decoded) && decoded.split('/').any(suspicious)
        })
    }
}

const RANDOM: &str =
    "text that looks like a token; name it under `secrets` or `identifiers` in the provider profile";

fn still_there(kind: &str) -> String {
    format!("a known secret ({kind}) is still there")
}

fn form_of(name: &str) -> String {
    format!("text that has the form of a secret ({name})")
}
