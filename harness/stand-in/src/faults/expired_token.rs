//! The access token's life is over.

use super::{Effect, Misbehaves};
use crate::auth::ExpiryTold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token of the request expires as it arrives, or its key or password does. This request and all later ones with
/// the same token get 401 in the provider's form `expired_token`, until the integration has refreshed. At a public
/// operation the request itself is still answered. It needs `auth` in the profile, and a request with a token that the
/// stand-in knows.
///
/// A good integration refreshes once, keeps the new tokens, repeats the request, and tells nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredToken {}

impl Misbehaves for ExpiredToken {
    const EXAMPLES: &'static [&'static str] = &["expired_token@messages-3"];

    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, profile, request| {
            tokens.expire(profile, request, ExpiryTold::Unauthorized)
        }))
    }
}
