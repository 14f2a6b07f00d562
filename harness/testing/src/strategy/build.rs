//! A schema becomes a strategy: references, what is merged, and the kinds of values.

use super::merge::merged;
use super::operation::pointer_of;
use super::validity::Validity;
use super::{StrategyError, alternatives, array, number, object, text};
use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, Union};
use serde_json::{Map, Value};

/// How often a schema may be within itself.
const MAX_OF_ONE_REFERENCE: usize = 2;
/// References within references.
const MAX_REFERENCES: usize = 12;
/// Schemas that one strategy is made of; a document can refer to itself in exponentially many ways.
const MAX_SCHEMAS: usize = 20_000;

/// Keywords that constrain, and are honoured.
const HONOURED: [&str; 29] = [
    "$ref",
    "type",
    "enum",
    "const",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    // Say nothing of a value by themselves.
    "$defs",
    "$schema",
    "$comment",
];
/// Keywords that describe and do not constrain.
const DESCRIBING: [&str; 15] = [
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "discriminator",
    "contentMediaType",
    "contentEncoding",
    "contentSchema",
    "definitions",
];

/// A schema, and where in the document it stands, or what it was put together from does.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) value: Value,
    pub(super) place: String,
    /// References that were followed to put it together.
    pub(super) through: Vec<String>,
}

impl Schema {
    pub(super) fn new(value: Value, place: impl Into<String>) -> Self {
        Self { value, place: place.into(), through: Vec::new() }
    }

    pub(super) fn at(&self, key: &str, value: &Value) -> Self {
        Self::new(value.clone(), format!("{}/{key}", self.place))
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> Stop {
        Stop::Error(StrategyError::at(self.place.clone(), problem))
    }

    pub(super) fn impossible(&self, problem: impl Into<String>) -> Stop {
        Stop::Impossible(StrategyError::at(self.place.clone(), problem))
    }

    /// A whole number that bounds something.
    pub(super) fn count(&self, key: &str) -> Result<Option<usize>, Stop> {
        let Some(value) = self.value.get(key) else { return Ok(None) };
        let count = value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
        let count = count.and_then(|count| usize::try_from(count).ok());
        let not_one = || self.error(format!("`{key}` is {value}; expected a whole number from 0"));
        count.ok_or_else(not_one).map(Some)
    }
}

/// Why there is no strategy for a schema.
pub(super) enum Stop {
    /// It contains itself once too often here: whoever can do without it leaves it away.
    TooDeep,
    /// No value is of it: whoever can do without it leaves it away too.
    Impossible(StrategyError),
    Error(StrategyError),
}

pub(super) type Built = Result<BoxedStrategy<Value>, Stop>;

/// Makes strategies from one document.
pub(super) struct Builder<'d> {
    pub(super) document: &'d Value,
    /// The references that are being followed.
    within: Vec<String>,
    schemas: usize,
}

impl<'d> Builder<'d> {
    pub(super) fn new(document: &'d Value) -> Self {
        Self { document, within: Vec::new(), schemas: 0 }
    }

    pub(super) fn build(&mut self, schema: &Schema) -> Built {
        let before = self.within.len();
        for pointer in &schema.through {
            if let Err(stop) = self.enter(pointer) {
                self.within.truncate(before);
                return Err(stop);
            }
        }
        let built = self.built(schema);
        self.within.truncate(before);
        built
    }

    /// Follows a reference, unless it was followed too often on the way here.
    fn enter(&mut self, pointer: &str) -> Result<(), Stop> {
        let times = self.within.iter().filter(|known| *known == pointer).count();
        if times >= MAX_OF_ONE_REFERENCE || self.within.len() >= MAX_REFERENCES {
            return Err(Stop::TooDeep);
        }
        self.within.push(pointer.to_owned());
        Ok(())
    }

