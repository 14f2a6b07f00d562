//! A field that should be there and is not.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field is taken out of the recorded answer. Numbers of the body may be spelled anew.
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
    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            field::change(response, around.profile, self.record, &self.field, |object, name| {
                object.shift_remove(name)
            })
        }))
    }
}
