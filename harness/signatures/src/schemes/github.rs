//! GitHub: `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA-256 over the body. The older `X-Hub-Signature:
//! sha1=<hex>`, which GitHub still sends beside it, is accepted only by the scheme `github_sha1`.
//!
//! Source: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>. No time is
//! signed. `X-GitHub-Delivery` identifies a delivery and stays when it is redelivered; it is not signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::to_hex;
use crate::mac::Mac;
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;

/// One of GitHub's two headers.
pub(crate) struct Github {
    header: &'static str,
    prefix: &'static str,
    mac: Mac,
    form: &'static str,
}

pub(crate) static SHA256: Github = Github {
    header: "X-Hub-Signature-256",
    prefix: "sha256=",
    mac: Mac::Sha256,
    form: "sha256=<64 hexadecimal digits>",
};

pub(crate) static SHA1: Github = Github {
    header: "X-Hub-Signature",
    prefix: "sha1=",
    mac: Mac::Sha1,
    form: "sha1=<40 hexadecimal digits>",
};

impl Github {
    fn signature(&self, delivery: &Delivery<'_>) -> Result<Vec<u8>, Rejection> {
        let Some(value) = delivery.header(self.header)? else {
            if matches!(self.mac, Mac::Sha256) && delivery.header(SHA1.header)?.is_some() {
                return Err(Rejection::LegacyRefused {
                    found: SHA1.header,
                    expected: "X-Hub-Signature-256 (the scheme github_sha1 accepts the older one knowingly)",
                });
            }
            return Err(Rejection::MissingHeader { name: self.header });
        };
        value
            .strip_prefix(self.prefix)
            .and_then(|digits| self.mac.read_hex(digits))
            .ok_or(Rejection::Malformed { place: self.header, expected: self.form })
    }
}

impl Rules for Github {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let signature = to_hex(&self.mac.of(secret.bytes(), &[delivery.body]));
        Ok(Signed::with_headers([(self.header, format!("{}{signature}", self.prefix))]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [self.signature(delivery)?];
        any_secret(secrets, |secret| Ok(self.mac.fits(secret.bytes(), &[delivery.body], &signatures)))?;
        Ok(Verified { timestamp: None, id: delivery.id_header("X-GitHub-Delivery")? })
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::Sent;
    use crate::{Rejection, Scheme};

    #[test]
    fn the_documentation_s_example_is_accepted_and_made() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let sent = Sent::post("Hello, World!")
            .header("X-Hub-Signature-256", signature)
            .header("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
        let verified = sent.verify(Scheme::Github, &["It's a Secret to Everybody"], 0).unwrap();
        assert_eq!(verified.id.as_deref(), Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"));
        let signed = sent.sign(Scheme::Github, "It's a Secret to Everybody", 0);
        assert_eq!(signed.headers, [("X-Hub-Signature-256".to_owned(), signature.to_owned())]);
    }

    /// From `test/verify.test.ts` of octokit/webhooks-methods.js.
    #[test]
    fn the_cases_of_octokit_are_judged_alike() {
        let signature = "sha256=e3eccac34c43c7dc1cbb905488b1b81347fcc700a7b025697a9d07862256023f";
        let sent = Sent::post("{\n  \"foo\": \"bar\"\n}\n").header("X-Hub-Signature-256", signature);
        assert!(sent.verify(Scheme::Github, &["mysecret"], 0).is_ok());
        assert!(sent.verify(Scheme::Github, &["foo", "mysecret"], 0).is_ok());
        let foreign = sent.verify(Scheme::Github, &["foo"], 0);
        assert_eq!(foreign, Err(Rejection::NoSignatureFits { secrets: 1 }));
        let broken = Sent::post("{}").header("X-Hub-Signature-256", "foo");
        assert!(matches!(broken.verify(Scheme::Github, &["s"], 0), Err(Rejection::Malformed { .. })));

        let escaped = Sent::post("{\n  \"foo\": \"\\\\u001b\"\n}\n").header(
            "X-Hub-Signature-256",
            "sha256=87316067e2011fae39998b18c46a14d83b3e7c3ffdd88fb2ee5afb7d11288e60",
        );
        assert!(escaped.verify(Scheme::Github, &["development"], 0).is_ok());
    }

    /// Made with node 20.20.2, `crypto.createHmac('sha1', ...)`, over octokit's payload.
    #[test]
    fn sha1_is_refused_unless_asked_for() {
        let sent = Sent::post("{\n  \"foo\": \"bar\"\n}\n")
            .header("X-Hub-Signature", "sha1=640c0ea7402a3f74e1767338fa2dba243b1f2d9c");
        let refused = sent.verify(Scheme::Github, &["mysecret"], 0);
        assert!(matches!(refused, Err(Rejection::LegacyRefused { .. })));
        assert!(sent.verify(Scheme::GithubSha1, &["mysecret"], 0).is_ok());
    }
}
