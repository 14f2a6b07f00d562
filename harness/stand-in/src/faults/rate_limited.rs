//! Called too often.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 429 Too Many Requests (RFC 6585 section 4) in the provider's own form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// Seconds to wait, told in `Retry-After` (RFC 9110 section 10.2.3) and in the provider's own field if it has
    /// one. Without it the answer does not say how long.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
}

impl Misbehaves for RateLimited {
    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| {
            let form = around.forms.form("rate_limited", 429, "too many requests");
            Answer::Whole(around.forms.with_retry_after(form, self.retry_after_s))
        }))
    }
}
