//! Amazon SNS over HTTP(S): within the body, `Signature` is the base64 of an RSA signature (PKCS #1 v1.5)
//! over some of its fields in the order of their names, each name and value followed by a line feed.
//! `SignatureVersion` 1 hashes with SHA-1, and is what a topic uses unless told otherwise; 2 with SHA-256.
//! It is verified with the certificate at `SigningCertURL`, which the caller fetches after asking
//! [`signing_certificate_url`].
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>.
//! The time that is signed is that of publication: it does not change when a delivery is repeated, which may
//! be hours later. `MessageId` stays as well, and is signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{from_base64, to_base64};
use crate::rejection::cut_short;
use crate::{
    Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified, json_splice, key_file, rsa_sha1,
};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

const PUBLIC_KEY: &str = "the signing certificate, or its RSA public key of at least 2048 bits (PEM)";
const PRIVATE_KEY: &str = "an unencrypted RSA private key of at least 2048 bits in PKCS #8 (PEM)";

const FORM: Rejection = Rejection::Malformed {
    place: "body",
    expected: "an SNS message: JSON with the string fields of its Type, SignatureVersion, SigningCertURL \
               and Signature",
};

pub(crate) struct AmazonSns;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    message_id: Cow<'a, str>,
    #[serde(borrow)]
    signature: &'a RawValue,
    signature_version: Cow<'a, str>,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: Cow<'a, str>,
    subject: Option<Cow<'a, str>>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<Cow<'a, str>>,
    timestamp: Cow<'a, str>,
    token: Option<Cow<'a, str>>,
    topic_arn: Cow<'a, str>,
    #[serde(rename = "Type")]
    kind: Cow<'a, str>,
}

/// Which hash is signed.
#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

impl<'a> Message<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Rejection> {
        serde_json::from_slice(body).map_err(|_| FORM)
    }

    fn version(&self) -> Result<Version, Rejection> {
        match self.signature_version.as_ref() {
            "1" => Ok(Version::One),
            "2" => Ok(Version::Two),
            other => {
                let (place, found) = ("SignatureVersion", cut_short(other));
                Err(Rejection::UnknownVersion { place, found, expected: "1 or 2" })
            }
        }
    }

    fn signed_text(&self) -> Result<String, Rejection> {
        let (subject, subscribe_url, token) = match self.kind.as_ref() {
            "Notification" => (self.subject.as_deref(), None, None),
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                let (Some(url), Some(token)) = (&self.subscribe_url, &self.token) else { return Err(FORM) };
                (None, Some(url.as_ref()), Some(token.as_ref()))
            }
            _ => return Err(FORM),
        };
        let fields = [
            ("Message", Some(self.message.as_ref())),
            ("MessageId", Some(self.message_id.as_ref())),
            ("Subject", subject),
            ("SubscribeURL", subscribe_url),
            ("Timestamp", Some(self.timestamp.as_ref())),
            ("Token", token),
            ("TopicArn", Some(self.topic_arn.as_ref())),
            ("Type", Some(self.kind.as_ref())),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(present.map(|(name, value)| format!("{name}\n{value}\n")).collect())
    }

    fn signature(&self) -> Result<Vec<u8>, Rejection> {
        let text: String = serde_json::from_str(self.signature.get()).map_err(|_| FORM)?;
        let expected = "the base64 of an RSA signature";
        from_base64(&text).ok_or(Rejection::Malformed { place: "Signature", expected })
    }

    fn published(&self) -> Result<Timestamp, Rejection> {
        let expected = "a time as in RFC 3339";
        self.timestamp.parse().map_err(|_| Rejection::Malformed { place: "Timestamp", expected })
    }

    fn certificate_url(&self) -> Result<&str, Rejection> {
        if is_amazon_s(&self.signing_cert_url) {
            return Ok(&self.signing_cert_url);
        }
        Err(Rejection::UnknownKey {
            found: cut_short(&self.signing_cert_url),
            expected: "https://sns.<region>.amazonaws.com/SimpleNotificationService-<id>.pem",
        })
    }
}

