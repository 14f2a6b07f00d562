//! Two schemas that both must hold become one: `allOf`, and what stands beside a reference or an alternative.

use super::build::{Schema, Stop};
use super::operation::pointer_of;
use serde_json::{Map, Value, json};

/// Where alternatives stand that have to hold beside others: of our own making, in no document.
pub(super) const BESIDE: &str = "x-counterpart-beside";
/// References that are followed to see what a schema says.
const MAX_REFERENCES: usize = 8;

/// One schema that allows what both allow.
pub(super) fn merged(document: &Value, one: &Schema, other: &Schema) -> Result<Schema, Stop> {
    let (one, other) = (opened(document, one)?, opened(document, other)?);
    let mut through = one.through.clone();
    through.extend(other.through.iter().cloned());
    let (left, right) = match (&one.value, &other.value) {
        (Value::Bool(true), _) | (_, Value::Bool(false)) => return Ok(Schema { through, ..other }),
        (_, Value::Bool(true)) | (Value::Bool(false), _) => return Ok(Schema { through, ..one }),
        (Value::Object(left), Value::Object(right)) => (left, right),
        _ => return Err(other.error("expected a schema: a mapping, true or false")),
    };
    let mut all = left.clone();
    for (key, value) in right {
        let Some(known) = left.get(key).filter(|known| *known != value) else {
            all.insert(key.clone(), value.clone());
            continue;
        };
        if let Some(both) = both(key, known, value, left, right, &other)? {
            all.insert(key.clone(), both);
        } else {
            // Kept as what it is: alternatives that are taken after the others.
            let parts = all.entry(BESIDE).or_insert_with(|| json!([]));
            if let Value::Array(parts) = parts {
                parts.push(json!({ key.as_str(): value }));
            }
        }
    }
    close_properties(&mut all, left, right);
    // What is listed is listed, whatever word says so.
    if let Some(value) = all.get("const").cloned().filter(|_| all.contains_key("enum")) {
        let listed = all.get("enum").and_then(Value::as_array).is_some_and(|listed| listed.contains(&value));
        if !listed {
            return Err(other.impossible("`const` is none of the values of `enum`"));
        }
        all.remove("enum");
    }
    Ok(Schema { value: Value::Object(all), place: one.place, through })
}

/// A schema without a reference at its top, so that its keywords can be seen. One that contains itself is left as it is.
fn opened(document: &Value, schema: &Schema) -> Result<Schema, Stop> {
    let mut opened = schema.clone();
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = opened.value.get("$ref").and_then(Value::as_str) else { return Ok(opened) };
        let pointer = pointer_of(reference, &opened.place).map_err(Stop::Error)?;
        let Some(target) = document.pointer(&pointer) else {
            return Err(opened.error(format!("refers to {reference:?}, where there is nothing")));
        };
        let mut beside = opened.value.as_object().cloned().unwrap_or_default();
        beside.remove("$ref");
        let mut through = opened.through;
        through.push(pointer.clone());
        let target = Schema { value: target.clone(), place: pointer, through };
        if beside.is_empty() {
            opened = target;
        } else {
            let beside = Schema::new(Value::Object(beside), opened.place);
            return merged(document, &target, &beside);
        }
    }
    Err(Stop::TooDeep)
}

