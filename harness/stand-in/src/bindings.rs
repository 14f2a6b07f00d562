//! Values that the client chooses: what stood for them in the recording, and what was sent this time.
//!
//! What the profile calls volatile is left out when requests are compared. Where an answer repeats such a value,
//! now or later, the client must find its own there, not the one that somebody chose when it was recorded.

use counterpart_exchange::{Body, HeaderValue, JsonText, ProviderProfile, Request, RequestTarget, Response};

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

impl Bindings {
    /// Compares a request with the one that was recorded for it.
    pub(crate) fn learn(&mut self, profile: &ProviderProfile, recorded: &Request, sent: &Request) {
        let values = volatile_values(profile, sent);
        for (place, recorded) in volatile_values(profile, recorded) {
            let Some((_, sent)) = values.iter().find(|(same, _)| *same == place) else { continue };
            if !recorded.is_empty() && recorded != *sent {
                self.0.retain(|known| known.recorded != recorded);
                self.0.push(Binding { recorded, sent: sent.clone() });
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

/// The volatile values of a request, each with its place.
fn volatile_values(profile: &ProviderProfile, request: &Request) -> Vec<(String, String)> {
    let volatile = &profile.volatile;
    let mut values = Vec::new();
    if let Some(fitting) = profile.template_of(&request.method, &request.target) {
        let chosen = fitting.variables.into_iter().filter(|(name, _)| volatile.path_variables.contains(name));
        values.extend(chosen.map(|(name, value)| (format!("path {name}"), value)));
    }
    let query = RequestTarget::of(&request.target).query_fields();
    let chosen = query.into_iter().filter(|(name, _)| volatile.query.contains(name));
    values.extend(chosen.map(|(name, value)| (format!("query {name}"), value)));
    match &request.body {
        Body::Json(json) => {
            let named = json.scalars().into_iter().filter_map(|scalar| Some((scalar.key?, scalar.value)));
            let chosen = named.filter(|(name, _)| volatile.fields.contains(name));
            values.extend(chosen.enumerate().map(|(n, (name, value))| (format!("field {n} {name}"), value)));
        }
        Body::Form(fields) => {
            let chosen = fields.iter().filter(|(name, _)| volatile.fields.contains(name));
            values.extend(chosen.map(|(name, value)| (format!("field {name}"), value.clone())));
        }
        _ => {}
    }
    values
}
