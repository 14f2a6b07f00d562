//! An old webhook, rightly signed.

use super::{Effect, Misbehaves};
use crate::webhooks::{Sealing, bounded};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first attempt was signed so long ago: its signature is right, and it may be somebody's replay. Only schemes
/// that sign the time can show it. If the vendor tries again after a refusal, that attempt is of its own time.
///
/// A good integration refuses it: the time is part of what is signed, and is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookStaleTimestamp {
    /// How long ago, in seconds.
    #[schemars(range(min = 1))]
    pub by_s: u32,
}

impl Default for WebhookStaleTimestamp {
    fn default() -> Self {
        Self { by_s: 3_600 }
    }
}

impl Misbehaves for WebhookStaleTimestamp {
    const EXAMPLES: &'static [&'static str] = &[r#"webhook_stale_timestamp{"by_s":301}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let ago = SignedDuration::from_secs(i64::from(bounded("by_s", self.by_s, 1..=u32::MAX)?));
            shipment.first()?.sealing = Sealing::AsOf(ago);
            Ok(())
        }))
    }
}
