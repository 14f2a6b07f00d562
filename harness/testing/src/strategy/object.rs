//! Mappings: properties that must be there, that may be, and further ones where a schema tells of them.

use super::build::{Builder, Built, Schema, Stop, anything};
use super::operation::escaped;
use super::validity::keep;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value};

/// Further properties beyond those that are needed.
const MORE_PROPERTIES: usize = 2;

pub(super) fn build(builder: &mut Builder<'_>, schema: &Schema) -> Built {
    let required = required(schema)?;
    let empty = Map::new();
    let properties = match schema.value.get("properties") {
        None => &empty,
        Some(Value::Object(properties)) => properties,
        Some(_) => return Err(schema.error("`properties` is no mapping")),
    };
    let mut named: Vec<BoxedStrategy<(String, Option<Value>)>> = Vec::new();
    for (name, property) in properties {
        let is_required = required.iter().any(|one| one == name);
        let place = schema.at(&format!("properties/{}", escaped(name)), property);
        match builder.build(&place) {
            Ok(value) => named.push(field(name, value, is_required)),
            // It can be left away: it never ends, or nothing is allowed there.
            Err(Stop::TooDeep | Stop::Impossible(_)) if !is_required => {}
            Err(stop) => return Err(stop),
        }
    }
    let further = schema.value.get("additionalProperties");
    for name in required.iter().filter(|name| !properties.contains_key(*name)) {
        let value = match further {
            None | Some(Value::Bool(true)) => anything(),
            Some(Value::Bool(false)) => {
                return Err(
                    schema.impossible(format!("`{name}` is required, and `additionalProperties` forbids it"))
                );
            }
            Some(further) => builder.build(&schema.at("additionalProperties", further))?,
        };
        named.push(field(name, value, true));
    }
    let further = match further {
        Some(Value::Bool(false)) => None,
        // Where nothing is said they are allowed, but a provider that is silent sends none.
        None => schema.value.get("minProperties").map(|_| anything()),
        Some(further) => match builder.build(&schema.at("additionalProperties", further)) {
            Ok(value) => Some(value),
            Err(Stop::TooDeep) => None,
            Err(stop) => return Err(stop),
        },
    };
    put_together(schema, named, further, properties.keys().cloned().collect())
}

fn put_together(
    schema: &Schema,
    named: Vec<BoxedStrategy<(String, Option<Value>)>>,
    further: Option<BoxedStrategy<Value>>,
    taken: Vec<String>,
) -> Built {
    let fewest = schema.count("minProperties")?.unwrap_or(0);
    let most = schema.count("maxProperties")?.unwrap_or(usize::MAX);
    let further = match further {
        None => Just(Vec::new()).boxed(),
        Some(value) => {
            let lacking = fewest.saturating_sub(named.len());
            prop::collection::vec(("[a-z][a-z0-9_]{2,8}", value), lacking..=lacking + MORE_PROPERTIES).boxed()
        }
    };
    let objects = (named, further).prop_map(move |(named, further)| {
        let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut fields: Map<String, Value> = named.collect();
        for (name, value) in further {
            if !taken.contains(&name) && !fields.contains_key(&name) {
                fields.insert(name, value);
            }
        }
        Value::Object(fields)
    });
    if fewest == 0 && most == usize::MAX {
        return Ok(objects.boxed());
    }
    let fits = move |value: &Value| {
        value.as_object().is_some_and(|fields| fields.len() >= fewest && fields.len() <= most)
    };
    keep(objects.boxed(), fits, schema, "hardly any mapping has so many properties as the schema asks for")
}

fn field(
    name: &str,
    value: BoxedStrategy<Value>,
    is_required: bool,
) -> BoxedStrategy<(String, Option<Value>)> {
    let name = name.to_owned();
    let value = match is_required {
        true => value.prop_map(Some).boxed(),
        false => prop::option::of(value).boxed(),
    };
    value.prop_map(move |value| (name.clone(), value)).boxed()
}

fn required(schema: &Schema) -> Result<Vec<String>, Stop> {
    let Some(required) = schema.value.get("required") else { return Ok(Vec::new()) };
    let names =
        required.as_array().map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    names.ok_or_else(|| schema.error("`required` is no list of names"))
}
