//! Where in a contract the schema of a body stands.

use super::{MessagePart, StrategyError};
use counterpart_exchange::suggest;
use serde_json::Value;

/// References followed one after the other.
const MAX_REFERENCES: usize = 16;

/// The JSON pointer of the schema.
pub(super) fn schema_of(
    document: &Value,
    operation: &str,
    part: MessagePart,
) -> Result<String, StrategyError> {
    let at = operation_at(document, operation)?;
    let body = match part {
        MessagePart::Request => format!("{at}/requestBody"),
        MessagePart::Response(status) => response_at(document, &at, status)?,
    };
    let body = resolved(document, &body)?;
    let content = document.pointer(&format!("{body}/content")).and_then(Value::as_object);
    let Some(content) = content else {
        return Err(StrategyError::at(body, "has no `content`: the contract tells of no body here"));
    };
    let is_json = |media: &&String| {
        let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json") || essence == "*/*"
    };
    let Some(media) = content.keys().find(is_json) else {
        let known: Vec<&str> = content.keys().map(String::as_str).collect();
        return Err(StrategyError::at(
            format!("{body}/content"),
            format!("has no JSON; values of {} are not made", known.join(", ")),
        ));
    };
    let schema = format!("{body}/content/{}/schema", escaped(media));
    match document.pointer(&schema) {
        Some(_) => Ok(schema),
        None => Err(StrategyError::at(schema, "there is no schema: the contract says nothing of this body")),
    }
}

fn operation_at(document: &Value, operation: &str) -> Result<String, StrategyError> {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut known = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        for (method, described) in item.as_object().into_iter().flatten() {
            let Some(name) = described.get("operationId").and_then(Value::as_str) else { continue };
            if name == operation {
                return Ok(format!("/paths/{}/{}", escaped(path), escaped(method)));
            }
            known.push(name);
        }
    }
    let hint = match suggest(operation, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Err(StrategyError::at("/paths", format!("no operation has the operationId `{operation}`; {hint}")))
}

/// The answer with this status, else of its range, else whichever is said of all others.
fn response_at(document: &Value, operation: &str, status: u16) -> Result<String, StrategyError> {
    let responses = format!("{operation}/responses");
    let known = document.pointer(&responses).and_then(Value::as_object);
    let range = format!("{}XX", status / 100);
    for name in [status.to_string().as_str(), range.as_str(), "default"] {
        if known.is_some_and(|known| known.contains_key(name)) {
            return Ok(format!("{responses}/{name}"));
        }
    }
    let known: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    Err(StrategyError::at(responses, format!("has no answer {status}; there are: {}", known.join(", "))))
}

fn resolved(document: &Value, pointer: &str) -> Result<String, StrategyError> {
    let mut at = pointer.to_owned();
    for _ in 0..MAX_REFERENCES {
        let Some(value) = document.pointer(&at) else {
            return Err(StrategyError::at(pointer, "there is nothing: the contract tells of no body here"));
        };
        match value.get("$ref").and_then(Value::as_str) {
            None => return Ok(at),
            Some(reference) => at = pointer_of(reference, &at)?,
        }
    }
    Err(StrategyError::at(pointer, "refers to itself in a circle"))
}

/// The JSON pointer of a reference within the document.
pub(super) fn pointer_of(reference: &str, place: &str) -> Result<String, StrategyError> {
    let elsewhere = || {
        let problem =
            format!("refers to {reference:?}, outside this file; bundle the contract into one file first");
        StrategyError::at(place, problem)
    };
    let fragment = reference.strip_prefix('#').ok_or_else(elsewhere)?;
    let decoded = percent_decoded(fragment);
    match decoded.is_empty() || decoded.starts_with('/') {
        true => Ok(decoded),
        false => Err(StrategyError::at(
            place,
            format!("refers to the anchor {reference:?}; only pointers are followed"),
        )),
    }
}

/// `%7B` becomes `{`, as references within URLs are spelled.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A key as one step of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
