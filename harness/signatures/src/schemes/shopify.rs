//! Shopify: `X-Shopify-Hmac-SHA256: <base64>`, HMAC-SHA-256 over the body, keyed with the app's client
//! secret. After the secret is rotated, Shopify may sign with the old one for up to an hour.
//!
//! Source: <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries>. No time is signed.
//! `X-Shopify-Webhook-Id` stays the same when a delivery is repeated; it is not signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::to_base64;
use crate::mac::Mac;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

const SIGNATURE: &str = "X-Shopify-Hmac-SHA256";

pub(crate) struct Shopify;

impl Rules for Shopify {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let mac = Mac::Sha256.of(secret.bytes(), &[delivery.body]);
        Ok(Signed::with_headers([(SIGNATURE, to_base64(&mac))]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [Mac::Sha256
            .read_base64(delivery.required_header(SIGNATURE)?)
            .ok_or(Rejection::Malformed { place: SIGNATURE, expected: "the base64 of 32 bytes" })?];
        any_secret(secrets, |secret| Ok(Mac::Sha256.fits(secret.bytes(), &[delivery.body], &signatures)))?;
        Ok(Verified { timestamp: None, id: delivery.id_header("X-Shopify-Webhook-Id")? })
    }
}

#[cfg(test)]
mod tests {
    use crate::Scheme;
    use crate::sample::Sent;

    /// Made with node 20.20.2 and accepted by @shopify/shopify-api 13.1.0 (npm), `webhooks.validate`.
    #[test]
    fn what_the_library_accepts_is_accepted_and_made() {
        let signature = "D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8=";
        let id = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043";
        let sent = Sent::post(r#"{"id":820982911946154508,"email":"jon@example.com"}"#)
            .header("x-shopify-hmac-sha256", signature)
            .header("x-shopify-webhook-id", id);
        assert_eq!(sent.verify(Scheme::Shopify, &["hush"], 0).unwrap().id.as_deref(), Some(id));
        assert_eq!(sent.sign(Scheme::Shopify, "hush", 0).headers[0].1, signature);
    }
}
