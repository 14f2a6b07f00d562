//! SQLite: one thread that writes, one that reads, and a bounded queue to each.
//!
//! The writer takes all operations that wait, runs each behind a savepoint (but the first, which has nothing to save), and
//! commits them together: under load many share one fsync, alone each has its own. An operation that fails undoes itself and no other; a commit that
//! fails fails them all. Nobody is answered before the commit. The reader has a connection of its own and sees what is
//! committed, so that a long list holds no write up.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement, Transaction, TransactionBehavior, params_from_iter};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::sql::{DatabaseError, Dialect, Row, Session, Value};
use crate::crash::{Boundary, Crash};

/// So many operations may wait; further callers wait for room.
const QUEUE: usize = 1_024;

/// Statements that stay prepared.
const CACHED_STATEMENTS: usize = 128;

/// An operation, run within a transaction if one could be had; what it returns sends the answer once the commit is known.
type Operation = Box<dyn FnOnce(Option<&mut SqliteSession<'_>>) -> Verdict + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What an operation came to.
struct Verdict {
    keeps: Keeps,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Changes,
    Nothing,
}

enum Command {
    Run(Boundary, Operation),
    Close(oneshot::Sender<()>),
}

/// A handle on the two threads.
pub(super) struct Sqlite {
    writer: mpsc::Sender<Command>,
    reader: mpsc::Sender<Command>,
}

impl Sqlite {
    /// Starts the threads; the writer holds `lock` for as long as the database is open.
    pub(super) fn start(
        path: &Path,
        database: Connection,
        lock: File,
        crash: Crash,
        most_per_commit: usize,
    ) -> io::Result<Self> {
        database.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // No statement is prepared anew because a parameter has another value.
        database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(io::Error::other)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reading = Connection::open_with_flags(path, flags).map_err(io::Error::other)?;
        reading.pragma_update(None, "query_only", true).map_err(io::Error::other)?;
        let (writer, commands) = mpsc::channel(QUEUE);
        let (reader, questions) = mpsc::channel(QUEUE);
        thread::Builder::new().name("store-reader".to_owned()).spawn(move || read(reading, questions))?;
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write(database, commands, lock, &crash, most_per_commit))?;
        Ok(Self { writer, reader })
    }

    /// Runs `operation` and returns once it is on the disk, or undone. Once handed over it is carried out even if the
    /// caller is gone.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        boundary: Boundary,
        operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.writer, boundary, operation).await
    }

    /// Runs `operation`, which changes nothing.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.reader, Boundary::Unnamed, operation).await
    }

    /// Returns once the database is closed and the lock is free.
    pub(super) async fn close(&self) {
        for thread in [&self.reader, &self.writer] {
            let (reply, replied) = oneshot::channel();
            if thread.send(Command::Close(reply)).await.is_ok() {
                let _ = replied.await;
            }
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sqlite")
    }
}

async fn ask<T: Send + 'static>(
    thread: &mpsc::Sender<Command>,
    boundary: Boundary,
    operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, replied) = oneshot::channel();
    let run: Operation = Box::new(move |session| {
        let result = session.map_or(Err(StoreError::Closed), |session| operation(session));
        let keeps = if result.is_ok() { Keeps::Changes } else { Keeps::Nothing };
        // A caller that is gone wanted the effect, not the result.
        let answer: Answer = Box::new(move |committed| drop(reply.send(committed.and(result))));
        Verdict { keeps, answer }
    });
    thread.send(Command::Run(boundary, run)).await.map_err(|_| StoreError::Closed)?;
    replied.await.map_err(|_| StoreError::Closed)?
}

fn write(
    mut database: Connection,
    mut commands: mpsc::Receiver<Command>,
    lock: File,
    crash: &Crash,
    most_per_commit: usize,
) {
    let mut group = Vec::new();
    let closed = loop {
        let Some(first) = commands.blocking_recv() else { break None };
        let mut next = Some(first);
        let mut closed = None;
        while let Some(command) = next.take() {
            match command {
                Command::Run(boundary, operation) => group.push((boundary, operation)),
                Command::Close(reply) => closed = Some(reply),
            }
            if group.len() < most_per_commit && closed.is_none() {
                next = commands.try_recv().ok();
            }
        }
        commit_together(&mut database, &mut group, crash);
        if closed.is_some() {
            break closed;
        }
    };
    drop(commands);
    drop(database);
    drop(lock);
    if let Some(reply) = closed {
        let _ = reply.send(());
    }
}

