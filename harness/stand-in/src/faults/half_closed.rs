//! The provider's half of the connection is closed.

use super::{AtConnection, Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The provider closes its half (FIN) without an answer and goes on reading: the client can still send, and is
/// never told anything.
///
/// A good integration takes the end for no answer at once and tries again after a wait. It does not go on waiting
/// for its time-out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HalfClosed {}

impl Misbehaves for HalfClosed {
    const EXAMPLES: &'static [&'static str] = &["half_closed@messages-2", "half_closed@connection:1"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| Answer::Nothing(Cut::HalfClose)))
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::HalfClose)
    }
}
