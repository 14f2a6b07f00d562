//! GraphQL over HTTP: which operation a request executes with which variables, and answers that carry errors.
//!
//! Sources: GraphQL (September 2025) section 7 for answers, GraphQL over HTTP (draft) for requests, and Apollo's
//! automatic persisted queries for documents that are named by their SHA-256 alone.

use super::canonical_json::{canonical_json, quoted};
use super::graphql_document::executed;
use super::{CallPart, CallSelector, CanonicalCall, Effect, GraphQlKind, ProtocolKind};
use crate::{Body, HeaderValue, Headers, JsonText, Request, RequestTarget, Response};
use serde_json::{Map, Value, json};

/// The parameters of a request, wherever it carries them.
#[derive(Default)]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Map<String, Value>,
    extensions: Map<String, Value>,
}

/// The query fields that hold a call which is sent by GET.
const QUERY_FIELDS: &[&str] = &["query", "operationName", "variables", "extensions"];

const PERSISTED_QUERY: &str = "persistedQuery";

/// Reads a request.
pub(super) fn call(request: &Request, volatile: &[String]) -> Result<CanonicalCall, String> {
    let by_get = request.method.eq_ignore_ascii_case("GET");
    let Parameters { query, operation_name, variables, mut extensions } = parameters(request, by_get)?;
    let mut parts = Vec::new();
    let mut part = |label: String, value: String| parts.push(CallPart { label, value });
    let selector = match query {
        Some(document) => {
            let operation = executed(&document, operation_name.as_deref())?;
            // The document says all; its hash is only there to be remembered.
            extensions.shift_remove(PERSISTED_QUERY);
            part("operation".into(), format!("{} {}", operation.kind.keyword(), operation.name));
            part("document".into(), operation.text);
            CallSelector::Graphql { kind: operation.kind, name: operation.name }
        }
        None => {
            let hash = persisted_hash(&extensions).ok_or("it has neither `query` nor a persisted query")?;
            extensions.shift_remove(PERSISTED_QUERY);
            let short: String = hash.chars().take(8).collect();
            let name = operation_name.unwrap_or_else(|| format!("persisted_{short}"));
            part("operation".into(), format!("persisted {}", quoted(&name)));
            part("document".into(), format!("sha256 {}", quoted(&hash)));
            // Nobody can tell from a hash whether it writes: named as what is by far the most frequent.
            CallSelector::Graphql { kind: GraphQlKind::Query, name }
        }
    };
    for (of, values) in [("variable", &variables), ("extension", &extensions)] {
        let mut kept: Vec<_> = values.iter().filter(|(name, _)| !volatile.contains(name)).collect();
        kept.sort_by_key(|(name, _)| *name);
        for (name, value) in kept {
            part(format!("{of} {}", quoted(name)), canonical_json(value, volatile));
        }
    }
    let reads = parts[0].value.starts_with("query ") || by_get;
    Ok(CanonicalCall {
        protocol: ProtocolKind::Graphql,
        selector: Some(selector),
        effect: if reads { Effect::Reads } else { Effect::MayWrite },
        parts,
        volatile: Vec::new(),
        query_fields: if by_get { QUERY_FIELDS } else { &[] },
    })
}

fn parameters(request: &Request, by_get: bool) -> Result<Parameters, String> {
    if by_get {
        return from_fields(&RequestTarget::of(&request.target).query_fields());
    }
    match &request.body {
        Body::Json(json) => from_json(json),
        Body::Form(fields) => from_fields(fields),
        Body::Text(text) if essence(request).as_deref() == Some("application/graphql") => {
            Ok(Parameters { query: Some(text.clone()), ..Parameters::default() })
        }
        Body::None => Err("it has no body".to_owned()),
        _ => Err("its body is neither JSON nor application/graphql".to_owned()),
    }
}

fn essence(request: &Request) -> Option<String> {
    let media_type = request.headers.text("content-type")?;
    Some(media_type.split(';').next()?.trim().to_ascii_lowercase())
}

fn from_json(json: &JsonText) -> Result<Parameters, String> {
    let value: Value =
        serde_json::from_str(json.as_str()).map_err(|error| format!("its body cannot be read: {error}"))?;
    let Value::Object(mut fields) = value else {
        return Err("its body is not a JSON object; a list of operations is matched as a whole".to_owned());
    };
    let mut object = |name: &str| match fields.shift_remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(format!("`{name}` is not an object")),
    };
    let (variables, extensions) = (object("variables")?, object("extensions")?);
    let mut text = |name: &str| match fields.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is not a text")),
    };
    Ok(Parameters { query: text("query")?, operation_name: text("operationName")?, variables, extensions })
}

fn from_fields(fields: &[(String, String)]) -> Result<Parameters, String> {
    let text = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        found.filter(|text| !text.is_empty())
    };
    let object = |name: &str| match text(name) {
        None => Ok(Map::new()),
        Some(json) => match serde_json::from_str(&json) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(Value::Null) => Ok(Map::new()),
            _ => Err(format!("`{name}` is not a JSON object")),
        },
    };
    Ok(Parameters {
        query: text("query"),
        operation_name: text("operationName"),
        variables: object("variables")?,
        extensions: object("extensions")?,
    })
}

