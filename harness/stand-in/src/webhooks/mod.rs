//! Webhooks out: a recorded exchange or a given body goes to the subject's URL, signed at send time over its final
//! bytes, and comes again as the vendor's does.
//!
//! [`message`] is what is sent, [`shipment`] what a fault makes of it, [`sealing`] the signature, [`engine`] the
//! attempts on the stand-in's clock, [`client`] the socket. Knows nothing of what the subject does with it.

mod client;
mod engine;
mod handshakes;
mod message;
mod sealing;
mod secret;
mod shipment;
mod sns;
mod vendor;

pub(crate) use client::check_url;
pub use engine::DeliveriesPaused;
pub(crate) use engine::{Engine, Order};
pub(crate) use handshakes::shake;
pub(crate) use message::{Message, set_field};
pub(crate) use sealing::renumbered;
pub(crate) use shipment::{AtWebhook, Departs, Parcel, Repeats, Sealing, Shipment, Spoilt, bounded};

use crate::faults::Effect;
use crate::play::Play;
use crate::received::Received;
use bytes::Bytes;
use counterpart_exchange::{
    Exchange, OperationName, ProviderProfile, StandInValues, WebhookRetry, WebhookSecret, Webhooks, suggest,
};
use counterpart_signatures::{Scheme, Secret};
use jiff::Timestamp;
use secret::Keys;
use sns::Confirmations;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An attempt to deliver a webhook, and what came of it: an inbound exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// From 1, in the order in which they ended.
    pub number: u64,
    /// When it was sent, on the stand-in's clock.
    pub at: Timestamp,
    /// Whose webhook it is.
    pub provider: Arc<str>,
    /// What it is, by the profile's name.
    pub operation: Arc<OperationName>,
    /// The recorded exchange, or what a given body is called.
    pub exchange: Arc<str>,
    /// Its id, where the profile says where that stands.
    pub id: Option<String>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The method.
    pub method: http::Method,
    /// The URL, secrets put back to placeholders.
    pub url: String,
    /// The header fields, secrets put back to placeholders.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body, secrets put back to placeholders.
    pub body: Bytes,
    /// Bytes of the whole body.
    pub size_bytes: usize,
    /// How it was signed, in words.
    pub signature: &'static str,
    /// The fault that changed it.
    pub fault: Option<&'static str>,
    /// What came of it.
    pub end: DeliveryEnd,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The receiver took it.
    Accepted {
        /// The status.
        status: u16,
    },
    /// The receiver answered otherwise.
    Refused {
        /// The status.
        status: u16,
    },
    /// No answer came in time.
    TimedOut,
    /// No answer came: why.
    Failed(String),
    /// A fault kept it from being sent.
    Lost,
    /// It could not be made as it should have been: why.
    Inapplicable(String),
}

impl DeliveryEnd {
    /// The status, where one came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Accepted { status } | Self::Refused { status } => Some(*status),
            Self::TimedOut | Self::Failed(_) | Self::Lost | Self::Inapplicable(_) => None,
        }
    }
}

impl std::fmt::Display for DeliveryEnd {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted { status } => write!(formatter, "accepted with {status}"),
            Self::Refused { status } => write!(formatter, "refused with {status}"),
            Self::TimedOut => formatter.write_str("no answer in time"),
            Self::Failed(why) => write!(formatter, "no answer: {why}"),
            Self::Lost => formatter.write_str("never sent"),
            Self::Inapplicable(why) => write!(formatter, "the fault could not be applied: {why}"),
        }
    }
}

/// What became at once of a webhook that was to be delivered. Whatever comes later is in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// What the first attempts came to, in order; empty where none is to be made yet.
    pub first_attempts: Vec<DeliveryEnd>,
    /// The fault that struck.
    pub fault: Option<&'static str>,
}

/// A webhook that cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Nobody of that name is played, or its profile says nothing of webhooks.
    #[error("{0}")]
    Unknown(String),
    /// The place is none.
    #[error("{0}")]
    Url(String),
    /// Too many are waiting.
    #[error("{0} webhooks are waiting already, the most there may be; let time run until they are delivered")]
    TooMany(usize),
}

