//! Runs: units of work, each a row that is all its state.
//!
//! A step reads the row and its commit moves it on, so a process that dies between two steps loses nothing. What a run
//! may be, and what a worker is given of it, stands here; how it gets from one state to another in `accept`, `claims`,
//! `steps` and `holds`.

use jiff::SignedDuration;

use super::Document;
use super::sql::{DatabaseError, Row, Session, Value, values};
use crate::credentials::Sealed;
use crate::identity::{Lane, Name, RunId};
use crate::vocabulary::Operation;

/// The states of an unfinished run, as the partial indexes spell them.
pub(super) const UNFINISHED: &str =
    "(state = 'queued' OR state = 'waiting' OR state = 'running' OR state = 'blocked' OR state = 'parked')";

/// The states that the index of runs in order holds. SQLite uses it only for those who say the same.
pub(super) const IN_ORDER: &str = "(state = 'queued' OR state = 'waiting' OR state = 'running' OR state = 'blocked' OR state = 'parked' OR state = 'held')";

/// Proof that a run is a worker's. What it brings is taken as long as nobody else has claimed the run since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) run: RunId,
    pub(crate) epoch: i64,
    /// What it must stay in order with, within its connection.
    pub(crate) order_key: Option<String>,
    /// Held work that goes on once this run has succeeded.
    pub(crate) canary_for: Option<String>,
}

impl Lease {
    /// Whether other work may follow from this run's success.
    pub(super) fn brings_more(&self) -> bool {
        self.canary_for.as_ref().is_some_and(|cause| !cause.is_empty())
    }
}

/// What a run is for.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// A room's history.
    Import,
    /// A document that a provider is to have.
    Delivery(Document),
    /// What came by webhook.
    Event { format: String, payload: String },
    /// A record that was held and is looked at again.
    Record { payload: String, room_id: String },
}

/// Where a run stands, with what its next step needs of the connection.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) lease: Lease,
    pub(crate) lane: Lane,
    pub(crate) task: Task,
    /// What it is about: a room, the reference of a document, the id of an event, the key of a record.
    pub(crate) room: String,
    pub(crate) room_id: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) pages: u32,
    pub(crate) refreshing: bool,
    /// Refreshes since the provider last accepted a call.
    pub(crate) refreshes_in_a_row: u32,
    /// Failed attempts at this step.
    pub(crate) failures_in_a_row: u32,
    /// Waits for a rate limit at this step since its last failed attempt.
    pub(crate) rate_limits_in_a_row: u32,
    /// Calls of this step that did not get it done, for whatever reason.
    pub(crate) calls_in_vain: u32,
    /// How often its cursor was no longer good.
    pub(crate) begun_anew: u32,
    pub(crate) provider: String,
    pub(crate) base_url: String,
    pub(crate) ca_pem: Option<String>,
    pub(crate) sealed: Sealed,
    pub(crate) generation: i64,
    /// Its credential is useless.
    pub(crate) paused: bool,
    /// Its work was held for the same reason again and again.
    pub(crate) halted: bool,
    pub(crate) max_requests_per_second: Option<f64>,
    /// After so many failed attempts in a row a person is told.
    pub(crate) alert_after_failures: u32,
    /// How long the provider knows a write again by its key; `None` for ever.
    pub(crate) key_retention: Option<SignedDuration>,
}

impl Claim {
    pub(crate) fn run(&self) -> RunId {
        self.lease.run
    }

    pub(crate) fn operation(&self) -> Operation {
        match (&self.task, &self.room_id) {
            (Task::Delivery(document), _) if document.delivered => Operation::Confirm,
            (Task::Delivery(_), _) => Operation::Deliver,
            (Task::Event { .. } | Task::Record { .. }, _) => Operation::Apply,
            (Task::Import, _) if self.refreshing => Operation::Refresh,
            (Task::Import, None) => Operation::ResolveAlias,
            (Task::Import, Some(_)) => Operation::Messages,
        }
    }

    /// An import that has not begun, for tests.
    #[cfg(test)]
    pub(crate) fn sample(run: RunId, lane: Lane, room: &str) -> Self {
        Self {
            lease: Lease { run, epoch: 1, order_key: None, canary_for: None },
            lane,
            task: Task::Import,
            room: room.to_owned(),
            room_id: None,
            cursor: None,
            pages: 0,
            refreshing: false,
            refreshes_in_a_row: 0,
            failures_in_a_row: 0,
            rate_limits_in_a_row: 0,
            calls_in_vain: 0,
            begun_anew: 0,
            provider: "http".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            ca_pem: None,
            sealed: Sealed(Vec::new()),
            generation: 1,
            paused: false,
            halted: false,
            max_requests_per_second: None,
            alert_after_failures: 3,
            key_retention: Some(SignedDuration::from_hours(24)),
        }
    }

