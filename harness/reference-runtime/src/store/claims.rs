//! Who works on what: claims under a lease, and what becomes of those whose worker is lost.
//!
//! A claim raises the run's epoch; whatever an earlier claim still brings is refused by it. A worker renews the leases
//! of all that it holds as long as it lives. One whose lease has run out is taken to be lost, and its runs go to whoever
//! asks next; a run whose worker is lost three times in a row is held, since it may be what kills them.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::holds::{Hold, hold_run};
use super::runs::{UNFINISHED, lane_of};
use super::sql::{DatabaseError, Row, Session, Value, set, values};
use super::steps::{Alert, fenced, insert_alert};
use super::{Claim, Lease, Store, StoreError, Task, documents, from_micros, micros};
use crate::crash::Boundary;
use crate::credentials::Sealed;
use crate::identity::{Lane, RunId};
use crate::plants::{Plant, Plants};
use crate::vocabulary::{AlertKind, AuditOutcome, HoldReason};

/// So often may the worker of a run be lost before the run is held.
const MAX_LAPSES: i64 = 3;

/// How soon a planted bug takes a worker for lost.
const RASH_LEASE: SignedDuration = SignedDuration::from_secs(3);

/// What a worker is given.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) claims: Vec<Claim>,
    /// How many runs were taken, with those that were put aside at once.
    pub(crate) taken: usize,
    /// When there may be more; `None` when nothing waits for a time.
    pub(crate) next: Option<Timestamp>,
    /// What the journal should tell.
    pub(crate) remarks: Vec<(Lane, RunId, &'static str)>,
}

impl Store {
    /// Claims at most `most` runs that are due, the longest due first. What the caller has `in_hand` is its own, however
    /// long ago its lease was renewed; what it does not know that it has, since the answer to a claim was lost, is not.
    pub(crate) async fn claim(
        &self,
        now: Timestamp,
        most: usize,
        in_hand: Vec<Lease>,
    ) -> Result<Claimed, StoreError> {
        let worker = self.worker.clone();
        let is_rash = self.has(Plant::StaleWorkerCommits);
        let lease_us = micros(crate::clock::later(now, if is_rash { RASH_LEASE } else { self.lease }));
        let in_hand = if is_rash { Vec::new() } else { in_hand };
        let silent = self.has(Plant::AlertMissing);
        let (claimed, gone) = self
            .write(Boundary::Claim, move |session| {
                let mut claimed = Claimed::default();
                let lost = lost(session, &in_hand, now)?;
                let gone = give_up_on(session, &lost, now, &mut claimed, silent)?;
                tell_overdue(session, now, silent, &mut claimed)?;
                let rows = take(session, &worker, now, (lease_us, is_rash), most)?;
                claimed.taken = rows.len();
                note_doubts(session, &rows)?;
                claimed.claims = read_claims(session, &rows)?;
                park(session, &mut claimed.claims)?;
                claimed.next = next(session, is_rash)?;
                Ok((claimed, gone))
            })
            .await?;
        self.add_to_backlog(-gone);
        Ok(claimed)
    }

    /// Renews the leases of what this worker has in hand.
    pub(crate) async fn renew_leases(&self, in_hand: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        let lease_us = micros(crate::clock::later(now, self.lease));
        self.write(Boundary::Unnamed, move |session| {
            let sets: Vec<_> = in_hand.iter().map(|lease| set![lease.run.0, lease.epoch, lease_us]).collect();
            let sql = "UPDATE runs SET lease_us = ?3 WHERE id = ?1 AND epoch = ?2 AND state = 'running'";
            session.query_each(sql, &sets)?;
            Ok(())
        })
        .await
    }

    /// Gives a run back unworked, to whoever asks next. Nobody was lost.
    pub(crate) async fn give_back(&self, lease: Lease, not_before: Timestamp) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            // What was intended stays: the call may have been made.
            let set = "state = 'queued', worker = NULL, lease_us = NULL, ready_us = ?3";
            fenced(session, &lease, set, set![micros(not_before)])
        })
        .await
    }

    /// Takes a run for one whose worker was lost: the task that had it in hand fell.
    pub(crate) async fn fell(&self, lease: Lease) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| fenced(session, &lease, "lease_us = 0", Vec::new()))
            .await
    }

    /// Gives back all that this worker still holds, as it stops.
    pub(crate) async fn give_all_back(&self) -> Result<(), StoreError> {
        let worker = self.worker.clone();
        self.write(Boundary::Unnamed, move |session| {
            let sql = "UPDATE runs SET state = 'queued', worker = NULL, lease_us = NULL, epoch = epoch + 1
                       WHERE state = 'running' AND worker = ?1";
            session.execute(sql, &values![worker])?;
            Ok(())
        })
        .await
    }
}

