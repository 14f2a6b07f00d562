//! A webhook that was never sent.

use super::{Effect, Misbehaves};
use crate::webhooks::Departs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The webhook never comes, and nobody tells: whoever relies on webhooks alone never learns of it.
///
/// A good integration also asks from time to time what it may have missed, or at least notices that nothing comes
/// any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookLost {}

impl Misbehaves for WebhookLost {
    const EXAMPLES: &'static [&'static str] = &["webhook_lost@webhook:event-2"];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let first = shipment.first()?;
            first.departs = Departs::Never;
            first.is_faulted = true;
            Ok(())
        }))
    }
}
