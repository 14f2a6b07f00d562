//! What a run yields, as data.
//!
//! A verdict is data here, never an error: `Err` elsewhere means that something could not be judged.
//! This crate knows nothing of how outcomes come about, nor of how they are shown.

mod canonical;
mod file;
mod integration;
mod merge;
mod replay;
mod run;
mod scenario;
mod shard;

pub use canonical::{canonical, canonical_outcomes};
pub use file::{RunFileError, read_run, write_run};
pub use integration::{Answer, Evidence, Found, Integration, Question, integrations};
pub use merge::{MergeError, merge};
pub use replay::{Allowed, Replay, RequestCounts};
pub use run::{CaseKind, Catalogued, Coverage, Digest, Environment, Run, SubjectSeen, Totals};
pub use scenario::{
    Attempt, ExchangeSeen, FixtureSeen, InvariantOutcome, InvariantStatus, Place, Quarantine,
    ScenarioOutcome, StepOutcome, Verdict, Violation, ViolationKind,
};
pub use shard::{Shard, ShardOf, selection_digest};
