//! SendGrid's signed event webhook: `X-Twilio-Email-Event-Webhook-Signature: <base64>`, an ECDSA signature
//! (P-256, SHA-256, DER) over `X-Twilio-Email-Event-Webhook-Timestamp` followed by the body. It is verified
//! with the public key that SendGrid shows, the base64 of DER.
//!
//! Source: <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>.
//! SendGrid's own libraries leave the time unjudged. Time and body are not kept apart in what is signed, so
//! digits can be moved from the one to the other; a tolerance set by the caller stops that. The events' ids
//! are in the body.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{from_base64, to_base64, unix_seconds};
use crate::{Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified, key_file};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use jiff::Timestamp;

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIME: &str = "X-Twilio-Email-Event-Webhook-Timestamp";
const PUBLIC_KEY: &str = "a P-256 public key (the base64 of DER, or PEM)";
const PRIVATE_KEY: &str = "an unencrypted P-256 private key in PKCS #8 (PEM, or the base64 of DER)";

pub(crate) struct Sendgrid;

fn key_pair(secret: &Secret) -> Result<EcdsaKeyPair, UnusableSecret> {
    let pkcs8 = key_file::private_key(secret, PRIVATE_KEY)?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
        .map_err(|_| UnusableSecret { expected: PRIVATE_KEY })
}

impl Rules for Sendgrid {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let time = now.as_second().to_string();
        let message = [time.as_bytes(), delivery.body].concat();
        // The library draws the nonce itself, whatever it is given here.
        let signature = key_pair(secret)?
            .sign(&SystemRandom::new(), &message)
            .map_err(|_| UnusableSecret { expected: PRIVATE_KEY })?;
        Ok(Signed::with_headers([(SIGNATURE, to_base64(signature.as_ref())), (TIME, time)]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signature = from_base64(delivery.required_header(SIGNATURE)?)
            .ok_or(Rejection::Malformed { place: SIGNATURE, expected: "the base64 of a DER signature" })?;
        let time = delivery.required_header(TIME)?;
        let timestamp = unix_seconds(time, TIME)?;
        let message = [time.as_bytes(), delivery.body].concat();
        any_secret(secrets, |secret| {
            let key =
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key_file::public_key(secret, PUBLIC_KEY)?)
                    .map_err(|_| UnusableSecret { expected: PUBLIC_KEY })?;
            Ok(key.verify_sig(&message, &signature).is_ok())
        })?;
        Ok(Verified { timestamp: Some(timestamp), id: None })
    }

    fn verifying_secret(&self, signing: &Secret) -> Result<Secret, UnusableSecret> {
        let unusable = |_| UnusableSecret { expected: PRIVATE_KEY };
        let public = key_pair(signing)?.public_key().as_der().map_err(unusable)?;
        Ok(Secret::new(to_base64(public.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use crate::sample::Sent;

    /// From `test/unit/test_eventwebhook.py` of sendgrid-python.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    const OTHER_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==";
    const OTHER_SIGNATURE: &str =
        "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0=";
    const VALID: &str =
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    const BODY: &str = concat!(
        r#"[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","#,
        r#""sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","#,
        r#""sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","#,
        r#""smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"#,
        "\r\n"
    );

    fn verify(body: &str, signature: &str, time: &str, key: &str) -> Result<Verified, Rejection> {
        let sent = Sent::post(body).header(SIGNATURE, signature).header(TIME, time);
        sent.verify(Scheme::Sendgrid, &[key], 1_600_112_502)
    }

    #[test]
    fn the_library_s_cases_are_judged_alike() {
        assert!(verify(BODY, VALID, "1600112502", KEY).is_ok());
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        assert_eq!(verify(BODY, VALID, "1600112502", OTHER_KEY), no_fit);
        assert_eq!(verify("payload", VALID, "1600112502", KEY), no_fit);
        assert_eq!(verify(BODY, OTHER_SIGNATURE, "1600112502", KEY), no_fit);
        assert_eq!(verify(BODY, VALID, "1600112503", KEY), no_fit);
        let no_time = verify(BODY, VALID, "timestamp", KEY);
        assert!(matches!(no_time, Err(Rejection::Malformed { .. })));
    }

    #[test]
    fn a_key_of_another_kind_is_named() {
        let rsa = include_str!("../../test-data/amazon_sns.cert.pem");
        for wrong in [rsa, "no key", include_str!("../../test-data/sendgrid.key.pem")] {
            let refused = verify(BODY, VALID, "1600112502", wrong);
            assert!(matches!(refused, Err(Rejection::UnusableSecret { number: 1, .. })));
        }
    }
}
