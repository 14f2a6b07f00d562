//! JSON-RPC: which method a request calls with which parameters, and answers that carry its id.
//!
//! Sources: JSON-RPC 2.0 (sections 4 to 6) and JSON-RPC 1.0, whose notifications have the id null. An id says which
//! answer belongs to which call and nothing else: it is no part of what is asked, and every answer repeats it.

use super::canonical_json::{canonical_json, quoted};
use super::{CallPart, CallSelector, CanonicalCall, Effect, ProtocolKind, protocol_of};
use crate::{Body, HeaderValue, Headers, JsonText, ProviderProfile, Request, Response};
use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Calls in a batch that are read at most: each gets an answer, however short it is.
pub(super) const MAX_BATCH_CALLS: usize = 1_000;

/// Which of the two a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// One call.
pub(super) struct Call {
    pub(super) version: Version,
    method: String,
    params: Value,
    /// As spelled; none for a notification, which gets no answer.
    pub(super) id: Option<Box<RawValue>>,
}

/// Reads a request: one call, or a batch of them.
pub(super) fn call(request: &Request, volatile: &[String]) -> Result<CanonicalCall, String> {
    let json = request.body.json().ok_or("its body is not JSON")?;
    if !json.as_str().starts_with('[') {
        return Ok(canonical(&Call::parse(json.as_str())?, volatile));
    }
    let calls: Vec<&RawValue> = calls_of_batch(json)?;
    let parts = calls.iter().enumerate().map(|(index, text)| {
        let value = match Call::parse(text.get()) {
            Ok(call) => {
                let parts = canonical(&call, volatile).parts;
                parts
                    .iter()
                    .map(|part| format!("{}={}", part.label, part.value))
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(problem) => format!("invalid: {problem}"),
        };
        CallPart { label: format!("call {}", index + 1), value }
    });
    let parts = parts.collect();
    Ok(CanonicalCall { selector: None, ..of_parts(parts) })
}

/// The calls of a batch, each as spelled.
pub(super) fn calls_of_batch(json: &JsonText) -> Result<Vec<&RawValue>, String> {
    let calls: Vec<&RawValue> =
        serde_json::from_str(json.as_str()).map_err(|error| format!("its batch cannot be read: {error}"))?;
    if calls.len() > MAX_BATCH_CALLS {
        return Err(format!("its batch has {} calls; at most {MAX_BATCH_CALLS} are read", calls.len()));
    }
    Ok(calls)
}

fn canonical(call: &Call, volatile: &[String]) -> CanonicalCall {
    let mut parts = Vec::new();
    let mut part = |label: String, value: String| parts.push(CallPart { label, value });
    part("method".into(), quoted(&call.method));
    part("version".into(), if call.version == Version::V1 { "1.0" } else { "2.0" }.into());
    part("kind".into(), if call.id.is_some() { "call" } else { "notification" }.into());
    match &call.params {
        // No parameters at all, however that is spelled, are no parts at all.
        Value::Object(named) => {
            let mut kept: Vec<_> = named.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort_by_key(|(name, _)| *name);
            for (name, value) in kept {
                part(format!("parameter {}", quoted(name)), canonical_json(value, volatile));
            }
        }
        Value::Array(placed) => {
            for (index, value) in placed.iter().enumerate() {
                part(format!("parameter {}", index + 1), canonical_json(value, volatile));
            }
        }
        _ => {}
    }
    CanonicalCall { selector: Some(CallSelector::JsonRpcMethod(call.method.clone())), ..of_parts(parts) }
}

fn of_parts(parts: Vec<CallPart>) -> CanonicalCall {
    CanonicalCall {
        protocol: ProtocolKind::JsonRpc,
        selector: None,
        effect: Effect::MayWrite,
        parts,
        volatile: Vec::new(),
        query_fields: &[],
    }
}

impl Call {
    /// Reads one call.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut fields: IndexMap<String, Box<RawValue>> =
            serde_json::from_str(text).map_err(|_| "it is not a JSON object".to_owned())?;
        let id = fields.shift_remove("id");
        if let Some(id) = &id
            && id.get().starts_with(['{', '[', 't', 'f'])
        {
            return Err("its `id` is neither a text nor a number nor null".to_owned());
        }
        let mut value = |name: &str| match fields.shift_remove(name) {
            None => Ok(None),
            Some(raw) => serde_json::from_str::<Value>(raw.get())
                .map(Some)
                .map_err(|error| format!("its `{name}` cannot be read: {error}")),
        };
        let version = match value("jsonrpc")? {
            None => Version::V1,
            Some(Value::String(version)) if version == "2.0" => Version::V2,
            Some(Value::String(version)) if version == "1.0" => Version::V1,
            Some(_) => return Err("its `jsonrpc` is neither \"2.0\" nor \"1.0\"".to_owned()),
        };
        let Some(Value::String(method)) = value("method")? else {
            return Err("its `method` is missing or no text".to_owned());
        };
        let params = match value("params")? {
            None => Value::Null,
            Some(params @ (Value::Array(_) | Value::Object(_))) => params,
            Some(Value::Null) if version == Version::V1 => Value::Null,
            Some(_) => return Err("its `params` are neither a list nor an object".to_owned()),
        };
        // 2.0 has notifications without an id, 1.0 those whose id is null.
        let id = id.filter(|id| version == Version::V2 || id.get() != "null");
        Ok(Self { version, method, params, id })
    }
}

