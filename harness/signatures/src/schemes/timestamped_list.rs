//! The form that Stripe gave and Paddle took: one header with a time and any number of signatures by
//! version, over time and body.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{to_hex, unix_seconds};
use crate::mac::{MAX_SIGNATURES, Mac};
use crate::rejection::cut_short;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

/// How one provider spells the list.
pub(crate) struct TimestampedList {
    pub(crate) header: &'static str,
    /// Between the list's items.
    pub(crate) separator: char,
    /// The name of the time.
    pub(crate) time: &'static str,
    /// The name of the one version of signatures that is accepted.
    pub(crate) version: &'static str,
    /// Between time and body in what is signed.
    pub(crate) joint: &'static str,
    /// The list's form, for messages.
    pub(crate) form: &'static str,
}

impl TimestampedList {
    fn mac(&self, secret: &Secret, time: &str, body: &[u8]) -> Vec<u8> {
        Mac::Sha256.of(secret.bytes(), &[time.as_bytes(), self.joint.as_bytes(), body])
    }

    /// The time as written, and all signatures of the accepted version. One that cannot be read is passed
    /// over while others can: it fits nothing.
    fn read<'a>(&self, list: &'a str) -> Result<(&'a str, Vec<Vec<u8>>), Rejection> {
        let malformed = Rejection::Malformed { place: self.header, expected: self.form };
        let (mut time, mut signatures, mut other_version) = (None, Vec::new(), None);
        for (count, item) in list.split(self.separator).enumerate() {
            let Some((name, value)) = item.trim().split_once('=') else { continue };
            if count > MAX_SIGNATURES || (name == self.time && time.is_some()) {
                return Err(malformed);
            }
            if name == self.time {
                time = Some(value);
            } else if name == self.version {
                signatures.push(Mac::Sha256.read_hex(value));
            } else {
                other_version.get_or_insert(name);
            }
        }
        if let (true, Some(other)) = (signatures.is_empty(), other_version) {
            let (place, expected, found) = (self.header, self.version, cut_short(other));
            return Err(Rejection::UnknownVersion { place, found, expected });
        }
        let readable: Vec<_> = signatures.into_iter().flatten().collect();
        match time {
            Some(time) if !readable.is_empty() => Ok((time, readable)),
            _ => Err(malformed),
        }
    }
}

impl Rules for TimestampedList {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let time = now.as_second().to_string();
        let signature = to_hex(&self.mac(secret, &time, delivery.body));
        let Self { time: time_name, separator, version, .. } = self;
        let list = format!("{time_name}={time}{separator}{version}={signature}");
        Ok(Signed::with_headers([(self.header, list)]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let (time, signatures) = self.read(delivery.required_header(self.header)?)?;
        let timestamp = unix_seconds(time, self.header)?;
        any_secret(secrets, |secret| {
            let message = [time.as_bytes(), self.joint.as_bytes(), delivery.body];
            Ok(Mac::Sha256.fits(secret.bytes(), &message, &signatures))
        })?;
        Ok(Verified { timestamp: Some(timestamp), id: None })
    }
}
