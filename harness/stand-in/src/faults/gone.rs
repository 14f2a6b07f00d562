//! What was there will never be again.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 410 Gone (RFC 9110 section 15.5.11) in the provider's form `gone`: what is asked for will never be there again.
///
/// A good integration does not try again. It ends the work or holds it, and tells somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gone {}

impl Misbehaves for Gone {
    const EXAMPLES: &'static [&'static str] = &["gone@messages-2*always"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("gone", 410, "gone"))))
    }
}
