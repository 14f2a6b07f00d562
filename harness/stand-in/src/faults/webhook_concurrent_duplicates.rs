//! Two of the provider's senders had the same thought.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, bounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The same webhook comes several times at the same moment, over connections of their own: whoever looks first and
/// writes afterwards applies it twice.
///
/// A good integration applies one of them: its look-up and its write are one transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookConcurrentDuplicates {
    /// How many come at once.
    #[schemars(range(min = 2, max = 64))]
    pub copies: u32,
}

impl Default for WebhookConcurrentDuplicates {
    fn default() -> Self {
        Self { copies: 2 }
    }
}

impl Misbehaves for WebhookConcurrentDuplicates {
    const EXAMPLES: &'static [&'static str] =
        &[r#"webhook_concurrent_duplicates{"copies":8}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let message = shipment.first()?.message.clone();
            for _ in 1..bounded("copies", self.copies, 2..=64)? {
                shipment.parcels.push(Parcel::faulted(message.clone(), Departs::WithThePrevious));
            }
            Ok(())
        }))
    }
}
