//! What vendors' events look like: one file a vendor.
//!
//! Two questions, asked at two times. Before it is accepted: by what an event is known again, whose it is, and what it
//! must stay in order with ([`Format::address`]). Once it is worked on: what it does ([`Format::effect`]).

mod hubspot;
mod plain;
mod slack;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::plants::Plants;
use crate::store::EventEffect;

/// The longest id or account that is taken for one.
pub(super) const MAX_ID_CHARS: usize = 255;

/// Events that one delivery may hold.
const MAX_EVENTS: usize = 1_000;

/// A vendor's form of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Slack's Events API.
    Slack,
    /// HubSpot's webhooks, which come in batches.
    Hubspot,
    /// Any JSON, with its id in the header `webhook-id` as Standard Webhooks has it.
    Plain,
}

/// What is known of an event before anything is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// By what it is known again; `None` where it has nothing to be known by.
    pub(crate) id: Option<String>,
    /// The customer's account, as far as the event tells.
    pub(crate) account: Option<String>,
    /// What it must stay in order with.
    pub(crate) order_key: Option<String>,
    /// SHA-256 of what makes it another event.
    pub(crate) digest: Vec<u8>,
}

/// Why an event cannot be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Nobody knows its type.
    UnknownType(String),
    /// It is not as it must be.
    Invalid(&'static str),
}

impl Format {
    /// The format in which `provider` pushes; `None` where none is understood.
    pub(crate) fn of_provider(provider: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.provider() == provider)
    }

    const ALL: [Self; 3] = [Self::Slack, Self::Hubspot, Self::Plain];

    /// Whose it is, which is also its name in the store.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Hubspot => "hubspot",
            Self::Plain => "http",
        }
    }

    /// Whether its events tell whose they are.
    pub(crate) fn tells_account(self) -> bool {
        self != Self::Plain
    }

    /// The providers that there are formats for.
    pub(crate) fn known() -> String {
        Self::ALL.map(Self::provider).join(", ")
    }

    /// The events of a body: one, or an array of them; a provider may begin to batch at any time.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub(super) fn split(body: &[u8]) -> Result<Vec<Box<RawValue>>, &'static str> {
        let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let events: Result<Vec<Box<RawValue>>, _> = match is_array {
            true => serde_json::from_slice(body),
            false => serde_json::from_slice(body).map(|event| vec![event]),
        };
        match events {
            Ok(events) if events.len() > MAX_EVENTS => Err("the body holds more than 1000 events"),
            Ok(events) => Ok(events),
            Err(_) => Err("the body is not JSON"),
        }
    }

    /// What the provider wants to hear when it asks whether this is its URL.
    pub(super) fn challenge(self, raw: &RawValue) -> Option<String> {
        match self {
            Self::Slack => slack::challenge(raw),
            Self::Hubspot | Self::Plain => None,
        }
    }

    /// What is known of an event. `delivery_id` is what the delivery's headers call it, `place` which of the delivery's
    /// events it is, where there are several.
    pub(super) fn address(self, raw: &RawValue, delivery_id: Option<&str>, place: Option<usize>) -> Address {
        match self {
            Self::Slack => slack::address(raw),
            Self::Hubspot => hubspot::address(raw),
            Self::Plain => plain::address(raw, delivery_id, place),
        }
    }

    /// What an event does.
    pub(super) fn effect(self, payload: &str, plants: &Plants) -> Result<EventEffect, Unfit> {
        match self {
            Self::Slack => slack::effect(payload, plants),
            Self::Hubspot => hubspot::effect(payload),
            Self::Plain => Ok(EventEffect::Nothing),
        }
    }
}

/// A text that may be an id.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() && text.chars().count() <= MAX_ID_CHARS => Some(text.clone()),
        _ => None,
    }
}

fn sha_256(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}
