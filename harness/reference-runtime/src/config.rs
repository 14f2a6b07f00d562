//! What a runtime is told when it starts. Passed in by the caller; nothing here reads the environment.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::plants::Plant;

/// Everything that one runtime needs to know; several may run in one process, each on its own data directory.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Where the database, its key and its lock live; created when missing.
    pub data_dir: PathBuf,
    /// The address to listen on; port 0 takes a free one, see [`Runtime::address`](crate::Runtime::address).
    pub listen: SocketAddr,
    /// Which clock every wait and time stamp comes from.
    pub clock: ClockMode,
    /// The known bugs to run with, for proving that a scenario catches them. Needs the test clock.
    pub plants: BTreeSet<Plant>,
    /// Decides the jitter of retries, and so makes two runs with the same seed the same.
    pub seed: u64,
}

/// Where time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    /// The machine's clock.
    Real,
    /// A clock that stands still until it is advanced over HTTP (`POST /clock/advance`).
    Test {
        /// The instant at which it stands at first.
        start: Timestamp,
    },
}
