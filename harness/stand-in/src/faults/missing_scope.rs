//! The token opens less than it did.

use super::{Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scope is taken away from the grant of the request's token: 403 in the provider's form `insufficient_scope`,
/// else `forbidden` (RFC 6750 section 3.1), for this request and all later ones that need it. A refresh does not
/// bring it back; only a new authorization does. It needs a request with a token that the stand-in knows, at an
/// operation that needs one.
///
/// A good integration does not refresh and does not try again. It holds the work and tells somebody which scope is
/// missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MissingScope {
    /// The scope; without it, all that the operation needs by the profile, or the operation itself where it names none.
    pub scope: Option<String>,
}

impl Misbehaves for MissingScope {
    const EXAMPLES: &'static [&'static str] = &[r#"missing_scope{"scope":"channels.write"}@send"#];

    fn effect(&self) -> Effect<'_> {
        Effect::State(Box::new(|tokens, profile, request| {
            tokens.take_scope(profile, request, self.scope.as_deref())
        }))
    }
}
