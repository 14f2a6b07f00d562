//! The refresh token is no good any more.

use super::{Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The refresh token of the request is revoked as it arrives: this refresh and all later ones with the same
/// token are refused in the provider's own form. Only a person can mend that, by authorising anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRefused {}

impl Misbehaves for RefreshRefused {
    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(crate::auth::Tokens::revoke_refresh))
    }
}
