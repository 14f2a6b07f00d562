//! How a subject is described in `counterpart.toml`.

use crate::command::{CommandSpec, VersionSpec};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[subject.<name>]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectSpec {
    /// How it comes to run.
    pub launch: LaunchSpec,
    /// Its clock.
    #[serde(default)]
    pub clock: ClockKind,
    /// Called once it runs, in order: where credentials and base URLs are handed over.
    #[serde(default)]
    pub setup: IndexMap<String, HttpCall>,
    /// What makes it work, by the word that a scenario's `trigger` step uses.
    #[serde(default)]
    pub trigger: IndexMap<String, HttpCall>,
    /// The path where it takes webhooks, braces filled in: `/hooks/{tenant}/{provider}`.
    #[serde(default)]
    pub webhooks: Option<String>,
    /// Where its state can be read.
    #[serde(default)]
    pub probe: IndexMap<ProbeName, Probe>,
    /// A path that answers with its version in the JSON field `version`.
    #[serde(default)]
    pub health: Option<String>,
    /// Other versions of it, for the step `deploy`, by their names.
    #[serde(default)]
    pub versions: IndexMap<String, VersionSpec>,
}

/// How a subject comes to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LaunchSpec {
    /// The bundled runtime, fresh for every attempt.
    Reference {
        /// Known bugs to switch on.
        #[serde(default)]
        plants: Vec<String>,
    },
    /// It runs already, at this base URL.
    Url(String),
    /// A program, started for each scenario or once for all.
    Command(Box<CommandSpec>),
}

impl LaunchSpec {
    /// The word for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reference { .. } => "reference",
            Self::Url(_) => "url",
            Self::Command(_) => "command",
        }
    }
}

/// How a subject's time is driven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// It offers `GET /clock` and `POST /clock/advance` (docs/clock-protocol.md).
    Endpoint,
    /// It lives in real time: waits are real, bounded, and a scenario that needs a jump is skipped.
    #[default]
    Real,
}

/// A call to the subject. Braces are filled in: `{base_url}`, `{access_token}`, `{tenant}`, a trigger's own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCall {
    /// Method and path: `POST /integrations/chat-import/runs`.
    pub call: String,
    /// The body, if it has one.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
}

/// What a probe shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeName {
    /// What the integration wrote for its customer.
    Destination,
    /// One entry for each transaction.
    Audit,
    /// What people were told.
    Alerts,
    /// What could not be processed and was kept.
    Holds,
    /// The units of work and where they stand.
    Runs,
    /// The structured log.
    Log,
}

impl ProbeName {
    /// The word for it, as in YAML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Audit => "audit",
            Self::Alerts => "alerts",
            Self::Holds => "holds",
            Self::Runs => "runs",
            Self::Log => "log",
        }
    }
}

/// A read of the subject's state over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The path, braces filled in.
    pub get: String,
    /// A JSON pointer (RFC 6901) to the list of records in the answer; without it, the answer is the list.
    #[serde(default)]
    pub records: String,
    /// Destination, holds: the field that tells records apart.
    #[serde(default)]
    pub key: Option<String>,
    /// Alerts: the field that says what the alert is about.
    #[serde(default)]
    pub kind: Option<String>,
    /// Holds: the field that says why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Runs: the field that says where a run stands.
    #[serde(default)]
    pub state: Option<String>,
    /// Runs: the states in which nothing more will happen by itself.
    #[serde(default)]
    pub settled: Vec<String>,
}
