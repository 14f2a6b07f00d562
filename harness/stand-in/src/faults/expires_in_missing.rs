//! Nobody says how long the token lives.

use super::{Effect, Misbehaves, tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token answer does not tell the life of the access token, which RFC 6749 section 5.1 only recommends. The
/// token expires as it would have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiresInMissing {}

impl Misbehaves for ExpiresInMissing {
    fn effect(&self) -> Effect<'_> {
        Effect::AltersTokens(Box::new(|response, _, around| {
            tokens::change(response, around.profile, |body, fields| {
                let was_there = body.remove(&fields.expires_in);
                was_there.then_some(()).ok_or_else(|| format!("the answer has no `{}`", fields.expires_in))
            })
        }))
    }
}
