//! What a runtime is told when it starts. Passed in by the caller; nothing here reads the environment.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::crash::CrashPoint;
use crate::plants::Plant;
use crate::store::Synchronous;

/// Everything that one runtime needs to know; several may run in one process, each on its own data directory.
#[derive(Clone)]
pub struct RuntimeConfig {
    /// Where the key and, without `database`, the database and its lock live; created when missing.
    pub data_dir: PathBuf,
    /// The URL of a PostgreSQL database (`postgres://user:password@host:port/database`), which several processes may
    /// share, all with the same key in their data directories. `None`: SQLite in `data_dir`, for one process alone.
    pub database: Option<String>,
    /// The address to listen on; port 0 takes a free one, see [`Runtime::address`](crate::Runtime::address).
    pub listen: SocketAddr,
    /// Which clock every wait and time stamp comes from.
    pub clock: ClockMode,
    /// The known bugs to run with, for proving that a scenario catches them. Needs the test clock.
    pub plants: BTreeSet<Plant>,
    /// Decides the jitter of retries, and so makes two runs with the same seed the same.
    pub seed: u64,
    /// How long a worker that is not heard of keeps its work. Matters where several processes share a database.
    pub lease: SignedDuration,
    /// How long a stop waits for calls under way, in real time; what is not done by then is given back.
    pub drain: Duration,
    /// So many runs may be unfinished; then triggers and webhooks are answered with 503.
    pub most_unfinished: u32,
    /// How safely SQLite writes.
    pub synchronous: Synchronous,
    /// So many deliveries, or other writes, share a commit at most. Less than the default is for measuring what sharing
    /// brings.
    #[doc(hidden)]
    pub most_per_commit: usize,
    /// Where the process dies, to show what survives.
    pub crash: Option<CrashPoint>,
}

impl RuntimeConfig {
    /// What holds where nothing else is asked for: the machine's clock, a lease of a minute, no bugs.
    #[must_use]
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            database: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: ClockMode::Real,
            plants: BTreeSet::new(),
            seed: 1,
            lease: SignedDuration::from_secs(60),
            drain: Duration::from_secs(10),
            most_unfinished: 100_000,
            synchronous: Synchronous::Full,
            most_per_commit: 256,
            crash: None,
        }
    }
}

/// Without the database's URL, which holds a password.
impl fmt::Debug for RuntimeConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RuntimeConfig")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
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
