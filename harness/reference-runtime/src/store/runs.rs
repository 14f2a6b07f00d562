//! Runs: accepted, claimed one step at a time, taken up again after a restart.
//!
//! A run's row is all its state. Each step reads it anew and its commit moves it on, so a process that dies between
//! two steps loses nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Document, Store, StoreError, documents, instant};
use crate::credentials::Sealed;
use crate::identity::{Lane, Name, RunId};
use crate::plants::{Plant, Plants};
use crate::vocabulary::Operation;

/// At most this many runs may be unfinished.
const MAX_UNFINISHED: i64 = 1_000;

/// The provider whose API an import speaks.
const IMPORTS_FROM: &str = "matrix";

/// The states of an unfinished run, as the partial index spells them.
const UNFINISHED: &str = "runs.state IN ('queued', 'running', 'waiting')";

/// What became of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    Run(RunId),
    UnknownConnection,
    /// An import knows one provider's API, and the connection is to another.
    OtherProvider,
    QueueFull,
}

/// What a run is asked for.
#[derive(Debug)]
pub(crate) enum Order {
    Import {
        room: String,
    },
    Delivery {
        /// What the document is called by whoever hands it over.
        reference: String,
        document: Document,
    },
}

/// What a lane is to do next.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// Nothing.
    Idle,
    /// Wait: its first run may not go on before then.
    Wait(Timestamp),
    /// Take this step.
    Step(Box<Claim>),
}

/// Where a run stands, with what its next step needs of the connection.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) run: RunId,
    pub(crate) lane: Lane,
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
    /// What is to be delivered; `None` for an import.
    pub(crate) document: Option<Document>,
    pub(crate) base_url: String,
    pub(crate) ca_pem: Option<String>,
    pub(crate) sealed: Sealed,
    pub(crate) generation: i64,
    pub(crate) paused: bool,
    pub(crate) max_requests_per_second: Option<f64>,
}

impl Claim {
    pub(crate) fn operation(&self) -> Operation {
        if let Some(document) = &self.document {
            return if document.delivered { Operation::Confirm } else { Operation::Deliver };
        }
        match self.room_id {
            _ if self.refreshing => Operation::Refresh,
            None => Operation::ResolveAlias,
            Some(_) => Operation::Messages,
        }
    }

    /// The same for each attempt at this step, and for no other step.
    pub(crate) fn step_key(&self) -> String {
        format!("{}:{}", self.operation().word(), self.cursor.as_deref().unwrap_or_default())
    }

    /// Which call of this step the next one is; 1 for the first.
    pub(crate) fn attempt(&self) -> u32 {
        1 + self.calls_in_vain
    }
}

impl Store {
    /// Makes a run durable. A room that is no alias is its own room id.
    pub(crate) async fn accept_run(
        &self,
        lane: Lane,
        order: Order,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        self.transact(move |transaction| {
            let names = [lane.tenant.as_str(), lane.connection.as_str()];
            let provider: Option<String> = transaction
                .query_row(
                    "SELECT provider FROM connections WHERE tenant = ?1 AND connection = ?2",
                    names,
                    |row| row.get(0),
                )
                .optional()?;
            match provider.as_deref() {
                None => return Ok(Accepted::UnknownConnection),
                Some(IMPORTS_FROM) => {}
                Some(_) if matches!(order, Order::Import { .. }) => return Ok(Accepted::OtherProvider),
                Some(_) => {}
            }
            let unfinished: i64 = transaction.query_row(
                &format!("SELECT count(*) FROM runs WHERE {UNFINISHED}"),
                [],
                |row| row.get(0),
            )?;
            if unfinished >= MAX_UNFINISHED {
                return Ok(Accepted::QueueFull);
            }
            let (about, room_id) = match &order {
                Order::Import { room } => (room, (!room.starts_with('#')).then_some(room)),
                Order::Delivery { reference, .. } => (reference, None),
            };
            transaction.execute(
                "INSERT INTO runs (tenant, connection, room, room_id, state, requested_at)
                 VALUES (?1, ?2, ?3, ?4, 'queued', ?5)",
                params![names[0], names[1], about, room_id, now.to_string()],
            )?;
            let run = RunId(transaction.last_insert_rowid());
            if let Order::Delivery { document, .. } = &order {
                documents::insert(transaction, run, document)?;
            }
            Ok(Accepted::Run(run))
        })
        .await
    }