    /// The same for each attempt at this step, and for no other step of its connection: those that failed together are
    /// not to come back together.
    pub(crate) fn step_key(&self) -> String {
        let place = match self.task {
            Task::Import => self.cursor.as_deref().unwrap_or_default(),
            _ => &self.room,
        };
        format!("{}:{place}", self.operation().word())
    }

    /// Which call of this step the next one is; 1 for the first.
    pub(crate) fn attempt(&self) -> u32 {
        1 + self.calls_in_vain
    }
}

/// The connection that a row names.
pub(super) fn lane_of(row: &Row) -> Result<Lane, DatabaseError> {
    let name = |column: &str| {
        Name::parse(&row.text(column)?)
            .ok_or_else(|| DatabaseError::Column { column: column.to_owned(), expected: "a name" })
    };
    Ok(Lane { tenant: name("tenant")?, connection: name("connection")? })
}

/// What `lock` holds back: everything that decides who is first of an order key.
pub(super) fn order_lock(lane: &Lane, order_key: &str) -> String {
    format!("{}/{}/{order_key}", lane.tenant.as_str(), lane.connection.as_str())
}

/// Lets the next of an order key go, once the run before it is out of the way.
pub(super) fn promote(session: &mut dyn Session, lane: &Lane, lease: &Lease) -> Result<(), DatabaseError> {
    let Some(order_key) = &lease.order_key else { return Ok(()) };
    session.lock(&mut vec![order_lock(lane, order_key)])?;
    let key = values![lane.tenant.as_str(), lane.connection.as_str(), order_key];
    let first = session.query_row(&first_blocked(), &key)?;
    let Some(first) = first.map_or(Ok(None), |row| row.optional_integer("id"))? else { return Ok(()) };
    let sql = format!(
        "UPDATE runs SET state = 'queued' WHERE id = ?4 AND NOT EXISTS (
             SELECT 1 FROM runs AS other WHERE {OF_KEY} AND {IN_ORDER}
             AND (other.state = 'queued' OR other.state = 'waiting' OR other.state = 'running'
                  OR (other.state = 'held' AND other.order_key LIKE 'strict:%')))"
    );
    let [tenant, connection, order_key] = key;
    session.execute(&sql, &[tenant, connection, order_key, Value::Integer(first)])?;
    Ok(())
}

const OF_KEY: &str = "tenant = ?1 AND connection = ?2 AND order_key = ?3";

/// Says what the index says, since SQLite does not see by itself that a state is one of several, and nothing for which it
/// would make a table.
fn first_blocked() -> String {
    format!("SELECT min(id) AS id FROM runs WHERE {OF_KEY} AND {IN_ORDER} AND state = 'blocked'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Synchronous, schema};

    #[test]
    fn what_comes_next_is_found_without_looking_at_other_runs() {
        let directory = tempfile::tempdir().unwrap();
        let database = schema::open(&directory.path().join("runtime.db"), Synchronous::Full).unwrap();
        let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {}", first_blocked())).unwrap();
        let plan: Vec<String> =
            statement.query_map(["a", "b", "c"], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(
            plan.iter().all(|step| step.contains("INDEX runs_in_order (tenant=? AND connection=?")),
            "{plan:?}"
        );
    }

    #[test]
    fn no_table_is_made_to_write_a_run() {
        let directory = tempfile::tempdir().unwrap();
        let database = schema::open(&directory.path().join("runtime.db"), Synchronous::Full).unwrap();
        for (sql, makes_one) in [
            ("UPDATE runs SET state = 'succeeded' WHERE id = 1", false),
            ("UPDATE runs SET state = 'succeeded' WHERE id = 1 RETURNING id", true),
        ] {
            let mut statement = database.prepare(&format!("EXPLAIN {sql}")).unwrap();
            let steps = statement.query_map([], |row| row.get::<_, String>(1)).unwrap();
            let made = steps.filter(|step| step.as_deref() == Ok("OpenEphemeral")).count();
            assert_eq!(made > 0, makes_one, "{sql}");
        }
    }
}
