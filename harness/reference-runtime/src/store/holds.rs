//! What cannot go on is held: kept with its reason, told, let go again or discarded by a person, never lost.
//!
//! Holds for the same cause share a fingerprint, so that they can be let go together: first one, and the others once
//! that one has succeeded. When everything that a connection does is held for one cause, again and again, the connection
//! is halted: what is queued waits for a person instead of failing one by one.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::accept::{INSERT_EVENT, NewRun, insert_runs};
use super::runs::{IN_ORDER, lane_of, order_lock, promote};
use super::sql::{DatabaseError, Row, Session, set, values};
use super::steps::{Alert, insert_alert, step};
use super::{Lease, Store, StoreError, documents, micros};
use crate::crash::Boundary;
use crate::identity::{HoldId, Lane, Name, RunId};
use crate::vocabulary::{AlertKind, HoldReason};

/// After so many holds in a row for one cause a connection is halted.
const HALT_AFTER: i64 = 20;

/// Marks a run that may go although its connection is halted, and brings nothing else with it.
const ALONE: &str = "";

/// Something that is kept for a person.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) reason: HoldReason,
    pub(crate) key: Option<String>,
    pub(crate) detail: String,
    /// The record as it came, as JSON text.
    pub(crate) payload: Option<String>,
    /// Where a record that is held by itself would be written; `None` where the run is held.
    pub(crate) room_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    id: String,
    at: String,
    tenant: String,
    /// Null where it is from before there were connections in holds.
    connection: Option<String>,
    run: Option<String>,
    reason: String,
    fingerprint: String,
    state: String,
    key: Option<String>,
    detail: String,
    /// As it came, byte for byte; as a text, where it is nothing that every reader of JSON could read.
    payload: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_by: Option<String>,
}

/// What is let go.
#[derive(Debug, Clone)]
pub(crate) enum ReleaseScope {
    One(HoldId),
    /// All of a tenant that are held for one cause, or for any but that a write may have been done: what is sent again
    /// then may be there twice, so each such cause is named.
    Fingerprint(Option<String>),
}

/// How it is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Release {
    /// The oldest of each cause, and the others once it has succeeded.
    Canary,
    All,
}

/// What became of a request to let go or to discard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// So many.
    Done(usize),
    NoSuchHold,
    /// Somebody was faster.
    Before,
}

impl Store {
    /// The oldest 10,000 holds of a tenant that are open, or of all there ever were.
    pub(crate) async fn holds(&self, tenant: Name, settled_too: bool) -> Result<Vec<HoldView>, StoreError> {
        let sql = match settled_too {
            false => "SELECT * FROM holds WHERE tenant = ?1 AND state = 'open' ORDER BY id LIMIT 10000",
            true => "SELECT * FROM holds WHERE tenant = ?1 ORDER BY id LIMIT 10000",
        };
        self.list(sql, tenant, view).await
    }

    pub(crate) async fn hold(&self, tenant: Name, hold: HoldId) -> Result<Option<HoldView>, StoreError> {
        self.read(move |session| {
            let sql = "SELECT * FROM holds WHERE tenant = ?1 AND id = ?2";
            let row = session.query_row(sql, &values![tenant.as_str(), hold.0])?;
            Ok(row.as_ref().map(view).transpose()?)
        })
        .await
    }

