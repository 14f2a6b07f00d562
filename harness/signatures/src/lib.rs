//! Webhook signature schemes: sign a delivery as a provider does, verify one as a receiver must.
//!
//! A leaf, and the one crate that both sides of a test share: whoever plays the provider signs at send
//! time, over the final bytes; whoever receives verifies over the raw ones. It knows neither of them. It
//! does no I/O and reads no clock: the time is passed in. What a caller gets back never shows a secret,
//! nor the signature that would have been right.
//!
//! ```
//! use counterpart_signatures::{Delivery, Scheme, Secret};
//!
//! let scheme: Scheme = "github".parse()?;
//! let secret = Secret::new("It's a Secret to Everybody");
//! let now = jiff::Timestamp::from_second(1_700_000_000)?;
//! let unsigned = Delivery {
//!     method: "POST",
//!     url: "https://hooks.example/github",
//!     headers: &[],
//!     body: b"Hello, World!",
//! };
//! let signed = scheme.sign(&secret, &unsigned, now)?;
//! let received = Delivery { headers: &signed.headers, ..unsigned };
//! assert!(scheme.verify(&[secret], &received, now, scheme.tolerance()).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod any_secret;
mod delivery;
mod der;
mod encoding;
mod json_splice;
mod key_file;
mod mac;
mod rejection;
mod rsa_sha1;
mod scheme;
mod schemes;
mod secret;
mod signed;
mod tolerance;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tampering_tests;

pub use delivery::Delivery;
pub use rejection::Rejection;
pub use scheme::{Scheme, UnknownScheme, Verified};
pub use schemes::amazon_sns::signing_certificate_url as amazon_sns_signing_certificate_url;
pub use secret::{Secret, UnusableSecret};
pub use signed::{SignError, Signed};
pub use tolerance::Tolerance;
