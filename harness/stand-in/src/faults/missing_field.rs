//! A field that should be there and is not.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field is taken out of the recorded answer. The body is written anew, so numbers and escapes may be spelled
/// otherwise.
///
/// In a record, a good integration holds that record back, says so, and writes the others. Where the list of
/// records itself is missing, it takes the answer for a failed attempt, not for an empty page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingField {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
}

impl Misbehaves for MissingField {
    const EXAMPLES: &'static [&'static str] =
        &[r#"missing_field{"record":4,"field":"content.body"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::change(response, around.profile, self.record, &self.field, |object, name| {
                object.shift_remove(name)
            })
        }))
    }
}
