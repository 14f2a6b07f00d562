//! `anyOf` and `oneOf`: each alternative together with what stands beside it.

use super::build::{Builder, Built, Schema, Stop};
use super::merge::{BESIDE, merged};
use super::validity::Validity;
use proptest::strategy::{Strategy, Union};
use serde_json::Value;

pub(super) fn build(builder: &mut Builder<'_>, schema: &Schema) -> Built {
    let key = if schema.value.get("oneOf").is_some() { "oneOf" } else { "anyOf" };
    let mut beside = schema.clone();
    let taken = beside.value.as_object_mut().and_then(|keywords| keywords.remove(key));
    let Some(Value::Array(alternatives)) = taken else {
        return Err(schema.error(format!("`{key}` is no list of schemas")));
    };
    let others = beside.value.as_object_mut().and_then(|keywords| keywords.remove(BESIDE));
    for other in others.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let other = Schema::new(other.clone(), schema.place.clone());
        beside = merged(builder.document, &beside, &other)?;
    }
    let mut all = Vec::new();
    let mut impossible = None;
    for (index, alternative) in alternatives.iter().enumerate() {
        let alternative = schema.at(&format!("{key}/{index}"), alternative);
        let built = merged(builder.document, &beside, &alternative).and_then(|both| builder.build(&both));
        match built {
            Ok(strategy) => all.push(strategy),
            // One that never ends, or that no value is of; of another there may be some.
            Err(stop @ (Stop::TooDeep | Stop::Impossible(_))) => impossible = Some(stop),
            Err(stop) => return Err(stop),
        }
    }
    if all.is_empty() {
        return Err(impossible.unwrap_or_else(|| schema.error(format!("`{key}` has no alternative"))));
    }
    let union = Union::new(all).boxed();
    if key == "anyOf" {
        return Ok(union);
    }
    let validity = Validity::of(builder.document, schema)?;
    validity.keep(union, true, schema, "hardly any value fits exactly one of the alternatives of `oneOf`")
}
