//! Probes: reads of a subject's state, one file a source.
//!
//! A probe shows records, which are JSON objects, whatever they are read from. What cannot be read, or is no list of
//! objects, is an error that tells the place, what was found there, and what was expected. Nothing here knows what
//! the records are judged by.

mod entry;
mod files;
mod printed;
mod records;
mod sql;

pub use files::FileForm;
pub use printed::Printed;
pub use records::RecordsPlace;
pub use sql::{Database, SqlQuery};

use crate::launch::Running;
use crate::template::{TemplateError, Variables};
use entry::ProbeEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Most records that a probe may show.
pub(crate) const MAX_RECORDS: usize = 100_000;
/// Largest state that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

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
    /// What its credential may do.
    Permissions,
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
            Self::Permissions => "permissions",
        }
    }

    /// Whether it shows what came of a tenant's work, and so nothing before there was any. The log may be everybody's, and
    /// a credential may do what it may from the start.
    #[must_use]
    pub fn is_of_work(self) -> bool {
        !matches!(self, Self::Log | Self::Permissions)
    }
}

/// A read of the subject's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ProbeEntry", into = "ProbeEntry")]
pub struct Probe {
    /// Where the records come from.
    pub source: ProbeSource,
    /// Destination, holds, permissions: the field that tells records apart.
    pub key: Option<String>,
    /// Alerts: the field that says what the alert is about.
    pub kind: Option<String>,
    /// Holds: the field that says why.
    pub reason: Option<String>,
    /// Runs: the field that says where a run stands.
    pub state: Option<String>,
    /// Runs: the states in which nothing more will happen by itself.
    pub settled: Vec<String>,
    /// Destination: fields that differ from run to run, and are not compared.
    pub varies: Vec<String>,
}

impl Probe {
    /// Records as far as those of one run can be compared with those of another.
    #[must_use]
    pub fn comparable<'a>(&self, records: &'a [Value]) -> Cow<'a, [Value]> {
        if self.varies.is_empty() {
            return records.into();
        }
        let mut records = records.to_vec();
        for fields in records.iter_mut().filter_map(Value::as_object_mut) {
            fields.retain(|name, _| !self.varies.contains(name));
        }
        records.into()
    }
}

/// Where a probe's records come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeSource {
    /// A GET that answers with JSON.
    Http {
        /// The path, braces filled in.
        get: String,
        /// Where in the answer the records are.
        records: RecordsPlace,
    },
    /// A query to a database: a row is a record.
    Sql {
        /// The query.
        query: SqlQuery,
        /// Where it is put, braces filled in.
        database: Database,
    },
    /// Files on this machine.
    Files {
        /// A pattern of paths, braces filled in.
        pattern: String,
        /// What is read of each; by its ending where none is told.
        form: Option<FileForm>,
        /// In files of JSON: where the records are; without it a file is a record.
        records: Option<RecordsPlace>,
    },
    /// What the subject printed.
    Stdout(Printed),
}

/// A source that shows no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Something else was found than what must be there.
    #[error("{place}: {found}; expected {expected}")]
    Unexpected {
        /// Where.
        place: String,
        /// What is there.
        found: String,
        /// What must be there.
        expected: String,
    },
    /// Braces that cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl ProbeError {
    pub(crate) fn new(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Unexpected { place: place.into(), found: found.into(), expected: expected.into() }
    }
}

/// Reads a source that is no HTTP endpoint; nothing for one that is.
pub(crate) async fn read(
    source: &ProbeSource,
    variables: &Variables,
    running: &dyn Running,
) -> Result<Option<Vec<Value>>, ProbeError> {
    match source {
        ProbeSource::Http { .. } => Ok(None),
        ProbeSource::Sql { query, database } => sql::read(query, database, variables).await.map(Some),
        ProbeSource::Files { pattern, form, records } => {
            files::read(pattern, *form, records.clone(), variables).await.map(Some)
        }
        ProbeSource::Stdout(printed) => printed.read(running).await.map(Some),
    }
}
