//! Webhooks: what a connection is verified by, and what a delivery leaves behind, in one transaction.
//!
//! Deduplication, the effect at the destination, holds, alerts and the audit row are committed together: whoever is
//! told that a delivery was accepted can rely on all of it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::outcomes::insert_alert;
use super::{Alert, Hold, Record, Store, StoreError};
use crate::credentials::Sealed;
use crate::identity::Lane;
use crate::plants::Plant;
use crate::vocabulary::{AlertKind, HoldReason, HookOutcome};

/// How the webhooks of a connection are verified, and whose they are.
#[derive(Debug, Clone)]
pub(crate) struct HookConfig {
    pub(crate) scheme: String,
    pub(crate) sealed: Sealed,
    /// The customer's account as the provider spells it.
    pub(crate) account: String,
    /// The URL as the provider calls it, where a proxy stands before this runtime.
    pub(crate) url: Option<String>,
}

/// An event of a delivery, judged.
#[derive(Debug, Clone)]
pub(crate) struct EventCommit {
    pub(crate) id: Option<String>,
    pub(crate) digest: Vec<u8>,
    pub(crate) effect: HookEffect,
}

/// What an event does.
#[derive(Debug, Clone)]
pub(crate) enum HookEffect {
    /// Writes a record, unless there is one as of a later time.
    Upsert { room_id: String, record: Box<Record>, as_of_us: i64 },
    /// Nobody knows its type: it is held.
    Unknown { kind: String, payload: String },
    /// It is not as it must be: it is held.
    Invalid { detail: String, payload: String },
    /// It asks for nothing, as only a planted bug has it.
    Nothing,
    /// It is another customer's: nothing of it is applied or kept here.
    OtherTenant,
}

/// A delivery, for its audit row.
#[derive(Debug, Clone)]
pub(crate) struct HookAudit {
    pub(crate) at: Timestamp,
    pub(crate) lane: Lane,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// What became of the events of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct HookCounts {
    pub(crate) applied: u32,
    pub(crate) superseded: u32,
    pub(crate) duplicates: u32,
    pub(crate) held: u32,
    pub(crate) refused: u32,
}

impl Store {
    /// How the webhooks of a connection are verified; none where there is no such connection, or it takes none.
    pub(crate) async fn hook_config(&self, lane: Lane) -> Result<Option<HookConfig>, StoreError> {
        self.transact(move |transaction| {
            transaction
                .query_row(
                    "SELECT scheme, sealed, account, url FROM hook_configs WHERE tenant = ?1 AND connection = ?2",
                    [lane.tenant.as_str(), lane.connection.as_str()],
                    |row| {
                        Ok(HookConfig {
                            scheme: row.get("scheme")?,
                            sealed: Sealed(row.get("sealed")?),
                            account: row.get("account")?,
                            url: row.get("url")?,
                        })
                    },
                )
                .optional()
        })
        .await
    }

    /// Commits what a delivery comes to.
    pub(crate) async fn commit_delivery(
        &self,
        audit: HookAudit,
        events: Vec<EventCommit>,
    ) -> Result<HookCounts, StoreError> {
        if self.has(Plant::WebhookLostAfterAnswer) {
            // What came goes.
            drop(events);
            let counts = HookCounts { applied: 1, ..HookCounts::default() };
            self.transact(move |transaction| insert_audit(transaction, &audit, 200, HookOutcome::Ok, None))
                .await?;
            return Ok(counts);
        }
        let bugs = Bugs {
            deduplicates: !self.has(Plant::WebhookNotDeduplicated),
            drops_unknown: self.has(Plant::WebhookUnknownDropped),
            silent: self.has(Plant::AlertMissing),
        };
        self.transact(move |transaction| {
            let mut counts = HookCounts::default();
            for event in &events {
                commit_event(transaction, &audit, event, bugs, &mut counts)?;
            }
            let (status, outcome) = match counts.refused > 0 && counts.refused as usize == events.len() {
                true => (403, HookOutcome::OtherTenant),
                false => (200, HookOutcome::Ok),
            };
            let detail = format!(
                "{} applied, {} superseded, {} duplicates, {} held, {} refused",
                counts.applied, counts.superseded, counts.duplicates, counts.held, counts.refused
            );
            insert_audit(transaction, &audit, status, outcome, Some(&detail))?;
            Ok(counts)
        })
        .await
    }

    /// Records a delivery that was not taken up.
    pub(crate) async fn refuse_delivery(
        &self,
        audit: HookAudit,
        status: u16,
        outcome: HookOutcome,
        detail: String,
    ) -> Result<(), StoreError> {
        if self.has(Plant::AuditSkipped) {
            return Ok(());
        }
        self.transact(move |transaction| insert_audit(transaction, &audit, status, outcome, Some(&detail)))
            .await
    }
}

/// Planted bugs.
#[derive(Clone, Copy)]
struct Bugs {
    deduplicates: bool,
    drops_unknown: bool,
    silent: bool,
}

/// What is known of an event's id.
enum Known {
    New,
    Same,
    /// Under this id another body came.
    Other,
}

