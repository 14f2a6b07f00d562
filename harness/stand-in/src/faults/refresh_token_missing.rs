//! No new refresh token where one was due.

use super::{Effect, Misbehaves, tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token answer has no refresh token. The one that was used stays good (RFC 6749 section 6 lets the server
/// choose); where none was used, as after an authorization, there is none. It needs an answer that would have one.
///
/// A good integration keeps the refresh token that it has. It does not overwrite it with nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenMissing {}

impl Misbehaves for RefreshTokenMissing {
    const EXAMPLES: &'static [&'static str] = &["refresh_token_missing@refresh"];

    fn effect(&self) -> Effect<'_> {
        Effect::AltersTokens(Box::new(|response, state, around| {
            tokens::change(response, around.profile, |body, fields| {
                let name = &fields.refresh_token;
                let token = body.text(name).ok_or_else(|| format!("the answer has no `{name}`"))?;
                body.remove(name);
                state.withhold_refresh(&token);
                Ok(())
            })
        }))
    }
}
