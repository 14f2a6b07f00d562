//! What differs between two exchanges that are the same one: request, answer, and how it ended.

use super::header::is_incidental;
use super::pairing::without_numbers;
use super::{Difference, Weight, json};
use crate::{Body, Exchange, Headers, ProviderProfile, RequestTarget, Response};
use std::fmt::Display;

/// What differs, in the order of the message.
pub(super) fn differences(older: &Exchange, newer: &Exchange, profile: &ProviderProfile) -> Vec<Difference> {
    let mut found = Found { all: Vec::new(), profile };
    found.scalar("request method", &older.request.method, &newer.request.method, Weight::Form);
    found.target(&older.request.target, &newer.request.target);
    found.headers("request", &older.request.headers, &newer.request.headers);
    found.body("request", &older.request.body, &newer.request.body);
    match (&older.response, &newer.response) {
        (Some(older), Some(newer)) => found.answer(older, newer),
        (older, newer) => {
            let status = |response: &Option<Response>| response.as_ref().map(|one| one.status.to_string());
            found.sides("answer", status(older), status(newer), Weight::Form);
        }
    }
    let ended = |exchange: &Exchange| {
        serde_json::to_value(exchange.ended)
            .ok()
            .and_then(|ended| ended.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    found.scalar("ended", &ended(older), &ended(newer), Weight::Form);
    let cause = |exchange: &Exchange| exchange.caused_by.as_ref().map(ToString::to_string);
    found.sides("caused_by", cause(older), cause(newer), Weight::Form);
    found.all
}

struct Found<'a> {
    all: Vec<Difference>,
    profile: &'a ProviderProfile,
}

impl Found<'_> {
    fn sides(&mut self, place: &str, older: Option<String>, newer: Option<String>, weight: Weight) {
        let same = match (&older, &newer) {
            (Some(older), Some(newer)) => older == newer || without_numbers(older) == without_numbers(newer),
            (older, newer) => older == newer,
        };
        if !same {
            self.all.push(Difference { place: place.to_owned(), older, newer, weight });
        }
    }

    fn scalar(&mut self, place: &str, older: &impl Display, newer: &impl Display, weight: Weight) {
        self.sides(place, Some(older.to_string()), Some(newer.to_string()), weight);
    }

    fn target(&mut self, older: &str, newer: &str) {
        let (older, newer) = (RequestTarget::of(older), RequestTarget::of(newer));
        self.scalar("request path", &older.path, &newer.path, Weight::Value);
        let (older, newer) = (older.query_fields(), newer.query_fields());
        self.fields("request query", &older, &newer, &self.profile.volatile.query.clone());
    }

    /// Fields of a query or a form: a name that one side alone has is another form.
    fn fields(
        &mut self,
        place: &str,
        older: &[(String, String)],
        newer: &[(String, String)],
        volatile: &[String],
    ) {
        for name in names(older.iter().chain(newer).map(|(name, _)| name.as_str())) {
            let values = |fields: &[(String, String)]| -> Option<String> {
                let all: Vec<&str> = fields
                    .iter()
                    .filter(|(known, _)| known == name)
                    .map(|(_, value)| value.as_str())
                    .collect();
                (!all.is_empty()).then(|| all.join(", "))
            };
            let (older, newer) = (values(older), values(newer));
            let weight = match () {
                () if volatile.iter().any(|known| known == name) => Weight::Incidental,
                () if older.is_some() && newer.is_some() => Weight::Value,
                () => Weight::Form,
            };
            self.sides(&format!("{place} {name}"), older, newer, weight);
        }
    }

    fn headers(&mut self, side: &str, older: &Headers, newer: &Headers) {
        for name in names(older.iter().chain(newer.iter()).map(|(name, _)| name)) {
            let values = |headers: &Headers| -> Option<String> {
                let all: Vec<String> = headers.values(name).iter().map(ToString::to_string).collect();
                (!all.is_empty()).then(|| all.join(", "))
            };
            let (older, newer) = (values(older), values(newer));
            let weight = match () {
                () if is_incidental(name) => Weight::Incidental,
                () if older.is_some() && newer.is_some() => Weight::Value,
                () => Weight::Form,
            };
            self.sides(&format!("{side} header {name}"), older, newer, weight);
        }
    }

    fn answer(&mut self, older: &Response, newer: &Response) {
        self.scalar("answer status", &older.status, &newer.status, Weight::Form);
        self.headers("answer", &older.headers, &newer.headers);
        self.body("answer", &older.body, &newer.body);
    }

    fn body(&mut self, side: &str, older: &Body, newer: &Body) {
        let place = format!("{side} body");
        match (older, newer) {
            (older, newer) if older == newer => {}
            (Body::Json(older), Body::Json(newer)) => {
                json::compare(&place, &older.to_value(), &newer.to_value(), self.profile, &mut self.all);
            }
            (Body::Form(older), Body::Form(newer)) => {
                self.fields(&place, older, newer, &self.profile.volatile.fields.clone());
            }
            (Body::Text(older), Body::Text(newer)) => self.text(&place, older, newer),
            (older, newer) => {
                let weight = if std::mem::discriminant(older) == std::mem::discriminant(newer) {
                    Weight::Value
                } else {
                    Weight::Form
                };
                self.sides(&place, described(older), described(newer), weight);
            }
        }
    }

    /// The first line that differs stands for the text.
    fn text(&mut self, place: &str, older: &str, newer: &str) {
        let (mut before, mut after) = (older.lines(), newer.lines());
        for line in 1.. {
            match (before.next(), after.next()) {
                (None, None) => return,
                (older, newer) if older.map(without_numbers) == newer.map(without_numbers) => {}
                (older, newer) => {
                    let place = format!("{place} line {line}");
                    let side = |side: Option<&str>| side.map(str::to_owned);
                    return self.sides(&place, side(older), side(newer), Weight::Value);
                }
            }
        }
    }
}

/// Each name once, in order of first occurrence.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = Vec::new();
    all.for_each(|name| {
        if !known.contains(&name) {
            known.push(name);
        }
    });
    known
}

fn described(body: &Body) -> Option<String> {
    let size_bytes = body.to_bytes().len();
    Some(match body {
        Body::None => return None,
        Body::Json(_) => format!("JSON of {size_bytes} bytes"),
        Body::Form(_) => format!("a form of {size_bytes} bytes"),
        Body::Text(_) => format!("text of {size_bytes} bytes"),
        Body::Binary(bytes) => {
            use sha2::{Digest, Sha256};
            let digest: String =
                Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            format!("{size_bytes} bytes, SHA-256 {digest}...")
        }
        Body::Omitted { size_bytes } => format!("not kept, {size_bytes} bytes"),
    })
}
