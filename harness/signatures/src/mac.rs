//! Keyed hashes (HMAC, RFC 2104), and comparisons whose time tells nothing about the values.

use crate::encoding::{from_base64, from_hex};
use aws_lc_rs::{constant_time, digest, hmac};

/// Most signatures that one delivery may carry: senders add one a secret while they rotate.
pub(crate) const MAX_SIGNATURES: usize = 32;

/// Which hash an HMAC is built on.
#[derive(Clone, Copy)]
pub(crate) enum Mac {
    Sha1,
    Sha256,
}

impl Mac {
    /// A MAC written in hexadecimal, if it is whole.
    pub(crate) fn read_hex(self, text: &str) -> Option<Vec<u8>> {
        from_hex(text).filter(|bytes| bytes.len() == self.length_bytes())
    }

    /// A MAC written in base64, if it is whole.
    pub(crate) fn read_base64(self, text: &str) -> Option<Vec<u8>> {
        from_base64(text).filter(|bytes| bytes.len() == self.length_bytes())
    }

    fn length_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The MAC of a message given in parts, so that a body is not copied.
    pub(crate) fn of(self, key: &[u8], message: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        for part in message {
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// Whether one of the signatures is the MAC of the message.
    pub(crate) fn fits(self, key: &[u8], message: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        let expected = self.of(key, message);
        signatures.iter().any(|signature| same(&expected, signature))
    }
}

/// Whether two values of a length that is no secret are the same, in constant time.
pub(crate) fn same(expected: &[u8], found: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(expected, found).is_ok()
}

/// Whether two values are the same, in a time that does not tell even their lengths apart.
pub(crate) fn same_secret(expected: &[u8], found: &[u8]) -> bool {
    same(&sha256(expected), &sha256(found))
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::to_hex;

    /// RFC 2202 section 3 and RFC 4231 section 4.3: test case 2.
    #[test]
    fn the_test_cases_of_the_rfcs_pass() {
        let message: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        assert_eq!(to_hex(&Mac::Sha1.of(b"Jefe", &message)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            to_hex(&Mac::Sha256.of(b"Jefe", &message)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_part_of_a_signature_is_not_read() {
        assert!(Mac::Sha1.read_hex(&"0".repeat(40)).is_some());
        assert!(Mac::Sha1.read_hex(&"0".repeat(64)).is_none());
        assert!(Mac::Sha256.read_base64("D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8=").is_some());
        assert!(Mac::Sha256.read_base64("D0UM").is_none());
    }

    #[test]
    fn a_shorter_or_longer_signature_never_fits() {
        let whole = Mac::Sha256.of(b"key", &[b"body"]);
        assert!(Mac::Sha256.fits(b"key", &[b"body"], std::slice::from_ref(&whole)));
        assert!(!Mac::Sha256.fits(
            b"key",
            &[b"body"],
            &[whole[..31].to_vec(), [&whole[..], &[0]].concat(), Vec::new()]
        ));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same_secret(b"token", b"token"));
        assert!(!same_secret(b"token", b"tokens"));
        assert!(!same_secret(b"token", b""));
    }
}
