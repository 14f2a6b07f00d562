//! The independent look at what was written: fails closed.
//!
//! Reads a fixture back as any reader would and judges every field of it, decoded, and the raw text of the
//! files besides. It goes its own way: no code that walks, collects or replaces is used here, so that a
//! mistake there is not repeated. What it shares is policy: the profile, the names of secret fields, the
//! forms of tokens, and in which spellings and how far a secret is looked for.

use super::replace::Search;
use super::spelling::{Reach, percent_decoded, reach, url_decoded};
use super::{KnownSecret, collect, detect, names};
use crate::{
    Body, Exchange, ExchangeId, Fixture, JsonText, Placeholder, Provenance, ProviderProfile, RequestTarget,
};
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
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
    identifiers: Vec<Regex>,
    known: &'a [KnownSecret],
    search: Search,
    whole: HashMap<&'a str, &'a str>,
}

/// What a text is judged by beside what is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judge {
    FormsOnly,
    WordsToo,
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
        let identifiers = collect::whole_patterns(profile);
        Self { profile, identifiers, known, search: Search::of(known.iter()), whole }
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
            if !self.is_identifier(&text[form.range.clone()]) {
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
            if self.random_word(None, line) {
                findings.push(Finding { line: index + 1, what: RANDOM.to_owned() });
            }
        }
        findings
    }

    /// Looks through every field of a fixture that was read back.
    #[must_use]
    pub fn fixture(&self, fixture: &Fixture) -> Vec<FieldFinding> {
        let mut found = BTreeSet::new();
        let mut head = |field: &str, text: &str| {
            self.judge(None, Some(field), text, Judge::WordsToo, &mut found);
        };
        match &fixture.provenance {
            Provenance::Recorded(recorded) => {
                head("upstream", &recorded.upstream);
                head("by", &recorded.by);
                head("server", recorded.server.as_deref().unwrap_or_default());
            }
            Provenance::Imported(imported) => head("source", &imported.source),
            Provenance::Written(written) => head("after", &written.after),
        }
        fixture.exchanges.iter().for_each(|exchange| self.exchange(exchange, &mut found));
        found.into_iter().collect()
    }

    fn exchange(&self, exchange: &Exchange, found: &mut BTreeSet<FieldFinding>) {
        let id = Some(&exchange.id);
        let target = RequestTarget::of(&exchange.request.target);
        self.judge(id, None, &exchange.request.target, Judge::FormsOnly, found);
        for segment in target.segments() {
            self.judge(id, None, &segment, Judge::WordsToo, found);
        }
        for (name, value) in target.query_fields() {
            self.judge(id, None, &name, Judge::WordsToo, found);
            self.named(id, &name, &value, found);
        }
        let messages = std::iter::once((&exchange.request.headers, &exchange.request.body))
            .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)));
        for (headers, body) in messages {
            for (name, values) in headers.iter() {
                let judge = if HARMLESS_HEADERS.contains(&name) { Judge::FormsOnly } else { Judge::WordsToo };
                self.judge(id, Some(name), name, Judge::WordsToo, found);
                for value in values {
                    self.judge(id, Some(name), &String::from_utf8_lossy(value.as_bytes()), judge, found);
                }
            }
            self.body(id, body, found);
        }
    }

    fn body(&self, id: Option<&ExchangeId>, body: &Body, found: &mut BTreeSet<FieldFinding>) {
        match body {
            Body::Json(json) => {
                for scalar in json.scalars() {
                    match &scalar.key {
                        Some(key) if scalar.is_string => self.named(id, key, &scalar.value, found),
                        key => self.judge(id, key.as_deref(), &scalar.value, Judge::WordsToo, found),
                    }
                }
                keys_of(&json.to_value(), &mut |key| self.judge(id, None, key, Judge::WordsToo, found));
            }
            Body::Form(fields) => {
                for (name, value) in fields {
                    self.judge(id, None, name, Judge::WordsToo, found);
                    self.named(id, name, value, found);
                }
            }
            Body::Text(text) => self.judge(id, Some("text"), text, Judge::WordsToo, found),
            // Bytes are random by nature: their look is not judged.
            Body::Binary(bytes) => {
                self.judge(id, None, &String::from_utf8_lossy(bytes), Judge::FormsOnly, found);
            }
            Body::None | Body::Omitted { .. } => {}
        }
    }

    /// Judges a value and the name that it stands under.
    fn named(&self, id: Option<&ExchangeId>, name: &str, value: &str, found: &mut BTreeSet<FieldFinding>) {
        let is_plain =
            !matches!(value, "" | "true" | "false" | "null") && value.parse::<Placeholder>().is_err();
        if is_plain && names::kind_of_field(name, self.profile).is_some() {
            found.insert(FieldFinding {
                exchange: id.map(ToString::to_string),
                field: Some(name.to_owned()),
                what: "the value of a field whose name says that it is secret".to_owned(),
            });
        }
        self.judge(id, Some(name), value, Judge::WordsToo, found);
    }

    fn judge(
        &self,
        id: Option<&ExchangeId>,
        field: Option<&str>,
        text: &str,
        judge: Judge,
        found: &mut BTreeSet<FieldFinding>,
    ) {
        // JSON in a string: its escapes hide as much as those around it.
        if text.trim_start().starts_with(['{', '['])
            && let Ok(nested) = JsonText::parse(text)
        {
            self.body(id, &Body::Json(nested), found);
        }
        let mut whats = Vec::new();
        whats.extend(self.whole.get(text).map(|kind| still_there(kind)));
        let decoded = percent_decoded(text);
        let both = [text, decoded.as_str()];
        for text in &both[..if decoded == text { 1 } else { 2 }] {
            whats.extend(
                self.search.find(text).iter().map(|(_, secret)| still_there(&self.known[*secret].kind)),
            );
            let forms = detect::forms_in(text);
            whats.extend(
                forms
                    .iter()
                    .filter(|form| !self.is_identifier(&text[form.range.clone()]))
                    .map(|form| form_of(form.name)),
            );
        }
        if judge == Judge::WordsToo && self.random_word(field, text) {
            whats.push(RANDOM.to_owned());
        }
        found.extend(whats.into_iter().map(|what| FieldFinding {
            exchange: id.map(ToString::to_string),
            field: field.map(str::to_owned),
            what,
        }));
    }

    fn is_identifier(&self, value: &str) -> bool {
        self.identifiers.iter().any(|pattern| pattern.is_match(value))
    }

    fn is_identifier_field(&self, field: &str) -> bool {
        self.profile.identifiers.fields.iter().any(|known| known == field)
    }

    /// Whether a word of a text looks drawn at random and nothing exempts it.
    fn random_word(&self, field: Option<&str>, text: &str) -> bool {
        if field.is_some_and(|field| self.is_identifier_field(field)) || self.is_identifier(text) {
            return false;
        }
        let suspicious = |value: &str| detect::looks_random(value) && !self.is_identifier(value);
        text.split(|c: char| c.is_whitespace() || "\"',;?&«»()[]{}<>".contains(c)).any(|word| {
            let (name, value) = word.split_once('=').unwrap_or(("", word));
            let value = value.trim_end_matches(':');
            let decoded = url_decoded(value);
            suspicious(value)
                && suspicious(&decoded)
                && decoded.split('/').any(suspicious)
                && !self.is_identifier_field(name)
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

fn keys_of(value: &serde_json::Value, see: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                see(key);
                keys_of(value, see);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys_of(item, see)),
        _ => {}
    }
}

/// Header fields whose values look random and open nothing.
const HARMLESS_HEADERS: [&str; 6] =
    ["etag", "if-none-match", "date", "user-agent", "content-security-policy", "traceparent"];
