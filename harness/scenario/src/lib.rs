//! Scenarios: YAML becomes a plan, a plan is run, a run becomes an outcome.
//!
//! [`file`] says how a scenario is spelled, [`plan`] checks it against fixtures, profile, subject and
//! catalogue, [`run`] plays it in virtual time, [`expectation`] and [`invariant`] judge what was observed.
//! Nothing here prints, and nothing here knows which subject it has before it.

mod catalogue;
mod conductor;
mod expectation;
mod explore;
mod file;
mod invariant;
#[cfg(test)]
mod judgement_tests;
mod observed;
mod plan;
mod player;
mod replay;
mod run;
mod snapshot;
mod stage;
mod steps;
mod suite;
mod unjudged;
mod witness;
mod wording;

pub use catalogue::{Catalogue, CatalogueCase};
pub use explore::{
    Exploration, ExploreError, ExploreOptions, Explorer, FoundScenario, Progress, Stage, StageCoverage,
    Unreproduced,
};
pub use file::{
    Expectation, FaultEntry, InvariantsEntry, ScenarioFile, Step, UNIMPLEMENTED_EXPECTATIONS,
    UNIMPLEMENTED_STEPS,
};
pub use invariant::INVARIANTS;
pub use plan::{Plan, PlanError, Planner};
pub use run::{RunOptions, Runner};
pub use snapshot::{SnapshotMode, SnapshotText, pending_snapshots};
pub use suite::{SelectError, Selected, Selection, select};
