//! A field of another kind.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A field of the recorded answer gets another type that looks much the same: a number becomes text, text a number,
/// a list its first item, an object a list of it, a truth value text, null an object.
///
/// A good integration takes no text for a number. It holds the record back, says so, and writes the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrongType {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
}

impl Misbehaves for WrongType {
    const EXAMPLES: &'static [&'static str] =
        &[r#"wrong_type{"record":1,"field":"origin_server_ts"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::change(response, around.profile, self.record, &self.field, |object, name| {
                let other = match object.get(name).cloned().unwrap_or_default() {
                    Value::Number(number) => json!(number.to_string()),
                    Value::Bool(is_true) => json!(is_true.to_string()),
                    Value::String(text) => text.parse::<i64>().map_or(json!(0), Value::from),
                    Value::Array(items) => {
                        items.into_iter().next().filter(|i| !i.is_array()).unwrap_or(json!({}))
                    }
                    Value::Object(fields) => json!([fields]),
                    Value::Null => json!({}),
                };
                object.insert(name.to_owned(), other)
            })
        }))
    }
}
