//! The wrong status for an expired token.

use super::{Effect, Misbehaves};
use crate::auth::ExpiryTold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token of the request expires as it arrives, and this is told with 403 where 401 is due (RFC 6750 section
/// 3.1), to this request and to all later ones with the same token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForbiddenForExpiry {}

impl Misbehaves for ForbiddenForExpiry {
    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, _, request| tokens.expire(request, ExpiryTold::Forbidden)))
    }
}
