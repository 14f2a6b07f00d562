//! The provider fears a replay.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 425 Too Early (RFC 8470 section 5.2) in the provider's own form: the same request may be sent again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TooEarly {}

impl Misbehaves for TooEarly {
    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("too_early", 425, "too early"))))
    }
}
