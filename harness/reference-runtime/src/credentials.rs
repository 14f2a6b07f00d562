//! Credentials: a type that nothing prints, and the vault that encrypts them at rest.
//!
//! Sealed with ChaCha20-Poly1305 (RFC 8439) under a key that lies beside the database, never in it; each write has a
//! fresh random nonce, and a sealed value opens only for the connection it was sealed for.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use serde::{Deserialize, Serialize};

use crate::identity::Lane;

const NONCE_BYTES: usize = 12;

/// A token. Prints as `Secret`, whatever it holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    const MAX_BYTES: usize = 8192;

    /// `None` when the text cannot be a bearer token: empty, longer than 8 KiB, or not of visible ASCII characters.
    pub(crate) fn parse(text: String) -> Option<Self> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Self(text))
    }

    /// The token itself. For the request that carries it, and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// What a connection signs in with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
}

/// Encrypted [`Credentials`]: the nonce, then the ciphertext.
#[derive(Debug, Clone)]
pub(crate) struct Sealed(pub(crate) Vec<u8>);

/// Holds the key of one data directory.
pub(crate) struct Vault(ChaCha20Poly1305);

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("cannot be read or created: {0}")]
    Io(#[from] io::Error),
    #[error("holds {found_bytes} bytes, where a key has 32; restore it from your backup")]
    WrongLength { found_bytes: usize },
}

impl Vault {
    const KEY_BYTES: usize = 32;

    pub(crate) fn key_path(data_dir: &Path) -> PathBuf {
        data_dir.join("key")
    }

    /// Reads the key of `data_dir`, or makes one, readable by its owner alone.
    pub(crate) fn open_or_create(data_dir: &Path) -> Result<Self, KeyError> {
        let path = Self::key_path(data_dir);
        let key = match fs::read(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(data_dir, &path)?,
            Err(error) => return Err(error.into()),
        };
        if key.len() != Self::KEY_BYTES {
            return Err(KeyError::WrongLength { found_bytes: key.len() });
        }
        Ok(Self(ChaCha20Poly1305::new(Key::from_slice(&key))))
    }

    fn create(data_dir: &Path, path: &Path) -> io::Result<Vec<u8>> {
        let key = ChaCha20Poly1305::generate_key(&mut OsRng).to_vec();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&key)?;
        file.sync_all()?;
        // The key must outlive a power cut that the first sealed row outlives.
        #[cfg(unix)]
        fs::File::open(data_dir)?.sync_all()?;
        Ok(key)
    }

    /// `None` only if the cipher refuses, which it does for values of many gigabytes.
    pub(crate) fn seal(&self, lane: &Lane, credentials: &Credentials) -> Option<Sealed> {
        self.seal_bytes(&owner(lane), &serde_json::to_vec(credentials).ok()?)
    }

    /// The secret by which the webhooks of `owner`, a connection or an app, are verified. It is no credential and does not open as one.
    pub(crate) fn seal_hook_secret(&self, owner: &str, secret: &str) -> Option<Sealed> {
        self.seal_bytes(&hook_owner(owner), secret.as_bytes())
    }

    /// `None` when the value was sealed with another key or for another connection, or is damaged.
    pub(crate) fn open_hook_secret(&self, owner: &str, sealed: &Sealed) -> Option<String> {
        String::from_utf8(self.open_bytes(&hook_owner(owner), sealed)?).ok()
    }

    fn seal_bytes(&self, owner: &[u8], plain: &[u8]) -> Option<Sealed> {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let cipher = self.0.encrypt(&nonce, Payload { msg: plain, aad: owner }).ok()?;
        Some(Sealed([nonce.as_slice(), &cipher].concat()))
    }

    fn open_bytes(&self, owner: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        let (nonce, cipher) = sealed.0.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: cipher, aad: owner };
        self.0.decrypt(Nonce::from_slice(nonce), payload).ok()
    }

    /// `None` when the value was sealed with another key or for another connection, or is damaged.
    pub(crate) fn open(&self, lane: &Lane, sealed: &Sealed) -> Option<Credentials> {
        serde_json::from_slice(&self.open_bytes(&owner(lane), sealed)?).ok()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Vault")
    }
}

/// Names cannot hold a slash, so no two connections share this.
fn owner(lane: &Lane) -> Vec<u8> {
    format!("{}/{}", lane.tenant.as_str(), lane.connection.as_str()).into_bytes()
}

fn hook_owner(owner: &str) -> Vec<u8> {
    [owner.as_bytes(), b"/webhook"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Name;

    fn lane(connection: &str) -> Lane {
        Lane { tenant: Name::parse("acme").unwrap(), connection: Name::parse(connection).unwrap() }
    }

    fn credentials() -> Credentials {
        Credentials { access_token: Secret::parse("syt_secret".to_owned()).unwrap(), refresh_token: None }
    }

    #[test]
    fn nothing_prints_a_secret() {
        assert!(!format!("{:?}", credentials()).contains("syt_"));
    }

    #[test]
    fn a_token_is_of_visible_characters() {
        for bad in ["", "two words", "line\nbreak", "ü", &"a".repeat(8193)] {
            assert!(Secret::parse(bad.to_owned()).is_none());
        }
    }

    #[test]
    fn sealed_for_one_connection_and_never_twice_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_create(directory.path()).unwrap();
        let sealed = vault.seal(&lane("a"), &credentials()).unwrap();
        assert_ne!(sealed.0, vault.seal(&lane("a"), &credentials()).unwrap().0);
        assert!(!sealed.0.windows(4).any(|window| window == b"syt_"));

        let again = Vault::open_or_create(directory.path()).unwrap();
        assert_eq!(again.open(&lane("a"), &sealed).unwrap().access_token, credentials().access_token);
        assert!(again.open(&lane("b"), &sealed).is_none());
        let mut damaged = sealed.clone();
        damaged.0[20] ^= 1;
        assert!(again.open(&lane("a"), &damaged).is_none());
        assert!(again.open(&lane("a"), &Sealed(vec![1, 2])).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone_and_must_be_whole() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        Vault::open_or_create(directory.path()).unwrap();
        let path = Vault::key_path(directory.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        let error = Vault::open_or_create(directory.path()).unwrap_err();
        assert!(matches!(error, KeyError::WrongLength { found_bytes: 5 }));
    }
}
