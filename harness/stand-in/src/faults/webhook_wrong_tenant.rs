//! One address, two customers.

use super::{Effect, Misbehaves};
use crate::webhooks::{Departs, Parcel, Repeats, renumbered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Before the webhook another one comes to the same address: rightly signed, and about another customer's account.
/// Nothing of it may be applied here.
///
/// A good integration looks whose account it is about before it applies anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookWrongTenant {
    /// The other account, as the vendor would write it.
    pub tenant: String,
}

impl Default for WebhookWrongTenant {
    fn default() -> Self {
        Self { tenant: "T0000OTHER".to_owned() }
    }
}

impl Misbehaves for WebhookWrongTenant {
    const EXAMPLES: &'static [&'static str] =
        &[r#"webhook_wrong_tenant{"tenant":"T0OTHER"}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, around| {
            let field = around
                .webhooks
                .tenant
                .as_ref()
                .ok_or("the provider profile does not say where the account stands: webhooks.tenant")?;
            let mut message = renumbered(around.webhooks, &shipment.first()?.message, 1)?;
            message.set(around.webhooks, field, &self.tenant)?;
            let foreign = Parcel { repeats: Repeats::Never, ..Parcel::faulted(message, Departs::InTurn) };
            shipment.parcels.insert(0, foreign);
            Ok(())
        }))
    }
}
