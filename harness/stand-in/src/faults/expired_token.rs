//! The access token's life is over.

use super::{Effect, Misbehaves};
use crate::auth::ExpiryTold;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token of the request expires as it arrives: this request and all later ones with the same token
/// get the provider's own 401, until the subject has refreshed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredToken {}

impl Misbehaves for ExpiredToken {
    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, _, request| tokens.expire(request, ExpiryTold::Unauthorized)))
    }
}