const RELEASED: &str = "state = 'queued', worker = NULL, lease_us = NULL, lapses = lapses + 1";

/// What is read of a run that was lost.
const LOST: &str =
    "id, tenant, connection, epoch, lapses, order_key, canary_for, intent, intent_at, calls_in_vain";

/// Queues again what lost workers held.
fn lost(session: &mut dyn Session, in_hand: &[Lease], now: Timestamp) -> Result<Vec<Row>, DatabaseError> {
    let skip_locked = session.dialect().skip_locked();
    let lapsed =
        format!("SELECT id, epoch FROM runs WHERE state = 'running' AND lease_us <= ?1 {skip_locked}");
    let mut sets = Vec::new();
    for row in session.query(&lapsed, &values![micros(now)])? {
        let (run, epoch) = (RunId(row.integer("id")?), row.integer("epoch")?);
        if !in_hand.iter().any(|lease| lease.run == run && lease.epoch == epoch) {
            sets.push(set![run.0]);
        }
    }
    let sql = format!("UPDATE runs SET {RELEASED} WHERE id = ?1 RETURNING {LOST}");
    Ok(session.query_each(&sql, &sets)?.into_iter().flatten().collect())
}

/// Holds those that have lost their worker too often; how many.
fn give_up_on(
    session: &mut dyn Session,
    lost: &[Row],
    now: Timestamp,
    claimed: &mut Claimed,
    silent: bool,
) -> Result<i64, StoreError> {
    let mut gone = 0;
    for row in lost {
        let (lane, run) = (lane_of(row)?, RunId(row.integer("id")?));
        if row.integer("lapses")? < MAX_LAPSES {
            claimed.remarks.push((lane, run, "worker_lost"));
            continue;
        }
        let detail = format!("its worker was lost {MAX_LAPSES} times in a row while it had it in hand");
        let hold = Hold { reason: HoldReason::Poisoned, key: None, detail, payload: None, room_id: None };
        let lease = Lease {
            run,
            epoch: row.integer("epoch")?,
            order_key: row.optional_text("order_key")?,
            canary_for: row.optional_text("canary_for")?,
        };
        // Nobody claims it any more, who would see it.
        note_doubts(session, std::slice::from_ref(row))?;
        let running = "UPDATE runs SET state = 'running' WHERE id = ?1";
        session.execute(running, &values![run.0])?;
        hold_run(session, &lane, &lease, &hold, now, silent)?;
        claimed.remarks.push((lane, run, "run_held"));
        gone += 1;
    }
    Ok(gone)
}

/// Tells, once, of each run that is not done by when it should be.
fn tell_overdue(
    session: &mut dyn Session,
    now: Timestamp,
    silent: bool,
    claimed: &mut Claimed,
) -> Result<(), DatabaseError> {
    let skip_locked = session.dialect().skip_locked();
    let sql = format!(
        "UPDATE runs SET deadline_us = NULL WHERE id IN (
             SELECT id FROM runs WHERE deadline_us IS NOT NULL AND deadline_us <= ?1 AND {UNFINISHED} {skip_locked})
         RETURNING id, tenant, connection, room, requested_at"
    );
    for row in session.query(&sql, &values![micros(now)])? {
        let (lane, run) = (lane_of(&row)?, RunId(row.integer("id")?));
        let message = format!(
            "{run} ({}) of {} is not done by its deadline",
            row.text("room")?,
            row.text("requested_at")?
        );
        if !silent {
            let alert = Alert { kind: AlertKind::DeadlineMissed, message };
            insert_alert(session, &lane, Some(run), &alert, now)?;
        }
        claimed.remarks.push((lane, run, "deadline_missed"));
    }
    Ok(())
}

const COLUMNS: &str = "id, tenant, connection, kind, room, order_key, epoch, ready_us, canary_for, intent, intent_at, \
     room_id, cursor, pages, expired_generation, refreshes_in_a_row, failures_in_a_row, rate_limits_in_a_row, \
     calls_in_vain, begun_anew";