fn persisted_hash(extensions: &Map<String, Value>) -> Option<String> {
    Some(extensions.get(PERSISTED_QUERY)?.get("sha256Hash")?.as_str()?.to_ascii_lowercase())
}

/// Whether a call names its document by a hash alone: a server that does not know the hash must say so.
#[must_use]
pub fn is_persisted_query(call: &CanonicalCall) -> bool {
    call.protocol == ProtocolKind::Graphql
        && call.parts.first().is_some_and(|operation| operation.value.starts_with("persisted "))
}

/// One entry of `errors` (GraphQL, section 7.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphQlError {
    /// For people. Without it, what the code says.
    pub message: Option<String>,
    /// `extensions.code`, which clients of most vendors tell errors by.
    pub code: Option<String>,
}

/// The code and the message by which a client is told to send the document too (Apollo, automatic persisted queries).
const PERSISTED_QUERY_NOT_FOUND: (&str, &str) = ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");

impl GraphQlError {
    fn entry(&self, path: Option<&[Value]>) -> Value {
        let code = self.code.as_deref();
        let message = match (&self.message, code) {
            (Some(message), _) => message.as_str(),
            (None, Some(code)) if code == PERSISTED_QUERY_NOT_FOUND.0 => PERSISTED_QUERY_NOT_FOUND.1,
            (None, _) => "internal error",
        };
        let mut entry = Map::new();
        entry.insert("message".to_owned(), message.into());
        if let Some(path) = path {
            entry.insert("path".to_owned(), path.to_vec().into());
        }
        if let Some(code) = code {
            entry.insert("extensions".to_owned(), json!({ "code": code }));
        }
        Value::Object(entry)
    }
}

/// An answer of which nothing but errors is left: 200 with `data: null`. The recorded form comes first; what the
/// error says is put into it.
#[must_use]
pub fn graphql_errors(recorded: Option<&Response>, error: &GraphQlError) -> Response {
    if let Some(form) = recorded
        && let Some(mut body) = form.body.json().map(JsonText::to_value)
        && let Some(first) = body.pointer_mut("/errors/0").and_then(Value::as_object_mut)
    {
        if let Some(message) = &error.message {
            first.insert("message".to_owned(), message.as_str().into());
        }
        if let Some(code) = &error.code {
            let extensions = first.entry("extensions").or_insert_with(|| json!({}));
            if let Some(extensions) = extensions.as_object_mut() {
                extensions.insert("code".to_owned(), code.as_str().into());
            }
        }
        return Response { body: to_body(&body), ..form.clone() };
    }
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text("application/json".to_owned()));
    Response { status: 200, headers, body: to_body(&json!({ "errors": [error.entry(None)], "data": null })) }
}

/// The answer to a hash that is not known: the client is to send the document too.
#[must_use]
pub fn persisted_query_unknown(recorded: Option<&Response>) -> Response {
    let code = Some(PERSISTED_QUERY_NOT_FOUND.0.to_owned());
    recorded.cloned().unwrap_or_else(|| graphql_errors(None, &GraphQlError { message: None, code }))
}

/// The answer with one of its fields null, and an error that says so. The field is a dotted path below `data`,
/// elements of lists by their index: `issues.nodes.0.title`.
///
/// # Errors
/// A sentence, where the answer is none of GraphQL or has no such field.
pub fn graphql_partial(
    mut response: Response,
    field: &str,
    error: &GraphQlError,
) -> Result<Response, String> {
    let json = response.body.json().ok_or("the answer's body is not JSON")?;
    let mut body = json.to_value();
    let mut at = body.get_mut("data").ok_or("the answer has no `data`: it is no answer of GraphQL")?;
    let mut path: Vec<Value> = Vec::new();
    for part in field.split('.') {
        let missing = || format!("the answer's `data` has no field `{part}` of `{field}`");
        at = match at {
            Value::Array(items) => {
                let index: usize = part.parse().map_err(|_| missing())?;
                path.push(index.into());
                items.get_mut(index).ok_or_else(missing)?
            }
            Value::Object(fields) => {
                path.push(part.into());
                fields.get_mut(part).ok_or_else(missing)?
            }
            _ => return Err(missing()),
        };
    }
    *at = Value::Null;
    let entry = error.entry(Some(&path));
    if let Some(object) = body.as_object_mut() {
        match object.get_mut("errors").and_then(Value::as_array_mut) {
            Some(errors) => errors.push(entry),
            None => {
                object.insert("errors".to_owned(), json!([entry]));
            }
        }
    }
    response.body = to_body(&body);
    Ok(response)
}

fn to_body(value: &Value) -> Body {
    Body::from_bytes(value.to_string().as_bytes(), Some("application/json"))
}