/// The answer with the id of the request that it answers. An answer that is none of JSON-RPC, or not asked for at an
/// endpoint of it, stays as it is, and so
/// does every answer to a notification or to a batch.
#[must_use]
pub fn with_id_of(profile: &ProviderProfile, request: &Request, response: Response) -> Response {
    if protocol_of(profile, request) == Some(ProtocolKind::JsonRpc) {
        return repeating_id(request, response);
    }
    response
}

fn repeating_id(request: &Request, mut response: Response) -> Response {
    let id = request.body.json().and_then(|json| Call::parse(json.as_str()).ok()).and_then(|call| call.id);
    let Some(id) = id else { return response };
    let Some(mut fields) = fields_of_answer(&response.body) else { return response };
    fields.insert("id".to_owned(), id);
    if let Ok(text) = serde_json::to_string(&fields)
        && let Ok(json) = JsonText::parse(&text)
    {
        response.body = Body::Json(json);
    }
    response
}

/// The fields of an answer of JSON-RPC, each as spelled; nothing where the body is something else.
pub(super) fn fields_of_answer(body: &Body) -> Option<IndexMap<String, Box<RawValue>>> {
    let fields: IndexMap<String, Box<RawValue>> = serde_json::from_str(body.json()?.as_str()).ok()?;
    let has = |name: &str| fields.contains_key(name);
    // Versions before 2.0 do not name themselves.
    let is_answer = has("jsonrpc") || (has("id") && (has("result") || has("error")));
    is_answer.then_some(fields)
}

/// An error object (JSON-RPC 2.0, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonRpcError {
    /// -32768 to -32000 are the protocol's own.
    pub code: i64,
    /// For people. Without it, what the protocol calls the code.
    pub message: Option<String>,
    /// Whatever else the provider tells.
    pub data: Option<Value>,
}

/// The request is no call (section 5.1).
pub(super) const INVALID_REQUEST: i64 = -32_600;

impl JsonRpcError {
    fn object(&self) -> Map<String, Value> {
        let message = self.message.clone().unwrap_or_else(|| {
            let known = match self.code {
                -32_700 => "Parse error",
                INVALID_REQUEST => "Invalid Request",
                -32_601 => "Method not found",
                -32_602 => "Invalid params",
                -32_603 => "Internal error",
                _ => "Server error",
            };
            known.to_owned()
        });
        let mut object = Map::new();
        object.insert("code".to_owned(), self.code.into());
        object.insert("message".to_owned(), message.into());
        if let Some(data) = &self.data {
            object.insert("data".to_owned(), data.clone());
        }
        object
    }
}

/// An answer with an error, with the id of the request and in its version. The recorded form comes first: its error
/// keeps what this one does not say.
///
/// # Errors
/// A sentence, where the request is no call, or a notification, which gets no answer.
pub fn json_rpc_error(
    request: &Request,
    recorded: Option<&Response>,
    error: &JsonRpcError,
) -> Result<Response, String> {
    let json = request.body.json().ok_or("the request is no JSON-RPC call: its body is not JSON")?;
    let call = Call::parse(json.as_str())
        .map_err(|problem| format!("the request is no JSON-RPC call: {problem}"))?;
    if call.id.is_none() {
        return Err("the request is a notification, which gets no answer".to_owned());
    }
    let recorded = recorded.and_then(|form| Some((form, form.body.json()?.to_value())));
    let response = match recorded {
        Some((form, mut body)) if body.get("error").is_some_and(Value::is_object) => {
            if let Some(object) = body.get_mut("error").and_then(Value::as_object_mut) {
                let is_other = object.get("code") != Some(&error.code.into());
                for (name, value) in error.object() {
                    if is_other || name != "message" || error.message.is_some() {
                        object.insert(name, value);
                    }
                }
            }
            Response { body: to_body(&body), ..form.clone() }
        }
        _ => own(&error_body(call.version, &error.object())),
    };
    Ok(repeating_id(request, response))
}

fn error_body(version: Version, error: &Map<String, Value>) -> Value {
    match version {
        Version::V2 => json!({ "jsonrpc": "2.0", "error": error, "id": null }),
        Version::V1 => json!({ "result": null, "error": error, "id": null }),
    }
}

/// The answer in the place of what is no call: nobody can tell its id (section 6).
pub(super) fn invalid_request() -> Response {
    let error = JsonRpcError { code: INVALID_REQUEST, message: None, data: None };
    own(&error_body(Version::V2, &error.object()))
}

fn own(body: &Value) -> Response {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text("application/json".to_owned()));
    Response { status: 200, headers, body: to_body(body) }
}

fn to_body(value: &Value) -> Body {
    Body::from_bytes(value.to_string().as_bytes(), Some("application/json"))
}
