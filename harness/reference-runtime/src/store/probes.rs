//! What the store shows to whoever looks in from outside: one list for each table, for one tenant at a time.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::runs::IN_ORDER;
use super::sql::{DatabaseError, Row, values};
use super::{Store, StoreError};
use crate::identity::{Name, RunId};

/// A tenant's newest 10,000 rows of a table, oldest first: a list has an end, however long it has been growing.
macro_rules! newest {
    ($table:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM ",
            $table,
            " WHERE tenant = ?1 ORDER BY id DESC LIMIT 10000) AS newest ORDER BY id"
        )
    };
}

#[derive(Debug, Serialize)]
pub(crate) struct RunView {
    run: String,
    tenant: String,
    connection: String,
    kind: String,
    room: String,
    state: String,
    imported: u64,
    held_records: u64,
    failed_attempts: u64,
    requested_at: String,
    finished_at: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AuditView {
    at: String,
    /// Null where it belongs to none.
    run: Option<String>,
    tenant: String,
    connection: String,
    operation: String,
    method: String,
    path: String,
    attempt: u32,
    status: Option<u16>,
    outcome: String,
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AlertView {
    at: String,
    tenant: String,
    /// Null where it belongs to none.
    run: Option<String>,
    kind: String,
    message: String,
}

/// How much there is to do.
#[derive(Debug, Serialize)]
pub(crate) struct QueueView {
    unfinished: i64,
    held: i64,
}

impl Store {
    pub(crate) async fn runs(&self, tenant: Name) -> Result<Vec<RunView>, StoreError> {
        self.list(newest!("runs"), tenant, |row| {
            Ok(RunView {
                run: RunId(row.integer("id")?).to_string(),
                tenant: row.text("tenant")?,
                connection: row.text("connection")?,
                kind: row.text("kind")?,
                room: row.text("room")?,
                state: match row.text("state")?.as_str() {
                    // Why it does not go is the queue's business.
                    "blocked" | "parked" => "queued".to_owned(),
                    state => state.to_owned(),
                },
                imported: row.integer("imported")?.unsigned_abs(),
                held_records: row.integer("held_records")?.unsigned_abs(),
                failed_attempts: row.integer("failed_attempts")?.unsigned_abs(),
                requested_at: row.text("requested_at")?,
                finished_at: row.optional_text("finished_at")?,
                detail: row.optional_text("detail")?,
            })
        })
        .await
    }

    pub(crate) async fn audit(&self, tenant: Name) -> Result<Vec<AuditView>, StoreError> {
        self.list(newest!("audit"), tenant, |row| {
            Ok(AuditView {
                at: row.text("at")?,
                run: optional_run(row)?,
                tenant: row.text("tenant")?,
                connection: row.text("connection")?,
                operation: row.text("operation")?,
                method: row.text("method")?,
                path: row.text("path")?,
                attempt: row.count("attempt")?,
                status: row.optional_integer("status")?.and_then(|status| u16::try_from(status).ok()),
                outcome: row.text("outcome")?,
                detail: row.optional_text("detail")?,
            })
        })
        .await
    }

    pub(crate) async fn alerts(&self, tenant: Name) -> Result<Vec<AlertView>, StoreError> {
        self.list(newest!("alerts"), tenant, |row| {
            Ok(AlertView {
                at: row.text("at")?,
                tenant: row.text("tenant")?,
                run: optional_run(row)?,
                kind: row.text("kind")?,
                message: row.text("message")?,
            })
        })
        .await
    }

    /// How much there is to do, counted.
    pub(crate) async fn queue(&self) -> Result<QueueView, StoreError> {
        self.read(|session| {
            let mut count = |sql: &str| -> Result<i64, DatabaseError> {
                session.query_row(sql, &[])?.map_or(Ok(0), |row| row.integer("rows"))
            };
            Ok(QueueView {
                unfinished: count(&count_unfinished())?,
                held: count("SELECT count(*) AS rows FROM holds WHERE state = 'open'")?,
            })
        })
        .await
    }

    /// Counts what is unfinished anew: other processes, too, accept and finish.
    pub(crate) async fn recount(&self) -> Result<(), StoreError> {
        let unfinished = self.queue().await?.unfinished;
        self.backlog.store(unfinished, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        tenant: Name,
        view: fn(&Row) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(move |session| {
            let rows = session.query(sql, &values![tenant.as_str()])?;
            Ok(rows.iter().map(view).collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// State by state, so that each is counted by an index that holds no finished run. Only a run with an order key is ever
/// blocked.
fn count_unfinished() -> String {
    let counted = |condition: &str| format!("(SELECT count(*) FROM runs WHERE {condition})");
    let ordered = format!("order_key IS NOT NULL AND {IN_ORDER} AND state = 'blocked'");
    let states = ["state IN ('queued', 'waiting')", "state = 'running'", "state = 'parked'", &ordered];
    format!("SELECT {} AS rows", states.map(counted).join(" + "))
}

/// The run that a row belongs to, where it does to one.
fn optional_run(row: &Row) -> Result<Option<String>, DatabaseError> {
    Ok(row.optional_integer("run")?.map(|number| RunId(number).to_string()))
}
