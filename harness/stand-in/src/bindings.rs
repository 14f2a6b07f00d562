//! Values that the client chooses: what stood for them in the recording, and what was sent this time.
//!
//! What the profile calls volatile is left out when requests are compared. Where an answer repeats such a value,
//! now or later, the client must find its own there, not the one that somebody chose when it was recorded.

use counterpart_exchange::{Body, HeaderValue, JsonText, ProviderProfile, Request, RequestTarget, Response};
use std::collections::BTreeSet;

/// Shorter values are replaced only where they stand alone: within a text they may be part of anything.
const MIN_WITHIN_CHARS: usize = 8;
/// Values that are kept at most; the oldest go first.
const MAX_BINDINGS: usize = 10_000;

/// Recorded values with what the client sent in their place, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Bindings(Vec<Binding>);

#[derive(Debug, PartialEq, Eq)]
struct Binding {
    recorded: String,
    sent: String,
}

/// A value that the client chose when it was recorded, and where in the request it stood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    place: String,
    value: String,
}

impl Bindings {
    /// Compares a request with what was chosen when it was recorded.
    pub(crate) fn learn(&mut self, profile: &ProviderProfile, recorded: &[Chosen], sent: &Request) {
        if recorded.is_empty() {
            return;
        }
        let values = chosen(profile, sent);
        for Chosen { place, value: recorded } in recorded {
            let Some(Chosen { value: sent, .. }) = values.iter().find(|sent| sent.place == *place) else {
                continue;
            };
            if recorded != sent {
                self.0.retain(|known| known.recorded != *recorded);
                self.0.push(Binding { recorded: recorded.clone(), sent: sent.clone() });
            }
        }
        let surplus = self.0.len().saturating_sub(MAX_BINDINGS);
        self.0.drain(..surplus);
    }

    /// The answer with the client's values.
    pub(crate) fn apply(&self, mut response: Response) -> Response {
        if self.0.is_empty() {
            return response;
        }
        for (_, value) in response.headers.iter_mut() {
            if let HeaderValue::Text(text) = value {
                *text = self.bound(text);
            }
        }
        response.body = match response.body {
            Body::Json(json) => self.bound_json(json),
            Body::Text(text) => Body::Text(self.bound(&text)),
            Body::Form(fields) => {
                Body::Form(fields.into_iter().map(|(name, value)| (name, self.bound(&value))).collect())
            }
            other => other,
        };
        response
    }

    fn bound_json(&self, json: JsonText) -> Body {
        let text = json.as_str();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for scalar in json.scalars().into_iter().filter(|scalar| scalar.is_string) {
            let bound = self.bound(&scalar.value);
            if bound != scalar.value {
                out.push_str(&text[at..scalar.range.start]);
                out.push_str(&serde_json::Value::from(bound).to_string());
                at = scalar.range.end;
            }
        }
        out.push_str(&text[at..]);
        JsonText::parse(&out).map_or(Body::Json(json), Body::Json)
    }

    fn bound(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, Binding { recorded, sent }| {
            if text == *recorded {
                sent.clone()
            } else if recorded.chars().count() >= MIN_WITHIN_CHARS && text.contains(recorded.as_str()) {
                text.replace(recorded.as_str(), sent)
            } else {
                text
            }
        })
    }
}

/// What the client chose in a request: the values that the profile calls volatile.
pub(crate) fn chosen(profile: &ProviderProfile, request: &Request) -> Vec<Chosen> {
    let volatile = &profile.volatile;
    let mut all = Vec::new();
    let mut add = |place: String, value: String| {
        if !value.is_empty() {
            all.push(Chosen { place, value });
        }
    };
    if !volatile.path_variables.is_empty()
        && let Some(fitting) = profile.template_of(&request.method, &request.target)
    {
        for (name, value) in fitting.variables {
            if volatile.path_variables.contains(&name) {
                add(format!("path {name}"), value);
            }
        }
    }
    if !volatile.query.is_empty() {
        for (name, value) in RequestTarget::of(&request.target).query_fields() {
            if volatile.query.contains(&name) {
                add(format!("query {name}"), value);
            }
        }
    }
    match &request.body {
        _ if volatile.fields.is_empty() => {}
        Body::Json(json) => {
            let named = json.scalars().into_iter().filter_map(|scalar| Some((scalar.key?, scalar.value)));
            for (n, (name, value)) in named.filter(|(name, _)| volatile.fields.contains(name)).enumerate() {
                add(format!("field {n} {name}"), value);
            }
        }
        Body::Form(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| volatile.fields.contains(name)) {
                add(format!("field {name}"), value.clone());
            }
        }
        _ => {}
    }
    all
}

/// Looks for chosen values in recorded answers, all at once.
pub(crate) struct Echoes {
    finder: Option<aho_corasick::AhoCorasick>,
}

impl Echoes {
    pub(crate) fn of<'a>(chosen: impl Iterator<Item = &'a Chosen>) -> Self {
        let values: BTreeSet<&str> = chosen.map(|chosen| chosen.value.as_str()).collect();
        Self { finder: aho_corasick::AhoCorasick::new(&values).ok().filter(|_| !values.is_empty()) }
    }

    /// The chosen values that a text repeats.
    pub(crate) fn within<'t>(&self, text: &'t [u8]) -> Vec<&'t [u8]> {
        let Some(finder) = &self.finder else { return Vec::new() };
        finder.find_overlapping_iter(text).map(|found| &text[found.range()]).collect()
    }
}

impl Chosen {
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}
