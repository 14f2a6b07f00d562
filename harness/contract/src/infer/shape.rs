//! The shape of JSON documents: many samples merged into one, and that one written as a schema.
//!
//! Everything is counted and nothing is kept of a value, so that the order of samples cannot matter
//! and no data reaches a contract. Knows nothing of HTTP.

use crate::evidence::FieldCount;
use crate::infer::identifier::looks_like_id;
use crate::node::escape;
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

/// Objects and lists nested deeper than this are taken as they come: the schema says nothing of
/// them. It keeps the contract, with two levels of YAML for each of these, inside what is read back.
const MAX_LEVELS: usize = 24;

/// Fewer distinct keys than this are properties, however rarely each is seen.
const MIN_MAP_KEYS: usize = 16;

/// A key in more than one of this many objects is a property.
const RARE_ONE_IN: u64 = 4;

/// Above this, a reader that keeps numbers as doubles loses digits.
const MAX_EXACT_DOUBLE: u64 = 1 << 53;

/// A double from here on cannot have come of a spelled fraction: the digits were a long integer.
const BEYOND_64_BITS: f64 = 18_446_744_073_709_551_616.0;

/// What was seen at one place of all samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// How many values were seen. Those that no other count tells of were too deep to look at.
    pub(crate) samples: u64,
    nulls: u64,
    booleans: u64,
    integers: u64,
    numbers: u64,
    strings: u64,
    beyond_doubles: bool,
    lists: u64,
    items: Option<Box<Shape>>,
    objects: u64,
    members: BTreeMap<String, Shape>,
}

/// How the members of an object are to be described.
enum Members<'s> {
    /// By name.
    Properties(&'s BTreeMap<String, Shape>),
    /// All alike: the object is used as a map.
    Map(Box<Shape>),
}

impl Shape {
    /// Adds a sample.
    pub(crate) fn observe(&mut self, sample: &Value) {
        self.observe_at(sample, 0);
    }

    fn observe_at(&mut self, sample: &Value, level: usize) {
        self.samples += 1;
        match sample {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => self.booleans += 1,
            Value::String(_) => self.strings += 1,
            Value::Number(number) => self.observe_number(number),
            Value::Array(_) | Value::Object(_) if level >= MAX_LEVELS => {}
            Value::Array(items) => {
                self.lists += 1;
                for item in items {
                    self.items.get_or_insert_default().observe_at(item, level + 1);
                }
            }
            Value::Object(members) => {
                self.objects += 1;
                for (key, value) in members {
                    self.members.entry(key.clone()).or_default().observe_at(value, level + 1);
                }
            }
        }
    }

    fn observe_number(&mut self, number: &Number) {
        let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
        let digits_beyond_64_bits = number.as_f64().is_some_and(|value| value.abs() >= BEYOND_64_BITS);
        if magnitude.is_some() || digits_beyond_64_bits {
            self.integers += 1;
            self.beyond_doubles |= magnitude.is_none_or(|magnitude| magnitude > MAX_EXACT_DOUBLE);
        } else {
            self.numbers += 1;
        }
    }

    fn absorb(&mut self, other: &Self) {
        self.samples += other.samples;
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.integers += other.integers;
        self.numbers += other.numbers;
        self.strings += other.strings;
        self.beyond_doubles |= other.beyond_doubles;
        self.lists += other.lists;
        if let Some(items) = &other.items {
            self.items.get_or_insert_default().absorb(items);
        }
        self.objects += other.objects;
        for (key, shape) in &other.members {
            self.members.entry(key.clone()).or_default().absorb(shape);
        }
    }