    /// Lets held work go on. What is let go is worked on anew, with all its attempts.
    pub(crate) async fn release(
        &self,
        tenant: Name,
        scope: ReleaseScope,
        how: Release,
        by: String,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let settled = self
            .write(Boundary::Released, move |session| {
                let rows = open_holds(session, &tenant, &scope)?;
                if let ReleaseScope::One(hold) = &scope {
                    return match rows.first() {
                        Some(row) => {
                            release(session, row, ALONE, &by, now)?;
                            Ok(Settled::Done(1))
                        }
                        None => missing(session, &tenant, *hold),
                    };
                }
                let mut released = 0;
                let (mut causes, mut lanes) = (Vec::new(), Vec::new());
                for row in &rows {
                    let fingerprint = row.text("fingerprint")?;
                    let is_first = !causes.contains(&fingerprint);
                    match how {
                        Release::Canary if !is_first => continue,
                        Release::Canary => release(session, row, &fingerprint, &by, now)?,
                        Release::All => release(session, row, ALONE, &by, now)?,
                    }
                    released += 1;
                    if is_first {
                        causes.push(fingerprint);
                        lanes.push(lane_of(row)?);
                    }
                }
                if how == Release::All {
                    lanes.iter().try_for_each(|lane| resume(session, lane))?;
                }
                Ok(Settled::Done(released))
            })
            .await?;
        self.recount().await?;
        Ok(settled)
    }

    /// Gives held work up for good. The trail says who did, and why; the payload stays with the hold.
    pub(crate) async fn discard(
        &self,
        tenant: Name,
        hold: HoldId,
        (by, why): (String, String),
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(Boundary::Released, move |session| {
            let Some(row) = open_holds(session, &tenant, &ReleaseScope::One(hold))?.pop() else {
                return missing(session, &tenant, hold);
            };
            settle(session, &row, "discarded", &by, now)?;
            if row.optional_text("room_id")?.is_none() {
                let run = row.optional_integer("run")?;
                if let Some(run) = run {
                    documents::forget(session, RunId(run))?;
                }
                let sql =
                    "UPDATE runs SET state = 'discarded', finished_us = ?2 WHERE id = ?1 AND state = 'held'
                           RETURNING order_key";
                // What it held up goes on.
                if let Some(discarded) = session.query_row(sql, &values![run, micros(now)])? {
                    let order_key = discarded.optional_text("order_key")?;
                    let lease = Lease { run: RunId(0), epoch: 0, order_key, canary_for: None };
                    promote(session, &lane_of(&row)?, &lease)?;
                }
            }
            audit(session, &row, "discard", &format!("by {by}: {why}"), now)?;
            Ok(Settled::Done(1))
        })
        .await
    }
}

/// Holds a run, which the caller has made sure is still its own.
pub(super) fn hold_run(
    session: &mut dyn Session,
    lane: &Lane,
    lease: &Lease,
    hold: &Hold,
    now: Timestamp,
    silent: bool,
) -> Result<(), StoreError> {
    let set = "state = 'held', finished_at = ?3, detail = ?4, canary_for = NULL";
    step(session, lease, set, set![now.to_string(), &hold.detail])?;
    insert(session, lane, Some(lease.run), hold, now)?;
    if !silent {
        insert_alert(session, lane, Some(lease.run), &alert_for(lease.run, hold), now)?;
    }
    promote(session, lane, lease)?;
    count_hold(session, lane, lease.run, hold, now, silent)
}

pub(super) fn insert(
    session: &mut dyn Session,
    lane: &Lane,
    run: Option<RunId>,
    hold: &Hold,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    session.execute(
        "INSERT INTO holds (at, tenant, connection, run, reason, key, detail, payload, room_id, fingerprint, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open')",
        &values![
            now.to_string(),
            lane.tenant.as_str(),
            lane.connection.as_str(),
            run.map(|run| run.0),
            hold.reason.word(),
            hold.key.as_ref(),
            &hold.detail,
            hold.payload.as_ref(),
            hold.room_id.as_ref(),
            fingerprint(lane, hold)
        ],
    )?;
    Ok(())
}

