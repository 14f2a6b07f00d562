//! Pact, version 4 of its specification.
//!
//! Each exchange is an interaction of type `Synchronous/HTTP`, described by its id. A pact knows no order: where one
//! request was answered in several ways, that is told as a loss. What an interaction has no field for stands under
//! `comments.counterpart`.

use super::{
    BYTES_IN_HEADERS, Exported, Going, WEBHOOK_LEFT_OUT, as_text, ended_badly, headers_without, is_inbound,
    omitted_bodies,
};
use crate::extras::Extras;
use crate::making::add_header;
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{Body, Exchange, Fixture, Headers, Request, RequestTarget, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Headers that a client sets by itself or that a proxy changes: to ask for them would fit one client alone.
const LEFT_OUT_OF_REQUESTS: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// Headers that no provider sends twice the same, or that are of one message.
const LEFT_OUT_OF_ANSWERS: [&str; 7] =
    ["connection", "content-length", "date", "keep-alive", "proxy-connection", "server", "transfer-encoding"];

/// Headers whose values are lists (RFC 9110, and CORS): the reference implementation cuts what it receives at the commas,
/// so the values must stand one by one.
const LISTS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "access-control-request-headers",
    "allow",
    "cache-control",
    "if-match",
    "if-none-match",
    "vary",
];

#[derive(Serialize)]
struct Interaction {
    r#type: &'static str,
    description: String,
    request: PactRequest,
    response: PactResponse,
    comments: Value,
}

#[derive(Serialize)]
struct PactRequest {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<PactBody>,
}

#[derive(Serialize)]
struct PactResponse {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<PactBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PactBody {
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    encoded: Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// A JSON document, each token as it was recorded.
    Json(Box<RawValue>),
}

/// Writes a fixture as a Pact file of version 4, between `consumer` and the fixture's provider.
#[must_use]
pub fn export_pact(fixture: &Fixture, consumer: &str) -> Exported {
    let (mut going, _) = Going::of(fixture);
    let mut seen = HashSet::new();
    let mut interactions = Vec::new();
    for (index, exchange) in std::mem::take(&mut going.exchanges).iter().enumerate() {
        if is_inbound(exchange) {
            going.lose(index, WEBHOOK_LEFT_OUT);
            continue;
        }
        let request = &exchange.request;
        if !seen.insert((request.method.clone(), request.target.clone(), request.body.to_bytes())) {
            going.lose(
                index,
                "the place in the order: the same request stands there before, and a pact knows no order",
            );
        }
        match &exchange.response {
            None => {
                let how = ended_badly(exchange).unwrap_or_default();
                going.lose(
                    index,
                    format!("all of it: {how}, and a pact has no interaction without an answer"),
                );
            }
            Some(response) => interactions.push(interaction(exchange, response, index, &mut going)),
        }
    }
    #[derive(Serialize)]
    struct Pact<'a> {
        consumer: Value,
        provider: Value,
        interactions: &'a [Interaction],
        metadata: Value,
    }
    let pact = Pact {
        consumer: json!({ "name": consumer }),
        provider: json!({ "name": fixture.provider }),
        interactions: &interactions,
        metadata: json!({
            "pactSpecification": { "version": "4.0" },
            "counterpart": { "version": env!("CARGO_PKG_VERSION") },
        }),
    };
    // Strings and numbers alone: nothing in it can fail to be JSON.
    let text = serde_json::to_string_pretty(&pact).unwrap_or_default();
    Exported { text: format!("{text}\n"), losses: going.losses }
}

fn interaction(exchange: &Exchange, response: &Response, index: usize, going: &mut Going) -> Interaction {
    let (request_headers, bytes) = headers_without(&exchange.request.headers, &LEFT_OUT_OF_REQUESTS);
    let (response_headers, more_bytes) = headers_without(&response.headers, &LEFT_OUT_OF_ANSWERS);
    let (request_headers, response_headers) = (cut_lists(&request_headers), cut_lists(&response_headers));
    if bytes || more_bytes {
        going.lose(index, BYTES_IN_HEADERS);
    }
    if let Some(how) = ended_badly(exchange) {
        going.lose(index, format!("that {how}; what came of the answer stands there"));
    }
    for what in omitted_bodies(exchange) {
        going.lose(index, what);
    }
    let target = RequestTarget::of(&exchange.request.target);
    let path = query::in_url(target.path);
    let fields = query::grouped(target.query.unwrap_or_default());
    let plain = Exchange {
        request: Request {
            method: exchange.request.method.to_uppercase(),
            target: query::target_of_groups(&path, &fields),
            headers: request_headers,
            body: exchange.request.body.clone(),
        },
        response: Some(Response { headers: response_headers, ..response.clone() }),
        ..exchange.clone()
    };
    let spelled = plain.response.as_ref().map(|response| PactResponse {
        status: response.status,
        headers: headers(&response.headers),
        body: body(&response.body, &response.headers),
    });
    Interaction {
        r#type: "Synchronous/HTTP",
        description: exchange.id.to_string(),
        request: PactRequest {
            method: plain.request.method.clone(),
            path,
            query: (!fields.is_empty()).then(|| {
                fields
                    .iter()
                    .map(|(name, values)| (name.clone(), json!(values)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
            headers: headers(&plain.request.headers),
            body: body(&plain.request.body, &plain.request.headers),
        },
        response: spelled.unwrap_or(PactResponse { status: response.status, headers: None, body: None }),
        comments: json!({ "counterpart": Extras::between(&plain, exchange) }),
    }
}

/// The headers with each element of a list as a value of its own.
fn cut_lists(headers: &Headers) -> Headers {
    let mut cut = Headers::default();
    for (name, values) in headers.iter() {
        for text in values.iter().map(as_text) {
            if LISTS.contains(&name) {
                text.split(',').for_each(|element| add_header(&mut cut, name, element.trim()));
            } else {
                add_header(&mut cut, name, &text);
            }
        }
    }
    cut
}

fn headers(headers: &Headers) -> Option<Value> {
    let all: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, values)| (name.to_owned(), values.iter().map(as_text).map(Value::from).collect()))
        .collect();
    (!all.is_empty()).then_some(Value::Object(all))
}

/// The reference implementation reads content by its media type: under a JSON one it is a document as it stands,
/// under any other text. What would be read as something else goes as base64.
fn body(body: &Body, headers: &Headers) -> Option<PactBody> {
    let content_type = headers.text("content-type").map(str::to_owned);
    let is_json_type = content_type.as_deref().is_some_and(query::is_json);
    let (content, encoded) = match body {
        Body::None | Body::Omitted { .. } => return None,
        // `null` and an empty string would be read as no body.
        Body::Json(json) if is_json_type && !matches!(json.as_str(), "null" | "\"\"") => {
            match RawValue::from_string(json.as_str().to_owned()) {
                Ok(raw) => (Content::Json(raw), Value::Bool(false)),
                Err(_) => (Content::Text(BASE64.encode(json.as_str())), "base64".into()),
            }
        }
        Body::Json(_) | Body::Text(_) | Body::Form(_) if content_type.is_some() && !is_json_type => {
            (Content::Text(String::from_utf8_lossy(&body.to_bytes()).into_owned()), Value::Bool(false))
        }
        other => (Content::Text(BASE64.encode(other.to_bytes())), "base64".into()),
    };
    Some(PactBody { content, content_type, encoded })
}
