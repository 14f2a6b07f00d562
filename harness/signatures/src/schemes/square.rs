//! Square: `x-square-hmacsha256-signature: <base64>`, HMAC-SHA-256 over the notification URL, as it is
//! registered, followed by the body; keyed with the subscription's signature key.
//!
//! Source: <https://developer.squareup.com/docs/webhooks/step3validate>. No time is signed. The event's id
//! is in the body.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::to_base64;
use crate::mac::Mac;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

const SIGNATURE: &str = "x-square-hmacsha256-signature";

pub(crate) struct Square;

impl Rules for Square {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let mac = Mac::Sha256.of(secret.bytes(), &[delivery.url.as_bytes(), delivery.body]);
        Ok(Signed::with_headers([(SIGNATURE, to_base64(&mac))]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [Mac::Sha256
            .read_base64(delivery.required_header(SIGNATURE)?)
            .ok_or(Rejection::Malformed { place: SIGNATURE, expected: "the base64 of 32 bytes" })?];
        any_secret(secrets, |secret| {
            let message = [delivery.url.as_bytes(), delivery.body];
            Ok(Mac::Sha256.fits(secret.bytes(), &message, &signatures))
        })?;
        Ok(Verified { timestamp: None, id: None })
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::Sent;
    use crate::{Rejection, Scheme};

    /// From `tests/integration/webhooks.test.ts` of square-nodejs-sdk.
    const CASES: [(&str, &str, &str, &str); 3] = [
        (
            "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
            "Ibxx_5AKakO-3qeNVR61Dw",
            r#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#,
            "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=",
        ),
        (
            "https://webhook.site/webhooks",
            "signature-key",
            r#"{"data":{"type":"webhooks","id":"fake_id"}}"#,
            "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=",
        ),
        (
            "https://webhook.site/webhooks",
            "signature-key",
            r#"{"data":{"type":"webhooks","id":">id<"}}"#,
            "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
        ),
    ];

    #[test]
    fn the_library_s_cases_are_accepted_and_made() {
        for (url, key, body, signature) in CASES {
            let sent = Sent::post(body).to(url).header("x-square-hmacsha256-signature", signature);
            assert!(sent.verify(Scheme::Square, &[key], 0).is_ok(), "{body}");
            assert_eq!(sent.sign(Scheme::Square, key, 0).headers[0].1, signature);
        }
    }

    #[test]
    fn the_library_s_mismatches_are_refused() {
        let (url, key, body, signature) = CASES[0];
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        let verify = |url: &str, key, body: &str, signature| {
            let sent = Sent::post(body).to(url).header("x-square-hmacsha256-signature", signature);
            sent.verify(Scheme::Square, &[key], 0)
        };
        assert_eq!(verify("https://webhook.site/679a4f3a", key, body, signature), no_fit);
        assert_eq!(verify(url, "MCmhFRxGX82xMwg5FsaoQA", body, signature), no_fit);
        assert_eq!(verify(url, key, &body.replace(':', ": "), signature), no_fit);
        let sha1 = verify(url, key, body, "1z2n3DEJJiUPKcPzQo1ftvbxGdw=");
        assert!(matches!(sha1, Err(Rejection::Malformed { .. })));
    }
}
