//! What makes two requests the same, for whoever answers requests elsewhere than in a stand-in.

use crate::key::RequestKey;
use counterpart_exchange::{ProviderProfile, Request};

/// A request without what may differ: white space, the order of fields, and what the profile calls volatile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestIdentity {
    key: RequestKey,
    is_safe: bool,
}

impl RequestIdentity {
    /// That of a request to a provider.
    #[must_use]
    pub fn of(request: &Request, profile: &ProviderProfile) -> Self {
        let key = RequestKey::of(request, profile);
        let is_safe = key.is_safe() || profile.reads.contains(&profile.operation_of_request(request));
        Self { key, is_safe }
    }

    /// Whether a request that came is the one that was recorded. A recorded body that was not kept is any.
    #[must_use]
    pub fn is_of(&self, recorded: &Self) -> bool {
        match recorded.key.body {
            Some(_) => self.key == recorded.key,
            None => RequestKey { body: None, ..self.key.clone() } == recorded.key,
        }
    }

    /// Whether it may be answered again as it was before: it only reads.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.is_safe
    }
}