/// Runs a group of operations in one transaction, commits it, and answers each.
fn commit_together(database: &mut Connection, group: &mut Vec<(Boundary, Operation)>, crash: &Crash) {
    if group.is_empty() {
        return;
    }
    let boundaries: Vec<Boundary> = group.iter().map(|(boundary, _)| *boundary).collect();
    let mut answers = Vec::with_capacity(group.len());
    let committed = (|| -> rusqlite::Result<()> {
        let transaction = match database.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                answers.extend(group.drain(..).map(|(_, operation)| operation(None).answer));
                return Err(error);
            }
        };
        let mut waiting = group.drain(..);
        let mut before = Keeps::Nothing;
        while let Some((_, operation)) = waiting.next() {
            match run(&transaction, before, operation, &mut answers) {
                Ok(Keeps::Changes) => before = Keeps::Changes,
                Ok(Keeps::Nothing) => {}
                Err(error) => {
                    // Those that were not reached are answered with the others.
                    answers.extend(waiting.map(|(_, operation)| operation(None).answer));
                    return Err(error);
                }
            }
        }
        drop(waiting);
        crash.before_commit(&boundaries);
        transaction.commit()
    })();
    if committed.is_ok() {
        crash.after_commit(&boundaries);
    }
    let refusal = committed.err().map(|error| Arc::new(DatabaseError::from(error)));
    for answer in answers {
        answer(refusal.clone().map_or(Ok(()), |error| Err(StoreError::Database(error))));
    }
}

/// Runs an operation: behind a savepoint where something was changed `before` that must stay, should it fail.
///
/// # Errors
/// When the whole transaction is lost: a full disk makes SQLite roll back more than the operation.
fn run(
    transaction: &Transaction<'_>,
    before: Keeps,
    operation: Operation,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<Keeps> {
    let is_guarded = before == Keeps::Changes;
    let begun = match is_guarded {
        true => transaction.prepare_cached("SAVEPOINT operation").and_then(|mut begin| begin.execute([])),
        false => Ok(0),
    };
    if let Err(error) = begun {
        answers.push(operation(None).answer);
        return Err(error);
    }
    let verdict = operation(Some(&mut SqliteSession(transaction)));
    answers.push(verdict.answer);
    if transaction.is_autocommit() {
        let why = "the transaction was rolled back, as on a full disk".to_owned();
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
            Some(why),
        ));
    }
    match (is_guarded, verdict.keeps) {
        (false, Keeps::Changes) => {}
        (false, Keeps::Nothing) => transaction.execute_batch("ROLLBACK; BEGIN IMMEDIATE")?,
        (true, keeps) => {
            if keeps == Keeps::Nothing {
                transaction.prepare_cached("ROLLBACK TO operation")?.execute([])?;
            }
            transaction.prepare_cached("RELEASE operation")?.execute([])?;
        }
    }
    Ok(verdict.keeps)
}

fn read(mut database: Connection, mut commands: mpsc::Receiver<Command>) {
    database.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    let closed = loop {
        match commands.blocking_recv() {
            None => break None,
            Some(Command::Close(reply)) => break Some(reply),
            // One snapshot for all that an operation reads.
            Some(Command::Run(_, operation)) => {
                let (answer, ended) = match database.transaction() {
                    Ok(transaction) => {
                        let verdict = operation(Some(&mut SqliteSession(&transaction)));
                        (verdict.answer, transaction.finish())
                    }
                    Err(error) => (operation(None).answer, Err(error)),
                };
                answer(ended.map_err(|error| StoreError::from(DatabaseError::from(error))));
            }
        }
    };
    drop(commands);
    drop(database);
    if let Some(reply) = closed {
        let _ = reply.send(());
    }
}

/// A transaction, or a part of one behind its savepoint.
pub(super) struct SqliteSession<'a>(&'a Transaction<'a>);

impl<'a> SqliteSession<'a> {
    /// For what happens before the threads are started.
    pub(super) fn new(transaction: &'a Transaction<'a>) -> Self {
        Self(transaction)
    }
}

