//! Repeated writes: the same key gets the first answer again, and nothing is consumed.

use crate::answer::Answer;
use counterpart_exchange::{IdempotencyKey, ProviderProfile};
use std::collections::HashMap;
use std::sync::Arc;

/// The key that a request carries, if the profile declares one for it.
pub(crate) fn key_of(profile: &ProviderProfile, request: &counterpart_exchange::Request) -> Option<String> {
    match profile.idempotency.as_ref()? {
        IdempotencyKey::Header { name } => {
            Some(format!("{} {}", request.target, request.headers.text(name)?))
        }
        IdempotencyKey::PathVariable { operations, name } => {
            let fitting = profile.template_of(&request.method, &request.target)?;
            (operations.contains(fitting.name) && fitting.variables.iter().any(|(known, _)| known == name))
                .then(|| counterpart_exchange::RequestTarget::of(&request.target).path.to_owned())
        }
    }
}

/// First answers by key.
#[derive(Debug, Default)]
pub(crate) struct FirstAnswers(HashMap<String, (Arc<str>, Answer)>);

impl FirstAnswers {
    /// The first answer to a key and the exchange it came from.
    pub(crate) fn get(&self, key: &str) -> Option<&(Arc<str>, Answer)> {
        self.0.get(key)
    }

    /// Keeps an answer that was accepted: an error may be tried again.
    pub(crate) fn keep(&mut self, key: String, exchange: Arc<str>, answer: Answer) {
        if answer.status().is_some_and(|status| (200..300).contains(&status)) {
            self.0.entry(key).or_insert((exchange, answer));
        }
    }
}
