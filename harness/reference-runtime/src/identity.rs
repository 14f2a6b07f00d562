//! The names by which things are told apart: tenants, connections, runs. Checked once, at the door.

use std::fmt;

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{KeyInit, OsRng};

/// The name of a tenant or of one of its connections: 1 to 64 of `a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    const MAX_CHARS: usize = 64;

    /// `None` when the text is no such name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        (fits && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One connection of one tenant: the lane in which its imports and its documents go one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) tenant: Name,
    pub(crate) connection: Name,
}

/// The number of a run; `run-7` to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunId(pub(crate) i64);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "run-{}", self.0)
    }
}

/// The number of a hold; `hold-7` to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoldId(pub(crate) i64);

impl HoldId {
    /// `None` when the text names no hold.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("hold-")?.parse().ok().map(Self)
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "hold-{}", self.0)
    }
}

/// A name that no other process has.
pub(crate) fn random_name() -> String {
    let key = ChaCha20Poly1305::generate_key(&mut OsRng);
    key.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let longest = "a".repeat(64);
        for good in ["a", "acme-2_x", longest.as_str()] {
            assert!(Name::parse(good).is_some(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "Acme", "a b", "ä", "a/b", too_long.as_str()] {
            assert!(Name::parse(bad).is_none(), "{bad}");
        }
    }
}
