//! A query to a database: each row is a record, its columns' names are the fields.
//!
//! It only reads: within a transaction that is read-only (PostgreSQL), on a connection that is (SQLite).

mod postgres;
mod query;
mod sqlite;

pub use query::SqlQuery;

use super::{MAX_BYTES, MAX_RECORDS, ProbeError};
use crate::template::Variables;
use serde_json::{Map, Value};
use std::time::Duration;

/// Real time that a query may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a query is put.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A URL, braces in it.
    Postgres(String),
    /// A path behind `sqlite:`, braces in it.
    Sqlite(String),
}

impl std::fmt::Debug for Database {
    // A URL holds a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Postgres(_) => "Postgres",
            Self::Sqlite(_) => "Sqlite",
        })
    }
}

impl Database {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        if text.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(text.to_owned()));
        }
        // What is written there may be a password: only how it begins is told.
        let scheme = text.split_once(':').map_or("no scheme", |(scheme, _)| scheme);
        let scheme: String = scheme.chars().take(20).collect();
        Err(format!(
            "`database` begins with {scheme:?}; it is \"postgres://user:password@host:port/name\" or \
             \"sqlite:path\", as in \"sqlite:{{data}}/file.db\""
        ))
    }

    /// As it was written.
    pub(crate) fn as_written(&self) -> &str {
        match self {
            Self::Postgres(text) | Self::Sqlite(text) => text,
        }
    }
}

/// The rows that a query has.
pub(super) async fn read(
    query: &SqlQuery,
    database: &Database,
    variables: &Variables,
) -> Result<Vec<Value>, ProbeError> {
    let bound = query.bind(variables)?;
    match database {
        Database::Postgres(url) => postgres::read(&variables.fill_path(url)?, bound).await,
        Database::Sqlite(path) => {
            let path = variables.fill(path)?;
            sqlite::read(path.strip_prefix("sqlite:").unwrap_or(&path).into(), bound).await
        }
    }
}

/// Rows that are collected within bounds.
#[derive(Default)]
struct Rows {
    rows: Vec<Value>,
    bytes: usize,
}

impl Rows {
    /// Takes a row of so many bytes; else what is too much.
    fn take(&mut self, row: Map<String, Value>, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(format!("over {MAX_BYTES} bytes"));
        }
        if self.rows.len() >= MAX_RECORDS {
            return Err(format!("over {MAX_RECORDS} rows"));
        }
        self.rows.push(Value::Object(row));
        Ok(())
    }
}

/// A record cannot have two fields of one name.
fn refuse_equal_names(names: &[String]) -> Result<(), String> {
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    twice.map_or(Ok(()), |(_, name)| Err(format!("two columns are named {name:?}")))
}

const DISTINCT_NAMES: &str = "a name of its own for each column: give one with `AS`";
const NARROWER: &str = "fewer; narrow the query";
