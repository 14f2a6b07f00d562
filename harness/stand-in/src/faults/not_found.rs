//! What was there is not.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 404 Not Found (RFC 9110 section 15.5.5) in the provider's form `not_found`.
///
/// A good integration does not try again. It ends the work or holds it, and tells somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotFound {}

impl Misbehaves for NotFound {
    const EXAMPLES: &'static [&'static str] = &["not_found@messages-2*always"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("not_found", 404, "not found"))))
    }
}
