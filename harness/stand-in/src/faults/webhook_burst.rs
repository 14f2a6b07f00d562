//! Somebody imported everything at once.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, bounded, renumbered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// After the webhook so many others come as fast as they are taken, 64 at a time, the same but for their ids. Each that
/// is refused comes again as the vendor repeats.
///
/// A good integration makes each durable before it says so, refuses what it has no room for with a status that
/// brings it back, and loses none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookBurst {
    /// How many.
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
}

impl Default for WebhookBurst {
    fn default() -> Self {
        Self { count: 10_000 }
    }
}

impl Misbehaves for WebhookBurst {
    const EXAMPLES: &'static [&'static str] = &[r#"webhook_burst{"count":200}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, around| {
            let message = renumbered(around.webhooks, &shipment.first()?.message, 200_000)?;
            let burst = Parcel::faulted(message, Departs::InTurn);
            shipment
                .parcels
                .push(Parcel { count: u64::from(bounded("count", self.count, 1..=100_000)?), ..burst });
            Ok(())
        }))
    }
}
