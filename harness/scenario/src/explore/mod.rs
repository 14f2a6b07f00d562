//! Exploring: from one happy path to what nobody thought of.
//!
//! [`explorer`] plays cases in three stages: every exchange with every fault that applies ([`singles`]), faults two by
//! two ([`pairs`]), and seeded mixes with triggers that come again, webhooks, restarts, kills and jumps of the clock
//! ([`mixes`]). Each is judged as a scenario is ([`judgement`]), by what its faults leave of the truth ([`truth`]). What
//! fails is shrunk ([`shrink`]) and becomes a scenario that fails by itself ([`spelling`]). The same seed gives the same
//! cases in the same order.

mod atoms;
mod case;
mod chance;
mod coverage;
mod explorer;
mod fewer_records;
mod fields;
mod findings;
mod judgement;
mod limit;
mod mixes;
mod options;
mod pairs;
mod reused;
mod shrink;
mod singles;
mod spelling;
mod truth;
mod worker;

pub use case::Stage;
pub use coverage::StageCoverage;
pub use explorer::Explorer;
pub use findings::{Exploration, FoundScenario, UnjudgedCase, Unreproduced};
pub use options::{ExploreError, ExploreOptions, Progress};
