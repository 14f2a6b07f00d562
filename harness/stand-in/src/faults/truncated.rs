//! The answer ends before its time.

use super::{Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The head promises a length, half of the body is sent, and the connection is closed in good order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Truncated {}

impl Misbehaves for Truncated {
    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|response| Answer::halved(response, Cut::Close)))
    }
}
