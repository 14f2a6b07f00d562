//! What a signature is made or checked with, as the provider hands it out. It shows itself to nobody.

use std::fmt;

/// A signing secret in the provider's own spelling: plain text for most, hexadecimal for Adyen, `whsec_`,
/// `whsk_` or `whpk_` for Standard Webhooks, a key or certificate (PEM, or the base64 of DER) for SendGrid
/// and Amazon SNS.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as the provider shows it. Whether it has the form that a scheme needs is told by
    /// the scheme, when it is used.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Whoever asks for it must not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// An empty secret would make every signature easy to forge: nothing is signed or verified with it.
    pub(crate) fn not_empty(&self) -> Result<&Self, UnusableSecret> {
        if self.0.trim().is_empty() {
            return Err(UnusableSecret { expected: "a secret that is not empty" });
        }
        Ok(self)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

/// A secret has not the form that its scheme needs. What was found is not told: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct UnusableSecret {
    /// The form that the scheme needs.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(hidden)");
    }

    #[test]
    fn blanks_are_no_secret() {
        assert!(Secret::new(" \n").not_empty().is_err());
        assert!(Secret::new("hush").not_empty().is_ok());
    }
}
