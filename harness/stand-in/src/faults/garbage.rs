//! Bytes that are no HTTP.

use super::{AtConnection, Effect, Misbehaves};
use crate::answer::Answer;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Instead of an answer come bytes that are no HTTP, as from a broken middlebox or another service on the port.
/// Then the connection is closed.
///
/// A good integration takes it for no answer: it tries again on a new connection after a wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Garbage {}

/// Neither a status line nor text.
const BYTES: &[u8] = b"\x00\xde\xad\xbe\xef SSH-2.0-not-http\r\n\xff\xfe\xfd\r\n\r\n";

impl Misbehaves for Garbage {
    const EXAMPLES: &'static [&'static str] = &["garbage@messages-2", "garbage@connection:1"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| Answer::Raw(Bytes::from_static(BYTES))))
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Garbage(Bytes::from_static(BYTES)))
    }
}
