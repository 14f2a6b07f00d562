//! Scenarios: YAML becomes a plan, a plan is run, a run becomes an outcome.
//!
//! [`file`] says how a scenario is spelled, [`plan`] checks it against fixtures, profile, subject and
//! catalogue, [`run`] plays it in virtual time, [`expectation`] and [`invariant`] judge what was observed.
//! Nothing here prints, and nothing here knows which subject it has before it.

mod catalogue;
mod conductor;
mod described;
mod evidence;
mod expectation;
mod explore;
mod file;
mod files;
mod invariant;
#[cfg(test)]
mod judgement_tests;
mod known;
mod matching;
mod observed;
mod plan;
mod player;
mod records;
mod replay;
mod run;
mod secrets_seen;
mod snapshot;
mod snapshot_content;
mod snapshot_files;
mod stage;
mod steps;
mod suite;
mod unjudged;
mod witness;
mod wording;
mod work;

pub use catalogue::{Catalogue, CatalogueCase};
pub use conductor::{Baseline, Conductor, Settled, Timed};
pub use explore::{
    Exploration, ExploreError, ExploreOptions, Explorer, FoundScenario, Progress, Stage, StageCoverage,
    UnjudgedCase, Unreproduced,
};
pub use file::{
    AlertsExpected, AuditExpected, CallStep, Captures, Check, Counts, DeliveriesExpected,
    DestinationExpected, ElapsedExpected, Expectation, FaultEntry, FileStep, FilesExpected, HoldsExpected,
    InvariantsEntry, JsonType, Location, Matcher, Nothing, ProbeExpected, QuarantineEntry, Query,
    RecordMatcher, RequestsExpected, ScenarioFile, Settle, SnapshotOf, Spanned, Step, TriggerStep,
    WaitForStep,
};
pub use invariant::INVARIANTS;
pub use plan::{Plan, PlanError, Planner};
pub use run::{RunOptions, Runner, was_not_run};
pub use snapshot::{SnapshotMode, SnapshotText};
pub use snapshot_content::{RecordOrder, RecordedOrder, Redactions, records_text, requests_text};
pub use snapshot_files::{PendingSnapshot, SnapshotFilesError, pending_snapshots, unreferenced_snapshots};
pub use suite::{SelectError, Selected, Selection, select};
pub use work::Work;
