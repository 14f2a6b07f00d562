//! What Amazon SNS has beside webhooks: a subscription is confirmed by visiting a URL, and signatures are verified
//! with a certificate that is fetched.
//!
//! Source: Amazon SNS developer guide, "Subscribing an HTTP/HTTPS endpoint to a topic", "Verifying the signatures
//! of Amazon SNS messages". `SigningCertURL` stays Amazon's own, for a receiver must take no other: whoever tests
//! one leads that host here.

use super::message::Message;
use super::secret::Keys;
use crate::data::field_path;
use crate::forms::plain;
use crate::received::Received;
use counterpart_exchange::{Body, HeaderValue, Headers, Response};
use counterpart_signatures::Scheme;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Tokens that are waited for at once; the oldest go.
const MAX_TOKENS: usize = 1_000;

/// Which subscriptions wait to be confirmed, and which were.
#[derive(Debug, Default)]
pub(crate) struct Confirmations(Mutex<BTreeMap<String, Confirmation>>);

#[derive(Clone, Debug)]
struct Confirmation {
    topic: String,
    is_confirmed: bool,
}

impl Confirmations {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Confirmation>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leads the URL of a confirmation here.
    pub(crate) fn prepare(&self, scheme: Scheme, message: &mut Message, base_url: &str) {
        let Ok(body) = std::str::from_utf8(&message.body) else { return };
        let text = |name: &str| {
            field_path::get(body, name).and_then(|raw| serde_json::from_str::<String>(&raw).ok())
        };
        if scheme != Scheme::AmazonSns || text("Type").as_deref() != Some("SubscriptionConfirmation") {
            return;
        }
        let (Some(topic), Some(token)) = (text("TopicArn"), text("Token")) else { return };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let url = format!(
            "{base_url}/?Action=ConfirmSubscription&TopicArn={}&Token={}",
            encoded(&topic),
            encoded(&token)
        );
        if let Ok(body) = field_path::set(body, "SubscribeURL", &serde_json::Value::from(url).to_string()) {
            message.body = body.into();
        }
        self.with(|known| {
            if known.len() >= MAX_TOKENS {
                known.pop_first();
            }
            known.insert(token, Confirmation { topic, is_confirmed: false });
        });
    }

    pub(crate) fn confirmed(&self) -> Vec<String> {
        self.with(|known| {
            known.iter().filter(|(_, one)| one.is_confirmed).map(|(token, _)| token.clone()).collect()
        })
    }

    /// The answer to a visit, if it is one.
    pub(crate) fn answers(
        &self,
        scheme: Scheme,
        keys: &Keys,
        received: &Received,
    ) -> Option<(Response, &'static str)> {
        if scheme != Scheme::AmazonSns || received.method() != http::Method::GET {
            return None;
        }
        let (path, query) = received.target().split_once('?').unwrap_or((received.target(), ""));
        if path.starts_with("/SimpleNotificationService-") && path.ends_with(".pem") {
            let certificate = keys.certificate.as_deref()?;
            return Some((
                text(200, "application/x-pem-file", certificate),
                "the certificate that webhooks are signed by",
            ));
        }
        let field = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        if field("Action").as_deref() != Some("ConfirmSubscription") {
            return None;
        }
        let (topic, token) = (field("TopicArn").unwrap_or_default(), field("Token").unwrap_or_default());
        let is_known = self.with(|known| match known.get_mut(&token).filter(|one| one.topic == topic) {
            Some(confirmation) => {
                confirmation.is_confirmed = true;
                true
            }
            None => false,
        });
        if !is_known {
            return Some((plain(400, "no subscription waits for this token"), "a confirmation of nothing"));
        }
        let arn = format!("{topic}:00000000-0000-0000-0000-000000000000");
        let xml = format!(
            "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
             <ConfirmSubscriptionResult><SubscriptionArn>{}</SubscriptionArn></ConfirmSubscriptionResult>\
             </ConfirmSubscriptionResponse>",
            arn.replace('&', "&amp;").replace('<', "&lt;")
        );
        Some((text(200, "text/xml", &xml), "the subscription is confirmed"))
    }
}

fn text(status: u16, media_type: &str, body: &str) -> Response {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
    Response { status, headers, body: Body::Text(body.to_owned()) }
}
