//! A body that memory was not made for.

use super::{Effect, Misbehaves};
use crate::webhooks::{Sealing, bounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first attempt has so many spaces before the last byte of its body: still the same JSON, rightly signed, and far
/// too large. If the vendor tries again after a refusal, that attempt is of the usual size.
///
/// A good integration bounds what it reads, refuses it with 413, and serves everybody else meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookOversize {
    /// How large it gets, in megabytes of a million bytes.
    #[schemars(range(min = 1, max = 256))]
    pub size_mb: u32,
}

impl Default for WebhookOversize {
    fn default() -> Self {
        Self { size_mb: 20 }
    }
}

impl Misbehaves for WebhookOversize {
    const EXAMPLES: &'static [&'static str] = &[r#"webhook_oversize{"size_mb":5}@webhook:event-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let bytes = bounded("size_mb", self.size_mb, 1..=256)? as usize * 1_000_000;
            shipment.first()?.sealing = Sealing::Padded { bytes };
            Ok(())
        }))
    }
}