    fn built(&mut self, schema: &Schema) -> Built {
        self.schemas += 1;
        if self.schemas > MAX_SCHEMAS {
            return Err(
                schema.error(format!("over {MAX_SCHEMAS} schemas within each other; ask for a smaller part"))
            );
        }
        let keywords = match &schema.value {
            Value::Bool(true) => return Ok(anything()),
            Value::Bool(false) => return Err(schema.impossible("`false` allows no value at all")),
            Value::Object(keywords) => keywords,
            _ => return Err(schema.error("expected a schema: a mapping, true or false")),
        };
        check_keywords(schema, keywords)?;
        if let Some(reference) = keywords.get("$ref") {
            return self.referred(schema, keywords, reference);
        }
        if let Some(Value::Array(parts)) = keywords.get("allOf") {
            return self.all_of(schema, keywords, parts);
        }
        if keywords.contains_key("anyOf") || keywords.contains_key("oneOf") {
            return alternatives::build(self, schema);
        }
        if let Some(excluded) = keywords.get("not") {
            return self.not(schema, excluded);
        }
        if keywords.contains_key("enum") || keywords.contains_key("const") {
            return self.one_of_values(schema, keywords);
        }
        let kinds = kinds(schema)?;
        let mut all = Vec::new();
        for kind in &kinds {
            all.push(match kind.as_str() {
                "null" => Just(Value::Null).boxed(),
                "boolean" => any::<bool>().prop_map(Value::Bool).boxed(),
                "integer" => number::whole(schema)?,
                "number" => number::any(schema)?,
                "string" => text::build(schema)?,
                "array" => array::build(self, schema)?,
                "object" => object::build(self, schema)?,
                "" => anything(),
                other => return Err(schema.error(format!("`type` is {other:?}, which JSON has not"))),
            });
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Union::new(all).boxed() })
    }

    fn referred(&mut self, schema: &Schema, keywords: &Map<String, Value>, reference: &Value) -> Built {
        let reference = reference.as_str().ok_or_else(|| schema.error("`$ref` is no text"))?;
        let pointer = pointer_of(reference, &schema.place).map_err(Stop::Error)?;
        let Some(target) = self.document.pointer(&pointer) else {
            return Err(schema.error(format!("refers to {reference:?}, where there is nothing")));
        };
        let target = Schema::new(target.clone(), pointer.clone());
        let mut beside = keywords.clone();
        beside.remove("$ref");
        self.enter(&pointer)?;
        let built = match beside.is_empty() {
            true => self.build(&target),
            false => {
                let beside = Schema::new(Value::Object(beside), schema.place.clone());
                merged(self.document, &target, &beside).and_then(|both| self.build(&both))
            }
        };
        self.within.pop();
        built
    }

    fn all_of(&mut self, schema: &Schema, keywords: &Map<String, Value>, parts: &[Value]) -> Built {
        let mut rest = keywords.clone();
        rest.remove("allOf");
        let mut all = Schema::new(Value::Object(rest), schema.place.clone());
        for (index, part) in parts.iter().enumerate() {
            all = merged(self.document, &all, &schema.at(&format!("allOf/{index}"), part))?;
        }
        self.build(&all)
    }

    fn not(&mut self, schema: &Schema, excluded: &Value) -> Built {
        let mut rest = schema.clone();
        if let Value::Object(keywords) = &mut rest.value {
            keywords.remove("not");
        }
        let validity = Validity::of(self.document, &schema.at("not", excluded))?;
        let built = self.build(&rest)?;
        validity.keep(built, false, schema, "`not` leaves too few of the values that the rest allows")
    }

    /// `enum` and `const`: those of the values that the rest of the schema allows.
    fn one_of_values(&mut self, schema: &Schema, keywords: &Map<String, Value>) -> Built {
        let listed = keywords.get("enum").and_then(Value::as_array).cloned();
        let values =
            listed.or_else(|| keywords.get("const").map(|value| vec![value.clone()])).unwrap_or_default();
        let validity = Validity::of(self.document, schema)?;
        let values: Vec<Value> = values.into_iter().filter(|value| validity.holds(value)).collect();
        match values.is_empty() {
            true => {
                Err(schema
                    .impossible("none of the values that are listed is allowed by the rest of the schema"))
            }
            false => Ok(prop::sample::select(values).boxed()),
        }
    }
}

/// The kinds of values that are allowed; where none is named, those that the keywords are about.
fn kinds(schema: &Schema) -> Result<Vec<String>, Stop> {
    let has = |keywords: &[&str]| keywords.iter().any(|keyword| schema.value.get(*keyword).is_some());
    match schema.value.get("type") {
        Some(Value::String(kind)) => Ok(vec![kind.clone()]),
        Some(Value::Array(kinds)) => {
            let named = kinds.iter().filter_map(Value::as_str).map(str::to_owned);
            let mut named: Vec<String> = named.collect();
            // The simplest first: it is what a failure shrinks to.
            named.sort_by_key(|kind| kind != "null");
            if named.is_empty() { Err(schema.error("`type` allows no kind of value")) } else { Ok(named) }
        }
        Some(_) => Err(schema.error("`type` is neither a word nor a list of words")),
        None if has(&[
            "properties",
            "required",
            "additionalProperties",
            "minProperties",
            "maxProperties",
        ]) =>
        {
            Ok(vec!["object".to_owned()])
        }
        None if has(&["items", "minItems", "maxItems", "uniqueItems"]) => Ok(vec!["array".to_owned()]),
        None if has(&["pattern", "minLength", "maxLength", "format"]) => Ok(vec!["string".to_owned()]),
        None if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) => {
            Ok(vec!["number".to_owned()])
        }
        None => Ok(vec![String::new()]),
    }
}

fn check_keywords(schema: &Schema, keywords: &Map<String, Value>) -> Result<(), Stop> {
    for key in keywords.keys() {
        let is_known = HONOURED.contains(&key.as_str()) || DESCRIBING.contains(&key.as_str());
        if key == "nullable" {
            let problem = "`nullable` says nothing in OpenAPI 3.1; write `type: [..., \"null\"]`";
            return Err(schema.error(problem));
        }
        if !is_known && !key.starts_with("x-") {
            let problem =
                format!("`{key}` cannot be honoured when values are made; ask for a part without it");
            return Err(schema.error(problem));
        }
    }
    Ok(())
}

/// Where a schema says nothing: small values of every kind.
pub(super) fn anything() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1_000_i64..1_000).prop_map(Value::from),
        "[ -~]{0,8}".prop_map(Value::String),
        prop::collection::vec((-9_i64..9).prop_map(Value::from), 0..3).prop_map(Value::Array),
    ]
    .boxed()
}
