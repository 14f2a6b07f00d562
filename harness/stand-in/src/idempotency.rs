//! Repeated writes: the same key gets the first answer again, and nothing is consumed.

use counterpart_exchange::{IdempotencyKey, ProviderProfile, Response};
use std::collections::HashMap;

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
pub(crate) struct FirstAnswers(HashMap<String, (String, Response)>);

impl FirstAnswers {
    /// The first answer to a key and the exchange it came from.
    pub(crate) fn get(&self, key: &str) -> Option<&(String, Response)> {
        self.0.get(key)
    }

    /// Keeps an answer that was accepted: an error may be tried again.
    pub(crate) fn keep(&mut self, key: String, exchange: String, response: &Response) {
        if (200..300).contains(&response.status) {
            self.0.entry(key).or_insert_with(|| (exchange, response.clone()));
        }
    }
}
