//! The provider fails.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use crate::forms::plain;
use counterpart_exchange::StatusWithin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A 5xx answer in the provider's form `server_error`, its status replaced. The request had no effect.
///
/// A good integration waits longer each time, or as long as it is told, tells somebody after some failures, and at
/// last gives up loudly: nothing lost, the work held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerError {
    /// The status.
    pub status: StatusWithin<500, 599>,
    /// Seconds to wait, told in `Retry-After` (RFC 9110 section 10.2.3), as 503 often does.
    pub retry_after_s: Option<u64>,
}

impl Default for ServerError {
    fn default() -> Self {
        Self { status: StatusWithin::new(500), retry_after_s: None }
    }
}

impl Misbehaves for ServerError {
    const EXAMPLES: &'static [&'static str] =
        &[r#"server_error{"status":503,"retry_after_s":120}@messages-2*3"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| {
            let status = self.status.get();
            let mut form = around
                .forms
                .recorded("server_error")
                .cloned()
                .unwrap_or_else(|| plain(status, "internal server error"));
            form.status = status;
            Answer::Whole(match self.retry_after_s {
                Some(_) => around.forms.with_retry_after(form, self.retry_after_s),
                None => form,
            })
        }))
    }
}
