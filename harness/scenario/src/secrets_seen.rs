//! Secrets of all plays against one process: what it prints may be of any of them.
//!
//! A stand-in hides what is its own. A process that all scenarios share still has in its last lines what it was told by
//! others, of other providers among them.

use counterpart_stand_in::StandIn;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What is shown where a secret was.
const HIDDEN: &str = "«secret of another scenario»";

/// The secrets of every play so far.
#[derive(Debug, Default)]
pub(crate) struct SecretsSeen(Mutex<BTreeSet<String>>);

impl SecretsSeen {
    /// Takes down what a stand-in's secrets are by now: it hands out new ones while it is played against.
    pub(crate) fn learn(&self, stand_in: &StandIn) {
        let secrets = stand_in
            .secret_values()
            .map(str::to_owned)
            .chain(stand_in.fresh_tokens())
            .chain(stand_in.webhook_keys().into_iter().map(|keys| keys.secret));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(secrets.filter(|one| !one.is_empty()));
    }

    /// The text without any of them.
    pub(crate) fn hide(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets: Vec<&String> =
            known.iter().filter(|secret| text.contains(secret.as_str())).collect();
        // One that is a part of another would leave the rest of it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
}
