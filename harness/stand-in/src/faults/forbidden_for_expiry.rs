//! The wrong status for an expired token.

use super::{Effect, Misbehaves};
use crate::auth::ExpiryTold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The bearer token of the request expires as it arrives, and 403 tells it where 401 is due (RFC 6750 section 3.1),
/// in the provider's form `expired_token`. This request and all later ones with the same token get it, until the
/// integration has refreshed. It needs `auth` in the profile, and a request with a token that the stand-in knows.
///
/// A good integration refreshes once before it believes in a missing permission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForbiddenForExpiry {}

impl Misbehaves for ForbiddenForExpiry {
    const EXAMPLES: &'static [&'static str] = &["forbidden_for_expiry@messages-3"];

    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, profile, request| {
            tokens.expire(profile, request, ExpiryTold::Forbidden)
        }))
    }
}
