//! One file a scheme, each with the page that it follows.

use crate::{Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified};
use jiff::Timestamp;

pub(crate) mod adyen;
pub(crate) mod amazon_sns;
pub(crate) mod github;
pub(crate) mod hubspot;
pub(crate) mod matrix;
pub(crate) mod paddle;
pub(crate) mod sendgrid;
pub(crate) mod shopify;
pub(crate) mod slack;
pub(crate) mod square;
pub(crate) mod standard_webhooks;
pub(crate) mod stripe;
mod timestamped_list;
pub(crate) mod twilio;

/// What a scheme is: how it signs, and how a signature is checked. Freshness is judged by the caller.
pub(crate) trait Rules: Sync {
    /// The signature of a delivery, made now. The secret is not empty.
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, now: Timestamp) -> Result<Signed, SignError>;

    /// What a delivery says of itself, once a secret has proved it. There is at least one secret.
    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection>;

    /// What verifies that which this secret signs.
    fn verifying_secret(&self, signing: &Secret) -> Result<Secret, UnusableSecret> {
        Ok(signing.clone())
    }
}
