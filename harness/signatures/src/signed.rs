//! What signing yields: headers for most schemes, and where a scheme writes its signature elsewhere, the
//! URL or body that carries it.

use crate::{Rejection, UnusableSecret};

/// What to change in a delivery before it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Header fields to set.
    pub headers: Vec<(String, String)>,
    /// The URL to call, where the scheme writes into it (Twilio's body hash).
    pub url: Option<String>,
    /// The body to send, where the scheme writes into it (Adyen, Amazon SNS).
    pub body: Option<Vec<u8>>,
}

impl Signed {
    pub(crate) fn with_headers<const N: usize>(headers: [(&str, String); N]) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { headers, ..Self::default() }
    }

    pub(crate) fn with_body(body: Vec<u8>) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    /// Sets the signature's headers among those of a delivery; a recorded signature of the same name goes.
    pub fn set_headers(&self, headers: &mut Vec<(String, String)>) {
        headers.retain(|(name, _)| !self.headers.iter().any(|(new, _)| new.eq_ignore_ascii_case(name)));
        headers.extend(self.headers.iter().cloned());
    }
}

/// A delivery could not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The secret has not the form that the scheme needs.
    #[error("the secret cannot be used: {0}")]
    UnusableSecret(#[from] UnusableSecret),
    /// The delivery lacks a part that the signature covers or is written into.
    #[error("the delivery cannot be signed: {0}")]
    Unsignable(#[from] Rejection),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_signature_is_replaced() {
        let signed = Signed::with_headers([("X-Signature", "new".to_owned())]);
        let mut headers = vec![
            ("x-signature".to_owned(), "recorded".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        signed.set_headers(&mut headers);
        let names: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(names, [("Content-Type", "application/json"), ("X-Signature", "new")]);
    }
}
