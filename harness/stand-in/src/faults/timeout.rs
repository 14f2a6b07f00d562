//! Silence.

use super::Effect;
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request is taken and never answered: the connection stays open until the client gives up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeout {}

impl Timeout {
    pub(super) fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| Answer::Hold))
    }
}
