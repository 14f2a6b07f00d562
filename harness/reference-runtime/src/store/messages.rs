//! The destination: messages, each under its key.

use serde::Serialize;

use super::sql::{DatabaseError, Session, set, values};
use super::{Store, StoreError};
use crate::identity::{Lane, Name};

/// A record of the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) event_id: String,
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) sent_at_ms: i64,
}

/// What became of the records of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Records that were not there.
    pub(crate) new: usize,
    /// Records that were written over themselves.
    pub(crate) repeated: usize,
}

/// What became of a record that says as of when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upserted {
    Applied,
    /// What is there is newer.
    Superseded,
}

#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    pub(crate) event_id: String,
    room_id: String,
    sender: String,
    kind: String,
    body: String,
    sent_at_ms: i64,
}

impl Store {
    pub(crate) async fn messages(&self, tenant: Name) -> Result<Vec<MessageView>, StoreError> {
        let sql = "SELECT * FROM messages WHERE tenant = ?1 ORDER BY sent_at_ms, event_id, id";
        self.list(sql, tenant, |row| {
            Ok(MessageView {
                event_id: row.text("event_id")?,
                room_id: row.text("room_id")?,
                sender: row.text("sender")?,
                kind: row.text("kind")?,
                body: row.text("body")?,
                sent_at_ms: row.integer("sent_at_ms")?,
            })
        })
        .await
    }
}

const INSERT: &str =
    "INSERT INTO messages (tenant, event_id, room_id, sender, kind, body, sent_at_ms, as_of_us)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const OVERWRITE: &str = "ON CONFLICT (tenant, event_id) DO UPDATE SET room_id = excluded.room_id,
     sender = excluded.sender, kind = excluded.kind, body = excluded.body, sent_at_ms = excluded.sent_at_ms";

/// Writes the records of a page over what is there. `keyless` is a planted bug: the destination has no unique key.
pub(super) fn write(
    session: &mut dyn Session,
    lane: &Lane,
    room_id: &str,
    records: &[Record],
    keyless: bool,
) -> Result<Written, DatabaseError> {
    let keys: Vec<_> = records.iter().map(|record| set![lane.tenant.as_str(), &record.event_id]).collect();
    let known =
        session.query_each("SELECT id FROM messages WHERE tenant = ?1 AND event_id = ?2 LIMIT 1", &keys)?;
    let repeated = known.iter().filter(|rows| !rows.is_empty()).count();
    let sets: Vec<_> = records.iter().map(|record| set(lane, room_id, record, None)).collect();
    let sql = if keyless { INSERT.to_owned() } else { format!("{INSERT} {OVERWRITE}") };
    session.query_each(&sql, &sets)?;
    Ok(Written { new: records.len() - repeated, repeated })
}

/// Writes a record unless what is there is as of a later time.
pub(super) fn upsert(
    session: &mut dyn Session,
    lane: &Lane,
    room_id: &str,
    record: &Record,
    as_of_us: i64,
) -> Result<Upserted, DatabaseError> {
    let sql = format!(
        "{INSERT} {OVERWRITE}, as_of_us = excluded.as_of_us
         WHERE messages.as_of_us IS NULL OR messages.as_of_us <= excluded.as_of_us"
    );
    let written = session.execute(&sql, &set(lane, room_id, record, Some(as_of_us)))?;
    Ok(if written == 0 { Upserted::Superseded } else { Upserted::Applied })
}

/// Changes what is there and writes nothing where nothing is, as nothing but a planted bug does.
pub(super) fn update(
    session: &mut dyn Session,
    lane: &Lane,
    room_id: &str,
    record: &Record,
    as_of_us: i64,
) -> Result<Upserted, DatabaseError> {
    let key = values![lane.tenant.as_str(), &record.event_id];
    let there = session.query_row("SELECT id FROM messages WHERE tenant = ?1 AND event_id = ?2", &key)?;
    match there {
        Some(_) => upsert(session, lane, room_id, record, as_of_us),
        None => Ok(Upserted::Superseded),
    }
}

/// Writes a record beside what is there, as nothing but a planted bug does: what is of an earlier time is changed, what
/// is of the same time is taken for something new.
pub(super) fn insert_keyless(
    session: &mut dyn Session,
    lane: &Lane,
    room_id: &str,
    record: &Record,
    as_of_us: i64,
) -> Result<Upserted, DatabaseError> {
    let sql = "SELECT as_of_us FROM messages WHERE tenant = ?1 AND event_id = ?2 LIMIT 1";
    let found = session.query_row(sql, &values![lane.tenant.as_str(), &record.event_id])?;
    let known = found.as_ref().map(|row| row.optional_integer("as_of_us")).transpose()?.flatten();
    match known {
        Some(known) if known > as_of_us => return Ok(Upserted::Superseded),
        Some(known) if known < as_of_us => {
            let sql = "UPDATE messages SET body = ?3, as_of_us = ?4 WHERE tenant = ?1 AND event_id = ?2";
            session.execute(sql, &values![lane.tenant.as_str(), &record.event_id, &record.body, as_of_us])?;
        }
        _ => {
            session.execute(INSERT, &set(lane, room_id, record, Some(as_of_us)))?;
        }
    }
    Ok(Upserted::Applied)
}

fn set(lane: &Lane, room_id: &str, record: &Record, as_of_us: Option<i64>) -> Vec<super::sql::Value> {
    set![
        lane.tenant.as_str(),
        &record.event_id,
        room_id,
        &record.sender,
        &record.kind,
        &record.body,
        record.sent_at_ms,
        as_of_us
    ]
}

pub(super) fn withdraw(session: &mut dyn Session, lane: &Lane, keys: &[String]) -> Result<(), DatabaseError> {
    let sets: Vec<_> = keys.iter().map(|key| set![lane.tenant.as_str(), key]).collect();
    session.query_each("DELETE FROM messages WHERE tenant = ?1 AND event_id = ?2", &sets)?;
    Ok(())
}
