//! The permission is gone.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 403 Forbidden (RFC 9110 section 15.5.4) in the provider's form `forbidden`.
///
/// A good integration does not try again. It holds the work and tells somebody at once, because only an
/// administrator can give the permission back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {}

impl Misbehaves for Forbidden {
    const EXAMPLES: &'static [&'static str] = &["forbidden@messages-4*always"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("forbidden", 403, "forbidden"))))
    }
}
