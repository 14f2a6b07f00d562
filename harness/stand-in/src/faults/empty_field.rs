//! A field with nothing in it.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A field of the recorded answer becomes empty: text `""`, a list `[]`, an object `{}`, anything else `null`. The
/// body is written anew, so numbers and escapes may be spelled otherwise.
///
/// A good integration holds the record back, says so, and writes the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyField {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
}

impl Misbehaves for EmptyField {
    const EXAMPLES: &'static [&'static str] = &[r#"empty_field{"record":1,"field":"sender"}@messages-3"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::change(response, around.profile, self.record, &self.field, |object, name| {
                let empty = match object.get(name) {
                    Some(Value::String(_)) => json!(""),
                    Some(Value::Array(_)) => json!([]),
                    Some(Value::Object(_)) => json!({}),
                    _ => Value::Null,
                };
                object.insert(name.to_owned(), empty)
            })
        }))
    }
}
