//! The provider has something new to tell.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, renumbered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Before the webhook another one comes, of a type that nobody has heard of.
///
/// A good integration accepts it, so that it does not come for ever, and tells somebody what it could not use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookUnknownType {
    /// The type, as the vendor would write it.
    pub name: String,
}

impl Default for WebhookUnknownType {
    fn default() -> Self {
        Self { name: "counterpart.unheard_of".to_owned() }
    }
}

impl Misbehaves for WebhookUnknownType {
    const EXAMPLES: &'static [&'static str] =
        &[r#"webhook_unknown_type{"name":"channel_painted"}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, around| {
            let field = around.webhooks.event_type.as_ref().ok_or(
                "the provider profile does not say where the event's type stands: webhooks.event_type",
            )?;
            let mut message = renumbered(around.webhooks, &shipment.first()?.message, 2)?;
            message.set(around.webhooks, field, &self.name)?;
            shipment.parcels.insert(0, Parcel::faulted(message, Departs::InTurn));
            Ok(())
        }))
    }
}
