//! What a client writes about a record: JSON or a form, merged or put in its place.
//!
//! Knows nothing of collections.

use counterpart_exchange::{Body, Request, Response};
use serde_json::{Map, Value};

/// Deepest nesting of a form's names that is followed: `a[b][c]`.
const MAX_FORM_DEPTH: usize = 8;

/// The fields that a request brings.
///
/// # Errors
/// The answer to a body that brings none.
pub(crate) fn of_request(
    request: &Request,
    wrapped_in: Option<&str>,
) -> Result<Map<String, Value>, Response> {
    let whole = match &request.body {
        Body::None => return Ok(Map::new()),
        Body::Json(json) => json.to_value(),
        Body::Form(fields) => Value::Object(of_form(fields)),
        Body::Text(_) | Body::Binary(_) | Body::Omitted { .. } => Value::Null,
    };
    let inner = match wrapped_in {
        Some(name) => whole.get(name).cloned().unwrap_or_default(),
        None => whole,
    };
    match (inner, wrapped_in) {
        (Value::Object(fields), _) => Ok(fields),
        (_, None) => Err(crate::forms::plain(400, "the body is neither a JSON object nor a form")),
        (_, Some(name)) => {
            Err(crate::forms::plain(400, &format!("the body is not a JSON object with an object `{name}`")))
        }
    }
}

/// Form fields as an object: `a[b]=c` is a field of a field, `a[]=c` one item of a list.
fn of_form(fields: &[(String, String)]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in fields {
        let mut parts = name.split('[').map(|part| part.trim_end_matches(']'));
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.take(MAX_FORM_DEPTH).collect();
        put(object.entry(first.to_owned()).or_insert(Value::Null), &rest, value);
    }
    object
}

fn put(at: &mut Value, path: &[&str], value: &str) {
    match path {
        [] => *at = value.into(),
        ["", ..] => match at {
            Value::Array(items) => items.push(value.into()),
            other => *other = Value::Array(vec![value.into()]),
        },
        [first, rest @ ..] => {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            if let Some(object) = at.as_object_mut() {
                put(object.entry((*first).to_owned()).or_insert(Value::Null), rest, value);
            }
        }
    }
}

/// JSON merge patch (RFC 7396): objects are merged, null takes a field away, all else is replaced.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (value, target.get_mut(name)) {
            (Value::Null, _) => {
                target.shift_remove(name);
            }
            (Value::Object(inner), Some(Value::Object(known))) => merge(known, inner),
            (Value::Object(inner), _) => {
                let mut fresh = Map::new();
                merge(&mut fresh, inner);
                target.insert(name.clone(), Value::Object(fresh));
            }
            (value, known) => {
                let value = in_kind_of(known.as_deref(), value);
                target.insert(name.clone(), value);
            }
        }
    }
}

/// Fields laid over a record: objects are merged, all else is replaced, null included.
pub(crate) fn overlay(target: &mut Map<String, Value>, fields: &Map<String, Value>) {
    for (name, value) in fields {
        match (value, target.get_mut(name)) {
            (Value::Object(inner), Some(Value::Object(known))) => overlay(known, inner),
            (value, known) => {
                let value = in_kind_of(known.as_deref(), value);
                target.insert(name.clone(), value);
            }
        }
    }
}

/// Makes null of every field that one client wrote and another did not: its value was the first one's.
pub(crate) fn forget(
    target: &mut Map<String, Value>,
    wrote: &Map<String, Value>,
    writes: &Map<String, Value>,
) {
    for (name, value) in wrote {
        match (target.get_mut(name), value, writes.get(name)) {
            (Some(Value::Object(known)), Value::Object(wrote), Some(Value::Object(writes))) => {
                forget(known, wrote, writes);
            }
            (Some(known), _, None) => *known = Value::Null,
            _ => {}
        }
    }
}

/// A form knows only text: what the provider shows as a number or truth value is taken for one.
fn in_kind_of(known: Option<&Value>, value: &Value) -> Value {
    let parsed = || value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    match known {
        Some(Value::Number(_)) => parsed().filter(Value::is_number),
        Some(Value::Bool(_)) => parsed().filter(Value::is_boolean),
        _ => None,
    }
    .unwrap_or_else(|| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    /// The table of RFC 7396, appendix A, as far as it is about objects.
    #[test]
    fn a_merge_patch_does_what_the_rfc_shows() {
        for (original, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut target = object(&original);
            merge(&mut target, &object(&patch));
            assert_eq!(Value::Object(target), result);
        }
    }

    #[test]
    fn a_form_is_read_as_the_object_that_it_means() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = of_form(&[field("a", "1"), field("m[k][l]", "v"), field("t[]", "x"), field("t[]", "y")]);
        assert_eq!(Value::Object(read.clone()), json!({"a":"1","m":{"k":{"l":"v"}},"t":["x","y"]}));
        let mut target = object(&json!({"a":5,"t":null}));
        overlay(&mut target, &read);
        assert_eq!(Value::Object(target), json!({"a":1,"t":["x","y"],"m":{"k":{"l":"v"}}}));
    }

    #[test]
    fn what_another_client_wrote_is_forgotten() {
        let mut target = object(&json!({"id":1,"name":"recorded","p":{"x":1,"y":2}}));
        forget(
            &mut target,
            &object(&json!({"name":"recorded","p":{"x":1,"y":2}})),
            &object(&json!({"p":{"x":3}})),
        );
        assert_eq!(Value::Object(target), json!({"id":1,"name":null,"p":{"x":1,"y":null}}));
    }
}
