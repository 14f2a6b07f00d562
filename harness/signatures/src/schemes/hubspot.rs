//! HubSpot, version 3: `X-HubSpot-Signature-v3: <base64>`, HMAC-SHA-256 over method, URL, body and
//! `X-HubSpot-Request-Timestamp` (milliseconds) in a row, keyed with the app's client secret. Of the URL's
//! percent-encoded characters twelve are decoded before it is signed; all others stay as they are.
//!
//! Source: <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>,
//! with its five minutes of tolerance. The events' ids are in the body. Versions 1 and 2 hash the secret with
//! the body instead of keying a MAC with it, and are not offered.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{to_base64, unix_milliseconds};
use crate::mac::Mac;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

const SIGNATURE: &str = "X-HubSpot-Signature-v3";
const TIME: &str = "X-HubSpot-Request-Timestamp";

/// The characters that are signed decoded.
const DECODED: &[u8] = b":/?@!$'()*,;";

pub(crate) struct Hubspot;

fn signed_url(url: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let [first, tail @ ..] = rest {
        let encoded = tail.first_chunk::<2>().filter(|_| *first == b'%').and_then(|digits| {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(digits[0])? << 4 | digit(digits[1])?)
        });
        match encoded.filter(|byte| DECODED.contains(byte)) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

impl Rules for Hubspot {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let time = now.as_millisecond().to_string();
        let message = [delivery.method.as_bytes(), &signed_url(delivery.url), delivery.body, time.as_bytes()];
        let mac = Mac::Sha256.of(secret.bytes(), &message);
        Ok(Signed::with_headers([(SIGNATURE, to_base64(&mac)), (TIME, time)]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [Mac::Sha256
            .read_base64(delivery.required_header(SIGNATURE)?)
            .ok_or(Rejection::Malformed { place: SIGNATURE, expected: "the base64 of 32 bytes" })?];
        let time = delivery.required_header(TIME)?;
        let timestamp = unix_milliseconds(time, TIME)?;
        let url = signed_url(delivery.url);
        any_secret(secrets, |secret| {
            let message = [delivery.method.as_bytes(), &url, delivery.body, time.as_bytes()];
            Ok(Mac::Sha256.fits(secret.bytes(), &message, &signatures))
        })?;
        Ok(Verified { timestamp: Some(timestamp), id: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sent;
    use crate::{Scheme, Tolerance};

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";

    /// From `tests/spec/utils/test_signature.py` of hubspot-api-python: `test_get_signature__v3`.
    #[test]
    fn the_library_s_signature_is_accepted_and_made() {
        let signature = "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw=";
        let sent = Sent::post("{'example_field':'example_value'}")
            .to("https://www.example.com/webhook_uri")
            .header(SIGNATURE, signature)
            .header(TIME, "15000000");
        assert!(sent.verify(Scheme::Hubspot, &[SECRET], 15_000).is_ok());
        assert_eq!(sent.sign(Scheme::Hubspot, SECRET, 15_000).headers[0].1, signature);
    }

    /// Made with @hubspot/api-client 13.5.0 (npm), `Signature.getSignature`, given the URL decoded as the
    /// documentation asks.
    #[test]
    fn twelve_characters_of_the_url_are_signed_decoded() {
        let encoded = "https://www.example.com/webhook_uri?next=https%3A%2F%2Fa.example%2Fb%3Fc=d\
                       &who=x%40y.example%21&keep=%20%26%3D&l=%24%27%28%29%2a%2C%3B";
        let sent = Sent::post(r#"{"example_field":"example_value"}"#)
            .to(encoded)
            .header(SIGNATURE, "2uysX1PVvYz4ZVFB6+/rTMaHr0x09RQUHUfdQwZSlps=")
            .header(TIME, "1700000000000");
        assert!(sent.verify(Scheme::Hubspot, &[SECRET], 1_700_000_000).is_ok());
    }

    #[test]
    fn what_only_looks_encoded_stays() {
        for url in ["%", "%2", "%zz", "https://a.example/%25%2", "%+3A"] {
            assert_eq!(signed_url(url), url.as_bytes(), "{url}");
        }
        assert_eq!(signed_url("%253A"), b"%253A");
    }

    #[test]
    fn the_time_is_in_milliseconds() {
        let sent = Sent::post("{}").header(TIME, "1700000000").signed(Scheme::Hubspot, SECRET, 1_700_000);
        let verified = sent.verify_within(Scheme::Hubspot, &[SECRET], 1_700_000, Tolerance::seconds(0));
        assert_eq!(verified.unwrap().timestamp.unwrap().as_second(), 1_700_000);
    }
}
