//! The provider fears a replay.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 425 Too Early (RFC 8470 section 5.2) in the provider's form `too_early`: the provider fears a replay. The same
/// request may be sent again.
///
/// A good integration sends the same request again, with the same key, after a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TooEarly {}

impl Misbehaves for TooEarly {
    const EXAMPLES: &'static [&'static str] = &["too_early@send"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| Answer::Whole(around.forms.form("too_early", 425, "too early"))))
    }
}
