//! How a connection ends, told by whoever answers a request on it.

use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// How a connection ends before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// RST.
    Reset,
    /// FIN from here; what the client still sends is read until it closes too.
    HalfClose,
    /// These bytes, which are no HTTP, and then FIN.
    Raw(Bytes),
}

/// Tells a connection to end; the first word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionEnd(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    ending: OnceLock<Ending>,
    at_once: Notify,
}

impl ConnectionEnd {
    /// How it is to end once what is under way is over.
    pub(super) fn tell(&self, ending: Ending) {
        let _ = self.0.ending.set(ending);
    }

    /// Ends it now, with all that it carries.
    pub(crate) fn now(&self) {
        self.0.at_once.notify_one();
    }

    pub(super) fn told(&self) -> Option<&Ending> {
        self.0.ending.get()
    }

    pub(super) async fn wait(&self) {
        self.0.at_once.notified().await;
    }
}
