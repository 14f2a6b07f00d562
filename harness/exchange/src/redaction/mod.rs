//! Redaction: what is secret is taken out of exchanges before the first byte reaches a disk.
//!
//! Three steps, one file each: [`collect`] finds the secrets by place and by look, [`spelling`] knows the
//! forms in which the same secret can turn up elsewhere, and this module replaces every one of them by a
//! placeholder that keeps kind and equality. [`scan`] shares nothing with the three but the profile: it
//! reads what was written and refuses it if something secret is left.

mod collect;
mod detect;
mod scan;
mod spelling;

pub use scan::{Finding, scan};

use crate::fixture::RedactedValue;
use crate::{Body, Exchange, JsonText, Placeholder, ProviderProfile};
use collect::Collected;
use std::collections::BTreeMap;

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

/// Shorter secrets are replaced where they were found and nowhere else: as substrings they are ordinary text.
const MIN_EVERYWHERE_CHARS: usize = 8;

/// Exchanges without secrets.
#[derive(Clone, Debug)]
pub struct Redacted {
    /// The exchanges, placeholders in place of secrets.
    pub exchanges: Vec<Exchange>,
    /// What is kept of each secret.
    pub values: BTreeMap<Placeholder, RedactedValue>,
    /// The secrets that were found, for the scan of what gets written. Never to be stored.
    pub found: Vec<KnownSecret>,
}

/// Takes every secret out of the exchanges of one flow.
#[must_use]
pub fn redact(exchanges: Vec<Exchange>, profile: &ProviderProfile, known: &[KnownSecret]) -> Redacted {
    let collected = collect::collect(&exchanges, profile, known);
    let mut replacer = Replacer::new(&collected);
    let exchanges = exchanges.into_iter().map(|exchange| replacer.exchange(exchange, profile)).collect();
    let values = collected
        .iter()
        .map(|(secret, placeholder)| {
            let length_chars = secret.value.chars().count().div_ceil(8) * 8;
            (placeholder.clone(), RedactedValue { length_chars })
        })
        .collect();
    let found = collected.iter().map(|(secret, _)| secret.clone()).collect();
    Redacted { exchanges, values, found }
}

struct Replacer<'a> {
    collected: &'a Collected,
    /// Every spelling of every long secret with its placeholder, longest first.
    everywhere: Vec<(String, String)>,
}

impl<'a> Replacer<'a> {
    fn new(collected: &'a Collected) -> Self {
        let mut everywhere: Vec<(String, String)> = collected
            .iter()
            .filter(|(secret, _)| secret.value.chars().count() >= MIN_EVERYWHERE_CHARS)
            .flat_map(|(secret, placeholder)| {
                spelling::spellings(&secret.value)
                    .into_iter()
                    .map(move |spelled| (spelled, placeholder.to_string()))
            })
            .collect();
        everywhere.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self { collected, everywhere }
    }

    fn exchange(&mut self, mut exchange: Exchange, profile: &ProviderProfile) -> Exchange {
        exchange.request.target = self.target(&exchange.request.target, profile);
        let messages = std::iter::once((&mut exchange.request.headers, &mut exchange.request.body))
            .chain(exchange.response.iter_mut().map(|response| (&mut response.headers, &mut response.body)));
        for (headers, body) in messages {
            for (name, value) in headers.iter_mut() {
                if let crate::HeaderValue::Text(text) = value {
                    *text = self.header(name, text);
                }
            }
            *body = self.body(std::mem::take(body), profile);
        }
        exchange
    }

    fn target(&self, target: &str, profile: &ProviderProfile) -> String {
        let Some((path, query)) = target.split_once('?') else { return self.text(target) };
        let fields: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if collect::secret_kind_of_field(name, profile).is_some() => {
                    let decoded = spelling::url_decoded(value);
                    format!("{name}={}", self.in_place(&decoded).unwrap_or_else(|| self.text(value)))
                }
                _ => self.text(pair),
            })
            .collect();
        format!("{}?{}", self.text(path), fields.join("&"))
    }

    fn header(&self, name: &str, text: &str) -> String {
        let replaced = collect::secrets_of_header(name, text)
            .into_iter()
            .filter_map(|secret| Some((secret.clone(), self.in_place(&secret)?)))
            .fold(text.to_owned(), |text, (secret, placeholder)| text.replace(&secret, &placeholder));
        self.text(&replaced)
    }

    fn body(&self, body: Body, profile: &ProviderProfile) -> Body {
        match body {
            Body::Json(json) => self.json(&json, profile),
            Body::Form(fields) => Body::Form(
                fields
                    .into_iter()
                    .map(|(name, value)| {
                        let secret =
                            collect::secret_kind_of_field(&name, profile).and_then(|_| self.in_place(&value));
                        let value = secret.unwrap_or_else(|| self.text(&value));
                        (name, value)
                    })
                    .collect(),
            ),
            Body::Text(text) => Body::Text(self.text(&text)),
            Body::Binary(bytes) if self.occurs_in(&bytes) => Body::Omitted { size_bytes: bytes.len() as u64 },
            other => other,
        }
    }

    /// Scalars under a secret's key are replaced in place, whatever their length; the rest as text.
    fn json(&self, json: &JsonText, profile: &ProviderProfile) -> Body {
        let text = json.as_str();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for scalar in json.scalars() {
            let is_secret = scalar
                .key
                .as_deref()
                .is_some_and(|key| collect::secret_kind_of_field(key, profile).is_some());
            if let Some(placeholder) = is_secret.then(|| self.in_place(&scalar.value)).flatten() {
                out.push_str(&self.text(&text[at..scalar.range.start]));
                out.push_str(&format!("\"{placeholder}\""));
                at = scalar.range.end;
            }
        }
        out.push_str(&self.text(&text[at..]));
        // A placeholder needs no escape in a JSON string, so this stays a document.
        JsonText::parse(&out).map_or(Body::Text(out), Body::Json)
    }

    fn in_place(&self, value: &str) -> Option<String> {
        self.collected.placeholder_of(value).map(ToString::to_string)
    }

    fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (spelled, placeholder) in &self.everywhere {
            if out.contains(spelled.as_str()) {
                out = out.replace(spelled.as_str(), placeholder);
            }
        }
        out
    }

    fn occurs_in(&self, bytes: &[u8]) -> bool {
        self.everywhere
            .iter()
            .any(|(spelled, _)| bytes.windows(spelled.len()).any(|window| window == spelled.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
