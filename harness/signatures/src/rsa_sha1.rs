//! RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017 section 8.2.1), to sign as Amazon SNS still does by default.
//!
//! The cryptography library verifies such signatures but rightly makes no new ones, so the one modular
//! power that is lacking is here. It does not run in constant time: it is for whoever *plays* a provider
//! with a key made for the test, never for a key that guards anything.

use crate::UnusableSecret;
use crate::der::{Der, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::signature::RsaKeyPair;
use num_bigint::BigUint;

/// `rsaEncryption` (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// What stands before a SHA-1 hash in its `DigestInfo` (RFC 8017 section 9.2, note 1).
const SHA1_DIGEST_INFO: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// Signs with an unencrypted PKCS #8 RSA key.
pub(crate) fn sign(pkcs8: &[u8], message: &[u8], expected: &'static str) -> Result<Vec<u8>, UnusableSecret> {
    // The library knows the key to be whole and consistent, and of 2048 to 8192 bits; see RFC 8017 3.2.
    let length_bytes =
        RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| UnusableSecret { expected })?.public_modulus_len();
    let (modulus, exponent) = modulus_and_private_exponent(pkcs8).ok_or(UnusableSecret { expected })?;
    let encoded = BigUint::from_bytes_be(&encoded_message(message, length_bytes));
    let signature = encoded.modpow(&exponent, &modulus).to_bytes_be();
    let mut padded = vec![0; length_bytes - signature.len()];
    padded.extend(signature);
    Ok(padded)
}

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
fn encoded_message(message: &[u8], length_bytes: usize) -> Vec<u8> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
    let padding = length_bytes - SHA1_DIGEST_INFO.len() - hash.as_ref().len() - 3;
    let mut encoded = vec![0x00, 0x01];
    encoded.resize(2 + padding, 0xff);
    encoded.push(0x00);
    encoded.extend(SHA1_DIGEST_INFO);
    encoded.extend(hash.as_ref());
    encoded
}

/// From `PrivateKeyInfo` (RFC 5208 section 5) the `RSAPrivateKey` (RFC 8017 appendix A.1.2).
fn modulus_and_private_exponent(pkcs8: &[u8]) -> Option<(BigUint, BigUint)> {
    let mut info = Der(Der(pkcs8).next(SEQUENCE)?.content);
    info.next(INTEGER)?;
    let algorithm = Der(info.next(SEQUENCE)?.content).next(OBJECT_IDENTIFIER)?.content;
    if algorithm != RSA_ENCRYPTION {
        return None;
    }
    let mut key = Der(Der(info.next(OCTET_STRING)?.content).next(SEQUENCE)?.content);
    let [_version, modulus, _public_exponent, private_exponent] =
        [key.next(INTEGER)?, key.next(INTEGER)?, key.next(INTEGER)?, key.next(INTEGER)?];
    Some((BigUint::from_bytes_be(modulus.content), BigUint::from_bytes_be(private_exponent.content)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, key_file};
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

    #[test]
    fn the_library_accepts_what_is_signed_here_and_nothing_else() {
        let private = Secret::new(include_str!("../test-data/amazon_sns.key.pem"));
        let public = Secret::new(include_str!("../test-data/amazon_sns.cert.pem"));
        let signature = sign(&key_file::private_key(&private, "").unwrap(), b"message", "").unwrap();
        let key = UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            key_file::public_key(&public, "").unwrap(),
        );
        assert!(key.verify(b"message", &signature).is_ok());
        assert!(key.verify(b"massage", &signature).is_err());
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let elliptic = Secret::new(include_str!("../test-data/sendgrid.key.pem"));
        let expected = "an RSA key";
        let refused = sign(&key_file::private_key(&elliptic, "").unwrap(), b"message", expected);
        assert_eq!(refused, Err(UnusableSecret { expected }));
    }
}
