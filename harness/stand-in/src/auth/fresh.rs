//! Tokens and codes beyond the recording: the same on every start, and all known as secrets.

use sha2::{Digest, Sha256};

/// Tokens that are remembered as secrets at most; the oldest are forgotten first.
const MAX_REMEMBERED: usize = 400_000;

/// What was handed out beyond the recording.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    tokens: Vec<String>,
    made: usize,
}

impl Fresh {
    /// A token that follows from a recorded one, or from what it is.
    pub(super) fn after(&mut self, old: &str) -> String {
        self.made += 1;
        self.numbered(old, self.made)
    }

    /// The same, with a number of the caller's.
    pub(super) fn numbered(&mut self, old: &str, number: usize) -> String {
        let digest = Sha256::digest(format!("{old}\n{number}"));
        let letters: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let token = format!("cp-r{number}-{letters}");
        if self.tokens.len() >= MAX_REMEMBERED {
            self.tokens.drain(..MAX_REMEMBERED / 4);
        }
        self.tokens.push(token.clone());
        token
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }
}
