//! At least once means: now and then twice.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, bounded};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The webhook was accepted and comes again all the same, as providers do that promise at least once: with the same
/// id and body, signed anew.
///
/// A good integration accepts it again and does nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookDuplicate {
    /// How often it comes again.
    #[schemars(range(min = 1, max = 1_000))]
    pub times: u32,
    /// How long after the one before it, in seconds on the stand-in's clock. 0: as soon as that was answered.
    pub after_s: u32,
}

impl Default for WebhookDuplicate {
    fn default() -> Self {
        Self { times: 1, after_s: 0 }
    }
}

impl Misbehaves for WebhookDuplicate {
    const EXAMPLES: &'static [&'static str] = &[
        "webhook_duplicate@webhook:event-2",
        r#"webhook_duplicate{"times":3,"after_s":60}@webhook:event*always"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let message = shipment.first()?.message.clone();
            for number in 1..=bounded("times", self.times, 1..=1_000)? {
                let wait = SignedDuration::from_secs(i64::from(self.after_s) * i64::from(number));
                let departs = if self.after_s == 0 { Departs::InTurn } else { Departs::After(wait) };
                shipment.parcels.push(Parcel::faulted(message.clone(), departs));
            }
            Ok(())
        }))
    }
}