fn commit_event(
    transaction: &Transaction<'_>,
    audit: &HookAudit,
    event: &EventCommit,
    bugs: Bugs,
    counts: &mut HookCounts,
) -> rusqlite::Result<()> {
    let lane = &audit.lane;
    let alert = |kind: AlertKind, message: String| match bugs.silent {
        true => Ok(()),
        false => insert_alert(transaction, lane, None, &Alert { kind, message }, audit.at),
    };
    let id = event.id.as_deref().unwrap_or("without an id");
    if matches!(event.effect, HookEffect::OtherTenant) {
        counts.refused += 1;
        return alert(AlertKind::WrongTenant, format!("event {id} is about another customer's account"));
    }
    if let Some(id) = event.id.as_deref().filter(|_| bugs.deduplicates) {
        match remember(transaction, audit, id, &event.digest)? {
            Known::New => {}
            Known::Same => {
                counts.duplicates += 1;
                return Ok(());
            }
            Known::Other => {
                counts.duplicates += 1;
                let message = format!("event {id} came again with another body; the first one counts");
                return alert(AlertKind::EventConflict, message);
            }
        }
    }
    match &event.effect {
        HookEffect::Upsert { room_id, record, as_of_us } => {
            match upsert(transaction, lane, room_id, record, *as_of_us, bugs)? {
                Written::Applied => counts.applied += 1,
                Written::Superseded => counts.superseded += 1,
            }
            Ok(())
        }
        // Another tenant's is refused above.
        HookEffect::Nothing | HookEffect::OtherTenant => Ok(()),
        HookEffect::Unknown { .. } if bugs.drops_unknown => Ok(()),
        HookEffect::Unknown { kind, payload } => {
            counts.held += 1;
            let detail = format!("events of the type {kind} are not known here");
            hold(transaction, audit, event, HoldReason::UnknownEvent, &detail, payload)?;
            alert(AlertKind::UnknownEvent, format!("event {id} is held: {detail}"))
        }
        HookEffect::Invalid { detail, payload } => {
            counts.held += 1;
            hold(transaction, audit, event, HoldReason::InvalidRecord, detail, payload)?;
            alert(AlertKind::RecordHeld, format!("event {id} is held: {detail}"))
        }
    }
}

fn remember(
    transaction: &Transaction<'_>,
    audit: &HookAudit,
    id: &str,
    digest: &[u8],
) -> rusqlite::Result<Known> {
    let (tenant, connection) = (audit.lane.tenant.as_str(), audit.lane.connection.as_str());
    let known: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT digest FROM hook_events WHERE tenant = ?1 AND connection = ?2 AND id = ?3")?
        .query_row([tenant, connection, id], |row| row.get(0))
        .optional()?;
    Ok(match known {
        Some(known) if known == digest => Known::Same,
        Some(_) => Known::Other,
        None => {
            transaction
                .prepare_cached(
                    "INSERT INTO hook_events (tenant, connection, id, digest, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![tenant, connection, id, digest, audit.at.to_string()])?;
            Known::New
        }
    })
}

enum Written {
    Applied,
    Superseded,
}

fn upsert(
    transaction: &Transaction<'_>,
    lane: &Lane,
    room_id: &str,
    record: &Record,
    as_of_us: i64,
    bugs: Bugs,
) -> rusqlite::Result<Written> {
    let key = [lane.tenant.as_str(), record.event_id.as_str()];
    let found: Option<(i64, Option<i64>)> = transaction
        .prepare_cached("SELECT rowid, as_of_us FROM messages WHERE tenant = ?1 AND event_id = ?2 LIMIT 1")?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((_, Some(known))) if known > as_of_us => return Ok(Written::Superseded),
        // A planted bug: what is of the same time is taken for something new.
        Some((rowid, known)) if bugs.deduplicates || known != Some(as_of_us) => {
            transaction
                .prepare_cached(
                    "UPDATE messages SET room_id = ?2, sender = ?3, kind = ?4, body = ?5, sent_at_ms = ?6, as_of_us = ?7
                     WHERE rowid = ?1",
                )?
                .execute(params![rowid, room_id, record.sender, record.kind, record.body, record.sent_at_ms, as_of_us])?;
        }
        _ => {
            transaction
                .prepare_cached(
                    "INSERT INTO messages (tenant, event_id, room_id, sender, kind, body, sent_at_ms, as_of_us)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    key[0], key[1], room_id, record.sender, record.kind, record.body, record.sent_at_ms, as_of_us
                ])?;
        }
    }
    Ok(Written::Applied)
}

fn hold(
    transaction: &Transaction<'_>,
    audit: &HookAudit,
    event: &EventCommit,
    reason: HoldReason,
    detail: &str,
    payload: &str,
) -> rusqlite::Result<()> {
    let hold = Hold {
        reason,
        // A hold without a key would stand for everything.
        key: Some(event.id.clone().unwrap_or_else(|| "event".to_owned())),
        detail: detail.to_owned(),
        payload: Some(payload.to_owned()),
    };
    super::outcomes::insert_hold(transaction, &audit.lane, None, &hold, audit.at)
}

fn insert_audit(
    transaction: &Transaction<'_>,
    audit: &HookAudit,
    status: u16,
    outcome: HookOutcome,
    detail: Option<&str>,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO audit (at, tenant, connection, operation, method, path, attempt, status, outcome, detail)
             VALUES (?1, ?2, ?3, 'webhook', ?4, ?5, 1, ?6, ?7, ?8)",
        )?
        .execute(params![
            audit.at.to_string(),
            audit.lane.tenant.as_str(),
            audit.lane.connection.as_str(),
            audit.method,
            audit.path,
            status,
            outcome.word(),
            detail
        ])?;
    Ok(())
}
