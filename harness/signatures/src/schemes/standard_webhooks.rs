//! Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, a list of signatures over
//! `<id>.<timestamp>.<body>` with blanks between them, one a secret while secrets are rotated. `v1,<base64>`
//! is HMAC-SHA-256 with a `whsec_` secret, `v1a,<base64>` is Ed25519 with a `whsk_` key, verified by its
//! `whpk_` half.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//! (1.0.0). It names no tolerance; its reference libraries apply five minutes on both sides. The id is signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{from_base64, to_base64, unix_seconds};
use crate::mac::{MAX_SIGNATURES, Mac};
use crate::rejection::cut_short;
use crate::{Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use jiff::Timestamp;

const ID: &str = "webhook-id";
const TIME: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const SIGNING: &str = "whsec_ or whsk_ and the base64 of a key";
const VERIFYING: &str = "whsec_ or whpk_ and the base64 of a key (whsk_ is the sender's alone)";

pub(crate) struct StandardWebhooks;

/// The key in a secret, by its prefix. Without one it is a symmetric secret, as in the reference libraries.
enum Key {
    Symmetric(Vec<u8>),
    Private(Vec<u8>),
    Public(Vec<u8>),
}

impl Key {
    fn of(secret: &Secret, expected: &'static str) -> Result<Self, UnusableSecret> {
        let text = secret.expose().trim();
        let (make, encoded): (fn(Vec<u8>) -> Self, &str) = match text.split_at_checked(5) {
            Some(("whsk_", encoded)) => (Self::Private, encoded),
            Some(("whpk_", encoded)) => (Self::Public, encoded),
            _ => (Self::Symmetric, text.strip_prefix("whsec_").unwrap_or(text)),
        };
        let bytes = from_base64(encoded).filter(|bytes| !bytes.is_empty());
        bytes.map(make).ok_or(UnusableSecret { expected })
    }
}

/// A private key is handed out as its seed of 32 bytes, or with the 32 bytes of the public key behind it.
fn key_pair(bytes: &[u8]) -> Result<Ed25519KeyPair, UnusableSecret> {
    match bytes.split_at_checked(32) {
        Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
        Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
        None => return Err(UnusableSecret { expected: SIGNING }),
    }
    .map_err(|_| UnusableSecret { expected: SIGNING })
}

/// The message's id. A full stop in it would let a part of one message pass for a part of another.
fn id<'a>(delivery: &Delivery<'a>) -> Result<&'a str, Rejection> {
    let id = delivery.required_header(ID)?;
    if id.is_empty() || id.contains('.') {
        let expected = "an identifier without a full stop";
        return Err(Rejection::Malformed { place: ID, expected });
    }
    Ok(id)
}

/// The signatures of a delivery, by version.
#[derive(Default)]
struct Signatures {
    v1: Vec<Vec<u8>>,
    v1a: Vec<Vec<u8>>,
}

impl Signatures {
    fn read(list: &str) -> Result<Self, Rejection> {
        let expected = "v1,<base64> or v1a,<base64>, several with blanks between them";
        let malformed = Rejection::Malformed { place: SIGNATURE, expected };
        let (mut signatures, mut other_version) = (Self::default(), None);
        for (count, item) in list.split_ascii_whitespace().enumerate() {
            if count >= MAX_SIGNATURES {
                return Err(malformed);
            }
            let Some((version, encoded)) = item.split_once(',') else { continue };
            match version {
                "v1" => signatures.v1.extend(Mac::Sha256.read_base64(encoded)),
                "v1a" => signatures.v1a.extend(from_base64(encoded)),
                _ => other_version = other_version.or(Some(version)),
            }
        }
        match other_version {
            _ if !signatures.v1.is_empty() || !signatures.v1a.is_empty() => Ok(signatures),
            Some(other) => {
                let (found, expected) = (cut_short(other), "v1 or v1a");
                Err(Rejection::UnknownVersion { place: SIGNATURE, found, expected })
            }
            None => Err(malformed),
        }
    }

    fn fit(&self, secret: &Secret, message: &[&[u8]]) -> Result<bool, UnusableSecret> {
        match Key::of(secret, VERIFYING)? {
            Key::Symmetric(key) => Ok(Mac::Sha256.fits(&key, message, &self.v1)),
            Key::Public(key) => {
                let key = ParsedPublicKey::new(&ED25519, key)
                    .map_err(|_| UnusableSecret { expected: VERIFYING })?;
                let message = message.concat();
                Ok(self.v1a.iter().any(|signature| key.verify_sig(&message, signature).is_ok()))
            }
            Key::Private(_) => Err(UnusableSecret { expected: VERIFYING }),
        }
    }
}