/// The same for all that one connection holds for one cause: what differs from one time to the next are numbers.
fn fingerprint(lane: &Lane, hold: &Hold) -> String {
    let mut hash = Sha256::new();
    for part in [lane.connection.as_str(), hold.reason.word()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut was_digit = false;
    for character in hold.detail.chars() {
        let is_digit = character.is_ascii_digit();
        match is_digit {
            true if was_digit => {}
            true => hash.update("#"),
            false => hash.update(character.encode_utf8(&mut [0; 4])),
        }
        was_digit = is_digit;
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Halts a connection that is held for one cause again and again.
fn count_hold(
    session: &mut dyn Session,
    lane: &Lane,
    run: RunId,
    hold: &Hold,
    now: Timestamp,
    silent: bool,
) -> Result<(), StoreError> {
    // What is held for what it is costs no call, and says nothing of what comes next.
    if matches!(hold.reason, HoldReason::UnknownEvent | HoldReason::InvalidRecord) {
        return Ok(());
    }
    let names = set![lane.tenant.as_str(), lane.connection.as_str()];
    let mut counting = names.clone();
    counting.extend(set![fingerprint(lane, hold)]);
    let counted = session.query_row(
        "UPDATE connections SET hold_streak = CASE WHEN hold_fingerprint = ?3 THEN hold_streak + 1 ELSE 1 END,
                hold_fingerprint = ?3
         WHERE tenant = ?1 AND connection = ?2 RETURNING hold_streak, state",
        &counting,
    )?;
    let Some(counted) = counted else { return Ok(()) };
    if counted.integer("hold_streak")? < HALT_AFTER || counted.text("state")? != "active" {
        return Ok(());
    }
    let sql = "UPDATE connections SET state = 'halted' WHERE tenant = ?1 AND connection = ?2";
    session.execute(sql, &names)?;
    let sql = "UPDATE runs SET state = 'parked' WHERE tenant = ?1 AND connection = ?2 AND canary_for IS NULL
               AND state IN ('queued', 'waiting', 'blocked')";
    session.execute(sql, &names)?;
    if silent {
        return Ok(());
    }
    let message = format!(
        "{} is halted: {HALT_AFTER} runs in a row were held for one cause, the last: {}; release one as a canary",
        lane.connection.as_str(),
        hold.detail
    );
    let alert = Alert { kind: AlertKind::ConnectionHalted, message };
    Ok(insert_alert(session, lane, Some(run), &alert, now)?)
}

/// What a success says about earlier holds: their cause may be gone.
pub(super) fn after_success(
    session: &mut dyn Session,
    lane: &Lane,
    lease: &Lease,
    now: Timestamp,
) -> Result<(), StoreError> {
    let names = set![lane.tenant.as_str(), lane.connection.as_str()];
    let sql = "UPDATE connections SET hold_streak = 0, hold_fingerprint = NULL
               WHERE tenant = ?1 AND connection = ?2 AND hold_streak > 0";
    session.execute(sql, &names)?;
    let Some(cause) = lease.canary_for.as_ref().filter(|cause| *cause != ALONE) else { return Ok(()) };
    let scope = ReleaseScope::Fingerprint(Some(cause.clone()));
    for row in open_holds(session, &lane.tenant, &scope)? {
        release(session, &row, ALONE, "the canary's success", now)?;
    }
    // What came later, and was kept from going, goes behind them.
    Ok(resume(session, lane)?)
}

/// Lets a halted connection work again.
pub(super) fn resume(session: &mut dyn Session, lane: &Lane) -> Result<(), DatabaseError> {
    let names = set![lane.tenant.as_str(), lane.connection.as_str()];
    session.execute(
        "UPDATE connections SET state = 'active', hold_streak = 0, hold_fingerprint = NULL
         WHERE tenant = ?1 AND connection = ?2 AND state = 'halted'",
        &names,
    )?;
    let sql = "SELECT DISTINCT order_key FROM runs WHERE tenant = ?1 AND connection = ?2 AND state = 'parked'
               AND order_key IS NOT NULL";
    let keys: Vec<String> =
        session.query(sql, &names)?.iter().map(|row| row.text("order_key")).collect::<Result<_, _>>()?;
    session.lock(&mut keys.iter().map(|key| order_lock(lane, key)).collect())?;
    session.execute(
        "UPDATE runs SET state = CASE WHEN order_key IS NULL THEN 'queued' ELSE 'blocked' END
         WHERE tenant = ?1 AND connection = ?2 AND state = 'parked'",
        &names,
    )?;
    for order_key in keys {
        let lease = Lease { run: RunId(0), epoch: 0, order_key: Some(order_key), canary_for: None };
        promote(session, lane, &lease)?;
    }
    Ok(())
}

fn open_holds(
    session: &mut dyn Session,
    tenant: &Name,
    scope: &ReleaseScope,
) -> Result<Vec<Row>, DatabaseError> {
    let skip_locked = session.dialect().skip_locked();
    let columns = "id, tenant, connection, run, key, payload, room_id, fingerprint";
    let open = format!("SELECT {columns} FROM holds WHERE tenant = ?1 AND state = 'open'");
    match scope {
        ReleaseScope::One(hold) => {
            session.query(&format!("{open} AND id = ?2 {skip_locked}"), &values![tenant.as_str(), hold.0])
        }
        ReleaseScope::Fingerprint(Some(cause)) => session.query(
            &format!("{open} AND fingerprint = ?2 ORDER BY run, id {skip_locked}"),
            &values![tenant.as_str(), cause],
        ),
        ReleaseScope::Fingerprint(None) => session.query(
            &format!("{open} AND reason <> ?2 ORDER BY run, id {skip_locked}"),
            &values![tenant.as_str(), HoldReason::OutcomeUnknown.word()],
        ),
    }
}

fn missing(session: &mut dyn Session, tenant: &Name, hold: HoldId) -> Result<Settled, StoreError> {
    let sql = "SELECT id FROM holds WHERE tenant = ?1 AND id = ?2";
    let found = session.query_row(sql, &values![tenant.as_str(), hold.0])?;
    Ok(if found.is_some() { Settled::Before } else { Settled::NoSuchHold })
}

/// Lets one hold go. `canary_for` is the cause whose other holds follow it.
fn release(
    session: &mut dyn Session,
    row: &Row,
    canary_for: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let lane = lane_of(row)?;
    settle(session, row, "released", by, now)?;
    audit(session, row, "release", &format!("by {by}"), now)?;
    if let Some(room_id) = row.optional_text("room_id")? {
        return look_again(session, row, &lane, &room_id, canary_for, now);
    }
    let Some(run) = row.optional_integer("run")? else { return Ok(()) };
    let sql = "SELECT order_key FROM runs WHERE id = ?1 AND state = 'held'";
    let Some(held) = session.query_row(sql, &values![run])? else { return Ok(()) };
    let order_key = held.optional_text("order_key")?;
    session.lock(&mut order_key.iter().map(|key| order_lock(&lane, key)).collect())?;
    documents::forget_doubt(session, RunId(run))?;
    session.execute(
        &format!(
            "UPDATE runs SET finished_at = NULL, detail = NULL, ready_us = ?2, canary_for = ?3, lapses = 0,
                    failures_in_a_row = 0, rate_limits_in_a_row = 0, calls_in_vain = 0, refreshes_in_a_row = 0,
                    begun_anew = 0, held_records = 0,
                    state = CASE WHEN order_key IS NOT NULL AND EXISTS (
                        SELECT 1 FROM runs AS first WHERE first.tenant = runs.tenant
                        AND first.connection = runs.connection AND first.order_key = runs.order_key
                        AND {IN_ORDER}
                        AND (first.state = 'queued' OR first.state = 'waiting' OR first.state = 'running'))
                        THEN 'blocked' ELSE 'queued' END
             WHERE id = ?1"
        ),
        &values![run, micros(now), canary_for],
    )?;
    Ok(())
}

/// A record that is held by itself has no run to go on with: it gets one.
fn look_again(
    session: &mut dyn Session,
    row: &Row,
    lane: &Lane,
    room_id: &str,
    canary_for: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = row.optional_text("key")?.unwrap_or_else(|| "record".to_owned());
    let room_id = room_id.to_owned();
    let new = NewRun { lane, kind: "record", room: &key, room_id: Some(&room_id), order_key: None };
    let Some(run) = insert_runs(session, &[new], now)?.pop() else { return Ok(()) };
    let payload = row.optional_text("payload")?.unwrap_or_default();
    session.query_each(INSERT_EVENT, &[set![run.0, "record", payload]])?;
    let sql = "UPDATE runs SET canary_for = ?2, state = 'queued' WHERE id = ?1";
    session.execute(sql, &values![run.0, canary_for])?;
    Ok(())
}

fn settle(
    session: &mut dyn Session,
    row: &Row,
    state: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE holds SET state = ?2, settled_at = ?3, settled_by = ?4 WHERE id = ?1";
    session.execute(sql, &values![row.integer("id")?, state, now.to_string(), by])?;
    Ok(())
}

fn audit(
    session: &mut dyn Session,
    row: &Row,
    operation: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let hold = HoldId(row.integer("id")?);
    session.execute(
        "INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, outcome, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, 'POST', ?6, 1, 'ok', ?7)",
        &values![
            now.to_string(),
            row.optional_integer("run")?,
            row.text("tenant")?,
            row.text("connection")?,
            operation,
            format!("/holds/{hold}/{operation}"),
            detail
        ],
    )?;
    Ok(())
}

pub(super) fn alert_for(run: RunId, hold: &Hold) -> Alert {
    let message = match hold.reason {
        HoldReason::InvalidRecord => format!("{run} holds a record back: {}", hold.detail),
        _ => format!("{run} is held: {}", hold.detail),
    };
    Alert { kind: hold.reason.alert(), message }
}

fn view(row: &Row) -> Result<HoldView, DatabaseError> {
    let connection = row.text("connection")?;
    Ok(HoldView {
        id: HoldId(row.integer("id")?).to_string(),
        at: row.text("at")?,
        tenant: row.text("tenant")?,
        connection: (!connection.is_empty()).then_some(connection),
        run: row.optional_integer("run")?.map(|run| RunId(run).to_string()),
        reason: row.text("reason")?,
        fingerprint: row.text("fingerprint")?,
        state: row.text("state")?,
        key: row.optional_text("key")?,
        detail: row.text("detail")?,
        payload: row.optional_text("payload")?.and_then(readable),
        settled_at: row.optional_text("settled_at")?,
        settled_by: row.optional_text("settled_by")?,
    })
}

/// The JSON text itself, or the same as a JSON string: half of a surrogate pair would spoil the whole list.
fn readable(text: String) -> Option<Box<RawValue>> {
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => RawValue::from_string(text).ok(),
        Err(_) => serde_json::value::to_raw_value(&text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_not_every_reader_reads_goes_out_as_text() {
        let shown = |text: &str| readable(text.to_owned()).unwrap().get().to_owned();
        assert_eq!(shown("{\"a\":  1.0e3}"), "{\"a\":  1.0e3}");
        assert_eq!(shown(r#"{"a": "\ud800"}"#), r#""{\"a\": \"\\ud800\"}""#);
    }

    #[test]
    fn one_cause_has_one_fingerprint_whatever_its_numbers() {
        let lane = |connection| Lane {
            tenant: Name::parse("acme").unwrap(),
            connection: Name::parse(connection).unwrap(),
        };
        let print = |connection, reason, detail: &str| {
            let hold = Hold { reason, key: None, detail: detail.to_owned(), payload: None, room_id: None };
            fingerprint(&lane(connection), &hold)
        };
        let first = print("a", HoldReason::Refused, "answered 400 after 12 s");
        assert_eq!(first, print("a", HoldReason::Refused, "answered 422 after 7 s"));
        assert_ne!(first, print("a", HoldReason::NotFound, "answered 400 after 12 s"));
        assert_ne!(first, print("b", HoldReason::Refused, "answered 400 after 12 s"));
        assert_ne!(first, print("a", HoldReason::Refused, "answered badly"));
    }
}
