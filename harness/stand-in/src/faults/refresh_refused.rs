//! The refresh token is no good any more.

use super::{Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The refresh token of the request is revoked as it arrives. This refresh and all later ones with the same token
/// are refused in the provider's form `refresh_refused`. It needs `auth.oauth2` or `auth.bearer.refresh` in the
/// profile, and a place at which a refresh happens. Put `expired_token` before it, or nothing is refreshed.
///
/// A good integration stops, holds the work and tells somebody at once, because only the customer can authorise
/// anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRefused {}

impl Misbehaves for RefreshRefused {
    const EXAMPLES: &'static [&'static str] = &["refresh_refused@refresh"];

    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(crate::auth::Tokens::revoke_refresh))
    }
}