impl Rules for StandardWebhooks {
    /// The id is the delivery's own: it has to be there before it is signed.
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        let time = now.as_second().to_string();
        let message = [id(delivery)?.as_bytes(), b".", time.as_bytes(), b".", delivery.body];
        let signature = match Key::of(secret, SIGNING)? {
            Key::Symmetric(key) => format!("v1,{}", to_base64(&Mac::Sha256.of(&key, &message))),
            Key::Private(key) => {
                format!("v1a,{}", to_base64(key_pair(&key)?.sign(&message.concat()).as_ref()))
            }
            Key::Public(_) => return Err(UnusableSecret { expected: SIGNING }.into()),
        };
        Ok(Signed::with_headers([(SIGNATURE, signature), (TIME, time)]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let id = id(delivery)?;
        let time = delivery.required_header(TIME)?;
        let timestamp = unix_seconds(time, TIME)?;
        let signatures = Signatures::read(delivery.required_header(SIGNATURE)?)?;
        let message = [id.as_bytes(), b".", time.as_bytes(), b".", delivery.body];
        any_secret(secrets, |secret| signatures.fit(secret, &message))?;
        Ok(Verified { timestamp: Some(timestamp), id: Some(id.to_owned()) })
    }

    fn verifying_secret(&self, signing: &Secret) -> Result<Secret, UnusableSecret> {
        match Key::of(signing, SIGNING)? {
            Key::Symmetric(_) => Ok(signing.clone()),
            Key::Private(key) => {
                Ok(Secret::new(format!("whpk_{}", to_base64(key_pair(&key)?.public_key().as_ref()))))
            }
            Key::Public(_) => Err(UnusableSecret { expected: SIGNING }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use crate::sample::Sent;

    const SCHEME: Scheme = Scheme::StandardWebhooks;

    /// From `libraries/rust/src/lib.rs` of standard-webhooks: `test_sign` and its neighbours.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const TIME_S: i64 = 1_649_367_553;
    const V1: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn sent(signatures: &str) -> Sent {
        Sent::post(r#"{"email":"test@example.com","username":"test_user"}"#)
            .header(ID, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk")
            .header(TIME, &TIME_S.to_string())
            .header(SIGNATURE, signatures)
    }

    #[test]
    fn the_reference_library_s_signature_is_accepted_and_made() {
        let verified = sent(V1).verify(SCHEME, &[SECRET], TIME_S).unwrap();
        assert_eq!(verified.id.as_deref(), Some("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"));
        assert!(sent(V1).verify(SCHEME, &[SECRET.trim_start_matches("whsec_")], TIME_S).is_ok());
        assert_eq!(sent("").sign(SCHEME, SECRET, TIME_S).headers[0].1, V1);
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let others = "v1,tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ= \
                      v1,Mm7xgUVICxZfQ3bgf0h0Dof65L/IFx+PnZvnDWPCX6Q=";
        assert!(sent(&format!("{others} v2,x {V1} v1,bad")).verify(SCHEME, &[SECRET], TIME_S).is_ok());
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        assert_eq!(sent(others).verify(SCHEME, &[SECRET], TIME_S), no_fit);
    }

    #[test]
    fn five_minutes_are_tolerated_on_both_sides() {
        assert!(sent(V1).verify(SCHEME, &[SECRET], TIME_S + 300).is_ok());
        assert!(sent(V1).verify(SCHEME, &[SECRET], TIME_S - 300).is_ok());
        let old = sent(V1).verify(SCHEME, &[SECRET], TIME_S + 301);
        assert_eq!(old, Err(Rejection::TooOld { age_s: 301, tolerance_s: 300 }));
        let ahead = sent(V1).verify(SCHEME, &[SECRET], TIME_S - 301);
        assert_eq!(ahead, Err(Rejection::FromTheFuture { ahead_s: 301, tolerance_s: 300 }));
    }

    /// The asymmetric example of the specification; its keys are in `test_asymmetric_key_signing` of
    /// svix-webhooks (`server/svix-server/src/worker.rs`).
    #[test]
    fn the_specification_s_asymmetric_signature_is_accepted_and_made() {
        let private =
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let seed = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
        let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
        let signature =
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
        let sent = Sent::post(r#"{"test": 2432232314}"#)
            .header(ID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .header(TIME, "1614265330")
            .header(SIGNATURE, signature);
        assert!(sent.verify(SCHEME, &[public], 1_614_265_330).is_ok());
        for key in [private, seed] {
            assert_eq!(sent.sign(SCHEME, key, 1_614_265_330).headers[0].1, signature);
            assert_eq!(SCHEME.verifying_secret(&Secret::new(key)).unwrap().expose(), public);
        }
        let with_the_private_key = sent.verify(SCHEME, &[private], 1_614_265_330);
        assert!(matches!(with_the_private_key, Err(Rejection::UnusableSecret { .. })));
    }

    #[test]
    fn a_secret_of_one_kind_accepts_no_signature_of_the_other() {
        let relabelled = V1.replace("v1,", "v1a,");
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        assert_eq!(sent(&relabelled).verify(SCHEME, &[SECRET], TIME_S), no_fit);
        let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
        assert_eq!(sent(V1).verify(SCHEME, &[public], TIME_S), no_fit);
    }

    #[test]
    fn what_cannot_be_signed_or_read_is_told() {
        let unnamed = Sent::post("{}").try_sign(SCHEME, &Secret::new(SECRET), TIME_S);
        assert_eq!(unnamed, Err(Rejection::MissingHeader { name: ID }.into()));
        let dotted = Sent::post("{}").header(ID, "a.b").try_sign(SCHEME, &Secret::new(SECRET), TIME_S);
        assert!(matches!(dotted, Err(SignError::Unsignable(Rejection::Malformed { place: ID, .. }))));
        for wrong in ["", "v1", "v1,", "v1,%", &"v1,AAAA ".repeat(100)] {
            let refused = sent(wrong).verify(SCHEME, &[SECRET], TIME_S);
            assert!(!matches!(refused, Ok(_) | Err(Rejection::UnknownVersion { .. })), "{wrong}");
        }
        let unknown = sent("v2,AAAA").verify(SCHEME, &[SECRET], TIME_S);
        assert!(matches!(unknown, Err(Rejection::UnknownVersion { .. })));
        for wrong in ["whsec_", "whsec_%", "whpk_AAAA", "whsk_"] {
            let refused = sent(V1).verify(SCHEME, &[wrong], TIME_S);
            assert!(matches!(refused, Err(Rejection::UnusableSecret { .. })), "{wrong}");
        }
    }
}
