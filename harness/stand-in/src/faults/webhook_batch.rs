//! Several events, one webhook.

use super::{Effect, Misbehaves};
use crate::webhooks::{bounded, renumbered, set_field};
use counterpart_exchange::WebhookField;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The events come as one webhook: the recorded ones and further ones under ids of their own, after them, where wanted,
/// one of another account. Where the vendor sends events one at a time the body becomes an array of them.
///
/// A good integration takes each event by itself: one that it cannot use holds none of the others back, and one of
/// another account is not applied here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookBatch {
    /// How many events there are for each recorded one.
    #[schemars(range(min = 2, max = 1_000))]
    pub events: u32,
    /// The account of a last event, as the vendor would write it, where the batch spans tenants.
    pub other_tenant: Option<String>,
}

impl Default for WebhookBatch {
    fn default() -> Self {
        Self { events: 3, other_tenant: None }
    }
}

impl Misbehaves for WebhookBatch {
    const EXAMPLES: &'static [&'static str] = &[
        r#"webhook_batch{"events":5}@webhook:event-1"#,
        r#"webhook_batch{"events":2,"other_tenant":"T0OTHER"}@webhook:event-1"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, around| {
            let webhooks = around.webhooks;
            let first = shipment.first()?;
            let mut events = first.message.events(webhooks)?;
            let recorded = events.len();
            let number_of_events = u64::from(bounded("events", self.events, 2..=1_000)?);
            for number in 1..number_of_events {
                let further = match &webhooks.id {
                    Some(WebhookField::Body(_)) => {
                        renumbered(webhooks, &first.message, number)?.events(webhooks)?
                    }
                    // The id is the whole batch's: the events themselves have none.
                    _ => events[..recorded].to_vec(),
                };
                events.extend(further);
            }
            if let Some(tenant) = &self.other_tenant {
                let Some(WebhookField::Body(path)) = &webhooks.tenant else {
                    return Err("the provider profile does not say where an event's account stands: \
                                webhooks.tenant.body"
                        .to_owned());
                };
                let number = number_of_events;
                let foreign = match &webhooks.id {
                    Some(WebhookField::Body(_)) => {
                        renumbered(webhooks, &first.message, number)?.events(webhooks)?
                    }
                    _ => events[..recorded].to_vec(),
                };
                let foreign = foreign.first().ok_or("the webhook has no event")?;
                events.push(set_field(foreign, path, tenant)?);
            }
            first.message.set_events(webhooks, &events)?;
            first.is_faulted = true;
            Ok(())
        }))
    }
}
