//! Queries to PostgreSQL, within a transaction that can only read.
//!
//! Each column comes as the text that PostgreSQL itself makes of it, and its type decides what the text becomes (see
//! [`Form`]). So no number loses a digit, and a type that nobody thought of still shows what `psql` would show.
//! TLS is not spoken.

use super::query::Bound;
use super::{DISTINCT_NAMES, NARROWER, QUERY_TIMEOUT, Rows, refuse_equal_names};
use crate::clock::within;
use crate::probe::{MAX_BYTES, ProbeError};
use bytes::BytesMut;
use futures_util::TryStreamExt;
use serde_json::{Map, Number, Value};
use std::pin::pin;
use tokio_postgres::config::Host;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls};

/// The rows of a query.
pub(super) async fn read(url: &str, bound: Bound) -> Result<Vec<Value>, ProbeError> {
    // What is wrong with a URL is not told in the library's words: they may repeat a part of it.
    let mut config: Config = url.parse().map_err(|_| {
        ProbeError::new("`database`", "a URL that cannot be read", "postgres://user:password@host:port/name")
    })?;
    config.connect_timeout(QUERY_TIMEOUT).application_name("counterpart probe");
    let place = place(&config);
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let done = within(QUERY_TIMEOUT.saturating_mul(2), rows(&config, &bound))
        .await
        .unwrap_or_else(|| Err(("no answer came".to_owned(), format!("one within {QUERY_TIMEOUT:?}"))));
    done.map_err(|(found, expected)| {
        let found = bound.without_secrets(&found);
        let found = match password.filter(|password| !password.is_empty()) {
            Some(password) => found.replace(&password, "(password)"),
            None => found,
        };
        ProbeError::new(place, found, expected)
    })
}

/// Where the database is, without the password.
fn place(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let host = hosts.collect::<Vec<_>>().join(",");
    let port = config.get_ports().first().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{user}{host}{port}/{}", config.get_dbname().unwrap_or_default())
}

/// What was found instead, and what was expected.
type Wrong = (String, String);

async fn rows(config: &Config, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let (client, connection) = config.connect(NoTls).await.map_err(|error| {
        let expected = "a PostgreSQL server that takes a connection without TLS, which is not spoken here";
        (said(&error), expected.to_owned())
    })?;
    let connection = AbortOnDrop(tokio::spawn(connection));
    let rows = query(client, bound).await;
    drop(connection);
    rows
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn query(mut client: Client, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let told = |error: tokio_postgres::Error| (said(&error), "rows of the probe's query".to_owned());
    let transaction = client.build_transaction().read_only(true).start().await.map_err(told)?;
    let settings = format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL TimeZone = 'UTC'; SET LOCAL bytea_output = 'hex'; \
         SET LOCAL extra_float_digits = 1; SET LOCAL IntervalStyle = 'iso_8601'",
        QUERY_TIMEOUT.as_millis()
    );
    transaction.batch_execute(&settings).await.map_err(told)?;
    let sql = bound.sql('$');
    let statement = transaction.prepare(&sql).await.map_err(told)?;
    let columns = statement.columns();
    if columns.is_empty() {
        return Err(("the statement is no query".to_owned(), "one that reads rows, like SELECT".to_owned()));
    }
    let names: Vec<String> = columns.iter().map(|column| column.name().to_owned()).collect();
    refuse_equal_names(&names).map_err(|found| (found, DISTINCT_NAMES.to_owned()))?;
    let forms: Vec<Form> = columns.iter().map(|column| Form::of(column.type_())).collect();
    let values: Vec<TextParameter> = bound.values.iter().cloned().map(TextParameter).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    let whole = as_texts(&sql, &forms);
    let found = transaction.query_raw(whole.as_str(), parameters).await.map_err(told)?;
    let mut found = pin!(found);
    let mut rows = Rows::default();
    while let Some(row) = found.try_next().await.map_err(told)? {
        let mut record = Map::new();
        let mut bytes = 0;
        for (at, (name, form)) in names.iter().zip(&forms).enumerate() {
            let text: Option<&str> = row.try_get(at).map_err(told)?;
            bytes += name.len() + text.map_or(0, str::len);
            if bytes > MAX_BYTES {
                return Err((format!("over {MAX_BYTES} bytes in a row"), NARROWER.to_owned()));
            }
            let value = text.map_or(Ok(Value::Null), |text| form.json(text));
            record.insert(name.clone(), value.map_err(|found| (found, format!("{form:?}")))?);
        }
        rows.take(record, bytes).map_err(|found| (found, NARROWER.to_owned()))?;
    }
    Ok(rows.rows)
}

/// The query within one that has the text of each column, cut where it is too long for any use.
fn as_texts(sql: &str, forms: &[Form]) -> String {
    let texts = forms.iter().enumerate().map(|(at, form)| {
        let column = format!("c{at}");
        format!("left({}, {})", form.expression(&column), MAX_BYTES + 1)
    });
    let names = (0..forms.len()).map(|at| format!("c{at}"));
    // The line break ends a comment that the query may end with.
    format!(
        "SELECT {} FROM (\n{sql}\n) AS probe({})",
        texts.collect::<Vec<_>>().join(", "),
        names.collect::<Vec<_>>().join(", ")
    )
}

