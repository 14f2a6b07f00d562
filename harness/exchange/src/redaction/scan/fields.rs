//! The fields of a fixture that was read back, judged one by one, each decoded.

use super::{FieldFinding, RANDOM, Scan, form_of, still_there};
use crate::redaction::identifiers::Identifiers;
use crate::redaction::spelling::percent_decoded;
use crate::redaction::{detect, names};
use crate::{Body, Exchange, ExchangeId, Fixture, Headers, JsonText, Placeholder, Provenance, RequestTarget};
use std::collections::BTreeSet;

/// What a text is judged by beside what is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judge {
    FormsOnly,
    WordsToo,
}

/// A look through one fixture.
pub(super) struct Fields<'s> {
    scan: &'s Scan<'s>,
    /// Those of the profile, and what stands under an identifier's name somewhere in the fixture.
    identifiers: Identifiers,
    found: BTreeSet<FieldFinding>,
}

impl<'s> Fields<'s> {
    pub(super) fn of(scan: &'s Scan<'_>, fixture: &Fixture) -> Vec<FieldFinding> {
        let mut identifiers = Identifiers::of(scan.profile);
        fixture.exchanges.iter().for_each(|exchange| learn(exchange, &mut identifiers));
        let mut fields = Self { scan, identifiers, found: BTreeSet::new() };
        let mut head = |field: &str, text: &str| fields.judge(None, Some(field), text, Judge::WordsToo);
        match &fixture.provenance {
            Provenance::Recorded(recorded) => {
                head("upstream", &recorded.upstream);
                head("by", &recorded.by);
                head("server", recorded.server.as_deref().unwrap_or_default());
            }
            Provenance::Imported(imported) => head("source", &imported.source),
            Provenance::Written(written) => head("after", &written.after),
        }
        for text in fixture.redacted.values().flat_map(crate::RedactedValue::texts) {
            fields.body(None, &Body::from_bytes(text.as_bytes(), None));
        }
        fixture.exchanges.iter().for_each(|exchange| fields.exchange(exchange));
        fields.found.into_iter().collect()
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let id = Some(&exchange.id);
        let target = RequestTarget::of(&exchange.request.target);
        self.judge(id, None, &exchange.request.target, Judge::FormsOnly);
        for segment in target.segments() {
            self.judge(id, None, &segment, Judge::WordsToo);
        }
        for (name, value) in target.query_fields() {
            self.judge(id, None, &name, Judge::WordsToo);
            self.named(id, &name, &value);
        }
        for (headers, body) in messages(exchange) {
            for (name, values) in headers.iter() {
                let judge = if names::is_harmless_header(name) { Judge::FormsOnly } else { Judge::WordsToo };
                self.judge(id, Some(name), name, Judge::WordsToo);
                for value in values {
                    self.judge(id, Some(name), &String::from_utf8_lossy(value.as_bytes()), judge);
                }
            }
            self.body(id, body);
        }
    }

    fn body(&mut self, id: Option<&ExchangeId>, body: &Body) {
        match body {
            Body::Json(json) => {
                for scalar in json.scalars() {
                    match &scalar.key {
                        Some(key) if scalar.is_string => self.named(id, key, &scalar.value),
                        key => self.judge(id, key.as_deref(), &scalar.value, Judge::WordsToo),
                    }
                }
                keys_of(&json.to_value(), &mut |key| self.judge(id, None, key, Judge::WordsToo));
            }
            Body::Form(fields) => {
                for (name, value) in fields {
                    self.judge(id, None, name, Judge::WordsToo);
                    self.named(id, name, value);
                }
            }
            Body::Text(text) => {
                self.parts(id, text);
                self.judge(id, Some("text"), text, Judge::WordsToo);
            }
            // Bytes are random by nature: their look is not judged.
            Body::Binary(bytes) => {
                self.judge(id, None, &String::from_utf8_lossy(bytes), Judge::FormsOnly);
            }
            Body::None | Body::Omitted { .. } => {}
        }
    }

