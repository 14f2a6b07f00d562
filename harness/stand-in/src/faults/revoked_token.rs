//! The access was taken back.

use super::{Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody revokes the authorization as the request arrives: its token and every other one of the same grant, the
/// refresh token too, are refused from then on. Only a person can mend that, by authorising anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedToken {}

impl Misbehaves for RevokedToken {
    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, _, request| tokens.revoke(request)))
    }
}
