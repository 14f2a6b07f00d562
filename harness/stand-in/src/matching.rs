//! Which recorded exchange a request asks for.
//!
//! Method, path, canonical query and canonical body decide; what the profile calls volatile is left out.
//! Identical requests are answered in recorded order. The cost of a look-up does not grow with the fixture.

use crate::idempotency;
use counterpart_exchange::{Auth, OperationName};
use counterpart_exchange::{Body, Direction, Ended, Exchange, ProviderProfile, Request, RequestTarget};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What makes two requests the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestKey {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The canonical body; none where it was not kept when it was recorded: any fits.
    pub(crate) body: Option<String>,
}

impl RequestKey {
    pub(crate) fn of(request: &Request, profile: &ProviderProfile) -> Self {
        let target = RequestTarget::of(&request.target);
        let volatile = &profile.volatile;
        let mut query: Vec<_> =
            target.query_fields().into_iter().filter(|(name, _)| !volatile.query.contains(name)).collect();
        query.sort();
        Self {
            method: request.method.to_ascii_uppercase(),
            path: canonical_path(target, request, profile),
            query,
            body: canonical_body(&request.body, &volatile.fields),
        }
    }
}

fn canonical_path(target: RequestTarget<'_>, request: &Request, profile: &ProviderProfile) -> String {
    let decoded: Vec<String> = target.segments().map(std::borrow::Cow::into_owned).collect();
    if !profile.volatile.path_variables.is_empty()
        && let Some(fitting) = profile.template_of(&request.method, &request.target)
    {
        let masked =
            fitting.template.path.trim_start_matches('/').split('/').zip(&decoded).map(|(template, sent)| {
                let name = template.trim_matches(['{', '}']);
                let is_volatile =
                    template.starts_with('{') && profile.volatile.path_variables.iter().any(|v| v == name);
                if is_volatile { template.to_owned() } else { sent.clone() }
            });
        return masked.collect::<Vec<_>>().join("\u{1f}");
    }
    decoded.join("\u{1f}")
}

fn canonical_body(body: &Body, volatile: &[String]) -> Option<String> {
    Some(match body {
        Body::Json(json) => {
            let mut out = String::new();
            canonical_json(&json.to_value(), volatile, &mut out);
            out
        }
        Body::Form(fields) => {
            let mut kept: Vec<_> = fields.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort();
            kept.iter().map(|(name, value)| format!("{name}\u{1f}{value}\u{1e}")).collect()
        }
        Body::Text(text) => text.clone(),
        Body::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Body::None => String::new(),
        Body::Omitted { .. } => return None,
    })
}

fn canonical_json(value: &Value, volatile: &[String], out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut kept: Vec<_> = fields.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in kept.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical_json(value, volatile, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical_json(item, volatile, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// The recorded exchanges, by what asks for them.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    sequences: HashMap<RequestKey, Sequence>,
}

/// One exchange that can be replayed.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `provider/flow#id`.
    pub(crate) name: String,
    pub(crate) operation: OperationName,
    pub(crate) key: RequestKey,
    pub(crate) exchange: Exchange,
}

#[derive(Debug, Default)]
struct Sequence {
    entries: Vec<usize>,
    next: usize,
}

/// What the recording has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// The next recorded answer.
    Next(usize),
    /// All were given; the request is safe, so the last may be given again.
    LastAgain(usize),
    /// All were given, and the request is not safe.
    Exhausted(usize),
    /// Nothing was recorded for it.
    None,
}

impl Recording {
    /// Takes in exchanges as they go over the wire, leaving out what is decided by state.
    pub(crate) fn new(profile: &ProviderProfile, exchanges: Vec<(String, Exchange)>) -> Self {
        let mut recording = Self::default();
        let mut keys_accepted = HashSet::new();
        for (name, exchange) in exchanges {
            let operation = profile.operation_of(&exchange.request.method, &exchange.request.target);
            let accepted =
                exchange.response.as_ref().is_some_and(|response| (200..300).contains(&response.status));
            // The same key accepted again shows the behaviour; it is no further answer.
            let repeats = accepted
                && idempotency::key_of(profile, &exchange.request)
                    .is_some_and(|key| !keys_accepted.insert(key));
            if exchange.direction == Direction::Inbound
                || !shows_an_answer(&exchange)
                || is_behaviour(profile, &operation, &exchange)
                || repeats
            {
                continue;
            }
            let key = RequestKey::of(&exchange.request, profile);
            recording.sequences.entry(key.clone()).or_default().entries.push(recording.entries.len());
            recording.entries.push(Entry { name, operation, key, exchange });
        }
        recording
    }

    /// The key under which a request was recorded, if it was: its own, or that of any body.
    pub(crate) fn recorded_as(&self, key: RequestKey) -> RequestKey {
        if self.sequences.contains_key(&key) {
            return key;
        }
        let any_body = RequestKey { body: None, ..key.clone() };
        if self.sequences.contains_key(&any_body) { any_body } else { key }
    }

    /// What a request would be answered with. Nothing is consumed.
    pub(crate) fn peek(&self, key: &RequestKey) -> Candidate {
        let Some(sequence) = self.sequences.get(key) else { return Candidate::None };
        match (sequence.entries.get(sequence.next), sequence.entries.last()) {
            (Some(index), _) => Candidate::Next(*index),
            (None, Some(last)) if is_safe(&key.method) => Candidate::LastAgain(*last),
            (None, Some(last)) => Candidate::Exhausted(*last),
            (None, None) => Candidate::None,
        }
    }

    /// The exchange that answered a request the last time, if one did.
    pub(crate) fn last_given(&self, key: &RequestKey) -> Option<&Entry> {
        let sequence = self.sequences.get(key)?;
        self.entries.get(*sequence.entries.get(sequence.next.checked_sub(1)?)?)
    }

    /// Takes the next recorded answer out of the sequence.
    pub(crate) fn consume(&mut self, key: &RequestKey) {
        if let Some(sequence) = self.sequences.get_mut(key) {
            sequence.next = (sequence.next + 1).min(sequence.entries.len());
        }
    }
}

/// Safe methods (RFC 9110 section 9.2.1).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// Whether the provider did something that can be replayed: it answered, or hung up without a word.
fn shows_an_answer(exchange: &Exchange) -> bool {
    exchange.response.is_some() || exchange.ended == Ended::AnswerCutShort
}

/// Whether the profile declares as behaviour what this exchange shows.
pub(crate) fn is_behaviour(
    profile: &ProviderProfile,
    operation: &OperationName,
    exchange: &Exchange,
) -> bool {
    match &profile.auth {
        Auth::None => false,
        Auth::Bearer(bearer) => {
            exchange.response.as_ref().is_some_and(|response| response.status == 401)
                || bearer.refresh.as_ref().is_some_and(|refresh| refresh.operation == *operation)
        }
    }
}