/// What becomes of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `true` and `false`.
    Truth,
    /// A number without a fraction.
    Whole,
    /// A binary fraction. NaN and the infinities, which JSON lacks, stay text.
    Real,
    /// `json` and `jsonb`: what it is.
    Json,
    /// Dates and times: RFC 3339, with `Z` for UTC, where the type has a zone.
    Time,
    /// A list of what keeps its form in JSON.
    List,
    /// A list of dates and times.
    ListOfTimes,
    /// A list of what stays text.
    ListOfTexts,
    /// Anything else, `numeric` among it: a JSON number could not hold it.
    Text,
}

impl Form {
    fn of(kind: &Type) -> Self {
        match kind.kind() {
            Kind::Domain(inner) => return Self::of(inner),
            Kind::Array(inner) => {
                return match Self::of(inner) {
                    Self::Text | Self::ListOfTexts => Self::ListOfTexts,
                    Self::Time | Self::ListOfTimes => Self::ListOfTimes,
                    _ => Self::List,
                };
            }
            _ => {}
        }
        match *kind {
            Type::BOOL => Self::Truth,
            Type::INT2 | Type::INT4 | Type::INT8 => Self::Whole,
            Type::FLOAT4 | Type::FLOAT8 => Self::Real,
            Type::JSON | Type::JSONB => Self::Json,
            Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE => Self::Time,
            _ => Self::Text,
        }
    }

    /// SQL for the text of a column.
    fn expression(self, column: &str) -> String {
        match self {
            // The one way to ISO 8601 that heeds no setting.
            Self::Time => format!("to_json({column}) #>> '{{}}'"),
            Self::List | Self::ListOfTimes => format!("to_json({column})::text"),
            Self::ListOfTexts => format!("to_json({column}::text[])::text"),
            Self::Truth | Self::Whole | Self::Real | Self::Json | Self::Text => format!("{column}::text"),
        }
    }

    fn json(self, text: &str) -> Result<Value, String> {
        let parsed = |text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| format!("a value that is no JSON: {error}"))
        };
        Ok(match self {
            Self::Truth => Value::Bool(text == "true"),
            Self::Whole => {
                Value::from(text.parse::<i64>().map_err(|error| format!("no whole number: {error}"))?)
            }
            Self::Real => match text.parse().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => Value::String(text.to_owned()),
            },
            Self::Json | Self::List | Self::ListOfTexts => parsed(text)?,
            Self::Time => Value::String(utc(text)),
            Self::ListOfTimes => with_texts(parsed(text)?, utc),
            Self::Text => Value::String(text.to_owned()),
        })
    }
}

/// An instant in UTC, spelled as most APIs do.
fn utc(text: &str) -> String {
    text.strip_suffix("+00:00").map_or_else(|| text.to_owned(), |instant| format!("{instant}Z"))
}

/// The value with each text in it, lists of lists among it, made another.
fn with_texts(value: Value, other: fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(other(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| with_texts(item, other)).collect()),
        value => value,
    }
}

/// A parameter that goes over as text, which the server reads as whatever type stands there.
#[derive(Debug)]
struct TextParameter(Option<String>);