fn take(
    session: &mut dyn Session,
    worker: &str,
    now: Timestamp,
    (lease_us, is_rash): (i64, bool),
    most: usize,
) -> Result<Vec<Row>, DatabaseError> {
    let skip_locked = session.dialect().skip_locked();
    // What tells an earlier claim from this one, but for a planted bug.
    let raise = if is_rash { 0 } else { 1 };
    let sql = format!(
        "UPDATE runs SET state = 'running', epoch = epoch + {raise}, worker = ?2, lease_us = ?3, detail = NULL
         WHERE id IN (SELECT id FROM runs WHERE state IN ('queued', 'waiting') AND ready_us <= ?1
                      ORDER BY ready_us, id LIMIT ?4 {skip_locked})
         RETURNING {COLUMNS}"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = session.query(&sql, &values![micros(now), worker, lease_us, most])?;
    rows.sort_by_key(|row| {
        (row.integer("ready_us").unwrap_or_default(), row.integer("id").unwrap_or_default())
    });
    Ok(rows)
}

/// Puts together what the claimed runs need of other tables.
fn read_claims(session: &mut dyn Session, rows: &[Row]) -> Result<Vec<Claim>, DatabaseError> {
    let mut lanes: Vec<Lane> = rows.iter().map(lane_of).collect::<Result<_, _>>()?;
    lanes.sort();
    lanes.dedup();
    let sets: Vec<_> =
        lanes.iter().map(|lane| set![lane.tenant.as_str(), lane.connection.as_str()]).collect();
    let connections = session.query_each(
        "SELECT provider, base_url, ca_pem, sealed, generation, state, max_requests_per_second, alert_after_failures,
                idempotency_s
         FROM connections WHERE tenant = ?1 AND connection = ?2",
        &sets,
    )?;
    let connections: HashMap<Lane, Row> =
        lanes.into_iter().zip(connections).filter_map(|(lane, mut rows)| Some((lane, rows.pop()?))).collect();
    let mut details = details(session, rows)?;
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let lane = lane_of(row)?;
        let Some(connection) = connections.get(&lane) else { continue };
        let detail = details.remove(&row.integer("id")?);
        claims.push(claim(row, lane, connection, detail)?);
    }
    Ok(claims)
}

/// The documents and events of claimed runs, by run.
fn details(session: &mut dyn Session, rows: &[Row]) -> Result<HashMap<i64, Row>, DatabaseError> {
    let mut by_table: [(&str, Vec<Vec<Value>>); 2] = [
        ("SELECT * FROM documents WHERE run = ?1", Vec::new()),
        ("SELECT run, format, payload FROM events WHERE run = ?1", Vec::new()),
    ];
    for row in rows {
        match row.text("kind")?.as_str() {
            "delivery" => by_table[0].1.push(set![row.integer("id")?]),
            "event" | "record" => by_table[1].1.push(set![row.integer("id")?]),
            _ => {}
        }
    }
    let mut found = HashMap::new();
    for (sql, sets) in by_table {
        for row in session.query_each(sql, &sets)?.into_iter().flatten() {
            found.insert(row.integer("run")?, row);
        }
    }
    Ok(found)
}

fn claim(row: &Row, lane: Lane, connection: &Row, detail: Option<Row>) -> Result<Claim, DatabaseError> {
    let generation = connection.integer("generation")?;
    let room_id = row.optional_text("room_id")?;
    let task = match (row.text("kind")?.as_str(), detail) {
        ("delivery", Some(detail)) => Task::Delivery(documents::read(&detail)?),
        ("record", Some(detail)) => {
            Task::Record { payload: detail.text("payload")?, room_id: room_id.clone().unwrap_or_default() }
        }
        ("event", Some(detail)) => {
            Task::Event { format: detail.text("format")?, payload: detail.text("payload")? }
        }
        _ => Task::Import,
    };
    Ok(Claim {
        lease: Lease {
            run: RunId(row.integer("id")?),
            epoch: row.integer("epoch")?,
            order_key: row.optional_text("order_key")?,
            canary_for: row.optional_text("canary_for")?,
        },
        lane,
        task,
        room: row.text("room")?,
        room_id,
        cursor: row.optional_text("cursor")?,
        pages: row.count("pages")?,
        refreshing: row.optional_integer("expired_generation")? == Some(generation),
        refreshes_in_a_row: row.count("refreshes_in_a_row")?,
        failures_in_a_row: row.count("failures_in_a_row")?,
        rate_limits_in_a_row: row.count("rate_limits_in_a_row")?,
        calls_in_vain: row.count("calls_in_vain")?,
        begun_anew: row.count("begun_anew")?,
        provider: connection.text("provider")?,
        base_url: connection.text("base_url")?,
        ca_pem: connection.optional_text("ca_pem")?,
        sealed: Sealed(connection.blob("sealed")?),
        generation,
        paused: connection.text("state")? == "paused",
        halted: connection.text("state")? == "halted",
        max_requests_per_second: connection.optional_real("max_requests_per_second")?,
        alert_after_failures: connection.count("alert_after_failures")?,
        key_retention: connection.optional_integer("idempotency_s")?.map(SignedDuration::from_secs),
    })
}

