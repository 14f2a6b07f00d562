//! Anybody can post to a public address.

use super::{Effect, Misbehaves};
use crate::webhooks::{Sealing, Spoilt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first attempt must not be accepted: its signature is not the provider's. If the vendor tries again after a
/// refusal, that attempt is right.
///
/// A good integration refuses it without reading further, writes nothing, and keeps what happened in its audit
/// trail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WebhookBadSignature {
    /// What is wrong with it.
    pub how: WrongSignature,
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WrongSignature {
    /// It was made with another secret.
    #[default]
    OtherSecret,
    /// It was made over another body: the one that comes was altered on the way.
    OtherBody,
    /// It is not there.
    Missing,
}

impl Misbehaves for WebhookBadSignature {
    const EXAMPLES: &'static [&'static str] = &[
        "webhook_bad_signature@webhook:event-2",
        r#"webhook_bad_signature{"how":"other_body"}@webhook:event"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::AtWebhook(Box::new(|shipment, _| {
            let first = shipment.first()?;
            first.sealing = Sealing::Spoilt(match self.how {
                WrongSignature::OtherSecret => Spoilt::OtherSecret,
                WrongSignature::OtherBody => Spoilt::OtherBody,
                WrongSignature::Missing => Spoilt::Missing,
            });
            Ok(())
        }))
    }
}
