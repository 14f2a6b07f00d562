//! The independent look at what was written: fails closed.
//!
//! Reads raw text and knows nothing of bodies, headers or how redaction found its secrets, so that a
//! mistake there is not repeated here. It shares only the profile's identifiers, for they are policy.

use super::{KnownSecret, collect, detect, spelling};
use crate::ProviderProfile;
use std::fmt;

/// Something secret that is still there.
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

/// Shorter secrets are ordinary words to a raw search; they were replaced in place.
const MIN_SEARCHED_CHARS: usize = 8;

/// Looks through text as it stands on the disk.
#[must_use]
pub fn scan(text: &str, profile: &ProviderProfile, known: &[KnownSecret]) -> Vec<Finding> {
    let spelled: Vec<(String, &str)> = known
        .iter()
        .filter(|secret| secret.value.chars().count() >= MIN_SEARCHED_CHARS)
        .flat_map(|secret| {
            spelling::spellings(&secret.value).into_iter().map(|spelled| (spelled, secret.kind.as_str()))
        })
        .collect();
    let identifiers = collect::whole_patterns(profile);
    let mut findings = Vec::new();
    let mut in_base64 = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let mut found = |what: String| findings.push(Finding { line: line_number, what });
        for (spelled, kind) in &spelled {
            if line.contains(spelled.as_str()) {
                found(format!("a known secret ({kind}) is still there"));
            }
        }
        for (kind, value) in detect::forms_in(line) {
            if !identifiers.iter().any(|pattern| pattern.is_match(&value)) {
                found(format!("text that has the form of a {kind}"));
            }
        }
        let words: Vec<&str> =
            line.split(|c: char| c.is_whitespace() || "\"',;?&«»()[]{}<>".contains(c)).collect();
        // Content of binary bodies and digests of files are random by nature.
        in_base64 = matches!(words.iter().find(|word| !word.is_empty()), Some(&("base64:" | "sha256:")))
            || (in_base64 && words.len() == 1);
        if in_base64 || HARMLESS_KEYS.iter().any(|key| line.trim_start().starts_with(key)) {
            continue;
        }
        for word in words {
            let value = word.split_once('=').map_or(word, |(_, value)| value).trim_end_matches(':');
            let exempt = |value: &str| identifiers.iter().any(|pattern| pattern.is_match(value));
            let suspicious = |value: &str| detect::looks_random(value) && !exempt(value);
            let decoded = spelling::url_decoded(value);
            if suspicious(value)
                && suspicious(&decoded)
                && !decoded.split('/').all(|part| exempt(part) || !detect::looks_random(part))
            {
                let in_field = profile.identifiers.fields.iter().any(|field| {
                    line.contains(&format!("\"{field}\"")) || line.contains(&format!("{field}="))
                });
                if !in_field {
                    found("text that looks like a token; name it under `secrets` or `identifiers` in the provider profile".into());
                }
            }
        }
    }
    findings
}

/// Keys of a fixture file whose values look random and open nothing.
const HARMLESS_KEYS: [&str; 5] = ["etag:", "if-none-match:", "date:", "user-agent:", "traceparent:"];
