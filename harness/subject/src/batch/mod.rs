//! Subjects that serve nothing: a program that is run to its end for each trigger, and prints what it wrote.
//!
//! [`messages`] reads what it printed, [`target`] is where its records go and its state is kept, [`running`] runs it.

mod messages;
mod running;
mod target;

pub use running::BatchLaunch;
pub use target::{Commits, TargetSpec, Writes};

use crate::length::Length;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// A program that is run to its end for each trigger. Braces are filled in, in `run`, `state`, `env` and `files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchSpec {
    /// The program and its arguments; no shell reads them. Those of the trigger come after.
    pub run: Vec<String>,
    /// Arguments that are added once there is a state, as in ["--state", "{state}"].
    #[serde(default)]
    pub state: Vec<String>,
    /// Its working folder, relative to counterpart.toml.
    #[serde(default)]
    pub folder: PathBuf,
    /// Environment variables beside those of whoever runs counterpart. `{name?}` without a value leaves one out.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Files that are written into `{data}` before each run, by name: a text as it is, anything else as JSON.
    #[serde(default)]
    pub files: IndexMap<String, Value>,
    /// Real time within which a run must end.
    #[serde(default = "within")]
    pub within: Length,
    /// The target that its records go to.
    #[serde(default)]
    pub target: TargetSpec,
}

fn within() -> Length {
    Length::of_seconds(60)
}