impl Session for SqliteSession<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        rows(&mut *self.0.prepare_cached(sql)?, parameters, &mut None)
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, DatabaseError> {
        let changed = self.0.prepare_cached(sql)?.execute(params_from_iter(parameters))?;
        Ok(changed as u64)
    }

    fn query_each(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DatabaseError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut columns = None;
        sets.iter().map(|parameters| rows(&mut statement, parameters, &mut columns)).collect()
    }

    /// Without `RETURNING`, for which SQLite makes and drops a table each time: that takes longer than the insert.
    fn insert_each(
        &mut self,
        sql: &str,
        _key: &str,
        sets: &[Vec<Value>],
    ) -> Result<Vec<Option<i64>>, DatabaseError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let inserted = sets.iter().map(|parameters| {
            let changed = statement.execute(params_from_iter(parameters))?;
            Ok((changed > 0).then(|| self.0.last_insert_rowid()))
        });
        inserted.collect()
    }

    /// There is one writer.
    fn lock(&mut self, _names: &mut Vec<String>) -> Result<(), DatabaseError> {
        Ok(())
    }
}

/// The rows that a statement answers with. `columns` are its columns' names, once they are known: not before the first
/// row, since they may have changed until the statement is run.
fn rows(
    statement: &mut Statement<'_>,
    parameters: &[Value],
    columns: &mut Option<Arc<[String]>>,
) -> Result<Vec<Row>, DatabaseError> {
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = columns.get_or_insert_with(|| row.as_ref().column_names().map(str::to_owned).collect());
        let values = (0..columns.len()).map(|place| Ok(value(row.get_ref(place)?)));
        let values = values.collect::<rusqlite::Result<_>>()?;
        read.push(Row { columns: Arc::clone(columns), values });
    }
    Ok(read)
}

fn value(read: ValueRef<'_>) -> Value {
    match read {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::values;

    /// A database with a table of numbers, and what is in it.
    fn numbers() -> (tempfile::TempDir, Arc<Sqlite>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("numbers.db");
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.execute_batch("CREATE TABLE numbers (number INTEGER)").unwrap();
        let lock = File::create(directory.path().join("lock")).unwrap();
        let sqlite = Sqlite::start(&path, database, lock, Crash::default(), 256).unwrap();
        (directory, Arc::new(sqlite))
    }

    async fn all(sqlite: &Sqlite) -> Vec<i64> {
        let read = |session: &mut dyn Session| {
            let rows = session.query("SELECT number FROM numbers ORDER BY number", &[])?;
            Ok(rows.iter().map(|row| row.integer("number")).collect::<Result<_, _>>()?)
        };
        sqlite.read(read).await.unwrap()
    }

    fn insert(session: &mut dyn Session, number: i64) -> Result<(), StoreError> {
        session.execute("INSERT INTO numbers VALUES (?1)", &values![number])?;
        Ok(())
    }

    #[tokio::test]
    async fn of_a_group_those_that_fail_undo_themselves_and_no_other() {
        // Wherever the good ones stand among the bad.
        for good in 0..16_i64 {
            let (_directory, sqlite) = numbers();
            let (go, may_go) = std::sync::mpsc::channel::<()>();
            let first = Arc::clone(&sqlite);
            // While this one waits, the others become a group.
            let first = tokio::spawn(async move {
                let waiting = move |_: &mut dyn Session| {
                    may_go.recv().unwrap();
                    Ok(())
                };
                first.write(Boundary::Unnamed, waiting).await
            });
            let mut group = Vec::new();
            for number in 0..4 {
                let sqlite = Arc::clone(&sqlite);
                let is_good = good & (1 << number) != 0;
                group.push(tokio::spawn(async move {
                    let operation = move |session: &mut dyn Session| {
                        insert(session, number)?;
                        if is_good { Ok(()) } else { Err(StoreError::Stale) }
                    };
                    sqlite.write(Boundary::Unnamed, operation).await.is_ok()
                }));
                tokio::task::yield_now().await;
            }
            go.send(()).unwrap();
            first.await.unwrap().unwrap();
            let mut kept = Vec::new();
            for (number, answer) in (0..4).zip(group) {
                if answer.await.unwrap() {
                    kept.push(number);
                }
            }
            let expected: Vec<i64> = (0..4).filter(|number| good & (1 << number) != 0).collect();
            assert_eq!((&kept, &all(&sqlite).await), (&expected, &expected));
        }
    }

    #[tokio::test]
    async fn a_closed_database_frees_its_lock_and_says_that_it_is_closed() {
        let (directory, sqlite) = numbers();
        sqlite.close().await;
        let lock = File::open(directory.path().join("lock")).unwrap();
        lock.try_lock().unwrap();
        let refused = sqlite.write(Boundary::Unnamed, |session| insert(session, 1)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Closed));
    }
}