impl ToSql for TextParameter {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// What the database said; where it said nothing, what went wrong on the way to it.
fn said(error: &tokio_postgres::Error) -> String {
    let Some(database) = error.as_db_error() else {
        return crate::subject::causes(error);
    };
    let hint = database.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("PostgreSQL said: {}{hint}, SQLSTATE {}", database.message(), database.code().code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::SqlQuery;
    use crate::template::Variables;
    use counterpart_test_postgres::TestPostgres;
    use serde_json::json;

    async fn ask(url: &str, sql: &str) -> Result<Vec<Value>, String> {
        let mut variables = Variables::default();
        variables.set("tenant", "7");
        variables.set("access_token", "s3cret-value");
        let bound = SqlQuery::parse(sql).unwrap().bind(&variables).unwrap();
        // The address of a throwaway server is another each time.
        let server = url.rsplit_once('/').unwrap().0.rsplit_once('@').unwrap().1.to_owned();
        let found = read(url, bound).await.map_err(|error| error.to_string());
        found.map_err(|error| {
            error.replace(&server, "SERVER").replace(url.rsplit_once('/').unwrap().1, "NAME")
        })
    }

    #[tokio::test]
    async fn every_type_of_column_becomes_json_without_losing_anything() {
        let Some(database) =
            TestPostgres::for_test("every_type_of_column_becomes_json_without_losing_anything")
        else {
            return;
        };
        let sql = "SELECT true AS truth, 1::int2 AS small, 9223372036854775807 AS big, 0.1::float8 AS real, \
             'NaN'::float4 AS nan, 12345678901234567890.120::numeric AS exact, 'é' AS text, NULL::int AS nothing, \
             '\\x00ff'::bytea AS bytes, '{{\"a\": [1, null]}}'::jsonb AS document, \
             '2026-01-01 00:00:30.5+02'::timestamptz AS instant, '2026-01-01 00:00:30'::timestamp AS local, \
             '2026-01-01'::date AS day, 'infinity'::timestamptz AS never, '1 day'::interval AS span, \
             ARRAY[1, 2] AS numbers, ARRAY[1.10]::numeric[] AS exacts, ARRAY['a,b', NULL] AS texts, \
             ARRAY['2026-01-01 00:00+00'::timestamptz] AS instants, \
             'b5b1c8e2-0000-4000-8000-000000000000'::uuid AS id, '10.0.0.0/8'::inet AS address, (1, 'x') AS pair -- the end";
        assert_eq!(
            ask(database.url(), sql).await,
            Ok(vec![json!({
                "truth": true, "small": 1, "big": i64::MAX, "real": 0.1, "nan": "NaN",
                "exact": "12345678901234567890.120", "text": "é", "nothing": null, "bytes": "\\x00ff",
                "document": { "a": [1, null] }, "instant": "2025-12-31T22:00:30.5Z",
                "local": "2026-01-01T00:00:30", "day": "2026-01-01", "never": "infinity", "span": "P1D",
                "numbers": [1, 2], "exacts": ["1.10"], "texts": ["a,b", null],
                "instants": ["2026-01-01T00:00:00Z"],
                "id": "b5b1c8e2-0000-4000-8000-000000000000", "address": "10.0.0.0/8", "pair": "(1,x)",
            })])
        );
        let typed = "SELECT n AS n FROM (VALUES (6), (7), (8)) AS t(n) WHERE n >= {tenant} ORDER BY n DESC;";
        assert_eq!(ask(database.url(), typed).await, Ok(vec![json!({ "n": 8 }), json!({ "n": 7 })]));
    }

    #[tokio::test]
    async fn what_the_database_refuses_is_told_without_any_secret() {
        let Some(database) = TestPostgres::for_test("what_the_database_refuses_is_told_without_any_secret")
        else {
            return;
        };
        let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute("CREATE SEQUENCE s").await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        let mut told = Vec::new();
        for sql in [
            "SELECT * FROM nowhere",
            "SELECT 1 AS one WHERE 1 = {access_token}",
            "SELECT 1 AS a, 2 AS a",
            "CREATE TABLE t (a int)",
            "SELECT nextval('s') AS n",
            "SELECT set_config('transaction_read_only', 'off', true) AS n",
            "SELECT 1 AS a; SELECT 2 AS b",
            "SELECT n AS n FROM generate_series(1, 100001) AS t(n)",
            "SELECT repeat('x', 70000000) AS x",
        ] {
            told.push(ask(database.url(), sql).await.unwrap_err());
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        postgres://counterpart@SERVER/NAME: PostgreSQL said: relation "nowhere" does not exist, SQLSTATE 42P01; expected rows of the probe's query
        postgres://counterpart@SERVER/NAME: PostgreSQL said: invalid input syntax for type integer: "{access_token}", SQLSTATE 22P02; expected rows of the probe's query
        postgres://counterpart@SERVER/NAME: two columns are named "a"; expected a name of its own for each column: give one with `AS`
        postgres://counterpart@SERVER/NAME: the statement is no query; expected one that reads rows, like SELECT
        postgres://counterpart@SERVER/NAME: PostgreSQL said: cannot execute nextval() in a read-only transaction, SQLSTATE 25006; expected rows of the probe's query
        postgres://counterpart@SERVER/NAME: PostgreSQL said: transaction read-write mode must be set before any query, SQLSTATE 25001; expected rows of the probe's query
        postgres://counterpart@SERVER/NAME: PostgreSQL said: cannot insert multiple commands into a prepared statement, SQLSTATE 42601; expected rows of the probe's query
        postgres://counterpart@SERVER/NAME: over 100000 rows; expected fewer; narrow the query
        postgres://counterpart@SERVER/NAME: over 67108864 bytes in a row; expected fewer; narrow the query
        "#);
        let (before, _) = database.url().rsplit_once('@').unwrap();
        let password = before.rsplit_once(':').unwrap().1;
        let wrong = database.url().replace(password, "another-password");
        for url in
            [wrong, format!("{}?sslmode=require", database.url()), "postgres://u:another-password@[".into()]
        {
            let refused = SqlQuery::parse("SELECT 1 AS a").unwrap().bind(&Variables::default()).unwrap();
            let refused = read(&url, refused).await.unwrap_err().to_string();
            assert!(!refused.contains("another-password") && !refused.contains(password), "{refused}");
            assert!(refused.contains("TLS") || refused.contains("a URL that cannot be read"), "{refused}");
        }
    }
}
