//! Called too often, or so the provider says.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use crate::behaviour::gate::Said;
use counterpart_exchange::{FieldName, FieldValue, RetryAfterForm};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// 429 Too Many Requests (RFC 6585 section 4) in the provider's form `rate_limited`. Without `really_s` the
/// stand-in does not enforce the wait; the invariant `polite` judges it. With it the refusals that follow count as
/// behaviour, not as further strikes. What a provider enforces without a fault is the `quota` of its profile.
///
/// A good integration waits as long as it is told and counts no attempt. Told nothing, it waits by itself, longer
/// each time. Told a wait that is too short, it waits longer the next time instead of asking for ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// Seconds to wait, told in `Retry-After` (RFC 9110 section 10.2.3) and in the provider's own field if it has
    /// one. Without it the answer does not say how long.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
    /// How `Retry-After` is written.
    #[serde(default)]
    pub told_as: RetryAfterForm,
    /// Header fields that the answer carries besides.
    #[serde(default)]
    pub vendor_headers: IndexMap<FieldName, FieldValue>,
    /// Seconds for which the operation is really refused from then on, whatever was told: more, or less. Each
    /// refusal tells the same wait again. Without it, nothing is refused but the request itself.
    #[serde(default)]
    pub really_s: Option<NonZeroU32>,
}

impl Misbehaves for RateLimited {
    const EXAMPLES: &'static [&'static str] = &[
        r#"rate_limited{"retry_after_s":30}@messages-4"#,
        r#"rate_limited{"retry_after_s":5,"told_as":"http_date","really_s":30,"vendor_headers":{"x-ratelimit-remaining":"0"}}@messages-5"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Gate(Box::new(|gate, around| {
            let said = Said {
                wait_s: self.retry_after_s,
                told_as: self.told_as,
                vendor_headers: self.vendor_headers.clone(),
            };
            let answer = Answer::Whole(said.answer(around.forms, around.now));
            if let Some(really_s) = self.really_s {
                gate.close(around.operation, u64::from(really_s.get()), said, around.now);
            }
            Ok(Some(answer))
        }))
    }
}
