//! A field that nobody asked for.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The answer has one field more: providers add fields without a new version.
///
/// A good integration ignores what it does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraField {
    /// The new field, by a dotted path whose parents exist: `content.new`.
    #[serde(default = "new_field")]
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
    /// What it holds.
    #[serde(default = "new_value")]
    pub value: Value,
}

fn new_field() -> String {
    "counterpart_new_field".to_owned()
}

fn new_value() -> Value {
    json!({"nested": [1, "two", null]})
}

impl Misbehaves for ExtraField {
    const EXAMPLES: &'static [&'static str] =
        &[r#"extra_field{"record":1,"field":"content.new","value":{"level":3}}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::add(response, around.profile, self.record, &self.field, self.value.clone())
        }))
    }
}
