//! Nobody promised an order.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, bounded};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The webhook is held back until later ones to the same URL have overtaken it. If they do not come in time it goes
/// out all the same.
///
/// A good integration goes by when a thing happened, not by the order in which it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookOutOfOrder {
    /// How many accepted webhooks overtake it.
    #[schemars(range(min = 1, max = 10_000))]
    pub overtaken_by: u32,
    /// How long they are waited for, in seconds on the stand-in's clock.
    #[schemars(range(min = 1))]
    pub at_most_s: u32,
}

impl Default for WebhookOutOfOrder {
    fn default() -> Self {
        Self { overtaken_by: 1, at_most_s: 3_600 }
    }
}

impl Misbehaves for WebhookOutOfOrder {
    const EXAMPLES: &'static [&'static str] = &[
        "webhook_out_of_order@webhook:event-1",
        r#"webhook_out_of_order{"overtaken_by":2,"at_most_s":600}@webhook:event-1"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let at_most = SignedDuration::from_secs(i64::from(self.at_most_s));
            let first = shipment.first()?;
            first.departs =
                Departs::Overtaken { by: bounded("overtaken_by", self.overtaken_by, 1..=10_000)?, at_most };
            first.is_faulted = true;
            Ok(())
        }))
    }
}
