//! What a secret looks like where nothing says that it is one: forms that vendors document ([`vendors`]), personal data
//! with a checksum or a sign ([`personal`]), and values that look drawn at random ([`random`]).
//!
//! One automaton over the marks of all forms goes over a text first; a pattern runs only where a mark of it stands.

mod personal;
mod random;
mod vendors;

pub(super) use personal::reads_like_a_phone;
pub(crate) use personal::{iban_remainder, luhn_sum};
pub(super) use random::looks_random;

use aho_corasick::AhoCorasick;
use personal::PERSONAL;
use regex::Regex;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};
use vendors::VENDORS;

/// A form that secrets of one kind have.
struct Form {
    /// What it is, for people: `GitHub token`.
    name: &'static str,
    /// The kind of its placeholders.
    kind: &'static str,
    /// Where the form is documented.
    source: &'static str,
    /// Texts of which one stands in everything of this form; none where there is none, and the pattern always runs.
    marks: &'static [&'static str],
    pattern: &'static str,
    /// What the pattern cannot tell.
    check: Option<fn(&str) -> bool>,
}

/// A form of secrets that is known, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownForm {
    /// What has it: `GitHub token`.
    pub name: &'static str,
    /// The kind of its placeholders.
    pub kind: &'static str,
    /// Where it is documented, in words.
    pub source: &'static str,
}

/// All forms that are known.
pub fn known_forms() -> impl Iterator<Item = KnownForm> {
    VENDORS.iter().chain(PERSONAL).map(|form| KnownForm {
        name: form.name,
        kind: form.kind,
        source: form.source,
    })
}

/// A part of a text that has a known form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

impl Found {
    /// Whether it is a person's, where a false alarm is worse than a miss: never under the name of an identifier.
    pub(super) fn is_personal(&self) -> bool {
        matches!(self.kind, "card_number" | "iban" | "phone")
    }
}

/// Digits in a row from which on a text can hold a card number or an IBAN, blanks and hyphens left out.
const MIN_NUMBER_DIGITS: usize = 8;

/// Shortest token of a form without a mark: shorter texts are not looked through for them.
const LONG_CHARS: usize = 45;

struct Forms {
    all: Vec<(&'static Form, OnceLock<Option<Regex>>)>,
    marks: Option<AhoCorasick>,
    /// The form of each mark.
    form_of_mark: Vec<usize>,
    /// Those without a mark: personal numbers, and tokens that are at least [`LONG_CHARS`] long.
    unmarked: Vec<usize>,
    long: Vec<usize>,
}

static FORMS: LazyLock<Forms> = LazyLock::new(|| {
    let all: Vec<_> = VENDORS.iter().chain(PERSONAL).map(|form| (form, OnceLock::new())).collect();
    let marked =
        || all.iter().enumerate().flat_map(|(at, (form, _))| form.marks.iter().map(move |it| (at, it)));
    Forms {
        marks: AhoCorasick::new(marked().map(|(_, mark)| mark)).ok(),
        form_of_mark: marked().map(|(at, _)| at).collect(),
        unmarked: without_mark(&all, true),
        long: without_mark(&all, false),
        all,
    }
});

fn without_mark(all: &[(&'static Form, OnceLock<Option<Regex>>)], personal: bool) -> Vec<usize> {
    let is_one = |at: &usize| all[*at].0.marks.is_empty() && all[*at].0.check.is_some() == personal;
    (0..all.len()).filter(is_one).collect()
}

impl Forms {
    /// The forms that may occur in a text, by their index.
    fn possible(&self, text: &str) -> Vec<usize> {
        let mut possible = if has_long_number(text) { self.unmarked.clone() } else { Vec::new() };
        if text.len() >= LONG_CHARS {
            possible.extend(&self.long);
        }
        match &self.marks {
            Some(marks) => {
                possible.extend(
                    marks
                        .find_overlapping_iter(text)
                        .map(|found| self.form_of_mark[found.pattern().as_usize()]),
                );
            }
            None => possible.extend(0..self.all.len()),
        }
        possible.sort_unstable();
        possible.dedup();
        possible
    }

    fn pattern(&self, at: usize) -> Option<(&'static Form, &Regex)> {
        let (form, compiled) = &self.all[at];
        // Where a word of ASCII ends is told by a byte; where one of any script does is many times slower as soon as
        // the text has another script's letter, or a placeholder. A test compiles them all.
        let compile = || Regex::new(&form.pattern.replace(r"\b", r"(?-u:\b)")).ok();
        compiled.get_or_init(compile).as_ref().map(|pattern| (*form, pattern))
    }
}

/// Every part of a text that has a known form, by its beginning.
pub(super) fn forms_in(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (form, pattern) in FORMS.possible(text).into_iter().filter_map(|at| FORMS.pattern(at)) {
        let mut at = 0;
        while let Some(captures) = (at <= text.len()).then(|| pattern.captures_at(text, at)).flatten() {
            let Some(secret) = captures.get(1).or(captures.get(0)) else { break };
            if form.check.is_none_or(|check| check(secret.as_str())) {
                found.push(Found { range: secret.range(), name: form.name, kind: form.kind });
            }
            // What stands behind the secret may be what stands before the next.
            at = secret.end().max(at + 1);
            while !text.is_char_boundary(at) {
                at += 1;
            }
        }
    }
    found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
    // Several vendors' forms can fit one token.
    found.dedup_by(|later, earlier| later.range.end <= earlier.range.end);
    found
}

fn has_long_number(text: &str) -> bool {
    let mut run = 0;
    text.bytes().any(|byte| {
        match byte {
            b'0'..=b'9' => run += 1,
            b' ' | b'-' => {}
            _ => run = 0,
        }
        run >= MIN_NUMBER_DIGITS
    })
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_compiles_and_says_where_it_is_documented() {
        for (at, (form, _)) in FORMS.all.iter().enumerate() {
            assert!(FORMS.pattern(at).is_some(), "{} compiles", form.name);
            assert!(form.source.len() > 8, "{} has a source", form.name);
            let is_kind = |kind: &str| kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(is_kind(form.kind), "{} can be a placeholder", form.kind);
        }
        let mut names: Vec<_> = FORMS.all.iter().map(|(form, _)| form.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FORMS.all.len(), "no name is given twice");
    }

    #[test]
    fn the_marks_let_every_example_through_and_skip_what_has_none() {
        assert!(FORMS.possible("a plain sentence, with nothing in it").is_empty());
        let found = forms_in("mail jo.doe@example.org, or person-1@example.invalid, git@github.com:a/b.git");
        assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), ["email"]);
    }
}