/// Where the certificate of a delivery is, if that is a place of Amazon's own. Nothing may be fetched from
/// elsewhere: whoever forges a message also writes its URL. Within Amazon's hosts only certificates count,
/// for others can have the service answer as they like.
///
/// # Errors
/// The body is no SNS message, or the URL is not Amazon's.
pub fn signing_certificate_url(delivery: &Delivery<'_>) -> Result<String, Rejection> {
    Message::read(delivery.body)?.certificate_url().map(str::to_owned)
}

fn is_amazon_s(url: &str) -> bool {
    let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let region = host.strip_prefix("sns.").and_then(|rest| rest.strip_suffix(".amazonaws.com"));
    let id = path.strip_prefix("SimpleNotificationService-").and_then(|rest| rest.strip_suffix(".pem"));
    region.is_some_and(is_name) && id.is_some_and(is_name)
}

fn key_pair(pkcs8: &[u8]) -> Result<RsaKeyPair, UnusableSecret> {
    RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| UnusableSecret { expected: PRIVATE_KEY })
}

fn sign_sha256(pkcs8: &[u8], message: &[u8]) -> Result<Vec<u8>, UnusableSecret> {
    let key = key_pair(pkcs8)?;
    let mut signature = vec![0; key.public_modulus_len()];
    // PKCS #1 v1.5 takes no randomness.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| UnusableSecret { expected: PRIVATE_KEY })?;
    Ok(signature)
}

