//! Silence.

use super::{AtConnection, Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request is taken and never answered: the connection stays open until the client gives up. At a connection:
/// it is accepted, and nothing is ever read or written. There is no length: the client's own time-out decides. With
/// `counterpart serve` the client waits in real time.
///
/// A good integration has a time-out on every request and asks again. One without fails the step `settle`: the
/// subject waits for ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeout {}

impl Misbehaves for Timeout {
    const EXAMPLES: &'static [&'static str] = &["timeout@messages-5", "timeout@connection:1"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| Answer::Hold))
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Hang)
    }
}
