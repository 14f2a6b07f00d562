//! WireMock stub mappings, in one file `{"mappings": [...]}` that fits its `mappings` folder.
//!
//! What makes two requests the same is what it is for the stand-in: method, path, query and body. Headers play no part.
//! The same request answered several times becomes a scenario, whose states go on from answer to answer; the last one
//! is given for ever. What a mapping has no field for stands under `metadata.counterpart`.

use super::{
    BYTES_IN_HEADERS, Exported, Going, OF_ONE_MESSAGE, WEBHOOK_LEFT_OUT, ended_badly, headers_without,
    is_inbound, omitted_bodies,
};
use crate::extras::Extras;
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{Body, Ended, Exchange, Fixture, Headers, Request, Response};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// WireMock's priority where none is given; a higher number is asked later.
const PRIORITY_BY_DEFAULT: u32 = 5;

/// Writes a fixture as WireMock mappings.
#[must_use]
pub fn export_wiremock(fixture: &Fixture) -> Exported {
    let (mut going, _) = Going::of(fixture);
    let exchanges = std::mem::take(&mut going.exchanges);
    let mut sequences = Sequences::of(&exchanges);
    let mut mappings = Vec::with_capacity(exchanges.len());
    for (index, exchange) in exchanges.iter().enumerate() {
        if is_inbound(exchange) {
            going.lose(index, WEBHOOK_LEFT_OUT);
            continue;
        }
        let step = sequences.next(exchange);
        mappings.push(mapping(exchange, index, step.as_ref(), &mut going));
    }
    let mappings = json!({ "mappings": mappings });
    Exported { text: format!("{mappings:#}\n"), losses: going.losses }
}

/// How often each request is there, and how often it came already.
struct Sequences(HashMap<Key, Sequence>);

type Key = (String, String, Vec<u8>);

struct Sequence {
    first: String,
    length: usize,
    seen: usize,
}

/// The place of an answer among those to the same request, from 1.
struct Step<'a> {
    first: &'a str,
    number: usize,
    length: usize,
}

impl Sequences {
    fn of(exchanges: &[Exchange]) -> Self {
        let mut all = HashMap::new();
        for exchange in exchanges.iter().filter(|exchange| !is_inbound(exchange)) {
            all.entry(key(exchange))
                .or_insert_with(|| Sequence { first: exchange.id.to_string(), length: 0, seen: 0 })
                .length += 1;
        }
        Self(all)
    }

    fn next(&mut self, exchange: &Exchange) -> Option<Step<'_>> {
        let sequence = self.0.get_mut(&key(exchange))?;
        sequence.seen += 1;
        Some(Step { first: &sequence.first, number: sequence.seen, length: sequence.length })
            .filter(|step| step.length > 1)
    }
}

fn key(exchange: &Exchange) -> Key {
    let request = &exchange.request;
    (request.method.clone(), request.target.clone(), request.body.to_bytes())
}

fn mapping(exchange: &Exchange, index: usize, step: Option<&Step<'_>>, going: &mut Going) -> Value {
    let plain = Exchange {
        request: Request {
            headers: Headers::default(),
            target: query::in_url(&exchange.request.target),
            body: said_body(&exchange.request),
            ..exchange.request.clone()
        },
        response: exchange.response.as_ref().map(|response| {
            let (headers, has_bytes) = headers_without(&response.headers, &OF_ONE_MESSAGE);
            if has_bytes {
                going.lose(index, BYTES_IN_HEADERS);
            }
            Response { headers, ..response.clone() }
        }),
        ..exchange.clone()
    };
    if plain.request.target != exchange.request.target {
        going.lose(index, "the target, which no URL can have; one near it stands in its place");
    }
    if let Some(how) = ended_badly(exchange) {
        let stands = match exchange.response {
            None => "the fault that is nearest stands in its place",
            Some(_) => "the answer ends properly after what came of it",
        };
        going.lose(index, format!("that {how}; {stands}"));
    }
    for what in omitted_bodies(exchange) {
        going.lose(index, what);
    }
    let mut out = Map::new();
    out.insert("name".into(), exchange.id.as_str().into());
    let mut request = json!({ "method": plain.request.method, "url": plain.request.target });
    match body_pattern(&plain.request.body) {
        Some(pattern) => request["bodyPatterns"] = json!([pattern]),
        // It takes any body, so it must not stand before a mapping that asks for one.
        None => {
            out.insert("priority".into(), (PRIORITY_BY_DEFAULT + 1).into());
        }
    }
    out.insert("request".into(), request);
    out.insert("response".into(), response(exchange, plain.response.as_ref()));
    if let Some(&Step { first, number, length }) = step {
        let state = |number: usize| match number {
            1 => "Started".to_owned(),
            number => format!("answer {number}"),
        };
        out.insert("scenarioName".into(), format!("{first} and the same again").into());
        out.insert("requiredScenarioState".into(), state(number).into());
        if number < length {
            out.insert("newScenarioState".into(), state(number + 1).into());
        }
    }
    out.insert("metadata".into(), json!({ "counterpart": Extras::between(&plain, exchange) }));
    Value::Object(out)
}

/// The body that a reader takes a mapping to ask for: any, where it names none.
fn said_body(request: &Request) -> Body {
    match &request.body {
        Body::None if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") => {
            Body::Omitted { size_bytes: 0 }
        }
        body => body.clone(),
    }
}

fn body_pattern(body: &Body) -> Option<Value> {
    match body {
        Body::None | Body::Omitted { .. } => None,
        // As text, so that numbers and keys keep their spelling.
        Body::Json(json) => Some(json!({ "equalToJson": json.as_str() })),
        Body::Text(_) | Body::Form(_) => {
            Some(json!({ "equalTo": String::from_utf8_lossy(&body.to_bytes()) }))
        }
        Body::Binary(bytes) => Some(json!({ "binaryEqualTo": BASE64.encode(bytes) })),
    }
}

fn response(exchange: &Exchange, response: Option<&Response>) -> Value {
    let Some(response) = response else {
        let fault = match exchange.ended {
            Ended::Unreachable => "CONNECTION_RESET_BY_PEER",
            Ended::Complete | Ended::AnswerCutShort | Ended::ClientWentAway => "EMPTY_RESPONSE",
        };
        return json!({ "fault": fault });
    };
    let mut out = json!({ "status": response.status });
    let headers: Map<String, Value> = response
        .headers
        .iter()
        .map(|(name, values)| {
            let mut texts = values.iter().map(|value| Value::from(super::as_text(value)));
            let value = match (texts.next(), values.len()) {
                (Some(only), 1) => only,
                (first, _) => Value::Array(first.into_iter().chain(texts).collect()),
            };
            (name.to_owned(), value)
        })
        .collect();
    if !headers.is_empty() {
        out["headers"] = Value::Object(headers);
    }
    match String::from_utf8(response.body.to_bytes()) {
        Ok(text) if text.is_empty() => {}
        Ok(text) => out["body"] = text.into(),
        Err(error) => out["base64Body"] = BASE64.encode(error.as_bytes()).into(),
    }
    out
}
