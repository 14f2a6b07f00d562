//! The answer ends before its time.

use super::{Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The head promises the whole length, half of the body is sent, and the connection is closed in good order. It
/// needs an answer with a body.
///
/// A good integration compares the length, or notices that the JSON ends early, and asks again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Truncated {}

impl Misbehaves for Truncated {
    const EXAMPLES: &'static [&'static str] = &["truncated@messages-2"];

    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|response| Answer::halved(response, Cut::Close)))
    }
}
