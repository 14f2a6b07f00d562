//! Which store a proof runs on: SQLite in the data folder, or a PostgreSQL server of the test's own.

use crate::settings;

/// A PostgreSQL database for one proof, or none where there is no server to be had.
pub(crate) struct Postgres;

impl Postgres {
    pub(crate) fn start(proof: &str) -> Option<Self> {
        settings::skip(proof, "no PostgreSQL is built in yet");
        None
    }

    #[expect(clippy::unused_self, reason = "stands for the server to come")]
    pub(crate) fn url(&self) -> String {
        String::new()
    }

    /// Ends the server as a power cut does, and starts it again on what is on its disk.
    #[expect(clippy::unused_self, reason = "stands for the server to come")]
    pub(crate) fn stop_immediate(&mut self) {}

    #[expect(clippy::unused_self, reason = "stands for the server to come")]
    pub(crate) fn start_again(&mut self) {}
}
