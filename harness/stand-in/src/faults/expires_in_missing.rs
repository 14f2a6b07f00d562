//! Nobody says how long the token lives.

use super::{Effect, Misbehaves, tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token answer does not tell how long the access token lives, which RFC 6749 section 5.1 only recommends. The
/// token expires as it would have. It needs an answer with the field: `expires_in`, or what the profile calls it.
///
/// A good integration uses the token until it is refused, and then refreshes. It does not take a missing life for
/// none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiresInMissing {}

impl Misbehaves for ExpiresInMissing {
    const EXAMPLES: &'static [&'static str] = &["expires_in_missing@refresh"];

    fn effect(&self) -> Effect<'_> {
        Effect::AltersTokens(Box::new(|response, _, around| {
            tokens::change(response, around.profile, |body, fields| {
                let was_there = body.remove(&fields.expires_in);
                was_there.then_some(()).ok_or_else(|| format!("the answer has no `{}`", fields.expires_in))
            })
        }))
    }
}
