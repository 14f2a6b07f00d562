//! Puts placeholders in the place of secrets: one automaton over all their spellings, built once.

use super::collect::Collected;
use super::nested::Spot;
use super::spelling::{Reach, reach, spellings, within_base64};
use super::walk::{Look, Shape};
use super::{KnownSecret, detect};
use crate::{Placeholder, find_placeholders};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::BTreeSet;
use std::ops::Range;

/// Every spelling of every secret that is looked for within text.
pub(super) struct Search {
    automaton: Option<AhoCorasick>,
    /// The secret that each of the automaton's patterns spells.
    secret_of_pattern: Vec<usize>,
    /// Patterns from here on are parts of a base64 text: what surrounds them belongs to it.
    parts_from: usize,
}

impl Search {
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a KnownSecret>) -> Self {
        let mut patterns = Vec::new();
        let mut secret_of_pattern = Vec::new();
        let far: Vec<_> =
            secrets.enumerate().filter(|(_, secret)| reach(secret) == Reach::Everywhere).collect();
        let mut add = |index: usize, spelled: BTreeSet<String>| {
            secret_of_pattern.extend(std::iter::repeat_n(index, spelled.len()));
            patterns.extend(spelled);
            patterns.len()
        };
        let parts_from = far.iter().map(|(index, secret)| add(*index, spellings(secret))).last().unwrap_or(0);
        far.iter().for_each(|(index, secret)| {
            add(*index, within_base64(secret));
        });
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).ok();
        Self { automaton, secret_of_pattern, parts_from }
    }

    /// Whether the secrets are too many to be looked for: whoever relies on the search must refuse then.
    pub(super) fn is_overwhelmed(&self) -> bool {
        self.automaton.is_none()
    }

    /// Byte ranges, each with the index of the secret there. Placeholders are no text to be looked through.
    pub(super) fn find(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let placeholders = find_placeholders(text);
        automaton
            .find_iter(text)
            .filter(|found| {
                placeholders.iter().all(|(range, _)| {
                    let apart = found.end() <= range.start || range.end <= found.start();
                    apart || (found.start() <= range.start && range.end <= found.end())
                })
            })
            .map(|found| {
                let pattern = found.pattern().as_usize();
                let range =
                    if pattern < self.parts_from { found.range() } else { grown(text, found.range()) };
                (range, self.secret_of_pattern[pattern])
            })
            .collect()
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(bytes))
    }
}

/// A part of a base64 text with the letters and digits beside it, some of which hold bits of what was found.
fn grown(text: &str, range: Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let before = bytes[..range.start].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let behind =
        bytes[range.end..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'=').count();
    range.start - before..range.end + behind
}

/// Replaces collected secrets.
pub(super) struct Replacer {
    collected: Collected,
    placeholders: Vec<Placeholder>,
    search: Search,
    /// The secrets that a header's name could hold, whatever its case.
    in_names: Option<AhoCorasick>,
}

impl Replacer {
    pub(super) fn new(collected: Collected) -> Self {
        let placeholders = collected.iter().map(|one| one.placeholder.clone()).collect();
        let search = Search::of(collected.iter().map(|one| &one.secret));
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let names = collected
            .iter()
            .map(|one| &one.secret)
            .filter(|secret| reach(secret) == Reach::Everywhere && secret.value.bytes().all(in_name))
            .map(|secret| &secret.value);
        let in_names = AhoCorasick::builder().ascii_case_insensitive(true).build(names).ok();
        Self { collected, placeholders, search, in_names }
    }

    pub(super) fn collected(&self) -> &Collected {
        &self.collected
    }

    pub(super) fn at_its_place(&self, value: &str) -> Option<String> {
        self.collected.get(value).map(|one| one.placeholder.to_string())
    }

    /// The placeholder of a secret that is all of a value.
    fn as_whole(&self, value: &str) -> Option<String> {
        let one = self.collected.get(value)?;
        (reach(&one.secret) != Reach::Place).then(|| one.placeholder.to_string())
    }

    /// A text with every secret in it replaced, or nothing where it holds none.
    pub(super) fn replaced(&self, text: &str, spots: &[Spot]) -> Option<String> {
        let by_place =
            spots.iter().filter_map(|spot| Some((spot.range.clone(), self.at_its_place(&spot.value)?)));
        let by_search = self
            .search
            .find(text)
            .into_iter()
            .map(|(range, secret)| (range, self.placeholders[secret].to_string()));
        let mut edits: Vec<(Range<usize>, String)> = by_place.chain(by_search).collect();
        edits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, placeholder) in edits {
            if range.start >= at {
                out.push_str(&text[at..range.start]);
                out.push_str(&placeholder);
            }
            // What overlaps goes with what began earlier: nothing of either may stay.
            at = at.max(range.end);
        }
        (at > 0).then(|| out + &text[at..])
    }
}

impl Look for Replacer {
    fn secret(&mut self, _: &str, _: &str, value: &str) -> Option<String> {
        self.at_its_place(value)
    }

    fn text(&mut self, _: Option<&str>, text: &str, spots: &[Spot], shape: Shape) -> Option<String> {
        let whole = if shape == Shape::Raw { None } else { self.as_whole(text) };
        whole.or_else(|| self.replaced(text, spots))
    }

    /// A number that is equal by accident stays one; a long one is no accident.
    fn number(&mut self, token: &str) -> Option<String> {
        if token.len() >= 8 { self.as_whole(token) } else { None }
    }

    fn drops_header(&self, name: &str) -> bool {
        self.in_names.as_ref().is_some_and(|automaton| automaton.is_match(name))
    }

    fn drops_bytes(&mut self, bytes: &[u8]) -> bool {
        self.search.is_in(bytes) || !detect::forms_in(&String::from_utf8_lossy(bytes)).is_empty()
    }
}
