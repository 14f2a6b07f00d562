//! What exploring is told, how far it is, and why it cannot begin.

use super::case::Stage;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::sync::watch;

/// What decides how far exploring goes.
#[derive(Clone, Debug)]
pub struct ExploreOptions {
    /// Decides which cases there are, and their order.
    pub seed: u64,
    /// Real time after which no case is begun; what is under way then has a few seconds to end.
    pub budget: Option<Duration>,
    /// Cases after which no other is begun.
    pub most_cases: Option<usize>,
    /// Cases that are played at the same time.
    pub jobs: NonZeroUsize,
    /// Whether the first cause ends it.
    pub stops_at_first: bool,
    /// What the names of tenants begin with: lower-case letters, digits and dashes.
    pub tenants: String,
    /// True from outside when all is to end: what is under way is dropped.
    pub told_to_stop: watch::Receiver<bool>,
}

/// Why nothing could be explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The scenario, its faults taken away, does not pass.
    #[error("{scenario}: without its faults the scenario is no happy path to explore from: {why}")]
    NoHappyPath {
        /// The scenario.
        scenario: String,
        /// Why not.
        why: String,
    },
    /// Before there was a case.
    #[error("{scenario}: told to stop while its happy path was played; nothing was explored")]
    Stopped {
        /// The scenario.
        scenario: String,
    },
    /// The machine gives no thread, no connection or no runtime.
    #[error("exploring could not begin: {0}")]
    Machine(String),
}

/// How far exploring is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Cases played in all.
    pub played: usize,
    /// Cases of the stage, and how many there are, where they have an end.
    pub in_stage: (usize, Option<usize>),
    /// Places and kinds of faults that met, of how many.
    pub grid: (usize, usize),
    /// Pairs that met, of how many.
    pub pairs: (usize, usize),
    /// Causes that were found.
    pub found: usize,
    /// Since the beginning.
    pub elapsed: Duration,
}
