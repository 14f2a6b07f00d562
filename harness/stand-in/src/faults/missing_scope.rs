//! The token opens less than it did.

use super::{Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scope is taken away from the grant as the request arrives: 403 (RFC 6750 section 3.1, `insufficient_scope`) for
/// this and all later requests that need it. A refresh does not bring it back; only a new authorization does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MissingScope {
    /// The scope; without it, all that the operation needs by the profile, or the operation itself where it names none.
    pub scope: Option<String>,
}

impl Misbehaves for MissingScope {
    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, profile, request| {
            tokens.take_scope(profile, request, self.scope.as_deref())
        }))
    }
}