impl Rules for AmazonSns {
    /// `SignatureVersion`, `SigningCertURL` and `Timestamp` stay as they are; `Signature`, which must be
    /// there, is replaced.
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let message = Message::read(delivery.body)?;
        let text = message.signed_text()?;
        let pkcs8 = key_file::private_key(secret, PRIVATE_KEY)?;
        let signature = match message.version()? {
            Version::One => rsa_sha1::sign(&pkcs8, text.as_bytes(), PRIVATE_KEY)?,
            Version::Two => sign_sha256(&pkcs8, text.as_bytes())?,
        };
        let replaced = [(message.signature, to_base64(&signature))];
        Ok(Signed::with_body(json_splice::with_strings(delivery.body, &replaced).ok_or(FORM)?))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let message = Message::read(delivery.body)?;
        let (version, text, signature) = (message.version()?, message.signed_text()?, message.signature()?);
        let published = message.published()?;
        message.certificate_url()?;
        let algorithm = match version {
            Version::One => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Version::Two => &RSA_PKCS1_2048_8192_SHA256,
        };
        any_secret(secrets, |secret| {
            let key = ParsedPublicKey::new(algorithm, key_file::public_key(secret, PUBLIC_KEY)?)
                .map_err(|_| UnusableSecret { expected: PUBLIC_KEY })?;
            Ok(key.verify_sig(text.as_bytes(), &signature).is_ok())
        })?;
        Ok(Verified { timestamp: Some(published), id: Some(message.message_id.into_owned()) })
    }

    fn verifying_secret(&self, signing: &Secret) -> Result<Secret, UnusableSecret> {
        let unusable = |_| UnusableSecret { expected: PRIVATE_KEY };
        let pair = key_pair(&key_file::private_key(signing, PRIVATE_KEY)?)?;
        let public = pair.public_key().as_der().map_err(unusable)?;
        let encoded = to_base64(public.as_ref());
        Ok(Secret::new(format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sent;
    use crate::{Scheme, Tolerance};

    const CERTIFICATE: &str = include_str!("../../test-data/amazon_sns.cert.pem");
    const KEY: &str = include_str!("../../test-data/amazon_sns.key.pem");

    /// Signed with node 20.20.2 (`crypto.createSign`), as `test/validator.js` of aws-js-sns-message-validator
    /// does, and accepted by sns-validator 0.3.5 (npm).
    const ACCEPTED: [&str; 3] = [
        include_str!("../../test-data/amazon_sns_notification_1.json"),
        include_str!("../../test-data/amazon_sns_notification_2.json"),
        include_str!("../../test-data/amazon_sns_confirmation_2.json"),
    ];

    fn verify(body: impl Into<Vec<u8>>) -> Result<Verified, Rejection> {
        let sent = Sent::post(body);
        sent.verify_within(Scheme::AmazonSns, &[CERTIFICATE], 0, Tolerance::ANY_TIME)
    }

    #[test]
    fn what_the_validator_accepts_is_accepted() {
        for body in ACCEPTED {
            let verified = verify(body).unwrap();
            assert!(body.contains(&verified.id.unwrap()));
            assert!(body.contains(&format!("{:.3}", verified.timestamp.unwrap())));
        }
    }

    #[test]
    fn the_same_signatures_are_made_in_the_same_bytes() {
        for body in ACCEPTED {
            let recorded = replaced(body, "Signature", "recorded");
            let signed = Sent::post(recorded).sign(Scheme::AmazonSns, KEY, 0);
            assert_eq!(String::from_utf8(signed.body.unwrap()).unwrap(), body);
        }
    }

    /// The message with another value for one field.
    fn replaced(body: &str, name: &str, value: &str) -> String {
        let start = body.find(&format!("\"{name}\": \"")).unwrap() + name.len() + 5;
        let end = start + body[start..].find("\",\n").unwrap();
        format!("{}{value}{}", &body[..start], &body[end..])
    }

    #[test]
    fn every_signed_field_counts() {
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        for name in ["Message", "MessageId", "TopicArn", "Subject"] {
            assert_eq!(verify(replaced(ACCEPTED[0], name, "other")), no_fit, "{name}");
        }
        for name in ["Message", "Token", "SubscribeURL", "TopicArn"] {
            assert_eq!(verify(replaced(ACCEPTED[2], name, "other")), no_fit, "{name}");
        }
        assert_eq!(verify(replaced(ACCEPTED[0], "Timestamp", "2012-05-02T00:54:07Z")), no_fit);
        assert_eq!(verify(replaced(ACCEPTED[2], "Type", "UnsubscribeConfirmation")), no_fit);
        assert_eq!(verify(replaced(ACCEPTED[0], "SignatureVersion", "2")), no_fit);
    }

    #[test]
    fn what_is_no_message_is_told_from_what_is_forged() {
        for wrong in ["", "{}", "[]", r#"{"foo": "bar", "fizz": "buzz"}"#] {
            assert_eq!(verify(wrong), Err(FORM));
        }
        assert_eq!(verify(replaced(ACCEPTED[0], "Type", "Other")), Err(FORM));
        assert_eq!(verify(replaced(ACCEPTED[0], "Type", "SubscriptionConfirmation")), Err(FORM));
        let unknown = verify(replaced(ACCEPTED[0], "SignatureVersion", "3"));
        assert!(matches!(unknown, Err(Rejection::UnknownVersion { .. })));
        for (name, value) in [("Signature", "%"), ("Timestamp", "yesterday")] {
            let refused = verify(replaced(ACCEPTED[0], name, value));
            assert!(matches!(refused, Err(Rejection::Malformed { place, .. }) if place == name), "{name}");
        }
    }

    #[test]
    fn a_certificate_is_fetched_from_amazon_alone() {
        let good = [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-00.pem",
        ];
        let bad = [
            "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-00.pem",
            "https://evil.example/sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-00.pem",
            "https://sns.evil.example#.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.a.b.amazonaws.com/SimpleNotificationService-00.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-00.pem",
            "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&x=.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-/../x.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00.pem?x",
            "https://localhost:56789/cert.pem",
            "",
        ];
        for url in good {
            let sent = Sent::post(replaced(ACCEPTED[0], "SigningCertURL", url));
            assert_eq!(signing_certificate_url(&sent.delivery()).as_deref(), Ok(url));
        }
        for url in bad {
            let refused = verify(replaced(ACCEPTED[0], "SigningCertURL", url));
            assert!(matches!(refused, Err(Rejection::UnknownKey { .. })), "{url}");
        }
    }
}
