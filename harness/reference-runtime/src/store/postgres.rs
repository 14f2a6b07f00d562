//! PostgreSQL: a bounded pool of connections, each operation a transaction of its own, and word of new work by NOTIFY.
//!
//! An operation is written for a database that answers at once; here it runs on a thread that may wait, and each
//! statement is a round trip, but for those of `query_each`, which go out together. No transaction is open while
//! anything else is waited for: it begins when the operation does and ends with it.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts, Transaction,
};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{AsyncMessage, Config, NoTls};

use super::StoreError;
use super::sql::{DatabaseError, Dialect, Row, Session, Value};
use crate::crash::{Boundary, Crash};

/// Connections of one process.
const CONNECTIONS: usize = 12;

/// An operation waits no longer than this for a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The channel on which a process says that there is work.
const CHANNEL: &str = "counterpart_work";

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedServer {
    #[error("the URL is not understood: {0}; expected postgres://user:password@host:port/database")]
    Url(String),
    #[error(
        "{setting} is {found}: a commit would not be on the disk when it is answered; set it to on, or use another server"
    )]
    NotDurable { setting: &'static str, found: String },
    #[error("{0}; check that the server runs and that the URL's user may create tables in the database")]
    Database(#[from] DatabaseError),
}

/// A handle on the pool.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool,
    config: Config,
    crash: Crash,
}

impl Postgres {
    /// Connects, and refuses a server that does not keep what it has confirmed.
    pub(super) async fn connect(url: &str, crash: Crash) -> Result<Self, RefusedServer> {
        let mut config = Config::from_str(url).map_err(|error| RefusedServer::Url(error.to_string()))?;
        config.connect_timeout(LONGEST_WAIT).application_name("counterpart runtime");
        // Said on every connection, whatever the server's or the user's default is.
        config.options("-c synchronous_commit=on");
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let wait = Some(LONGEST_WAIT);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .build()
            .map_err(|error| RefusedServer::Url(error.to_string()))?;
        let postgres = Self { pool, config, crash };
        postgres.assert_durable().await?;
        Ok(postgres)
    }

    async fn assert_durable(&self) -> Result<(), RefusedServer> {
        let client = self.pool.get().await.map_err(no_connection)?;
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let row = client.query_one(&format!("SHOW {setting}"), &[]).await.map_err(DatabaseError::from)?;
            let found: String = row.get(0);
            if found != "on" {
                return Err(RefusedServer::NotDurable { setting, found });
            }
        }
        Ok(())
    }

    /// Runs `operation` in a transaction and returns once it is committed, or undone.
    pub(super) async fn transact<T: Send + 'static>(
        &self,
        boundary: Boundary,
        operation: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let postgres = self.clone();
        // Carried to its end even if the caller is gone.
        let handle = Handle::current();
        let running = tokio::task::spawn_blocking(move || {
            let mut client = handle.block_on(postgres.pool.get()).map_err(|error| match error {
                PoolError::Closed => StoreError::Closed,
                other => no_connection(other).into(),
            })?;
            let transaction = handle.block_on(client.transaction()).map_err(DatabaseError::from)?;
            let mut session = PostgresSession { transaction, handle: handle.clone() };
            let result = operation(&mut session);
            let PostgresSession { transaction, .. } = session;
            match result {
                Ok(done) => {
                    postgres.crash.before_commit(&[boundary]);
                    handle.block_on(transaction.commit()).map_err(DatabaseError::from)?;
                    postgres.crash.after_commit(&[boundary]);
                    Ok(done)
                }
                Err(error) => {
                    // A connection that cannot even undo is not used again; its server undoes.
                    let _ = handle.block_on(transaction.rollback());
                    Err(error)
                }
            }
        });
        running.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs statements that need no parameters, all or none of them.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), DatabaseError> {
        let client = self.pool.get().await.map_err(no_connection)?;
        Ok(client.batch_execute(sql).await?)
    }

    /// Tells the other processes that there is work.
    pub(super) async fn tell(&self) -> Result<(), DatabaseError> {
        self.batch(&format!("NOTIFY {CHANNEL}")).await
    }

    /// Rings `bell` when a process tells of work; returns when the connection breaks.
    pub(super) async fn listen(&self, bell: &Notify) -> Result<(), DatabaseError> {
        let (client, mut connection) = self.config.connect(NoTls).await?;
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        let listening = async {
            client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
            // Whatever came before is found by looking once.
            bell.notify_one();
            std::future::pending::<Result<(), tokio_postgres::Error>>().await
        };
        let ringing = async {
            while let Some(message) = messages.next().await {
                if let AsyncMessage::Notification(_) = message? {
                    bell.notify_one();
                }
            }
            Ok::<(), tokio_postgres::Error>(())
        };
        tokio::select! {
            ended = listening => Ok(ended?),
            ended = ringing => Ok(ended?),
        }
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Postgres")
    }
}

