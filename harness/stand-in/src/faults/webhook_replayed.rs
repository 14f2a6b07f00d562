//! Somebody listened, and sends it once more.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, Repeats, Sealing, bounded};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The webhook comes again later, byte for byte, with the signature that it had: whoever recorded it can do that
/// without the secret.
///
/// A good integration refuses what was signed too long ago, and within that time knows the id again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookReplayed {
    /// How much later, in seconds on the stand-in's clock.
    #[schemars(range(min = 1))]
    pub after_s: u32,
}

impl Default for WebhookReplayed {
    fn default() -> Self {
        Self { after_s: 3_600 }
    }
}

impl Misbehaves for WebhookReplayed {
    const EXAMPLES: &'static [&'static str] = &[r#"webhook_replayed{"after_s":600}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let message = shipment.first()?.message.clone();
            let after = SignedDuration::from_secs(i64::from(bounded("after_s", self.after_s, 1..=u32::MAX)?));
            let replay = Parcel::faulted(message, Departs::After(after));
            shipment.parcels.push(Parcel { sealing: Sealing::Replayed, repeats: Repeats::Never, ..replay });
            Ok(())
        }))
    }
}