    /// The parts of a multipart body, where the text is one: its first line stands before each of them.
    fn parts(&mut self, id: Option<&ExchangeId>, text: &str) {
        let Some(line) = text.lines().next().filter(|line| line.starts_with("--") && line.len() > 2) else {
            return;
        };
        for part in text.split(line).skip(1) {
            let Some((head, content)) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))
            else {
                continue;
            };
            let content = content.trim_end_matches(['\r', '\n']);
            let name = head.split("; name=").nth(1).and_then(|rest| rest.split(['\r', '\n', ';']).next());
            match name {
                Some(name) if !content.contains('\n') => self.named(id, name.trim_matches('"'), content),
                _ => self.body(id, &Body::from_bytes(content.as_bytes(), None)),
            }
        }
    }

    /// Judges a value and the name that it stands under.
    fn named(&mut self, id: Option<&ExchangeId>, name: &str, value: &str) {
        let is_plain =
            !matches!(value, "" | "true" | "false" | "null") && value.parse::<Placeholder>().is_err();
        let says_so = names::kind_of_field(name, self.scan.profile).is_some()
            || names::personal_kind(name, value).is_some();
        if is_plain && says_so {
            self.found.insert(FieldFinding {
                exchange: id.map(ToString::to_string),
                field: Some(name.to_owned()),
                what: "the value of a field whose name says that it is secret".to_owned(),
            });
        }
        self.judge(id, Some(name), value, Judge::WordsToo);
    }

    fn judge(&mut self, id: Option<&ExchangeId>, field: Option<&str>, text: &str, judge: Judge) {
        // JSON in a string: its escapes hide as much as those around it.
        if text.trim_start().starts_with(['{', '['])
            && let Ok(nested) = JsonText::parse(text)
        {
            self.body(id, &Body::Json(nested));
        }
        let scan = self.scan;
        let mut whats = Vec::new();
        whats.extend(scan.whole.get(text).map(|kind| still_there(kind)));
        let decoded = percent_decoded(text);
        let both = [text, decoded.as_str()];
        for text in &both[..if decoded == text { 1 } else { 2 }] {
            whats.extend(
                scan.search.find(text).iter().map(|(_, secret)| still_there(&scan.known[*secret].kind)),
            );
            whats.extend(
                detect::forms_in(text)
                    .iter()
                    .filter(|form| !self.is_exempt(field, &text[form.range.clone()], form.is_personal()))
                    .map(|form| form_of(form.name)),
            );
        }
        if judge == Judge::WordsToo && scan.random_word(field, text, &self.identifiers) {
            whats.push(RANDOM.to_owned());
        }
        self.found.extend(whats.into_iter().map(|what| FieldFinding {
            exchange: id.map(ToString::to_string),
            field: field.map(str::to_owned),
            what,
        }));
    }

    fn is_exempt(&self, field: Option<&str>, value: &str, is_personal: bool) -> bool {
        self.identifiers.exempt_value(value)
            || (is_personal && field.is_some_and(|field| self.identifiers.exempt_field(field)))
    }
}

/// Takes note of what stands under identifiers' names.
fn learn(exchange: &Exchange, identifiers: &mut Identifiers) {
    for (name, value) in RequestTarget::of(&exchange.request.target).query_fields() {
        identifiers.learn(&name, &value);
    }
    for (headers, body) in messages(exchange) {
        for (name, values) in headers.iter() {
            values
                .iter()
                .filter_map(|value| value.as_text())
                .for_each(|value| identifiers.learn(name, value));
        }
        learn_body(body, identifiers, MAX_NESTING);
    }
}

/// JSON in a string of JSON: nobody goes deeper.
const MAX_NESTING: usize = 4;

fn learn_body(body: &Body, identifiers: &mut Identifiers, depth: usize) {
    let mut see = |name: &str, value: &str| {
        identifiers.learn(name, value);
        if depth > 0 && value.trim_start().starts_with(['{', '[']) {
            learn_body(&Body::from_bytes(value.as_bytes(), None), identifiers, depth - 1);
        }
    };
    match body {
        Body::Json(json) => {
            json.scalars()
                .iter()
                .for_each(|scalar| see(scalar.key.as_deref().unwrap_or_default(), &scalar.value));
        }
        Body::Form(fields) => fields.iter().for_each(|(name, value)| see(name, value)),
        Body::None | Body::Text(_) | Body::Binary(_) | Body::Omitted { .. } => {}
    }
}

fn messages(exchange: &Exchange) -> impl Iterator<Item = (&Headers, &Body)> {
    std::iter::once((&exchange.request.headers, &exchange.request.body))
        .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)))
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
