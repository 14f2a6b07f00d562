//! Batches of JSON-RPC 2.0 (section 6): one request with many calls, taken apart and put together again.
//!
//! Each call of a batch is matched by itself, whether it was recorded alone or within a batch. The answers stand
//! in the order of the calls; a notification has none, and where nothing but notifications was sent there is no
//! body at all.

use super::json_rpc::{Call, calls_of_batch, fields_of_answer, invalid_request};
use super::{ProtocolKind, protocol_of};
use crate::{Body, Exchange, JsonText, ProviderProfile, Request, Response};
use serde_json::Value;
use serde_json::value::RawValue;

/// A batch, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What it holds, in order.
    pub parts: Vec<BatchPart>,
}

/// One element of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchPart {
    /// A call, as if it had been sent alone.
    Call(Request),
    /// A notification, as if it had been sent alone: whatever answers it is not passed on.
    Notification(Request),
    /// No call at all: with the answer that the protocol has for it.
    Invalid(Response),
}

impl Batch {
    /// Takes a request apart; nothing where it is no batch.
    #[must_use]
    pub fn of(profile: &ProviderProfile, request: &Request) -> Option<Self> {
        if protocol_of(profile, request) != Some(ProtocolKind::JsonRpc) {
            return None;
        }
        let json = request.body.json().filter(|json| json.as_str().starts_with('['))?;
        let parts = calls_of_batch(json).ok()?.into_iter().map(|call| part(request, call)).collect();
        Some(Self { parts })
    }

    /// Puts answers together: one for each part, in their order; those to notifications are left out. Head and
    /// status are those of the first that is told.
    #[must_use]
    pub fn assemble(&self, answers: Vec<Response>) -> Response {
        if self.parts.is_empty() {
            // An empty list is itself no call, and is told so once.
            return invalid_request();
        }
        let is_told = |part: &BatchPart| !matches!(part, BatchPart::Notification(_));
        let mut told = Vec::new();
        let mut silent = None;
        for (part, answer) in self.parts.iter().zip(answers) {
            if is_told(part) {
                told.push(answer);
            } else {
                silent.get_or_insert(answer);
            }
        }
        let body = told
            .iter()
            .map(|answer| String::from_utf8_lossy(&answer.body.to_bytes()).into_owned())
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(",");
        let head = told.into_iter().next().or(silent).unwrap_or_else(|| Response {
            status: 204,
            headers: crate::Headers::default(),
            body: Body::None,
        });
        let body = if self.parts.iter().any(is_told) {
            Body::from_bytes(format!("[{body}]").as_bytes(), Some("application/json"))
        } else {
            Body::None
        };
        Response { body, ..head }
    }

    /// Whether an answer can stand within a batch: any other is about the whole request, as a 429 is.
    #[must_use]
    pub fn can_hold(answer: &Response) -> bool {
        (200..300).contains(&answer.status) && (answer.body == Body::None || looks_like_answer(&answer.body))
    }
}

/// JSON that a fault has broken is still meant as an answer of the protocol.
fn looks_like_answer(body: &Body) -> bool {
    matches!(body, Body::Text(text) if text.starts_with('{')) || fields_of_answer(body).is_some()
}

fn part(request: &Request, call: &RawValue) -> BatchPart {
    let Ok(read) = Call::parse(call.get()) else { return BatchPart::Invalid(invalid_request()) };
    let Ok(json) = JsonText::parse(call.get()) else { return BatchPart::Invalid(invalid_request()) };
    let alone = Request { body: Body::Json(json), ..request.clone() };
    if read.id.is_some() { BatchPart::Call(alone) } else { BatchPart::Notification(alone) }
}

/// A recorded batch as the calls that it held, each with its own answer and an id of its own, `rpc_batch-1[2]`;
/// nothing where it is no batch, or was not answered call by call.
#[must_use]
pub fn split_exchange(profile: &ProviderProfile, exchange: &Exchange) -> Option<Vec<Exchange>> {
    let batch = Batch::of(profile, &exchange.request)?;
    let response = exchange.response.as_ref()?;
    let mut answers: Vec<(Value, &RawValue)> = match &response.body {
        Body::None => Vec::new(),
        Body::Json(json) => {
            let answers: Vec<&RawValue> = serde_json::from_str(json.as_str()).ok()?;
            answers.into_iter().map(|answer| (id_in(answer), answer)).collect()
        }
        _ => return None,
    };
    let mut split = Vec::new();
    for (index, part) in batch.parts.iter().enumerate() {
        let (request, body) = match part {
            BatchPart::Invalid(_) => continue,
            BatchPart::Notification(request) => (request, Body::None),
            BatchPart::Call(request) => {
                let asked = id_in(serde_json::from_str(request.body.json()?.as_str()).ok()?);
                let Some(at) = answers.iter().position(|(id, _)| *id == asked) else { continue };
                let (_, answer) = answers.remove(at);
                (request, Body::Json(JsonText::parse(answer.get()).ok()?))
            }
        };
        split.push(Exchange {
            id: format!("{}[{}]", exchange.id, index + 1).as_str().into(),
            request: request.clone(),
            response: Some(Response { body, ..response.clone() }),
            ..exchange.clone()
        });
    }
    Some(split)
}

fn id_in(message: &RawValue) -> Value {
    #[derive(serde::Deserialize)]
    struct WithId {
        id: Value,
    }
    serde_json::from_str::<WithId>(message.get()).map_or(Value::Null, |message| message.id)
}
