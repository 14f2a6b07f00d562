//! The schemes by name, and the two things that each of them does. What a scheme signs and where it writes
//! the signature is told in its own file under `schemes`.

use crate::schemes::{self, Rules};
use crate::{Delivery, Rejection, Secret, SignError, Signed, Tolerance};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A way in which a provider proves that a webhook is its own. There is none that proves nothing: a name
/// that is not known here is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Adyen's standard webhooks: a MAC over eight fields, within the body.
    Adyen,
    /// Amazon SNS over HTTP: an RSA signature over some fields, within the body.
    AmazonSns,
    /// GitHub's `X-Hub-Signature-256`.
    Github,
    /// GitHub's legacy `X-Hub-Signature` (SHA-1), which [`Scheme::Github`] refuses.
    GithubSha1,
    /// HubSpot's version 3: method, URL, body and time.
    Hubspot,
    /// Matrix application services: a bearer token.
    MatrixApplicationService,
    /// Paddle Billing's `Paddle-Signature`.
    Paddle,
    /// SendGrid's event webhook: an ECDSA signature over time and body.
    Sendgrid,
    /// Shopify's `X-Shopify-Hmac-SHA256`.
    Shopify,
    /// Slack's version 0: time and body.
    Slack,
    /// Square: URL and body.
    Square,
    /// Standard Webhooks 1.0.0, symmetric (`v1`) and asymmetric (`v1a`).
    StandardWebhooks,
    /// Stripe's `Stripe-Signature`.
    Stripe,
    /// Twilio: URL and form fields, or URL and a hash of the body.
    Twilio,
}

/// What a delivery that was accepted says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it was signed (Amazon SNS: published), where the signature covers a time.
    pub timestamp: Option<Timestamp>,
    /// What stays the same when the provider delivers again, where the scheme carries it: the key for
    /// deduplication. GitHub, Matrix, Shopify and Twilio do not sign it, so there it tells repetitions from
    /// one another but does not stop somebody who replays a delivery under another id.
    pub id: Option<String>,
}

/// No scheme has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no signature scheme; expected one of {}", known_names())]
pub struct UnknownScheme {
    /// The name as given, cut short.
    pub found: String,
}

fn known_names() -> String {
    Scheme::ALL.map(Scheme::name).join(", ")
}

impl Scheme {
    /// Every scheme, by name.
    pub const ALL: [Self; 14] = [
        Self::Adyen,
        Self::AmazonSns,
        Self::Github,
        Self::GithubSha1,
        Self::Hubspot,
        Self::MatrixApplicationService,
        Self::Paddle,
        Self::Sendgrid,
        Self::Shopify,
        Self::Slack,
        Self::Square,
        Self::StandardWebhooks,
        Self::Stripe,
        Self::Twilio,
    ];

    /// The name in files: `standard_webhooks`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adyen => "adyen",
            Self::AmazonSns => "amazon_sns",
            Self::Github => "github",
            Self::GithubSha1 => "github_sha1",
            Self::Hubspot => "hubspot",
            Self::MatrixApplicationService => "matrix_application_service",
            Self::Paddle => "paddle",
            Self::Sendgrid => "sendgrid",
            Self::Shopify => "shopify",
            Self::Slack => "slack",
            Self::Square => "square",
            Self::StandardWebhooks => "standard_webhooks",
            Self::Stripe => "stripe",
            Self::Twilio => "twilio",
        }
    }

    /// The window that the provider's documentation or own library applies, on both sides;
    /// [`Tolerance::ANY_TIME`] where it applies none, or where no time is signed.
    #[must_use]
    pub const fn tolerance(self) -> Tolerance {
        match self {
            Self::Hubspot | Self::Slack | Self::StandardWebhooks | Self::Stripe => Tolerance::seconds(300),
            Self::Paddle => Tolerance::seconds(5),
            Self::Adyen
            | Self::AmazonSns
            | Self::Github
            | Self::GithubSha1
            | Self::MatrixApplicationService
            | Self::Sendgrid
            | Self::Shopify
            | Self::Square
            | Self::Twilio => Tolerance::ANY_TIME,
        }
    }

    /// Signs a delivery as the provider would, now. The same input gives the same signature, but for
    /// SendGrid: ECDSA takes a nonce from the cryptography library.
    ///
    /// # Errors
    /// The secret has not the scheme's form, or the delivery lacks a part that is signed.
    pub fn sign(self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError> {
        self.rules().sign(secret.not_empty()?, delivery, now)
    }

    /// Accepts a delivery that any of the secrets proves to be the provider's, and that is of about now.
    /// The signature is judged before the time: what is not signed has no time worth telling.
    ///
    /// # Errors
    /// What was wrong. Nothing that could not be checked is accepted.
    pub fn verify(
        self,
        secrets: &[Secret],
        delivery: &Delivery<'_>,
        now: Timestamp,
        tolerance: Tolerance,
    ) -> Result<Verified, Rejection> {
        if secrets.is_empty() {
            return Err(Rejection::NoSecret);
        }
        let verified = self.rules().authenticate(secrets, delivery)?;
        if let Some(timestamp) = verified.timestamp {
            tolerance.check(timestamp, now)?;
        }
        Ok(verified)
    }

    /// What the receiver of deliveries needs that are signed with this secret: the public key where the
    /// scheme has one, else the secret itself.
    ///
    /// # Errors
    /// The secret has not the form in which the scheme signs.
    pub fn verifying_secret(self, signing: &Secret) -> Result<Secret, SignError> {
        Ok(self.rules().verifying_secret(signing.not_empty()?)?)
    }

    fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Adyen => &schemes::adyen::Adyen,
            Self::AmazonSns => &schemes::amazon_sns::AmazonSns,
            Self::Github => &schemes::github::SHA256,
            Self::GithubSha1 => &schemes::github::SHA1,
            Self::Hubspot => &schemes::hubspot::Hubspot,
            Self::MatrixApplicationService => &schemes::matrix::MatrixApplicationService,
            Self::Paddle => &schemes::paddle::PADDLE,
            Self::Sendgrid => &schemes::sendgrid::Sendgrid,
            Self::Shopify => &schemes::shopify::Shopify,
            Self::Slack => &schemes::slack::Slack,
            Self::Square => &schemes::square::Square,
            Self::StandardWebhooks => &schemes::standard_webhooks::StandardWebhooks,
            Self::Stripe => &schemes::stripe::STRIPE,
            Self::Twilio => &schemes::twilio::Twilio,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.name() == name);
        known.ok_or_else(|| UnknownScheme { found: crate::rejection::cut_short(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_has_one_name() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name().parse(), Ok(scheme));
            assert_eq!(serde_json::to_value(scheme).unwrap(), scheme.name());
        }
        assert!(Scheme::ALL.is_sorted_by_key(|scheme| scheme.name()));
    }

    #[test]
    fn an_unknown_scheme_is_refused_with_those_that_are_known() {
        for unknown in ["", "none", "Stripe", "strip"] {
            let error = unknown.parse::<Scheme>().unwrap_err().to_string();
            assert!(error.contains("expected one of adyen, amazon_sns"), "{error}");
            assert!(serde_json::from_value::<Scheme>(unknown.into()).is_err());
        }
    }

    #[test]
    fn nothing_is_verified_without_a_secret() {
        let delivery = Delivery { method: "POST", url: "https://hooks.example/", headers: &[], body: b"" };
        for scheme in Scheme::ALL {
            let verified = scheme.verify(&[], &delivery, Timestamp::UNIX_EPOCH, Tolerance::ANY_TIME);
            assert_eq!(verified, Err(Rejection::NoSecret));
        }
    }
}
