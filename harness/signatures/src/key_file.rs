//! Keys as they are handed out: PEM (RFC 7468), or the bare base64 of DER.

use crate::encoding::from_base64;
use crate::{Secret, UnusableSecret, der};

/// The `SubjectPublicKeyInfo` in a public key or certificate. A private key is refused: whoever verifies has
/// no business with it.
pub(crate) fn public_key(secret: &Secret, expected: &'static str) -> Result<Vec<u8>, UnusableSecret> {
    match pem(secret.expose()) {
        Some(("CERTIFICATE", content)) => from_base64(&content)
            .and_then(|certificate| der::public_key_of_certificate(&certificate).map(<[u8]>::to_vec)),
        Some(("PUBLIC KEY", content)) => from_base64(&content),
        Some(_) => None,
        None => from_base64(secret.expose().trim()),
    }
    .ok_or(UnusableSecret { expected })
}

/// The unencrypted PKCS #8 `PrivateKeyInfo` in a private key.
pub(crate) fn private_key(secret: &Secret, expected: &'static str) -> Result<Vec<u8>, UnusableSecret> {
    match pem(secret.expose()) {
        Some(("PRIVATE KEY", content)) => from_base64(&content),
        Some(_) => None,
        None => from_base64(secret.expose().trim()),
    }
    .ok_or(UnusableSecret { expected })
}

/// Label and base64 of the first block of a PEM file; of a certificate chain that is the leaf.
fn pem(text: &str) -> Option<(&str, String)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (content, _) = rest.split_once("-----END ")?;
    Some((label, content.split_ascii_whitespace().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::to_base64;

    const CERTIFICATE: &str = include_str!("../test-data/amazon_sns.cert.pem");
    const KEY: &str = include_str!("../test-data/amazon_sns.key.pem");

    #[test]
    fn a_certificate_and_its_bare_public_key_are_the_same_key() {
        let der = public_key(&Secret::new(CERTIFICATE), "").unwrap();
        let bare = Secret::new(to_base64(&der));
        let labelled = format!("-----BEGIN PUBLIC KEY-----\r\n{}\r\n-----END PUBLIC KEY-----", bare.expose());
        assert_eq!(public_key(&bare, "").unwrap(), der);
        assert_eq!(public_key(&Secret::new(labelled), "").unwrap(), der);
    }

    #[test]
    fn keys_are_not_taken_for_one_another() {
        let expected = "a public key";
        assert_eq!(public_key(&Secret::new(KEY), expected), Err(UnusableSecret { expected }));
        assert!(private_key(&Secret::new(CERTIFICATE), "").is_err());
        assert!(private_key(&Secret::new(KEY), "").is_ok());
    }

    #[test]
    fn a_broken_certificate_is_refused() {
        let cut = CERTIFICATE.replace('A', "");
        for wrong in [cut.as_str(), "-----BEGIN CERTIFICATE-----", "not a key"] {
            assert!(public_key(&Secret::new(wrong), "").is_err());
        }
    }
}
