//! How a subject is described in `counterpart.toml`.

use crate::batch::BatchSpec;
use crate::command::{CommandSpec, Surroundings, VersionSpec};
use crate::container::ContainerSpec;
use crate::probe::{Probe, ProbeName};
use crate::template::names_of;
use crate::trigger::Trigger;
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
    pub trigger: IndexMap<String, Trigger>,
    /// The path where it takes webhooks, braces filled in: `/hooks/{tenant}/{provider}`.
    #[serde(default)]
    pub webhooks: Option<String>,
    /// The folder where it takes files and leaves them, braces filled in: `{data}`. Scenarios put files there, and look
    /// at what is there in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// Where its state can be read.
    #[serde(default)]
    pub probe: IndexMap<ProbeName, Probe>,
    /// A path that answers with its version in the JSON field `version`.
    #[serde(default)]
    pub health: Option<String>,
    /// Other versions of it, for the step `deploy`, by their names.
    #[serde(default)]
    pub versions: IndexMap<String, VersionSpec>,
    /// Where its programs are started: not in the file, but where the file is.
    #[serde(skip)]
    pub surroundings: Surroundings,
}

impl SubjectSpec {
    /// Whether it is set up for one provider at a time: a call of its setup names the provider.
    #[must_use]
    pub fn is_set_up_by_provider(&self) -> bool {
        self.setup.values().any(|call| names_of(call).contains("provider"))
    }

    /// Whether it is run to its end for each trigger.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        matches!(self.launch, LaunchSpec::Batch(_))
    }
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
    /// A program that is run to its end for each trigger, and prints what it wrote.
    Batch(Box<BatchSpec>),
    /// A container, started for each play.
    Container(Box<ContainerSpec>),
}

impl LaunchSpec {
    /// The word for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Reference { .. } => "reference",
            Self::Url(_) => "url",
            Self::Command(_) => "command",
            Self::Batch(_) => "batch",
            Self::Container(_) => "container",
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
    /// Its dates are shifted by libfaketime, its waits are real: `advance` shifts, where it is at rest.
    Faketime,
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
