//! The provider's half of the connection is closed.

use super::{AtConnection, Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The provider closes its half (FIN) without an answer and goes on reading: the client can still send, and is
/// never told anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HalfClosed {}

impl Misbehaves for HalfClosed {
    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| Answer::Nothing(Cut::HalfClose)))
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::HalfClose)
    }
}