/// A webhook that no fixture holds.
#[derive(Clone, Debug)]
pub struct GivenWebhook {
    /// What it is called in the journal.
    pub name: String,
    /// The method.
    pub method: http::Method,
    /// Path and query, for vendors that call a path of their own.
    pub target: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What a receiver verifies the webhooks of a provider with.
#[derive(Clone, Debug)]
pub struct WebhookKeys {
    /// The provider.
    pub provider: String,
    /// The signature scheme.
    pub scheme: &'static str,
    /// The secret, or the public half of the key.
    pub secret: String,
    /// The customer's account, as the first recorded webhook that names one spells it.
    pub account: Option<String>,
}

/// What is wrong with what a profile says of webhooks, as far as the stand-in can tell before it plays.
///
/// # Errors
/// A sentence that names the nearest scheme.
pub fn check_webhooks(profile: &ProviderProfile) -> Result<(), String> {
    profile.webhooks.as_ref().map_or(Ok(()), |webhooks| scheme_of(webhooks).map(|_| ()))
}

fn scheme_of(webhooks: &Webhooks) -> Result<Scheme, String> {
    webhooks.scheme.parse().map_err(|error: counterpart_signatures::UnknownScheme| {
        let near = suggest(&webhooks.scheme, Scheme::ALL.map(Scheme::name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("webhooks.scheme: {error}{hint}")
    })
}

/// The webhooks of one provider.
#[derive(Debug)]
pub(crate) struct Sender {
    provider: Arc<str>,
    pub(crate) webhooks: Webhooks,
    pub(crate) scheme: Scheme,
    pub(crate) retry: WebhookRetry,
    keys: Mutex<Arc<Keys>>,
    messages: BTreeMap<String, Message>,
    confirmations: Confirmations,
    base_url: String,
}

impl Sender {
    /// What a profile and its fixtures give, if they say anything of webhooks.
    ///
    /// # Errors
    /// A sentence, where the profile cannot be kept.
    pub(crate) fn new(
        profile: &ProviderProfile,
        exchanges: impl IntoIterator<Item = (String, Exchange)>,
        values: &[StandInValues],
        base_url: &str,
    ) -> Result<Option<Self>, String> {
        let Some(webhooks) = profile.webhooks.clone() else { return Ok(None) };
        let scheme = scheme_of(&webhooks)?;
        let keys = match &webhooks.secret {
            WebhookSecret::Made => Keys::made(scheme, &profile.provider)?,
            WebhookSecret::Placeholder(name) => {
                let placeholder = format!("«{name}»").parse()?;
                let value = values.iter().find_map(|values| values.get(&placeholder)).ok_or_else(|| {
                    format!("webhooks.secret.placeholder: no exchange that is played has «{name}» in it")
                })?;
                Keys::of(scheme, Secret::new(value))?
            }
        };
        let messages = exchanges.into_iter().filter_map(|(name, exchange)| {
            let operation = profile.operation_of_request(&exchange.request);
            Some((name.clone(), Message::of(&exchange, &name, operation)?))
        });
        Ok(Some(Self {
            provider: profile.provider.as_str().into(),
            retry: webhooks.retry.clone().unwrap_or_else(|| vendor::retry_of(scheme)),
            scheme,
            keys: Mutex::new(Arc::new(keys)),
            messages: messages.collect(),
            confirmations: Confirmations::default(),
            base_url: base_url.to_owned(),
            webhooks,
        }))
    }

    /// What is signed with from now on.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs with a secret that is given.
    ///
    /// # Errors
    /// A sentence, where it has not the scheme's form.
    pub(crate) fn sign_with(&self, secret: String) -> Result<(), String> {
        let keys = Keys::of(self.scheme, Secret::new(secret))?;
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.messages.keys().cloned().collect()
    }

    /// The inbound exchange of a name: `event-1`, or `provider/flow#event-1`.
    ///
    /// # Errors
    /// A sentence that names the nearest.
    pub(crate) fn message(&self, wanted: &str) -> Result<Message, String> {
        let short =
            |name: &str| name.rsplit_once('#').map_or_else(|| name.to_owned(), |(_, id)| id.to_owned());
        let named: Vec<&Message> = self
            .messages
            .iter()
            .filter(|(name, _)| *name == wanted || short(name) == wanted)
            .map(|(_, message)| message)
            .collect();
        match named[..] {
            [message] => Ok(message.clone()),
            [] => {
                let ids: Vec<String> = self.messages.keys().map(|name| short(name)).collect();
                let hint = suggest(wanted, ids.iter().map(String::as_str)).map_or_else(
                    || match ids.is_empty() {
                        true => "the fixtures hold none; a webhook is an exchange with `direction: inbound`"
                            .to_owned(),
                        false => format!("there are: {}", ids.join(", ")),
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                Err(format!("no webhook of the fixtures is called `{wanted}`; {hint}"))
            }
            _ => Err(format!(
                "`{wanted}` is the name of {} webhooks; write the fixture before it: provider/flow#{wanted}",
                named.len()
            )),
        }
    }

    /// The webhook that a given body makes.
    pub(crate) fn given(&self, given: GivenWebhook) -> Message {
        Message {
            exchange: given.name.into(),
            operation: OperationName("webhook".to_owned()).into(),
            method: given.method,
            target: given.target,
            headers: given.headers,
            body: given.body,
        }
    }

    /// The shipment for a message, with the fault that strikes it.
    pub(crate) fn shipment(&self, mut message: Message, play: &mut Play) -> (Shipment, Option<Struck>) {
        self.confirmations.prepare(self.scheme, &mut message, &self.base_url);
        let strike = play.plan().strike_webhook(&message.exchange, &message.operation);
        let mut shipment = Shipment::of(message.clone());
        let Some(strike) = strike else { return (shipment, None) };
        let name = strike.fault.name();
        let around = AtWebhook { webhooks: &self.webhooks };
        let problem = match strike.fault.effect() {
            Effect::AtWebhook(change) => change(&mut shipment, &around).err(),
            _ => Some("it strikes requests, not webhooks".to_owned()),
        };
        if problem.is_some() {
            play.plan().take_back(&strike);
            shipment = Shipment::of(message);
        }
        (shipment, Some(Struck { name, problem }))
    }

    /// The answer to a request that is none of the API: a certificate, a confirmation.
    pub(crate) fn answers(
        &self,
        received: &Received,
    ) -> Option<(counterpart_exchange::Response, &'static str)> {
        self.confirmations.answers(self.scheme, &self.keys(), received)
    }

    /// The subscriptions that were confirmed, by their tokens.
    pub(crate) fn confirmed(&self) -> Vec<String> {
        self.confirmations.confirmed()
    }

    /// What its receiver verifies with.
    pub(crate) fn receiver_keys(&self) -> WebhookKeys {
        let account = self.webhooks.tenant.as_ref();
        WebhookKeys {
            provider: self.provider.to_string(),
            scheme: self.scheme.name(),
            secret: self.keys().verifying.expose().to_owned(),
            account: account
                .and_then(|field| self.messages.values().find_map(|one| one.get(&self.webhooks, field))),
        }
    }

    /// A text without the secret that webhooks are signed with.
    pub(crate) fn hide(&self, text: &str) -> String {
        let keys = self.keys();
        let text = text.replace(keys.signing.expose(), "«webhook_secret»");
        text.replace(keys.verifying.expose(), "«webhook_secret»")
    }

    pub(crate) fn provider(&self) -> &Arc<str> {
        &self.provider
    }
}

/// A fault that struck a webhook.
#[derive(Debug)]
pub(crate) struct Struck {
    pub(crate) name: &'static str,
    /// Why it could not be applied, if so.
    pub(crate) problem: Option<String>,
}
