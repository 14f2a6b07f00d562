//! How an integration tells a provider where it wants its webhooks.
//!
//! A subscription is a [`crate::Resource`] whose records name a URL. How a vendor verifies that URL is written here as
//! data: what it sends, and what it must get back.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Webhook subscriptions. All fields of a record are named by dotted paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSubscriptions {
    /// The resource whose records are the subscriptions. It begins empty: those of the recording belong to somebody else.
    pub resource: String,
    /// The field with the URL to deliver to.
    pub url: String,
    /// The field with the wanted event types, a text or a list of texts; without it, all are wanted.
    #[serde(default)]
    pub events: Option<String>,
    /// The field by which the integration brings the secret to sign with, if it does.
    #[serde(default)]
    pub secret: Option<String>,
    /// How the provider verifies the URL before the subscription holds.
    #[serde(default)]
    pub handshake: Handshake,
}

/// What a provider sends to a new URL, and what must come back with 2xx.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Handshake {
    /// Nothing: the URL is believed.
    #[default]
    None,
    /// A POST with a JSON body that holds a challenge, which the answer must repeat: as text, or as the JSON or form field of the
    /// same name. Slack's `url_verification` (Events API, "URL verification handshake") is of this kind.
    Body {
        /// The field of the body that holds the challenge.
        challenge: String,
        /// Further fields of the body with their values.
        #[serde(default)]
        fields: IndexMap<String, Value>,
    },
    /// A POST without a body whose query holds a challenge, which the answer must repeat as text. Microsoft Graph's
    /// `validationToken` ("Receive change notifications through webhooks") is of this kind.
    Query {
        /// The query field that holds the challenge.
        challenge: String,
    },
}
