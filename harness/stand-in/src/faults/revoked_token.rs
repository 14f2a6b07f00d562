//! The access was taken back.

use super::{Effect, Misbehaves};
use crate::auth::Tokens;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody revokes the authorization as the request arrives. Its token, every other one of the same grant and the
/// refresh token are refused from then on: 401 in the provider's form `revoked_token`, else `unknown_token`, and
/// refreshes in the form `refresh_refused`. Only a person can mend that, by authorising anew. It needs a request
/// with a token, a key or a password that the stand-in knows.
///
/// A good integration tries to refresh once, is refused, holds the work and tells somebody at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedToken {}

impl Misbehaves for RevokedToken {
    const EXAMPLES: &'static [&'static str] = &["revoked_token@messages-3"];

    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(Tokens::revoke))
    }
}
