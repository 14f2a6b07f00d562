//! The outcome of one scenario: its attempts, what was seen in each, and what was wrong.

use crate::{Digest, Evidence, Replay};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a scenario, or an attempt of it, ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every expectation and invariant held.
    Passed,
    /// At least one did not.
    Failed,
    /// Could not be judged: the subject did not start, a probe did not answer, ...
    Errored,
    /// Was not run.
    Skipped {
        /// Why.
        reason: String,
    },
    /// An attempt failed and a later one passed.
    Flaky,
}

/// The outcome of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioOutcome {
    /// Its name: folder and file without ending, `chat-import/happy-path`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Its file, relative to where the run was started.
    pub file: String,
    /// Of its file.
    pub digest: Digest,
    /// The catalogue entries that it covers.
    pub covers: Vec<String>,
    /// The fixtures that it was played from: those of the provider that it is about, then what played beside.
    pub fixtures: Vec<FixtureSeen>,
    /// How it ended, all attempts taken together.
    pub verdict: Verdict,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Snapshots that differ from what is committed, or are new: files to review.
    pub snapshots_pending: Vec<String>,
    /// That its failure is known, where the scenario says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
}

impl ScenarioOutcome {
    /// Whether it failed, or could not be judged, and that is known: it does not fail the run, and the run is no GO.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.quarantine.as_ref().is_some_and(|quarantine| quarantine.counts)
            && matches!(self.verdict, Verdict::Failed | Verdict::Errored)
    }
}

/// A failure that is known: who sees to it, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Why it fails.
    pub reason: String,
    /// Who sees to it.
    pub owner: String,
    /// The last day on which it counts.
    #[schemars(with = "String")]
    pub until: Date,
    /// Whether it counted when the scenario was played: not so once its last day is over.
    pub counts: bool,
}

/// A fixture that an outcome stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixtureSeen {
    /// `provider/flow`.
    pub name: String,
    /// Of its file.
    pub digest: Digest,
}

/// One attempt at a scenario: its own stand-in, its own subject or tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// From 1.
    pub number: usize,
    /// How it ended.
    pub verdict: Verdict,
    /// Why it could not be judged, if it could not.
    pub error: Option<String>,
    /// The steps that were taken.
    pub steps: Vec<StepOutcome>,
    /// When its first step began, on the scenario's clock.
    #[schemars(with = "Option<String>")]
    pub began_at: Option<Timestamp>,
    /// What was wrong.
    pub violations: Vec<Violation>,
    /// Each invariant, and whether it held.
    pub invariants: Vec<InvariantOutcome>,
    /// What it shows beside that.
    #[serde(default)]
    pub evidence: Evidence,
    /// How the recording was used.
    #[serde(default)]
    pub replay: Replay,
    /// Everything that passed between subject and stand-in: its requests in order, then the webhooks in theirs.
    pub exchanges: Vec<ExchangeSeen>,
    /// How long it took on the scenario's clock, in milliseconds.
    pub virtual_ms: u64,
    /// How long it took in real milliseconds.
    pub wall_ms: u64,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepOutcome {
    /// The step as a reader would say it: `trigger sync`.
    pub step: String,
    /// Where it stands.
    pub place: Place,
    /// When it began, on the scenario's clock.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What it came to: `202`, `3 timers fired`.
    pub result: String,
}

/// A point in a file, both counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, relative to where the run was started.
    pub file: String,
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// What kind of promise was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViolationKind {
    /// Something the scenario expects, by its word: `requests`.
    Expectation(String),
    /// Something every scenario expects, by its name: `applied_once`.
    Invariant(String),
    /// A step did not come to what it must: nothing settled, a trigger was refused.
    Step(String),
    /// The subject asked for something that no fixture holds.
    Unmatched,
    /// The subject asked once more for something unsafe whose recorded answers were all given.
    Exhausted,
    /// The subject was answered although nobody knows whether it sent what was recorded.
    LooselyMatched,
    /// The subject never asked for something that a fixture holds.
    ExchangesUnused,
    /// A fault was asked for that never had an occasion.
    FaultUnused,
}

/// Something that was not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// What was broken.
    pub kind: ViolationKind,
    /// Where it is asked for; for invariants, the scenario's first line.
    pub place: Place,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// The exchanges that show it: their `seq`.
    pub exchanges: Vec<u64>,
}

/// Whether an invariant held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvariantStatus {
    /// It did.
    Held,
    /// It did not: see the violations.
    Violated,
    /// The subject offers no way to see it.
    NotChecked {
        /// Why not.
        reason: String,
    },
    /// The scenario switched it off.
    Off {
        /// Why.
        reason: String,
    },
}

/// One invariant of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvariantOutcome {
    /// Its name: `applied_once`.
    pub name: String,
    /// What it says, for people.
    pub title: String,
    /// Whether it held.
    pub status: InvariantStatus,
}

/// A request that reached the stand-in, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSeen {
    /// Its number within the attempt, from 1.
    pub seq: u64,
    /// When it came, on the scenario's clock.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The profile's name for what was asked.
    pub operation: String,
    /// The method.
    pub method: String,
    /// Path and query, secrets hidden.
    pub target: String,
    /// The fixture's exchange that answered or would have: `matrix/room-history#messages-2`.
    pub exchange: Option<String>,
    /// The fault that was put in its way.
    pub fault: Option<String>,
    /// The status that was sent; none where no status line was.
    pub status: Option<u16>,
    /// What was done, in words: `replayed`, `timeout: held for 10 s, then the client went away`.
    pub note: String,
}
