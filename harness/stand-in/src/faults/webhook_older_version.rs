//! A payload as it was years ago.

use super::{Effect, Misbehaves};
use crate::data::field_path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The payload is of an older version, as the profile's `webhooks.older_version` describes it.
///
/// A good integration reads both versions while the vendor sends both, or holds what it cannot read and tells
/// somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOlderVersion {}

impl Misbehaves for WebhookOlderVersion {
    const EXAMPLES: &'static [&'static str] = &["webhook_older_version@webhook:event-1"];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, around| {
            let older = around.webhooks.older_version.as_ref().ok_or(
                "the provider profile does not say how an older payload differs: webhooks.older_version",
            )?;
            let first = shipment.first()?;
            let mut events = first.message.events(around.webhooks)?;
            for event in &mut events {
                for path in &older.without {
                    *event = field_path::remove(event, path)?;
                }
                for (path, value) in &older.with {
                    *event = field_path::set(event, path, &value.to_string())?;
                }
            }
            let before = first.message.body.clone();
            first.message.set_events(around.webhooks, &events)?;
            first.is_faulted = true;
            if first.message.body == before {
                return Err("webhooks.older_version changes nothing in this webhook".to_owned());
            }
            Ok(())
        }))
    }
}
