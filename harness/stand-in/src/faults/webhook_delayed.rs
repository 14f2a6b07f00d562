//! The provider has a backlog.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, bounded};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The webhook comes late: what it tells is old by then. It is signed when it is sent.
///
/// A good integration goes by when a thing happened, not by when it was told: an older state does not overwrite a
/// newer one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookDelayed {
    /// How much later, in seconds on the stand-in's clock.
    #[schemars(range(min = 1))]
    pub by_s: u32,
}

impl Misbehaves for WebhookDelayed {
    const EXAMPLES: &'static [&'static str] = &[r#"webhook_delayed{"by_s":86400}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let first = shipment.first()?;
            first.departs = Departs::After(SignedDuration::from_secs(i64::from(bounded(
                "by_s",
                self.by_s,
                1..=u32::MAX,
            )?)));
            first.is_faulted = true;
            Ok(())
        }))
    }
}
