//! Why a delivery was not accepted. Safe to log: no secret, no expected signature, nothing the sender wrote
//! but a version or a URL, cut short and escaped.

use crate::UnusableSecret;

/// What was wrong with a delivery, or with what it was checked against.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A header that the scheme needs is not there.
    #[error("header {name} is missing; is this delivery from the provider, and does a proxy drop headers?")]
    MissingHeader {
        /// The header's name.
        name: &'static str,
    },
    /// A header that must be there once is there more than once.
    #[error("header {name} is there more than once; expected it once")]
    RepeatedHeader {
        /// The header's name.
        name: &'static str,
    },
    /// A part of the delivery has not the form that the scheme gives it.
    #[error("{place} is malformed; expected {expected}")]
    Malformed {
        /// Where.
        place: &'static str,
        /// The form that the scheme gives it.
        expected: &'static str,
    },
    /// The delivery offers nothing but a way of signing that is no longer safe.
    #[error("only {found} is there, which is refused; expected {expected}")]
    LegacyRefused {
        /// The way that is refused.
        found: &'static str,
        /// What to have the provider send instead, or how to allow it knowingly.
        expected: &'static str,
    },
    /// The delivery is signed, but in no version that is known here.
    #[error("{place} has no signature of a known version: found {found:?}, expected {expected}")]
    UnknownVersion {
        /// Where the version stands.
        place: &'static str,
        /// The version found, cut short.
        found: String,
        /// The versions known.
        expected: &'static str,
    },
    /// The signature belongs to a key that is not the provider's.
    #[error("the key at {found:?} is not the provider's; expected {expected}")]
    UnknownKey {
        /// Where the delivery says that the key is, cut short.
        found: String,
        /// Where the provider's keys are.
        expected: &'static str,
    },
    /// The body is of a kind that this signature leaves open to changes.
    #[error("the signature does not cover this body; expected {expected}")]
    BodyNotCovered {
        /// What would be covered.
        expected: &'static str,
    },
    /// The signature is right, but the body is not the one whose hash was signed.
    #[error("the body is not the one that was signed; is it verified over the raw bytes?")]
    BodyAltered,
    /// The signature fits no secret.
    #[error(
        "no signature fits any of {secrets} secret(s); is it the secret of this endpoint, and is the \
         delivery verified over the raw bytes and the public URL?"
    )]
    NoSignatureFits {
        /// How many secrets were tried.
        secrets: usize,
    },
    /// There was nothing to verify with.
    #[error("no secret is configured, so nothing can be verified; configure the endpoint's secret")]
    NoSecret,
    /// No secret fitted, and one was not of the form that the scheme needs.
    #[error("secret {number} cannot be used: {source}")]
    UnusableSecret {
        /// Which one, from 1, in the order given.
        number: usize,
        /// What was expected of it.
        source: UnusableSecret,
    },
    /// The delivery was signed too long ago: it may be a replay.
    #[error("signed {age_s} s ago; expected at most {tolerance_s} s")]
    TooOld {
        /// Age in seconds, rounded up.
        age_s: u64,
        /// Greatest age allowed, in seconds.
        tolerance_s: u64,
    },
    /// The delivery claims to be signed later than now.
    #[error("signed {ahead_s} s ahead of this clock; expected at most {tolerance_s} s: check both clocks")]
    FromTheFuture {
        /// Seconds ahead, rounded up.
        ahead_s: u64,
        /// Greatest lead allowed, in seconds.
        tolerance_s: u64,
    },
}

/// Longest piece of a sender's text that a rejection shows, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// What a sender wrote, cut to a length that may be logged.
pub(crate) fn cut_short(text: &str) -> String {
    text.chars().take(MAX_SHOWN_CHARS).collect()
}