    fn members(&self) -> Members<'_> {
        let keys = self.members.len();
        let all_ids = keys > 0 && self.members.keys().all(|key| looks_like_id(key));
        let all_rare = keys >= MIN_MAP_KEYS
            && self.members.values().all(|member| member.samples * RARE_ONE_IN <= self.objects);
        if !all_ids && !all_rare {
            return Members::Properties(&self.members);
        }
        let mut any = Self::default();
        for member in self.members.values() {
            any.absorb(member);
        }
        Members::Map(Box::new(any))
    }

    /// The schema (JSON Schema 2020-12, as OpenAPI 3.1 has it) that every sample fits.
    pub(crate) fn to_schema(&self) -> Value {
        let types = self.types();
        let described = self.nulls
            + self.booleans
            + self.integers
            + self.numbers
            + self.strings
            + self.lists
            + self.objects;
        let mut schema = Map::new();
        if described < self.samples || types.is_empty() {
            return Value::Object(schema);
        }
        schema.insert("type".into(), if let [one] = types.as_slice() { json!(one) } else { json!(types) });
        if self.beyond_doubles {
            schema.insert(
                "description".into(),
                json!("Integers beyond 2^53 were seen: a reader that keeps numbers as doubles loses digits."),
            );
        }
        if self.objects > 0 {
            self.describe_members(&mut schema);
        }
        if let Some(items) = &self.items {
            schema.insert("items".into(), items.to_schema());
        }
        Value::Object(schema)
    }

    fn types(&self) -> Vec<&'static str> {
        let integers = if self.numbers > 0 { 0 } else { self.integers };
        [
            (self.objects, "object"),
            (self.lists, "array"),
            (self.strings, "string"),
            (integers, "integer"),
            (self.numbers, "number"),
            (self.booleans, "boolean"),
            (self.nulls, "null"),
        ]
        .into_iter()
        .filter_map(|(count, name)| (count > 0).then_some(name))
        .collect()
    }

    fn describe_members(&self, schema: &mut Map<String, Value>) {
        match self.members() {
            Members::Map(any) => {
                schema.insert("additionalProperties".into(), any.to_schema());
            }
            Members::Properties(members) => {
                let required: Vec<&String> = members
                    .iter()
                    .filter(|(_, member)| member.samples == self.objects)
                    .map(|(key, _)| key)
                    .collect();
                if !required.is_empty() {
                    schema.insert("required".into(), json!(required));
                }
                let properties: Map<String, Value> =
                    members.iter().map(|(key, member)| (key.clone(), member.to_schema())).collect();
                if !properties.is_empty() {
                    schema.insert("properties".into(), Value::Object(properties));
                }
            }
        }
    }

    /// Counts every place below this one, by JSON pointer; `*` stands for any item and any key of a map.
    pub(crate) fn count_fields(&self, pointer: &str, counts: &mut BTreeMap<String, FieldCount>) {
        let mut count = |step: &str, samples: u64, shape: &Self| {
            let place = format!("{pointer}/{step}");
            let entry = counts.entry(place.clone()).or_insert_with(|| FieldCount { samples: 0, present: 0 });
            entry.samples += samples;
            entry.present += shape.samples;
            shape.count_fields(&place, counts);
        };
        if let Some(items) = &self.items {
            count("*", self.lists, items);
        }
        match self.members() {
            Members::Map(any) => count("*", self.objects, &any),
            Members::Properties(members) => {
                for (key, member) in members {
                    count(&escape(key), self.objects, member);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(samples: &[Value]) -> Value {
        let mut shape = Shape::default();
        for sample in samples {
            shape.observe(sample);
        }
        shape.to_schema()
    }

    #[test]
    fn what_every_sample_has_is_required_and_types_unite() {
        assert_eq!(
            schema_of(&[
                json!({"a": 1, "b": "x"}),
                json!({"a": null, "c": [1, 2.5]}),
                json!({"a": 2, "c": []})
            ]),
            json!({
                "type": "object",
                "required": ["a"],
                "properties": {
                    "a": {"type": ["integer", "null"]},
                    "b": {"type": "string"},
                    "c": {"type": "array", "items": {"type": "number"}},
                },
            })
        );
    }

    #[test]
    fn an_integer_is_one_by_its_spelling() {
        let spelled = |text: &str| schema_of(&[serde_json::from_str(text).unwrap()])["type"].clone();
        assert_eq!(spelled("1"), "integer");
        assert_eq!(spelled("1.0"), "number");
        assert_eq!(spelled("1e3"), "number");
        assert_eq!(spelled("123456789012345678901234567890"), "integer");
    }

    #[test]
    fn integers_beyond_doubles_are_noted() {
        assert_eq!(schema_of(&[json!(1_u64 << 53)]), json!({"type": "integer"}));
        assert!(schema_of(&[json!((1_u64 << 53) + 1)])["description"].is_string());
    }

    #[test]
    fn an_object_whose_keys_are_ids_is_a_map() {
        assert_eq!(
            schema_of(&[json!({"@a:x": {"n": 1}}), json!({"@b:x": {"n": 2}, "@c:x": {}})]),
            json!({
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"n": {"type": "integer"}}},
            })
        );
    }

    #[test]
    fn an_object_with_many_rare_keys_is_a_map_and_with_common_ones_is_not() {
        let rare: Vec<Value> = (0..20).map(|n| json!({format!("k{}", char::from(b'a' + n)): n})).collect();
        assert_eq!(schema_of(&rare), json!({"type": "object", "additionalProperties": {"type": "integer"}}));
        let common: Vec<Value> =
            (0..20).map(|n| json!({"kind": "x", format!("k{}", char::from(b'a' + n)): n})).collect();
        assert_eq!(schema_of(&common)["properties"].as_object().unwrap().len(), 21);
        assert_eq!(schema_of(&common)["required"], json!(["kind"]));
    }

    #[test]
    fn places_are_counted() {
        let mut shape = Shape::default();
        shape.observe(&json!({"list": [{"a/b": 1}, {}], "map": {"42": true}}));
        shape.observe(&json!({"list": []}));
        let mut counts = BTreeMap::new();
        shape.count_fields("", &mut counts);
        let count = |place: &str| (counts[place].samples, counts[place].present);
        assert_eq!(count("/list"), (2, 2));
        assert_eq!(count("/list/*"), (2, 2));
        assert_eq!(count("/list/*/a~1b"), (2, 1));
        assert_eq!(count("/map"), (2, 1));
        assert_eq!(count("/map/*"), (1, 1));
    }
}
