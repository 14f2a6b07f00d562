//! Where exchanges are taken to: the journal that takes them down, and the fixture that they become.

use crate::clock::Clock;
use crate::journal::{Captures, Journal};
use crate::pulse::Pulse;
use crate::recorder::{RecorderError, Recording};
use crate::route::LogPolicy;
use counterpart_exchange::keep::{Destination, keep};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{FixtureRef, Library, Provenance, Recorded};
use std::sync::Arc;

/// What stands for the upstream where no call was recorded.
const WEBHOOKS_ALONE: &str = "none: webhooks alone were recorded";

/// One fixture in the making.
pub(crate) struct Sink {
    pub(crate) destination: Destination,
    pub(crate) journal: Arc<Journal>,
    pub(crate) log: Arc<LogPolicy>,
}

impl Sink {
    /// # Errors
    /// Names that make no fixture, and a profile that cannot be used.
    pub(crate) fn new(
        library: &Library,
        provider: &str,
        flow: &str,
        known: &[KnownSecret],
        recording: &Arc<Pulse>,
    ) -> Result<Self, RecorderError> {
        let name: FixtureRef = format!("{provider}/{flow}").parse().map_err(RecorderError::Name)?;
        let destination = Destination::new(library.clone(), name).map_err(RecorderError::Keep)?;
        let log = LogPolicy { profile: destination.profile().clone(), known_secrets: known.to_vec() };
        Ok(Self { destination, journal: Journal::new(recording), log: Arc::new(log) })
    }

    /// What takes its exchanges down, and what must not be logged of them.
    pub(crate) fn ends(&self) -> (Arc<Journal>, Arc<LogPolicy>) {
        (Arc::clone(&self.journal), Arc::clone(&self.log))
    }

    /// The fixture's name.
    pub(crate) fn name(&self) -> &FixtureRef {
        self.destination.name()
    }

    /// Keeps what was captured.
    ///
    /// # Errors
    /// [`RecorderError::NothingCaptured`], or [`RecorderError::Keep`]; an older fixture of the name is untouched then.
    pub(crate) fn keep(&self, clock: Clock, known: &[KnownSecret]) -> Result<Recording, RecorderError> {
        let Captures { exchanges, not_kept } = self.journal.take();
        if exchanges.is_empty() {
            return Err(RecorderError::NothingCaptured { fixture: self.name().to_string() });
        }
        let provenance = Provenance::Recorded(Recorded {
            at: clock.started_at,
            upstream: self.journal.first_upstream().unwrap_or(WEBHOOKS_ALONE).to_owned(),
            by: format!("counterpart {}", env!("CARGO_PKG_VERSION")),
            server: None,
        });
        let kept = keep(exchanges, provenance, &self.destination, known).map_err(RecorderError::Keep)?;
        Ok(Recording { fixture: self.name().clone(), kept, not_kept })
    }
}
