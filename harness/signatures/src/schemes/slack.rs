//! Slack: `X-Slack-Signature: v0=<hex>`, HMAC-SHA-256 over `v0:<X-Slack-Request-Timestamp>:<body>`, keyed
//! with the app's signing secret.
//!
//! Source: <https://docs.slack.dev/authentication/verifying-requests-from-slack>, with its five minutes of
//! tolerance. The event's id is in the body.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{to_hex, unix_seconds};
use crate::mac::Mac;
use crate::rejection::cut_short;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

const SIGNATURE: &str = "X-Slack-Signature";
const TIME: &str = "X-Slack-Request-Timestamp";
const VERSION: &str = "v0";

pub(crate) struct Slack;

fn read(header: &str) -> Result<Vec<u8>, Rejection> {
    let malformed = Rejection::Malformed { place: SIGNATURE, expected: "v0=<64 hexadecimal digits>" };
    match header.split_once('=') {
        Some((VERSION, digits)) => Mac::Sha256.read_hex(digits).ok_or(malformed),
        Some((other, _)) => {
            let found = cut_short(other);
            Err(Rejection::UnknownVersion { place: SIGNATURE, found, expected: VERSION })
        }
        None => Err(malformed),
    }
}

impl Rules for Slack {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let time = now.as_second().to_string();
        let mac = Mac::Sha256.of(secret.bytes(), &[b"v0:", time.as_bytes(), b":", delivery.body]);
        Ok(Signed::with_headers([(SIGNATURE, format!("v0={}", to_hex(&mac))), (TIME, time)]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [read(delivery.required_header(SIGNATURE)?)?];
        let time = delivery.required_header(TIME)?;
        let timestamp = unix_seconds(time, TIME)?;
        any_secret(secrets, |secret| {
            let message: [&[u8]; 4] = [b"v0:", time.as_bytes(), b":", delivery.body];
            Ok(Mac::Sha256.fits(secret.bytes(), &message, &signatures))
        })?;
        Ok(Verified { timestamp: Some(timestamp), id: None })
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::Sent;
    use crate::{Rejection, Scheme};

    /// Slack's documentation; also `tests/slack_sdk/signature/test_signature_verifier.py` of
    /// python-slack-sdk.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME_S: i64 = 1_531_420_618;
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn sent(signature: &str) -> Sent {
        Sent::post(BODY)
            .header("X-Slack-Request-Timestamp", &TIME_S.to_string())
            .header("X-Slack-Signature", signature)
    }

    #[test]
    fn the_documentation_s_example_is_accepted_and_made() {
        let verified = sent(SIGNATURE).verify(Scheme::Slack, &[SECRET], TIME_S).unwrap();
        assert_eq!(verified.timestamp.unwrap().as_second(), TIME_S);
        let signed = sent("").sign(Scheme::Slack, SECRET, TIME_S);
        assert_eq!(signed.headers[0].1, SIGNATURE);
        assert_eq!(signed.headers[1].1, TIME_S.to_string());
    }

    #[test]
    fn an_expired_request_is_refused() {
        let late = sent(SIGNATURE).verify(Scheme::Slack, &[SECRET], TIME_S + 301);
        assert_eq!(late, Err(Rejection::TooOld { age_s: 301, tolerance_s: 300 }));
    }

    #[test]
    fn another_version_or_form_is_refused() {
        let other = sent(&SIGNATURE.replace("v0", "v1")).verify(Scheme::Slack, &[SECRET], TIME_S);
        assert!(matches!(other, Err(Rejection::UnknownVersion { .. })));
        let broken = sent("a2114d57").verify(Scheme::Slack, &[SECRET], TIME_S);
        assert!(matches!(broken, Err(Rejection::Malformed { .. })));
    }
}
