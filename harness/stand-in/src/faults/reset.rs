//! The connection breaks.

use super::Effect;
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connection is reset: RST instead of an orderly end (RFC 9293 section 3.10.7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// When.
    pub at: ResetAt,
}

/// When a connection is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetAt {
    /// Before the status line.
    BeforeAnswer,
    /// After half of the body.
    #[default]
    MidBody,
}

impl Reset {
    pub(super) fn effect(&self) -> Effect<'_> {
        match self.at {
            ResetAt::BeforeAnswer => Effect::Instead(Box::new(|_| Answer::Nothing(Cut::Reset))),
            ResetAt::MidBody => Effect::Spoils(Box::new(|response| Answer::halved(response, Cut::Reset))),
        }
    }
}