/// Puts aside what belongs to a halted connection, unless it was let go to see whether that is over.
fn park(session: &mut dyn Session, claims: &mut Vec<Claim>) -> Result<(), DatabaseError> {
    let is_parked = |claim: &Claim| claim.halted && claim.lease.canary_for.is_none();
    let sets: Vec<_> =
        claims.iter().filter(|claim| is_parked(claim)).map(|claim| set![claim.run().0]).collect();
    let sql = "UPDATE runs SET state = 'parked', worker = NULL, lease_us = NULL WHERE id = ?1";
    session.query_each(sql, &sets)?;
    claims.retain(|claim| !is_parked(claim));
    Ok(())
}

/// A call that was about to be made when its worker was lost may have been made: the trail says so.
fn note_doubts(session: &mut dyn Session, rows: &[Row]) -> Result<(), DatabaseError> {
    let mut doubts = Vec::new();
    let mut settled = Vec::new();
    let mut writes = Vec::new();
    for row in rows {
        let (Some(intent), Some(at)) = (row.optional_text("intent")?, row.optional_text("intent_at")?) else {
            continue;
        };
        let mut words = intent.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let run = row.integer("id")?;
        let (tenant, connection) = (row.text("tenant")?, row.text("connection")?);
        let attempt = 1 + row.integer("calls_in_vain")?;
        let outcome = AuditOutcome::Unknown.word();
        if let Ok(since) = at.parse() {
            writes.push((RunId(run), since));
        }
        doubts.push(set![at, run, tenant, connection, word(), word(), word(), attempt, outcome]);
        settled.push(set![run]);
    }
    session.query_each(
        "INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, outcome, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'the worker was lost: it may have been made')",
        &doubts,
    )?;
    documents::note_doubts(session, &writes)?;
    session.query_each("UPDATE runs SET intent = NULL, intent_at = NULL WHERE id = ?1", &settled)?;
    Ok(())
}

/// When the next run falls due, or the next deadline.
fn next(session: &mut dyn Session, is_rash: bool) -> Result<Option<Timestamp>, DatabaseError> {
    let leases = "SELECT min(lease_us) AS at FROM runs WHERE state = 'running'";
    let ready = "SELECT min(ready_us) AS at FROM runs WHERE state IN ('queued', 'waiting')";
    let due =
        format!("SELECT min(deadline_us) AS at FROM runs WHERE deadline_us IS NOT NULL AND {UNFINISHED}");
    let mut earliest = None;
    for sql in [ready, &due].into_iter().chain(is_rash.then_some(leases)) {
        let at = session.query_row(sql, &[])?.map_or(Ok(None), |row| row.optional_integer("at"))?;
        earliest = [earliest, at].into_iter().flatten().min();
    }
    Ok(earliest.map(from_micros))
}

/// Takes up what a former process left, where the database is this process's alone: no lease is waited for. Cursors and
/// waits stay as they were committed.
pub(super) fn recover(session: &mut dyn Session, plants: &Plants, now: Timestamp) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE runs SET {RELEASED} WHERE state = 'running'
         RETURNING {LOST}"
    );
    let lost = session.query(&sql, &[])?;
    give_up_on(session, &lost, now, &mut Claimed::default(), plants.has(Plant::AlertMissing))?;
    // What was never saved is not there after a restart; nobody can see the difference before one.
    if plants.has(Plant::WaitForgotten) {
        session.execute(&format!("UPDATE runs SET ready_us = 0 WHERE {UNFINISHED}"), &[])?;
    }
    if plants.has(Plant::CursorNotSaved) {
        session.execute(&format!("UPDATE runs SET cursor = NULL WHERE {UNFINISHED}"), &[])?;
        session.execute("DELETE FROM cursors", &[])?;
    }
    Ok(())
}
