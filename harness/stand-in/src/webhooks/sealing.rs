//! The last thing that happens to a webhook before it is sent: header fields filled in, signed over the final bytes.
//!
//! A signature that is spoilt on purpose is tried on the receiver's half of the secret first: what a receiver would
//! accept all the same is no fault.

use super::message::{Message, numbered};
use super::secret::Keys;
use super::shipment::{Sealing, Spoilt};
use bytes::Bytes;
use counterpart_exchange::{WebhookCalls, Webhooks};
use counterpart_signatures::{Delivery, Scheme, SignError, Signed, Tolerance};
use jiff::{SignedDuration, Timestamp};

/// A webhook as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) method: http::Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// How it is signed, in words.
    pub(crate) signature: &'static str,
}

/// What is signed with.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    pub(crate) webhooks: &'a Webhooks,
    pub(crate) scheme: Scheme,
    pub(crate) keys: &'a Keys,
    pub(crate) now: Timestamp,
}

impl Sealer<'_> {
    /// Seals a message for its n-th attempt, from 1.
    ///
    /// # Errors
    /// A sentence: the scheme cannot sign it, or the spoilt signature would be accepted.
    pub(crate) fn seal(
        self,
        message: &Message,
        to: &str,
        attempt: u32,
        sealing: &Sealing,
    ) -> Result<Sealed, String> {
        let mut unsigned = self.unsigned(message, to, attempt);
        match sealing {
            Sealing::Right | Sealing::Replayed => self.signed(unsigned, self.keys, self.now, "right"),
            Sealing::Padded { bytes } => {
                unsigned.body = padded(&unsigned.body, *bytes)?;
                self.signed(unsigned, self.keys, self.now, "right")
            }
            Sealing::AsOf(ago) => self.as_of(unsigned, *ago),
            Sealing::Spoilt(how) => self.spoilt(unsigned, *how),
        }
    }

    fn unsigned(self, message: &Message, to: &str, attempt: u32) -> Sealed {
        let url = match self.webhooks.calls {
            WebhookCalls::Registered => to.to_owned(),
            WebhookCalls::PathBehind => format!("{}{}", to.trim_end_matches('/'), message.target),
        };
        let mut message = message.clone();
        let id = self.webhooks.id.as_ref().and_then(|field| message.get(self.webhooks, field));
        let kind = self.webhooks.event_type.as_ref().and_then(|field| message.get(self.webhooks, field));
        let fill = |text: &str| {
            text.replace("{id}", id.as_deref().unwrap_or_default())
                .replace("{type}", kind.as_deref().unwrap_or_default())
                .replace("{attempt}", &attempt.to_string())
                .replace("{retry}", &attempt.saturating_sub(1).to_string())
                .replace("{unix_s}", &self.now.as_second().to_string())
        };
        let again = self.webhooks.retry_headers.iter().filter(|_| attempt > 1);
        for (name, text) in self.webhooks.headers.iter().chain(again) {
            message.set_header(name.as_str(), &fill(text));
        }
        Sealed {
            method: message.method,
            url,
            headers: message.headers,
            body: message.body,
            signature: "none",
        }
    }

    fn signed(
        self,
        unsigned: Sealed,
        keys: &Keys,
        at: Timestamp,
        how: &'static str,
    ) -> Result<Sealed, String> {
        let signed = self.sign(&unsigned, keys, at).map_err(|error| error.to_string())?;
        let mut sealed = unsigned;
        signed.set_headers(&mut sealed.headers);
        sealed.url = signed.url.unwrap_or(sealed.url);
        sealed.body = signed.body.map_or(sealed.body, Bytes::from);
        sealed.signature = how;
        Ok(sealed)
    }

    fn sign(self, unsigned: &Sealed, keys: &Keys, at: Timestamp) -> Result<Signed, SignError> {
        self.scheme.sign(&keys.signing, &unsigned.delivery(), at)
    }

    fn as_of(self, unsigned: Sealed, ago: SignedDuration) -> Result<Sealed, String> {
        let then = self.now.saturating_sub(ago).unwrap_or(Timestamp::MIN);
        let sealed = self.signed(unsigned, self.keys, then, "of an earlier time")?;
        let verified = self.verified(&sealed, Tolerance::ANY_TIME);
        // A time that is none of the signature's cannot be stale.
        match verified.map(|verified| verified.timestamp) {
            Ok(Some(signed_at)) if signed_at.as_second() <= then.as_second() => Ok(sealed),
            _ => Err(format!("the scheme `{}` does not sign when a webhook is sent", self.scheme)),
        }
    }

    fn spoilt(self, unsigned: Sealed, how: Spoilt) -> Result<Sealed, String> {
        let sealed = match how {
            Spoilt::OtherSecret => {
                let keys = Keys::foreign(self.scheme)?;
                self.signed(unsigned, &keys, self.now, "made with another secret")?
            }
            Spoilt::OtherBody => {
                let body = altered(&unsigned.body);
                let sealed = self.signed(unsigned, self.keys, self.now, "made over another body")?;
                Sealed { body: body.into(), ..sealed }
            }
            Spoilt::Missing => {
                let signed = self.sign(&unsigned, self.keys, self.now).map_err(|error| error.to_string())?;
                let mut sealed = unsigned;
                let is_signature =
                    |name: &str| signed.headers.iter().any(|(one, _)| one.eq_ignore_ascii_case(name));
                sealed.headers.retain(|(name, _)| !is_signature(name));
                Sealed { signature: "missing", ..sealed }
            }
        };
        match self.verified(&sealed, Tolerance::ANY_TIME) {
            Ok(_) => {
                Err(format!("the scheme `{}` does not notice it: its signature is still good", self.scheme))
            }
            Err(_) => Ok(sealed),
        }
    }

    fn verified(
        self,
        sealed: &Sealed,
        tolerance: Tolerance,
    ) -> Result<counterpart_signatures::Verified, counterpart_signatures::Rejection> {
        let secrets = [self.keys.verifying.clone()];
        self.scheme.verify(&secrets, &sealed.delivery(), self.now, tolerance)
    }
}

impl Sealed {
    pub(crate) fn delivery(&self) -> Delivery<'_> {
        Delivery { method: self.method.as_str(), url: &self.url, headers: &self.headers, body: &self.body }
    }
}

/// Another body of the same length: the last digit or letter in it is another.
fn altered(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    match body.iter().rposition(u8::is_ascii_alphanumeric) {
        Some(at) => body[at] = if body[at] == b'1' { b'2' } else { b'1' },
        None => body.push(b' '),
    }
    body
}

fn padded(body: &[u8], bytes: usize) -> Result<Bytes, String> {
    let Some((last, rest)) = body.split_last() else { return Err("the webhook has no body".to_owned()) };
    let mut large = Vec::with_capacity(body.len() + bytes);
    large.extend_from_slice(rest);
    large.resize(rest.len() + bytes, b' ');
    large.push(*last);
    Ok(large.into())
}

/// The message under the n-th other id.
pub(crate) fn renumbered(webhooks: &Webhooks, message: &Message, number: u64) -> Result<Message, String> {
    let field = webhooks
        .id
        .as_ref()
        .ok_or("the provider profile does not say where a webhook's id stands: webhooks.id")?;
    let id = message.get(webhooks, field).ok_or("the webhook has no id where webhooks.id says")?;
    let mut message = message.clone();
    message.set(webhooks, field, &numbered(&id, number))?;
    Ok(message)
}
