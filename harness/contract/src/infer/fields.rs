//! The fields of queries and forms: text that stands for a type only as far as all its values agree.

use crate::evidence::FieldCount;
use crate::scalar::Scalar;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The fields of all messages of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) messages: u64,
    fields: BTreeMap<String, Field>,
}

/// One field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    /// How many messages had it.
    messages: u64,
    /// Whether one of them had it more than once.
    repeated: bool,
    integers: bool,
    numbers: bool,
    booleans: bool,
    texts: bool,
}

impl Fields {
    /// Adds the fields of one message.
    pub(crate) fn observe(&mut self, sent: &[(String, String)]) {
        self.messages += 1;
        let mut seen = BTreeSet::new();
        for (name, value) in sent {
            let field = self.fields.entry(name.clone()).or_default();
            if seen.insert(name) {
                field.messages += 1;
            } else {
                field.repeated = true;
            }
            field.observe(value);
        }
    }

    /// Names with their fields, sorted, and whether every message had the field.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Field, bool)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field, field.messages == self.messages))
    }

    /// How often each field was there.
    pub(crate) fn counts(&self) -> BTreeMap<String, FieldCount> {
        self.fields
            .iter()
            .map(|(name, field)| {
                let count = FieldCount { samples: self.messages, present: field.messages };
                (format!("/{}", crate::node::escape(name)), count)
            })
            .collect()
    }

    /// The schema of a form as an object.
    pub(crate) fn to_schema(&self) -> Value {
        let required: Vec<&str> =
            self.iter().filter_map(|(name, _, always)| always.then_some(name)).collect();
        let properties: serde_json::Map<String, Value> =
            self.iter().map(|(name, field, _)| (name.to_owned(), field.to_schema())).collect();
        let mut schema = json!({"type": "object"});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if !properties.is_empty() {
            schema["properties"] = Value::Object(properties);
        }
        schema
    }
}

impl Field {
    fn observe(&mut self, value: &str) {
        match Scalar::of(value) {
            Scalar::Integer => self.integers = true,
            Scalar::Number => self.numbers = true,
            Scalar::Boolean => self.booleans = true,
            Scalar::Text => self.texts = true,
        }
    }

    /// The type on which all values agree: a field that was a number once and a word once is text.
    pub(crate) fn to_schema(&self) -> Value {
        let name = match (self.integers, self.numbers, self.booleans, self.texts) {
            (true, false, false, false) => "integer",
            (_, true, false, false) => "number",
            (false, false, true, false) => "boolean",
            _ => "string",
        };
        let one = json!({"type": name});
        if self.repeated { json!({"type": "array", "items": one}) } else { one }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(messages: &[&[(&str, &str)]]) -> Value {
        let mut fields = Fields::default();
        for message in messages {
            let sent: Vec<_> = message.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            fields.observe(&sent);
        }
        fields.to_schema()
    }

    #[test]
    fn a_type_is_what_all_values_agree_on() {
        let schema = schema_of(&[
            &[("limit", "10"), ("dir", "b"), ("ratio", "1"), ("all", "true"), ("tag", "1")],
            &[("limit", "5"), ("dir", "1"), ("ratio", "0.5"), ("tag", "2"), ("tag", "3")],
        ]);
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "required": ["dir", "limit", "ratio", "tag"],
                "properties": {
                    "all": {"type": "boolean"},
                    "dir": {"type": "string"},
                    "limit": {"type": "integer"},
                    "ratio": {"type": "number"},
                    "tag": {"type": "array", "items": {"type": "integer"}},
                },
            })
        );
    }
}
