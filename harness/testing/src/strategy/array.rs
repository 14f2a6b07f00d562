//! Lists.

use super::build::{Builder, Built, Schema, Stop, anything};
use super::validity::keep;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::HashSet;

/// Items beyond the fewest that are allowed.
const MORE_ITEMS: usize = 5;
/// Items that a list must not have to have.
const MOST_REQUIRED: usize = 1_000;

pub(super) fn build(builder: &mut Builder<'_>, schema: &Schema) -> Built {
    let fewest = schema.count("minItems")?.unwrap_or(0);
    let most = schema.count("maxItems")?.unwrap_or(usize::MAX).min(fewest.saturating_add(MORE_ITEMS));
    if fewest > most {
        return Err(schema.impossible(format!("no list has at least {fewest} and at most {most} items")));
    }
    if fewest > MOST_REQUIRED {
        return Err(
            schema.error(format!("`minItems` is {fewest}; lists of over {MOST_REQUIRED} are not made"))
        );
    }
    let item = match schema.value.get("items") {
        None => Ok(anything()),
        Some(items) => builder.build(&schema.at("items", items)),
    };
    let item = match item {
        Ok(item) => item,
        // A list can do without items that never end, or that no value is of.
        Err(Stop::TooDeep | Stop::Impossible(_)) if fewest == 0 => {
            return Ok(Just(Value::Array(Vec::new())).boxed());
        }
        Err(stop) => return Err(stop),
    };
    let lists = prop::collection::vec(item, fewest..=most);
    if schema.value.get("uniqueItems") != Some(&Value::Bool(true)) {
        return Ok(lists.prop_map(Value::Array).boxed());
    }
    let distinct = lists.prop_map(|items| {
        let mut seen = HashSet::new();
        Value::Array(items.into_iter().filter(|item| seen.insert(spelled(item))).collect())
    });
    if fewest <= 1 {
        return Ok(distinct.boxed());
    }
    let is_enough = move |list: &Value| list.as_array().is_some_and(|items| items.len() >= fewest);
    keep(
        distinct.boxed(),
        is_enough,
        schema,
        "hardly any list has as many different items as `minItems` asks for",
    )
}

/// Equal for values that JSON Schema takes for equal: the order of fields and the spelling of numbers are nothing.
fn spelled(value: &Value) -> String {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", spelled(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}
