//! The data of a provider, version by version of its API: what is written in one is not seen in another, whose records have
//! another form.

use super::{Data, HandshakeDue, Subscription};
use crate::forms::ErrorForms;
use crate::versions::{KnownVersions, Version};
use counterpart_exchange::{Exchange, OperationName, ProviderProfile, Response};

/// The data of each version; one where there are no versions.
#[derive(Clone, Debug)]
pub(crate) struct DataByVersion(Vec<Data>);

impl DataByVersion {
    /// Learns what the profile declares from exchanges, those of each version by themselves.
    pub(crate) fn learn(
        profile: &ProviderProfile,
        exchanges: &[(String, Exchange)],
        base_url: &str,
        versions: &KnownVersions,
    ) -> Self {
        if versions.count() == 1 || profile.resources.is_empty() {
            return Self(vec![Data::learn(profile, exchanges, base_url); versions.count()]);
        }
        let of_version = |index: usize| -> Vec<(String, Exchange)> {
            let of_it = |(_, exchange): &&(String, Exchange)| {
                versions.of_recorded(&exchange.request).is_some_and(|version| version.index() == index)
            };
            exchanges.iter().filter(of_it).cloned().collect()
        };
        let data = (0..versions.count()).map(|index| Data::learn(profile, &of_version(index), base_url));
        Self(data.collect())
    }

    /// That of a version.
    pub(crate) fn of(&mut self, version: Option<Version>) -> Option<&mut Data> {
        self.0.get_mut(version?.index())
    }

    /// Whether state, not the recording, answers an operation.
    pub(crate) fn decides(&self, operation: &OperationName) -> bool {
        self.0.iter().any(|data| data.decides(operation))
    }

    /// Grows a resource in each version that has records of it.
    ///
    /// # Errors
    /// A sentence, where no version can be grown.
    pub(crate) fn grow(&mut self, resource: &str, to: u64) -> Result<(), String> {
        let grown: Vec<Result<(), String>> = self.0.iter_mut().map(|data| data.grow(resource, to)).collect();
        if grown.iter().any(Result::is_ok) { Ok(()) } else { grown.into_iter().next().unwrap_or(Ok(())) }
    }

    /// Who wants which webhooks.
    pub(crate) fn subscriptions(&self) -> Vec<Subscription> {
        self.0.iter().flat_map(Data::subscriptions).collect()
    }

    /// The handshakes that are due, each handed out once: send them before the answer that made them due.
    pub(crate) fn take_handshakes(&mut self) -> Vec<HandshakeDue> {
        self.0.iter_mut().flat_map(Data::take_handshakes).collect()
    }

    /// Says how a handshake went. Where it failed the subscription is gone, and the answer to be given instead is handed back.
    pub(crate) fn handshake_done(
        &mut self,
        subscription: &str,
        went: Result<(), String>,
        forms: &ErrorForms,
    ) -> Option<Response> {
        let (last, others) = self.0.split_last_mut()?;
        let answered =
            others.iter_mut().find_map(|data| data.handshake_done(subscription, went.clone(), forms));
        answered.or_else(|| last.handshake_done(subscription, went, forms))
    }
}
