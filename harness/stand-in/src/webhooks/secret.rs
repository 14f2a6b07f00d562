//! The secret that webhooks are signed with: given, or made in the form that the scheme asks for.
//!
//! What is made is the same for the same provider every time, but for keys of two halves: those are drawn anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use counterpart_signatures::{Delivery, Scheme, Secret, SignError};
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use sha2::{Digest, Sha256};

/// A body that secrets are tried on: Adyen's form, for that scheme signs nothing else.
const SAMPLE: &str =
    r#"{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":""}}}]}"#;

/// Both halves of what proves a webhook, which are one and the same for most schemes.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) signing: Secret,
    pub(crate) verifying: Secret,
    /// The certificate, as PEM, where the scheme's receivers fetch one.
    pub(crate) certificate: Option<String>,
}

impl Keys {
    /// Keys for a secret that is given.
    ///
    /// # Errors
    /// A sentence, where it has not the scheme's form.
    pub(crate) fn of(scheme: Scheme, signing: Secret) -> Result<Self, String> {
        let unfit = |error: SignError| format!("webhooks.secret does not fit the scheme `{scheme}`: {error}");
        let verifying = scheme.verifying_secret(&signing).map_err(unfit)?;
        let sample =
            Delivery { method: "POST", url: "http://localhost/", headers: &[], body: SAMPLE.as_bytes() };
        // What the sample lacks for some schemes is no fault of the secret.
        if let Err(error @ SignError::UnusableSecret(_)) =
            scheme.sign(&signing, &sample, Timestamp::UNIX_EPOCH)
        {
            return Err(unfit(error));
        }
        let certificate = match scheme {
            Scheme::AmazonSns => Some(certificate_of(signing.expose())?),
            _ => None,
        };
        Ok(Self { signing, verifying, certificate })
    }

    /// Keys that nobody gave.
    ///
    /// # Errors
    /// A sentence, where the system gives no randomness.
    pub(crate) fn made(scheme: Scheme, provider: &str) -> Result<Self, String> {
        let digest = Sha256::digest(format!("counterpart webhook secret\n{provider}"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let no_key = |error: rcgen::Error| format!("no key for the scheme `{scheme}` can be made: {error}");
        let secret = match scheme {
            Scheme::Adyen => hex.to_ascii_uppercase(),
            Scheme::StandardWebhooks => format!("whsec_{}", STANDARD.encode(digest)),
            Scheme::Stripe => format!("whsec_{}", &hex[..32]),
            Scheme::Sendgrid => {
                KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(no_key)?.serialize_pem()
            }
            Scheme::AmazonSns => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
                .map_err(no_key)?
                .serialize_pem(),
            Scheme::Github
            | Scheme::GithubSha1
            | Scheme::Hubspot
            | Scheme::MatrixApplicationService
            | Scheme::Paddle
            | Scheme::Shopify
            | Scheme::Slack
            | Scheme::Square
            | Scheme::Twilio => format!("cp-webhook-{}", &hex[..32]),
        };
        Self::of(scheme, Secret::new(secret))
    }

    /// Keys that nobody was given: what they sign is good for nobody.
    pub(crate) fn foreign(scheme: Scheme) -> Result<Self, String> {
        Self::made(scheme, "somebody else")
    }
}

/// A certificate over the key, as Amazon's are named.
fn certificate_of(pem: &str) -> Result<String, String> {
    let unusable = |error: rcgen::Error| format!("no certificate can be made of the signing key: {error}");
    let key = KeyPair::from_pem_and_sign_algo(pem, &PKCS_RSA_SHA256).map_err(unusable)?;
    let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).map_err(unusable)?;
    params.distinguished_name.push(DnType::CommonName, "sns.amazonaws.com");
    Ok(params.self_signed(&key).map_err(unusable)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_a_secret_in_its_own_form() {
        for scheme in Scheme::ALL {
            let keys = Keys::made(scheme, "p").unwrap();
            assert!(!keys.verifying.expose().is_empty());
            assert_ne!(keys.signing.expose(), Keys::foreign(scheme).unwrap().signing.expose(), "{scheme}");
        }
    }

    #[test]
    fn a_secret_of_another_form_is_refused() {
        let error = Keys::of(Scheme::Adyen, Secret::new("not hexadecimal")).unwrap_err();
        assert!(error.contains("does not fit the scheme `adyen`") && !error.contains("not hexadecimal"));
    }
}