    /// Claims the next step of the first unfinished run of `lane`.
    pub(crate) async fn claim(&self, lane: Lane, now: Timestamp) -> Result<Claimed, StoreError> {
        self.transact(move |transaction| {
            let first = transaction
                .query_row(
                    &format!(
                        "SELECT runs.*, base_url, ca_pem, sealed, generation, max_requests_per_second,
                                connections.state = 'paused' AS paused,
                                expired_generation IS generation AS refreshing
                         FROM runs JOIN connections USING (tenant, connection)
                         WHERE tenant = ?1 AND connection = ?2 AND {UNFINISHED} ORDER BY id LIMIT 1"
                    ),
                    [lane.tenant.as_str(), lane.connection.as_str()],
                    |row| Ok((claim(row, &lane)?, instant(row, "not_before")?)),
                )
                .optional()?;
            match first {
                None => Ok(Claimed::Idle),
                Some((_, Some(not_before))) if not_before > now => Ok(Claimed::Wait(not_before)),
                Some((mut claim, _)) => {
                    claim.document = documents::of_run(transaction, claim.run)?;
                    transaction.execute(
                        "UPDATE runs SET state = 'running', not_before = NULL, detail = NULL WHERE id = ?1",
                        [claim.run.0],
                    )?;
                    Ok(Claimed::Step(Box::new(claim)))
                }
            }
        })
        .await
    }

    /// The lanes that have unfinished runs, that of the oldest run first.
    pub(crate) async fn unfinished_lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.transact(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "SELECT tenant, connection FROM runs WHERE {UNFINISHED} GROUP BY tenant, connection ORDER BY min(id)"
            ))?;
            let names = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let mut lanes = Vec::new();
            for name in names {
                let (tenant, connection) = name?;
                if let (Some(tenant), Some(connection)) = (Name::parse(&tenant), Name::parse(&connection)) {
                    lanes.push(Lane { tenant, connection });
                }
            }
            Ok(lanes)
        })
        .await
    }

    /// Moves a run's cursor on its own, as nothing but a planted bug does.
    pub(crate) async fn save_cursor(&self, run: RunId, cursor: String) -> Result<(), StoreError> {
        self.transact(move |transaction| {
            transaction.execute("UPDATE runs SET cursor = ?2 WHERE id = ?1", params![run.0, cursor])?;
            Ok(())
        })
        .await
    }
}

fn claim(row: &Row<'_>, lane: &Lane) -> rusqlite::Result<Claim> {
    Ok(Claim {
        run: RunId(row.get("id")?),
        lane: lane.clone(),
        room: row.get("room")?,
        room_id: row.get("room_id")?,
        cursor: row.get("cursor")?,
        pages: row.get("pages")?,
        refreshing: row.get("refreshing")?,
        refreshes_in_a_row: row.get("refreshes_in_a_row")?,
        failures_in_a_row: row.get("failures_in_a_row")?,
        rate_limits_in_a_row: row.get("rate_limits_in_a_row")?,
        calls_in_vain: row.get("calls_in_vain")?,
        begun_anew: row.get("begun_anew")?,
        document: None,
        base_url: row.get("base_url")?,
        ca_pem: row.get("ca_pem")?,
        sealed: Sealed(row.get("sealed")?),
        generation: row.get("generation")?,
        paused: row.get("paused")?,
        max_requests_per_second: row.get("max_requests_per_second")?,
    })
}

/// Queues again what a former process left unfinished. Cursors and waits stay as they were committed.
pub(super) fn recover(database: &mut Connection, plants: &Plants) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    transaction
        .execute(&format!("UPDATE runs SET state = 'queued' WHERE state = 'running' AND {UNFINISHED}"), [])?;
    // What was never saved is not there after a restart; nobody can see the difference before one.
    if plants.has(Plant::WaitForgotten) {
        transaction.execute(&format!("UPDATE runs SET not_before = NULL WHERE {UNFINISHED}"), [])?;
    }
    if plants.has(Plant::CursorNotSaved) {
        transaction.execute(&format!("UPDATE runs SET cursor = NULL WHERE {UNFINISHED}"), [])?;
        transaction.execute("DELETE FROM cursors", [])?;
    }
    transaction.commit()
}
