//! How a command is described: `launch = { command = { run = [...] } }`.

use crate::length::Length;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// A program that is started, and ended with all its children. Braces are filled in, in `run`, `env` and `files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    /// The program and its arguments; no shell reads them.
    pub run: Vec<String>,
    /// Its working folder, relative to counterpart.toml.
    #[serde(default)]
    pub folder: PathBuf,
    /// Environment variables beside those of whoever runs counterpart. `{name?}` without a value leaves one out.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Files that are written into `{data}` before it starts, by name: a text as it is, anything else as JSON.
    #[serde(default)]
    pub files: IndexMap<String, Value>,
    /// Whether each scenario has a process of its own.
    #[serde(default)]
    pub each: Each,
    /// How it is known to be ready. Without it: once something listens on `{port}`.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// Real time within which it must be ready.
    #[serde(default = "within")]
    pub within: Length,
    /// Real time within which it must end when it is asked to (SIGTERM); after that it is killed.
    #[serde(default = "stop_within")]
    pub stop_within: Length,
}

/// Another version of a command: `[subject.NAME.versions.v2]`. What it does not name is as in `launch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    /// The program and its arguments.
    #[serde(default)]
    pub run: Option<Vec<String>>,
    /// Its working folder.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Environment variables beside, and before, those of `launch`.
    #[serde(default)]
    pub env: IndexMap<String, String>,
}

/// How often a command is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// For each play of a scenario.
    #[default]
    Scenario,
    /// Once for all: scenarios are told apart by `{tenant}`, and credentials are handed over in setup.
    Suite,
}

/// How a command is known to be ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ready {
    /// This path answers 2xx.
    Http(String),
    /// Something listens on `{port}`.
    Port(Nothing),
    /// A line that it prints, on either stream, fits this regular expression.
    Line(String),
}

/// Takes nothing: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

fn within() -> Length {
    Length::of_seconds(30)
}

fn stop_within() -> Length {
    Length::of_seconds(5)
}
