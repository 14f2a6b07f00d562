//! A way through the recorder: where its requests go on to, who called whom on it, and what takes it down.
//!
//! Knows nothing of how a request is told to belong to it.

use crate::journal::Journal;
use crate::upstream::Upstream;
use crate::webhook_route::WebhookRoute;
use counterpart_exchange::keep::path_for_log;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Direction, ProviderProfile};
use http::{HeaderValue, Uri};
use std::sync::Arc;

/// One way through the recorder.
pub(crate) struct Route {
    /// Where requests go on to.
    pub(crate) upstream: Upstream,
    /// Where its requests arrive, where they are webhooks.
    pub(crate) webhooks: Option<WebhookRoute>,
    /// What takes its exchanges down.
    pub(crate) journal: Arc<Journal>,
    /// Under which name the client takes the upstream to be reached.
    pub(crate) reached: Reached,
    /// What must not stand in a log line.
    pub(crate) log: Arc<LogPolicy>,
}

impl Route {
    /// What `Host` says to the upstream. One that answers in the place of another is told whom the client asked.
    pub(crate) fn host(&self) -> &HeaderValue {
        match &self.reached {
            Reached::As { host, .. } => host,
            Reached::AtRecorder | Reached::InItsOwnName => self.upstream.host(),
        }
    }

    /// Who calls whom on it.
    pub(crate) fn direction(&self) -> Direction {
        if self.webhooks.is_some() { Direction::Inbound } else { Direction::Outbound }
    }

    /// Where a request goes on to.
    ///
    /// # Errors
    /// Where its target makes no URI there.
    pub(crate) fn uri_of(&self, sent: &Uri) -> Result<Uri, http::Error> {
        match &self.webhooks {
            Some(webhooks) => webhooks.uri_of(sent),
            None => self.upstream.uri_of(sent),
        }
    }
}

/// Under which name a client reaches an upstream, so that the upstream's links to itself can lead back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// By the recorder's address, which `Host` names.
    AtRecorder,
    /// As what it is.
    InItsOwnName,
    /// As another server, of this origin.
    As {
        /// Its origin.
        origin: Box<str>,
        /// What `Host` names it.
        host: HeaderValue,
    },
}

/// What must not stand in a log line.
pub(crate) struct LogPolicy {
    pub(crate) profile: ProviderProfile,
    pub(crate) known_secrets: Vec<KnownSecret>,
}

impl LogPolicy {
    /// A request's path, fit for a log line. It takes as long as redaction does: ask only where a line is written.
    pub(crate) fn path(&self, path: &str) -> String {
        path_for_log(path, &self.profile, &self.known_secrets)
    }
}
