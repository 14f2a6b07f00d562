//! How a scenario is spelled: the whole vocabulary.
//!
//! A file is read as a tree with places ([`tree`]), the names in it are filled in ([`names`], [`uses`]), once for each row
//! of its table ([`rows`]), and what comes of that is read as a [`ScenarioFile`] ([`reading`]).

#[cfg(test)]
mod broken_tests;
mod expectation;
mod matcher;
mod measures;
pub(crate) mod names;
mod place;
pub(crate) mod problem;
mod reading;
pub(crate) mod rows;
mod step;
mod tree;
mod uses;

pub(crate) use expectation::SameAs;
pub use expectation::{
    AlertsExpected, AuditExpected, DeliveriesExpected, DestinationExpected, Expectation, FilesExpected,
    HoldsExpected, ProbeExpected, RequestsExpected, SnapshotOf,
};
pub use matcher::{Check, JsonType, Matcher, Query, RecordMatcher};
pub use measures::{Counts, ElapsedExpected};
pub use place::{Location, Spanned};
pub use step::{CallStep, Captures, FileStep, Nothing, Settle, Step, TriggerStep, WaitForStep};

use counterpart_exchange::{Document, Limit};
use counterpart_stand_in::{Fault, FaultSite, Times};
use indexmap::IndexMap;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `scenarios/<suite>/<case>.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub struct ScenarioFile {
    /// Always `scenario/1`.
    pub counterpart: String,
    /// What it shows, as a sentence.
    pub title: String,
    /// The catalogue entries that it covers.
    pub covers: Vec<Spanned<String>>,
    /// Names with their values, each a text, a number, or true or false: `{room}` stands for the value elsewhere.
    #[serde(default)]
    pub variables: IndexMap<String, Value>,
    /// A table: the scenario is played once for each row, by its name, with the row's variables beside those above.
    #[serde(default)]
    pub cases: IndexMap<String, IndexMap<String, Value>>,
    /// That its failure is known: it is played and shown, and does not fail the run, but the run is no GO.
    #[serde(default)]
    pub quarantine: Option<Spanned<QuarantineEntry>>,
    /// The fixtures that the stand-in plays: `provider/flow`.
    pub fixtures: Vec<Spanned<String>>,
    /// What other providers play beside, as they did and without faults: `provider/flow`.
    #[serde(default)]
    pub beside: Vec<Spanned<String>>,
    /// Of the pages that these exchanges recorded, only the records at these places are played, counted from 1.
    #[serde(default)]
    pub records: IndexMap<Spanned<String>, Vec<usize>>,
    /// Where it is there, the stand-in speaks TLS: with a certificate of an authority of its own, which the subject is
    /// given as `{ca_pem}`.
    #[serde(default)]
    pub tls: Option<TlsEntry>,
    /// How often the provider lets itself be called here, whatever its profile says: the `quota` of a profile.
    #[serde(default)]
    pub quota: Vec<Spanned<Limit>>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Spanned<FaultEntry>>,
    /// What is done.
    pub steps: Vec<Spanned<Step>>,
    /// What must come of it.
    pub expect: Vec<Spanned<Expectation>>,
    /// Invariants that do not hold here, and why.
    #[serde(default)]
    pub invariants: InvariantsEntry,
    /// Uses of the recording that are right here and fail a scenario otherwise, and why.
    #[serde(default)]
    pub allow: AllowEntry,
}

impl Document for ScenarioFile {
    const KIND: &'static str = "scenario";
    const VERSION: u32 = 1;
}

/// How the stand-in speaks TLS: `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsEntry {}

/// A fault with its place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// Where it strikes.
    pub at: Spanned<FaultSite>,
    /// How often: a number, or `always`. Once by default.
    #[serde(default)]
    pub times: Times,
    /// What it does.
    pub inject: Fault,
}

/// Invariants that are switched off, or must be checked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvariantsEntry {
    /// Invariant to the reason why it does not hold here.
    #[serde(default)]
    pub off: IndexMap<Spanned<String>, Spanned<String>>,
    /// Invariants that must be checked: where the subject offers no way to see one, the scenario cannot be judged.
    #[serde(default)]
    pub on: Vec<Spanned<String>>,
}

/// `quarantine: {reason: The provider sends records twice, owner: data team, until: 2026-12-31}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineEntry {
    /// Why it fails.
    pub reason: String,
    /// Who sees to it.
    pub owner: String,
    /// The last day on which it counts: `2026-12-31`.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "date")]
    pub until: Date,
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let shown = problem::quoted(&text);
        serde::de::Error::custom(format!(
            "{shown:?} is no day; expected year, month and day, as in 2026-12-31"
        ))
    })
}

/// Uses of the recording that are allowed, each with the reason.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowEntry {
    /// Requests that no exchange fits.
    #[serde(default)]
    pub unmatched: Option<String>,
    /// Requests that are not safe to repeat, after every recorded answer was given.
    #[serde(default)]
    pub exhausted: Option<String>,
    /// Requests that an exchange answered whose recorded body was not kept.
    #[serde(default)]
    pub loosely_matched: Option<String>,
    /// Exchanges that the subject never asks for: it gives up before, or has no use for them.
    #[serde(default)]
    pub unused: Option<String>,
}

impl AllowEntry {
    /// What is allowed, each with its word and the reason.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("unmatched", &self.unmatched),
            ("exhausted", &self.exhausted),
            ("loosely_matched", &self.loosely_matched),
            ("unused", &self.unused),
        ]
        .into_iter()
        .filter_map(|(word, reason)| Some((word, reason.as_deref()?)))
    }
}
