//! How a provider sends webhooks: what proves that they are its own, what tells them apart, when they come again.

use super::FieldName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Webhooks of one provider. Whoever plays it signs each of them anew: a recorded signature is never sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// The signature scheme by its name: `stripe`, `github`, `slack`, `standard_webhooks`, ... Which there are is
    /// checked by whoever signs; there is none that proves nothing.
    pub scheme: String,
    /// Where the secret comes from that they are signed with.
    #[serde(default)]
    pub secret: WebhookSecret,
    /// Where the id stands that stays the same when a webhook is delivered again: the receiver's key for
    /// deduplication.
    #[serde(default)]
    pub id: Option<WebhookField>,
    /// Where the event's type stands.
    #[serde(default)]
    pub event_type: Option<WebhookField>,
    /// Where the customer's account stands, by which the receiver tells tenants apart.
    #[serde(default)]
    pub tenant: Option<WebhookField>,
    /// Header fields that each delivery has. `{id}`, `{type}`, `{attempt}` (from 1), `{retry}` (from 0) and
    /// `{unix_s}` are filled in.
    #[serde(default)]
    pub headers: IndexMap<FieldName, String>,
    /// Header fields that only a repeated attempt has, filled in likewise.
    #[serde(default)]
    pub retry_headers: IndexMap<FieldName, String>,
    /// Which URL is called.
    #[serde(default)]
    pub calls: WebhookCalls,
    /// Where the events stand in a body.
    #[serde(default)]
    pub events: WebhookEvents,
    /// What the vendor does when a delivery is not accepted. Without it, what the documentation of the scheme's
    /// vendor says (docs/provider-profile.md lists it).
    #[serde(default)]
    pub retry: Option<WebhookRetry>,
    /// How an older version of the payload differs, where the fault `webhook_older_version` is to be used.
    #[serde(default)]
    pub older_version: Option<OlderPayload>,
}

/// Where the secret comes from that webhooks are signed with. It never stands in a file itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookSecret {
    /// The stand-in makes one in the scheme's own form, and hands it out as `{webhook_secret}`.
    #[default]
    Made,
    /// The value that stands for a placeholder where the played exchanges have it: `webhook_secret:1`.
    Placeholder(String),
}

/// A place in a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookField {
    /// A header field, lower case.
    Header(FieldName),
    /// A dotted path into the event's JSON: `data.object.id`.
    Body(String),
    /// The last segment of the path that is called.
    PathEnd,
}

/// Which URL is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookCalls {
    /// The one that the integration registered, as it is.
    #[default]
    Registered,
    /// The vendor's own path behind the one that was registered, as the recorded exchange shows it. Matrix
    /// application services are called so.
    PathBehind,
}

/// Where the events stand in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookEvents {
    /// The body is one event.
    #[default]
    One,
    /// The body is an array of events, as HubSpot's and SendGrid's.
    Array,
    /// A field of the body holds an array of events: a dotted path, as Matrix's `events`.
    Field(String),
}

/// What a vendor does when a delivery is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRetry {
    /// The wait before each further attempt, in seconds; after the last one the vendor gives up.
    pub waits_s: Vec<u64>,
    /// How long an answer is waited for, in seconds.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
    /// Which answers count as accepted.
    #[serde(default)]
    pub accepted: AcceptedAnswers,
    /// After which answers the vendor gives up at once: statuses.
    #[serde(default)]
    pub final_statuses: Vec<u16>,
}

fn timeout_s() -> u64 {
    10
}

/// Which answers count as accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedAnswers {
    /// Any 2xx.
    #[default]
    Any2xx,
    /// 200 alone.
    Only200,
    /// Whatever comes: only silence is no answer.
    AnyAnswer,
}

/// How an older version of the payload differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OlderPayload {
    /// Fields that it does not have: dotted paths into the event.
    #[serde(default)]
    pub without: Vec<String>,
    /// Fields that it has, or has with another value: dotted paths into the event.
    #[serde(default)]
    pub with: IndexMap<String, Value>,
}

impl Webhooks {
    /// Most attempts beside the first.
    pub const MAX_RETRIES: usize = 100;

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub(super) fn check(&self) -> Result<(), String> {
        let known = ["id", "type", "attempt", "retry", "unix_s"];
        for (name, text) in self.headers.iter().chain(&self.retry_headers) {
            for part in text.split('{').skip(1) {
                match part.split_once('}') {
                    Some((word, _)) if known.contains(&word) => {}
                    Some((word, _)) => {
                        let hint = crate::suggest(word, known)
                            .map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
                        return Err(format!("webhooks.headers: `{name}` has {{{word}}}; there are: {hint}"));
                    }
                    None => return Err(format!("webhooks.headers: a brace of `{name}` is never closed")),
                }
            }
        }
        if let Some(retry) = &self.retry {
            if retry.waits_s.len() > Self::MAX_RETRIES {
                let found = retry.waits_s.len();
                let most = Self::MAX_RETRIES;
                return Err(format!("webhooks.retry.waits_s: {found} waits; at most {most}"));
            }
            if retry.timeout_s == 0 {
                return Err("webhooks.retry.timeout_s: 0 s leaves no time to answer; write 1 or more".into());
            }
        }
        let paths = [&self.id, &self.event_type, &self.tenant].into_iter().flatten().filter_map(|field| {
            let WebhookField::Body(path) = field else { return None };
            Some(path)
        });
        let older = self.older_version.iter().flat_map(|older| older.without.iter().chain(older.with.keys()));
        for path in paths.chain(older) {
            if path.split('.').any(str::is_empty) {
                return Err(format!("webhooks: {path:?} is no dotted path; expected as in `data.object.id`"));
            }
        }
        if let WebhookSecret::Placeholder(name) = &self.secret
            && let Err(problem) = format!("«{name}»").parse::<crate::Placeholder>()
        {
            return Err(format!("webhooks.secret.placeholder: {problem}"));
        }
        Ok(())
    }
}