/// One keyword of both; nothing where it is to hold beside the other.
fn both(
    key: &str,
    one: &Value,
    other: &Value,
    left: &Map<String, Value>,
    right: &Map<String, Value>,
    place: &Schema,
) -> Result<Option<Value>, Stop> {
    let numbers = one.as_f64().zip(other.as_f64());
    Ok(Some(match (key, numbers) {
        ("minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties", Some((a, b))) => {
            if a >= b { one.clone() } else { other.clone() }
        }
        ("maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties", Some((a, b))) => {
            if a <= b { one.clone() } else { other.clone() }
        }
        ("multipleOf", Some((a, b))) if (a % b).abs() < f64::EPSILON => one.clone(),
        ("multipleOf", Some((a, b))) if (b % a).abs() < f64::EPSILON => other.clone(),
        ("type", _) => common_types(one, other, place)?,
        ("enum", _) => common_values(one, other, place)?,
        ("required", _) => {
            let names = one.as_array().into_iter().chain(other.as_array()).flatten();
            let mut all: Vec<Value> = Vec::new();
            names.for_each(|name| {
                if !all.contains(name) {
                    all.push(name.clone());
                }
            });
            Value::Array(all)
        }
        ("properties", _) => Value::Object(common_properties(left, right)),
        ("items" | "additionalProperties", _) => json!({ "allOf": [one, other] }),
        ("uniqueItems", _) => json!(true),
        ("allOf" | BESIDE, _) => {
            json!(one.as_array().into_iter().chain(other.as_array()).flatten().collect::<Vec<_>>())
        }
        ("not", _) => json!({ "anyOf": [one, other] }),
        ("anyOf" | "oneOf", _) => return Ok(None),
        ("const", _) => return Err(place.impossible("no value is both of two that `const` names")),
        ("pattern" | "format" | "multipleOf" | "$ref", _) => {
            return Err(
                place.error(format!("two values of `{key}` have to hold at once, which cannot be honoured"))
            );
        }
        // It describes.
        _ => one.clone(),
    }))
}

fn common_types(one: &Value, other: &Value, place: &Schema) -> Result<Value, Stop> {
    let list = |value: &Value| -> Vec<String> {
        match value {
            Value::String(kind) => vec![kind.clone()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let (left, right) = (list(one), list(other));
    let allows = |kinds: &[String], kind: &str| {
        kinds.iter().any(|known| known == kind || (kind == "integer" && known == "number"))
    };
    let mut common: Vec<&String> = left.iter().filter(|kind| allows(&right, kind)).collect();
    common.extend(right.iter().filter(|kind| allows(&left, kind) && !left.contains(kind)));
    match common.is_empty() {
        true => Err(place.impossible(format!(
            "no value is both {} and {}",
            left.join(" or "),
            right.join(" or ")
        ))),
        false => Ok(json!(common)),
    }
}

fn common_values(one: &Value, other: &Value, place: &Schema) -> Result<Value, Stop> {
    let others = other.as_array().cloned().unwrap_or_default();
    let common: Vec<&Value> =
        one.as_array().into_iter().flatten().filter(|value| others.contains(value)).collect();
    match common.is_empty() {
        true => Err(place.impossible("no value is in both lists of `enum`")),
        false => Ok(json!(common)),
    }
}

fn common_properties(left: &Map<String, Value>, right: &Map<String, Value>) -> Map<String, Value> {
    let of = |schema: &Map<String, Value>| {
        schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut all = of(left);
    for (name, schema) in of(right) {
        let both = match all.get(&name) {
            Some(known) if *known != schema => json!({ "allOf": [known, schema] }),
            _ => schema,
        };
        all.insert(name, both);
    }
    all
}

/// What one side says of all further properties holds for those that the other side alone names.
fn close_properties(all: &mut Map<String, Value>, left: &Map<String, Value>, right: &Map<String, Value>) {
    for (closed, open) in [(left, right), (right, left)] {
        let Some(further) = closed.get("additionalProperties").filter(|further| **further != json!(true))
        else {
            continue;
        };
        let known = closed.get("properties").and_then(Value::as_object);
        let others = open.get("properties").and_then(Value::as_object);
        let Some(Value::Object(properties)) = all.get_mut("properties") else { continue };
        for (name, schema) in others.into_iter().flatten() {
            if known.is_none_or(|known| !known.contains_key(name)) {
                let both = match further {
                    Value::Bool(false) => json!(false),
                    further => json!({ "allOf": [schema, further] }),
                };
                properties.insert(name.clone(), both);
            }
        }
    }
}
