//! What the operations of the store see of a database: statements in, rows out, one transaction at a time.
//!
//! Each operation is written once, in the SQL that SQLite and PostgreSQL share; what they do not share has a name in
//! [`Dialect`] or is a method of [`Session`]. Parameters are `?1`, `?2`, ... . This module knows no table.

use std::sync::Arc;

/// What a parameter or a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Parameters of a statement, each converted by [`Value::from`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use values;

/// Parameters that are kept, or added to.
macro_rules! set {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use set;

macro_rules! from {
    ($($type:ty => |$value:ident| $made:expr;)+) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })+
    };
}

from! {
    i64 => |value| Self::Integer(value);
    u32 => |value| Self::Integer(i64::from(value));
    u16 => |value| Self::Integer(i64::from(value));
    bool => |value| Self::Integer(i64::from(value));
    f64 => |value| Self::Real(value);
    &str => |value| Self::Text(value.to_owned());
    &String => |value| Self::Text(value.clone());
    String => |value| Self::Text(value);
    &[u8] => |value| Self::Blob(value.to_vec());
    Vec<u8> => |value| Self::Blob(value);
}

impl<T> From<Option<T>> for Value
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

/// A database refused, or holds what nobody put there.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// What SQLite says: a full disk, a damaged file.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What PostgreSQL says, or the way to it.
    #[error("PostgreSQL: {}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// No connection to PostgreSQL could be had in time.
    #[error("PostgreSQL: {0}")]
    NoConnection(String),
    /// A column does not hold what it should.
    #[error("the column {column} does not hold {expected}")]
    Column {
        /// Its name.
        column: String,
        /// What it should hold.
        expected: &'static str,
    },
}

/// The library's own words say no more than "db error".
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

/// A row of an answer.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    fn value(&self, column: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.values.get(place)
    }

    fn get<'a, T>(
        &'a self,
        column: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, DatabaseError> {
        let found = self.value(column).and_then(read);
        found.ok_or_else(|| DatabaseError::Column { column: column.to_owned(), expected })
    }

    pub(super) fn integer(&self, column: &str) -> Result<i64, DatabaseError> {
        self.get(column, "a whole number", |value| match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        })
    }

    pub(super) fn count(&self, column: &str) -> Result<u32, DatabaseError> {
        Ok(u32::try_from(self.integer(column)?).unwrap_or(u32::MAX))
    }

    pub(super) fn flag(&self, column: &str) -> Result<bool, DatabaseError> {
        Ok(self.integer(column)? != 0)
    }

    pub(super) fn text(&self, column: &str) -> Result<String, DatabaseError> {
        self.get(column, "a text", |value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn blob(&self, column: &str) -> Result<Vec<u8>, DatabaseError> {
        self.get(column, "bytes", |value| match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        })
    }

    pub(super) fn optional_integer(&self, column: &str) -> Result<Option<i64>, DatabaseError> {
        self.get(column, "a whole number or NULL", |value| match value {
            Value::Integer(number) => Some(Some(*number)),
            Value::Null => Some(None),
            _ => None,
        })
    }

    pub(super) fn optional_real(&self, column: &str) -> Result<Option<f64>, DatabaseError> {
        self.get(column, "a number or NULL", |value| match value {
            Value::Real(number) => Some(Some(*number)),
            Value::Null => Some(None),
            _ => None,
        })
    }

    pub(super) fn optional_text(&self, column: &str) -> Result<Option<String>, DatabaseError> {
        self.get(column, "a text or NULL", |value| match value {
            Value::Text(text) => Some(Some(text.clone())),
            Value::Null => Some(None),
            _ => None,
        })
    }
}

/// Where the two databases have no words in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Behind a `SELECT` whose rows are taken: rows that another transaction is taking are passed over.
    pub(super) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// Behind a `SELECT` whose rows must stay as they are until the commit.
    pub(super) fn keep(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR SHARE",
        }
    }
}

/// An open transaction.
pub(super) trait Session {
    fn dialect(&self) -> Dialect;

    /// The rows that a statement answers with.
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError>;

    /// How many rows a statement changed.
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, DatabaseError>;

    /// One statement with each of several sets of parameters, in their order, in one round trip.
    fn query_each(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DatabaseError>;

    /// Inserts with each of several sets of parameters, in their order, in one round trip: the whole number in the column
    /// `key` of each row that is new, `None` where none was inserted. `key` is the row's number, where it has one.
    fn insert_each(
        &mut self,
        sql: &str,
        key: &str,
        sets: &[Vec<Value>],
    ) -> Result<Vec<Option<i64>>, DatabaseError> {
        let inserted = self.query_each(&format!("{sql} RETURNING {key}"), sets)?;
        inserted.iter().map(|rows| rows.first().map(|row| row.integer(key)).transpose()).collect()
    }

    /// Holds other transactions that lock one of `names` back until the commit.
    fn lock(&mut self, names: &mut Vec<String>) -> Result<(), DatabaseError>;

    /// The only row, if there is one.
    fn query_row(&mut self, sql: &str, parameters: &[Value]) -> Result<Option<Row>, DatabaseError> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }
}
