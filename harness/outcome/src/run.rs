//! All outcomes of one invocation.

use crate::{Integration, ScenarioOutcome, ShardOf, Verdict};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The SHA-256 of something that decides an outcome, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// Its beginning, enough to tell it from others.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.chars().take(12).collect()
    }

    /// Of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A run: the file `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Always `run/1`.
    pub counterpart: String,
    /// When it began, in real time.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// How long it took, in real milliseconds.
    pub wall_ms: u64,
    /// The seed that decides every tie and jitter.
    pub seed: u64,
    /// Where it ran.
    pub environment: Environment,
    /// The integration under test.
    pub subject: SubjectSeen,
    /// One outcome a scenario, in the order of their names.
    pub scenarios: Vec<ScenarioOutcome>,
    /// What of the catalogue is covered.
    pub coverage: Coverage,
    /// What is asked of every integration, answered from these scenarios.
    #[serde(default)]
    pub integrations: Vec<Integration>,
    /// Where it is a part of a run: which. The parts become one with `counterpart merge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardOf>,
}

/// Where a run ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The version of counterpart.
    pub counterpart: String,
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// Processors available.
    pub cpus: usize,
}

/// The integration under test, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectSeen {
    /// Its name in `counterpart.toml`.
    pub name: String,
    /// `reference`, `url`, ...
    pub kind: String,
    /// What it says its version is.
    pub version: Option<String>,
    /// Of its description (launch, triggers, probes, clock) and its version.
    pub digest: Digest,
    /// Known bugs that were switched on.
    pub plants: Vec<String>,
}

/// The catalogue against what the selected scenarios cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Every entry of the catalogue, in its order.
    pub cases: Vec<Catalogued>,
}

/// What a catalogue entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Something that goes wrong at the provider or on the way.
    EdgeCase,
    /// A way in which integrations move data.
    Pattern,
    /// A way of authenticating.
    Auth,
    /// A way of limiting callers.
    Throttle,
    /// Something that people must be told.
    Alert,
}

/// One entry of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogued {
    /// Its id: `auth/token-expired`.
    pub id: String,
    /// What it is.
    pub kind: CaseKind,
    /// What happens.
    pub title: String,
    /// Why it must be covered.
    pub why: String,
    /// Whether no integration may go live that fails it.
    #[serde(default)]
    pub required: bool,
    /// The scenarios of this run that cover it and were judged.
    pub covered_by: Vec<String>,
    /// Those of them that failed.
    #[serde(default)]
    pub failed_in: Vec<String>,
}

/// How many scenarios ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All of them.
    pub total: usize,
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Could not be judged.
    pub errored: usize,
    /// Not run, with a reason.
    pub skipped: usize,
    /// Failed first and passed when tried again.
    pub flaky: usize,
    /// Failed or could not be judged, which is known: counted neither as failed nor as errored.
    pub quarantined: usize,
    /// Snapshots that somebody has to look at.
    pub snapshots_pending: usize,
}

impl Run {
    /// Counts the scenarios by verdict.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let count = |wanted: fn(&Verdict) -> bool| {
            self.scenarios.iter().filter(|one| !one.is_quarantined() && wanted(&one.verdict)).count()
        };
        Totals {
            total: self.scenarios.len(),
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            failed: count(|verdict| matches!(verdict, Verdict::Failed)),
            errored: count(|verdict| matches!(verdict, Verdict::Errored)),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped { .. })),
            quarantined: self.scenarios.iter().filter(|one| one.is_quarantined()).count(),
            flaky: count(|verdict| matches!(verdict, Verdict::Flaky)),
            snapshots_pending: self.scenarios.iter().map(|one| one.snapshots_pending.len()).sum(),
        }
    }
}
