//! Queries to an SQLite file, over a connection that can only read.
//!
//! SQLite's values have one of five kinds, whatever their column says: whole numbers and real ones become numbers,
//! text a string, NULL null, and a blob the text `\x` with its bytes in hexadecimal, as PostgreSQL writes it.

use super::query::Bound;
use super::{DISTINCT_NAMES, NARROWER, QUERY_TIMEOUT, Rows, refuse_equal_names};
use crate::clock::within;
use crate::probe::{MAX_BYTES, ProbeError};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags};
use serde_json::{Map, Number, Value};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a writer is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The rows of a query.
pub(super) async fn read(path: PathBuf, bound: Bound) -> Result<Vec<Value>, ProbeError> {
    let place = format!("sqlite:{}", path.display());
    let bound = Arc::new(bound);
    let connection = open(&path).map_err(|(found, expected)| ProbeError::new(&place, found, expected))?;
    // Whoever waits may go away; then the query has no end of its own.
    let interrupted = InterruptedWhenDropped(connection.get_interrupt_handle());
    let query = Arc::clone(&bound);
    let mut work = tokio::task::spawn_blocking(move || rows(&connection, &query));
    let Some(done) = within(QUERY_TIMEOUT, &mut work).await else {
        drop(interrupted);
        let _ = work.await;
        let expected = format!("an answer within {QUERY_TIMEOUT:?}");
        return Err(ProbeError::new(place, "the query goes on and on", expected));
    };
    let done = done.unwrap_or_else(|_| Err(("reading it ended early".to_owned(), "rows".to_owned())));
    done.map_err(|(found, expected)| ProbeError::new(place, bound.without_secrets(&found), expected))
}

struct InterruptedWhenDropped(InterruptHandle);

impl Drop for InterruptedWhenDropped {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// What was found instead, and what was expected.
type Wrong = (String, String);

fn open(path: &Path) -> Result<Connection, Wrong> {
    if !path.is_file() {
        return Err(("there is no such file".to_owned(), "the subject's database".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(MAX_BYTES).unwrap_or(i32::MAX))?;
        // No other file is opened by way of this one.
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        Ok(connection)
    });
    opened.map_err(|error| (error.to_string(), "an SQLite database that can be read".to_owned()))
}

fn rows(connection: &Connection, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let said = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => (
            format!("SQLite said: {error}, and it was for {BUSY_TIMEOUT:?}"),
            "that the subject ends its transactions before it is looked into".to_owned(),
        ),
        _ => (format!("SQLite said: {error}"), "rows of the probe's query".to_owned()),
    };
    let mut statement = connection.prepare(&bound.sql('?')).map_err(said)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(("the statement is no query".to_owned(), "one that reads rows, like SELECT".to_owned()));
    }
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    refuse_equal_names(&names).map_err(|found| (found, DISTINCT_NAMES.to_owned()))?;
    let mut found = statement.query(rusqlite::params_from_iter(&bound.values)).map_err(said)?;
    let mut rows = Rows::default();
    while let Some(row) = found.next().map_err(said)? {
        let mut record = Map::new();
        let mut bytes = 0;
        for (at, name) in names.iter().enumerate() {
            let value = row.get_ref(at).map_err(said)?;
            bytes += name.len() + size(value);
            record.insert(name.clone(), json(value).map_err(|found| (found, "text in UTF-8".to_owned()))?);
        }
        rows.take(record, bytes).map_err(|found| (found, NARROWER.to_owned()))?;
    }
    Ok(rows.rows)
}

fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => size_of::<i64>(),
    }
}

fn json(value: ValueRef<'_>) -> Result<Value, String> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        // Infinity is no JSON.
        ValueRef::Real(number) => {
            Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
        }
        ValueRef::Text(bytes) => {
            let text =
                std::str::from_utf8(bytes).map_err(|error| format!("text that is no UTF-8: {error}"))?;
            Value::String(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::String(bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::SqlQuery;
    use crate::template::Variables;
    use serde_json::json;

    struct File(tempfile::TempDir);

    impl File {
        fn with(sql: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = Self(folder);
            Connection::open(file.path()).unwrap().execute_batch(sql).unwrap();
            file
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("x.db")
        }

        async fn ask(&self, sql: &str) -> Result<Vec<Value>, String> {
            let mut variables = Variables::default();
            variables.set("tenant", "a' OR 1=1 --");
            let bound = SqlQuery::parse(sql).unwrap().bind(&variables).unwrap();
            let folder = self.0.path().display().to_string();
            read(self.path(), bound).await.map_err(|error| error.to_string().replace(&folder, "DATA"))
        }
    }

    #[tokio::test]
    async fn values_become_json_by_their_kind_and_parameters_stay_values() {
        let file = File::with(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (a, b, c, d, e);
             INSERT INTO t VALUES (9223372036854775807, 0.5, 'a'' OR 1=1 --', x'00ff', NULL), (1, 9e999, 'b', '', 2);",
        );
        assert_eq!(
            file.ask("SELECT * FROM t WHERE c = {tenant}").await,
            Ok(vec![json!({ "a": i64::MAX, "b": 0.5, "c": "a' OR 1=1 --", "d": "\\x00ff", "e": null })])
        );
        assert_eq!(file.ask("SELECT b FROM t WHERE c = 'b'").await, Ok(vec![json!({ "b": "inf" })]));
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_and_nothing_is_written() {
        let file = File::with("CREATE TABLE t (a); INSERT INTO t VALUES (1), (CAST(x'ff' AS TEXT));");
        let mut told = Vec::new();
        for sql in [
            "SELECT b FROM t",
            "DELETE FROM t",
            "DELETE FROM t RETURNING a",
            "SELECT 1 AS a, 2 AS a",
            "SELECT a FROM t",
            "SELECT 1 AS a; DELETE FROM t",
            "ATTACH '/tmp/other.db' AS other",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            "SELECT zeroblob(67108865) AS a",
        ] {
            told.push(file.ask(sql).await.unwrap_err());
        }
        std::fs::write(file.path(), "no database, but long enough to be looked at").unwrap();
        told.push(file.ask("SELECT 1 AS a").await.unwrap_err());
        std::fs::remove_file(file.path()).unwrap();
        told.push(file.ask("SELECT 1 AS a").await.unwrap_err());
        insta::assert_snapshot!(told.join("\n"), @r#"
        sqlite:DATA/x.db: SQLite said: no such column: b in SELECT b FROM t at offset 7; expected rows of the probe's query
        sqlite:DATA/x.db: the statement is no query; expected one that reads rows, like SELECT
        sqlite:DATA/x.db: the statement is no query; expected one that reads rows, like SELECT
        sqlite:DATA/x.db: two columns are named "a"; expected a name of its own for each column: give one with `AS`
        sqlite:DATA/x.db: text that is no UTF-8: invalid utf-8 sequence of 1 bytes from index 0; expected text in UTF-8
        sqlite:DATA/x.db: SQLite said: Multiple statements provided; expected rows of the probe's query
        sqlite:DATA/x.db: the statement is no query; expected one that reads rows, like SELECT
        sqlite:DATA/x.db: over 100000 rows; expected fewer; narrow the query
        sqlite:DATA/x.db: SQLite said: string or blob too big; expected rows of the probe's query
        sqlite:DATA/x.db: SQLite said: file is not a database; expected rows of the probe's query
        sqlite:DATA/x.db: there is no such file; expected the subject's database
        "#);
        assert!(!file.path().exists(), "it was made");
    }
}
