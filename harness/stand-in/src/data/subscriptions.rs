//! Who wants which webhooks, and the handshake by which a URL is verified.
//!
//! Only the state: nothing is sent here. Whoever sends takes what is due and says how it went.

use super::collection::{Record, value_at};
use super::writes::Write;
use crate::forms::plain;
use counterpart_exchange::{Body, Handshake, Response, WebhookSubscriptions};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Subscriptions at once, at most.
const MAX_SUBSCRIPTIONS: usize = 1_000;

/// A URL that wants webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id, as the provider shows it.
    pub id: String,
    /// Where webhooks go.
    pub url: String,
    /// The event types that are wanted; none named means all.
    pub events: Vec<String>,
    /// The secret to sign with, where the integration brought one.
    pub secret: Option<String>,
    /// Whether it holds.
    pub verification: Verification,
}

impl std::fmt::Debug for Subscription {
    /// Leaves out the secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Subscription")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("events", &self.events)
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// Whether an event of a type is to be delivered there.
    #[must_use]
    pub fn wants(&self, event: &str) -> bool {
        self.verification == Verification::Verified
            && (self.events.is_empty() || self.events.iter().any(|wanted| wanted == event || wanted == "*"))
    }
}

/// Whether a subscription's URL is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is.
    Verified,
    /// Its handshake is not over.
    Pending,
}

/// A handshake that must be sent: a POST, and what must come back with 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeDue {
    /// The id of the subscription that waits for it.
    pub subscription: String,
    /// Where to send it, challenge included where the query carries it.
    pub url: String,
    /// The JSON body, where the body carries the challenge.
    pub body: Option<String>,
    challenge: String,
    field: String,
}

impl HandshakeDue {
    /// Judges the answer to it. `media_type` is its `Content-Type`.
    ///
    /// # Errors
    /// A sentence that says what came instead.
    pub fn check(&self, status: u16, media_type: Option<&str>, body: &[u8]) -> Result<(), String> {
        if !(200..300).contains(&status) {
            return Err(format!("the answer was {status}; expected 2xx"));
        }
        let came = match Body::from_bytes(body, media_type) {
            Body::Json(json) if self.body.is_some() => json.to_value().get(&self.field).cloned(),
            Body::Form(fields) if self.body.is_some() => {
                fields.into_iter().find(|(name, _)| *name == self.field).map(|(_, value)| value.into())
            }
            _ => std::str::from_utf8(body).ok().map(|text| text.trim().into()),
        };
        match came {
            Some(Value::String(came)) if came == self.challenge => Ok(()),
            _ => Err("the answer did not repeat the challenge".to_owned()),
        }
    }
}

/// The subscriptions' own state, beside their records.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    declared: WebhookSubscriptions,
    /// The index of the resource that holds them.
    pub(crate) kind: usize,
    count: usize,
    pending: BTreeSet<String>,
    due: Vec<HandshakeDue>,
    sent: u64,
}

impl Subscribed {
    pub(crate) fn new(declared: WebhookSubscriptions, kind: usize) -> Self {
        Self { declared, kind, count: 0, pending: BTreeSet::new(), due: Vec::new(), sent: 0 }
    }

    /// The answer to a subscription that cannot be.
    pub(crate) fn refuse(&self, kind: usize, write: &Write) -> Option<Response> {
        let after = write.after.as_ref().filter(|_| kind == self.kind)?;
        if self.url_of(after).is_none() {
            return Some(plain(400, &format!("the subscription has no URL in `{}`", self.declared.url)));
        }
        (write.before.is_none() && self.count >= MAX_SUBSCRIPTIONS)
            .then(|| plain(507, &format!("the stand-in keeps at most {MAX_SUBSCRIPTIONS} subscriptions")))
    }

    fn url_of(&self, record: &Record) -> Option<String> {
        value_at(&record.json, &self.declared.url)?.as_str().filter(|url| !url.is_empty()).map(str::to_owned)
    }

    /// Notes a change of a subscription: a new URL has to be verified.
    pub(crate) fn see(&mut self, write: &Write) {
        if write.kind != self.kind {
            return;
        }
        match (&write.before, &write.after) {
            (None, Some(_)) => self.count += 1,
            (Some(before), None) => {
                self.count = self.count.saturating_sub(1);
                self.pending.remove(&before.id);
                self.due.retain(|due| due.subscription != before.id);
            }
            _ => {}
        }
        let before = write.before.as_ref().and_then(|before| self.url_of(before));
        let Some(record) = &write.after else { return };
        let Some(url) = self.url_of(record).filter(|url| before.as_ref() != Some(url)) else { return };
        self.sent += 1;
        let digest = Sha256::digest(format!("{}\n{url}\n{}", record.id, self.sent));
        let challenge: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let due = |url: String, body: Option<String>, field: &str| HandshakeDue {
            subscription: record.id.clone(),
            url,
            body,
            challenge: challenge.clone(),
            field: field.to_owned(),
        };
        let due = match &self.declared.handshake {
            Handshake::None => return,
            Handshake::Body { challenge: field, fields } => {
                let mut body: Map<String, Value> =
                    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                body.insert(field.clone(), challenge.clone().into());
                due(url, Some(Value::Object(body).to_string()), field)
            }
            Handshake::Query { challenge: field } => {
                let mark = if url.contains('?') { '&' } else { '?' };
                due(format!("{url}{mark}{field}={challenge}"), None, field)
            }
        };
        self.due.retain(|other| other.subscription != record.id);
        self.due.push(due);
        self.pending.insert(record.id.clone());
    }

    pub(crate) fn take_due(&mut self) -> Vec<HandshakeDue> {
        std::mem::take(&mut self.due)
    }

    /// Ends a handshake; hands back why it failed, if it did and anybody waited for it.
    pub(crate) fn done(&mut self, subscription: &str, went: Result<(), String>) -> Option<String> {
        let was_pending = self.pending.remove(subscription);
        let why = went.err().filter(|_| was_pending)?;
        self.count = self.count.saturating_sub(1);
        Some(why)
    }

    pub(crate) fn subscription(&self, record: &Record) -> Option<Subscription> {
        let field = |path: &Option<String>| value_at(&record.json, path.as_ref()?);
        let events = match field(&self.declared.events) {
            Some(Value::Array(events)) => {
                events.iter().filter_map(|event| event.as_str().map(str::to_owned)).collect()
            }
            // Several in one text are told apart by commas, as in Microsoft Graph's `changeType`.
            Some(Value::String(events)) => events.split(',').map(|event| event.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        let verification = match self.pending.contains(&record.id) {
            true => Verification::Pending,
            false => Verification::Verified,
        };
        Some(Subscription {
            id: record.id.clone(),
            url: self.url_of(record)?,
            events,
            secret: field(&self.declared.secret).and_then(|secret| secret.as_str().map(str::to_owned)),
            verification,
        })
    }
}
