//! Somebody else was faster.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 409 Conflict (RFC 9110 section 15.5.10) in the provider's form `conflict`: what is there does not go with the
/// request.
///
/// A good integration does not send the same request again as it is. It reads the record anew, or holds the work
/// and tells somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conflict {}

impl Misbehaves for Conflict {
    const EXAMPLES: &'static [&'static str] = &["conflict@send"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("conflict", 409, "conflict"))))
    }
}
