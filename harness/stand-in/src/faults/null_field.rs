//! A field that is there and says nothing.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field of the recorded answer becomes null. The body is written anew, so numbers and escapes may be spelled
/// otherwise.
///
/// A good integration takes null for no value: where it needs one, it holds the record back, says so, and writes
/// the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NullField {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
}

impl Misbehaves for NullField {
    const EXAMPLES: &'static [&'static str] =
        &[r#"null_field{"record":1,"field":"content.body"}@messages-3"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::change(response, around.profile, self.record, &self.field, |object, name| {
                object.insert(name.to_owned(), Value::Null)
            })
        }))
    }
}