fn no_connection(error: PoolError) -> DatabaseError {
    match error {
        PoolError::Backend(error) => error.into(),
        other => DatabaseError::NoConnection(other.to_string()),
    }
}

struct PostgresSession<'a> {
    transaction: Transaction<'a>,
    handle: Handle,
}

impl Session for PostgresSession<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let transaction = &self.transaction;
        self.handle.block_on(async {
            let statement = transaction.prepare_cached(&numbered(sql)).await?;
            rows(transaction.query(&statement, &borrowed(parameters)).await?)
        })
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, DatabaseError> {
        let transaction = &self.transaction;
        self.handle.block_on(async {
            let statement = transaction.prepare_cached(&numbered(sql)).await?;
            Ok(transaction.execute(&statement, &borrowed(parameters)).await?)
        })
    }

    fn query_each(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DatabaseError> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = &self.transaction;
        self.handle.block_on(async {
            let statement = transaction.prepare_cached(&numbered(sql)).await?;
            let statement = &statement;
            // Polled in their order, they are sent in their order, without waiting for each other's answers.
            let answers = sets
                .iter()
                .map(|parameters| async move { transaction.query(statement, &borrowed(parameters)).await });
            try_join_all(answers).await?.into_iter().map(rows).collect()
        })
    }

    fn lock(&mut self, names: &mut Vec<String>) -> Result<(), DatabaseError> {
        // Always in the same order, so that no two transactions wait for each other.
        names.sort();
        names.dedup();
        let sets: Vec<_> = names.iter().map(|name| vec![Value::from(name)]).collect();
        self.query_each("SELECT 1 AS one FROM pg_advisory_xact_lock(hashtextextended(?1, 0))", &sets)?;
        Ok(())
    }
}

/// `?1` in the words of PostgreSQL.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

fn borrowed(parameters: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn rows(answered: Vec<tokio_postgres::Row>) -> Result<Vec<Row>, DatabaseError> {
    let Some(first) = answered.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    let row = |row: tokio_postgres::Row| {
        let values = (0..row.len()).map(|place| value(&row, place)).collect::<Result<_, _>>()?;
        Ok(Row { columns: Arc::clone(&columns), values })
    };
    answered.into_iter().map(row).collect()
}

fn value(row: &tokio_postgres::Row, place: usize) -> Result<Value, DatabaseError> {
    let column = &row.columns()[place];
    Ok(match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(place)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(place)?.map(i64::from).into(),
        Type::BOOL => row.try_get::<_, Option<bool>>(place)?.into(),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(place)?.into(),
        Type::TEXT | Type::VARCHAR | Type::UNKNOWN => row.try_get::<_, Option<String>>(place)?.into(),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place)?.into(),
        _ => {
            return Err(DatabaseError::Column {
                column: column.name().to_owned(),
                expected: "a type of ours",
            });
        }
    })
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Integer(number) if *kind == Type::BOOL => (*number != 0).to_sql(kind, out),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Real(number) => number.to_sql(kind, out),
            // What SQLite keeps in a text, PostgreSQL refuses: U+0000.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
