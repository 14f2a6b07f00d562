//! What a step led to: each outcome one transaction, with the audit row of the call that it follows from.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{Store, StoreError};
use crate::credentials::Sealed;
use crate::identity::{Lane, RunId};
use crate::plants::Plant;
use crate::vocabulary::{AlertKind, AuditOutcome, HoldReason, Operation};

/// One call to the provider.
#[derive(Debug)]
pub(crate) struct AuditRow {
    /// When the call began.
    pub(crate) at: Timestamp,
    pub(crate) lane: Lane,
    pub(crate) run: RunId,
    pub(crate) operation: Operation,
    pub(crate) method: String,
    /// Without the query, which may hold what is none of the trail's business.
    pub(crate) path: String,
    pub(crate) attempt: u32,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: AuditOutcome,
    pub(crate) detail: Option<String>,
}

/// A record of the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) event_id: String,
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) sent_at_ms: i64,
}

/// Something that is kept for a person.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) reason: HoldReason,
    pub(crate) key: Option<String>,
    pub(crate) detail: String,
    /// The record as it came, as JSON text.
    pub(crate) payload: Option<String>,
}

/// A call for a person.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    pub(crate) kind: AlertKind,
    pub(crate) message: String,
}

/// A page that is written, whole, and where the run goes from there.
#[derive(Debug)]
pub(crate) struct PageCommit {
    pub(crate) room_id: String,
    pub(crate) records: Vec<Record>,
    pub(crate) holds: Vec<Hold>,
    /// The keys of records that the provider has taken back.
    pub(crate) withdrawn: Vec<String>,
    /// Where the next page begins; `None` when this was the last, and the run has succeeded.
    pub(crate) next: Option<String>,
}

/// What became of the records of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Records that were not there.
    pub(crate) new: usize,
    /// Records that were written over themselves.
    pub(crate) repeated: usize,
}

/// Another attempt that is to come.
#[derive(Debug)]
pub(crate) struct RetryCommit {
    /// `None`: at once.
    pub(crate) not_before: Option<Timestamp>,
    /// Whether this used up one of the step's attempts.
    pub(crate) cost: RetryCost,
    pub(crate) detail: String,
    pub(crate) alert: Option<Alert>,
}

/// What a further attempt costs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryCost {
    /// One of its attempts.
    Attempt,
    /// One of its waits for a rate limit.
    RateLimitWait,
}

/// Refreshed tokens, and the generation of those that they replace.
#[derive(Debug)]
pub(crate) struct TokensCommit {
    /// `None` leaves the stored ones as they are.
    pub(crate) sealed: Option<Sealed>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) replaces: i64,
}

/// A run that stops until a person looks at it.
#[derive(Debug)]
pub(crate) struct RunHold {
    pub(crate) hold: Hold,
    /// The generation of credentials that proved useless: if it is still in use, the connection is paused.
    pub(crate) pause: Option<i64>,
    /// Whether the call before it was a failed attempt.
    pub(crate) failed_attempts: u32,
}

/// What a step that got done resets.
const STEP_DONE: &str = "failures_in_a_row = 0, rate_limits_in_a_row = 0, calls_in_vain = 0";

impl Store {
    pub(crate) async fn commit_room(&self, audit: AuditRow, room_id: String) -> Result<(), StoreError> {
        let run = audit.run;
        self.after_call(audit, move |transaction| {
            let sql =
                format!("UPDATE runs SET room_id = ?2, refreshes_in_a_row = 0, {STEP_DONE} WHERE id = ?1");
            transaction.execute(&sql, params![run.0, room_id])?;
            Ok(())
        })
        .await
    }

    /// Writes a page and moves the cursor, or finishes the run.
    pub(crate) async fn commit_page(
        &self,
        audit: AuditRow,
        page: PageCommit,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let (run, lane) = (audit.run, audit.lane.clone());
        let keyless = self.has(Plant::InsertNotUpsert) || self.has(Plant::WebhookNotDeduplicated);
        let silent = self.has(Plant::AlertMissing);
        self.after_call(audit, move |transaction| {
            let written = write_records(transaction, &lane, &page, keyless)?;
            withdraw(transaction, &lane, &page.withdrawn)?;
            for hold in &page.holds {
                insert_hold(transaction, &lane, Some(run), hold, now)?;
                if !silent {
                    let alert = alert_for(run, hold);
                    insert_alert(transaction, &lane, Some(run), &alert, now)?;
                }
            }
            let sql = format!(
                "UPDATE runs SET cursor = ?2, pages = pages + 1, imported = imported + ?3,
                     held_records = held_records + ?4, refreshes_in_a_row = 0, {STEP_DONE} WHERE id = ?1"
            );
            transaction.execute(&sql, params![run.0, page.next, count(&page.records), count(&page.holds)])?;
            match &page.next {
                None => finish(transaction, run, now)?,
                Some(next) => {
                    let sql = "INSERT OR IGNORE INTO cursors (run, cursor) VALUES (?1, ?2)";
                    transaction.execute(sql, params![run.0, next])?;
                }
            }
            Ok(written)
        })
        .await
    }

    /// Whether a page of the run began at `cursor` already.
    pub(crate) async fn leads_back(&self, run: RunId, cursor: String) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM cursors WHERE run = ?1 AND cursor = ?2)";
        self.transact(move |transaction| transaction.query_row(sql, params![run.0, cursor], |row| row.get(0)))
            .await
    }

    /// Sends a run back to the newest page.
    pub(crate) async fn commit_anew(&self, audit: AuditRow) -> Result<(), StoreError> {
        let run = audit.run;
        self.after_call(audit, move |transaction| {
            let sql = format!(
                "UPDATE runs SET cursor = NULL, begun_anew = begun_anew + 1, {STEP_DONE} WHERE id = ?1"
            );
            transaction.execute(&sql, [run.0])?;
            forget_cursors(transaction, run)
        })
        .await
    }

    /// Ends a run as succeeded after a call that failed, as nothing but a planted bug does.
    pub(crate) async fn finish_run(&self, audit: AuditRow, now: Timestamp) -> Result<(), StoreError> {
        let run = audit.run;
        self.after_call(audit, move |transaction| finish(transaction, run, now)).await
    }

    /// Makes a refresh the next step of the run, unless the credentials of `generation` are replaced before.
    pub(crate) async fn commit_expiry(&self, audit: AuditRow, generation: i64) -> Result<(), StoreError> {
        let run = audit.run;
        self.after_call(audit, move |transaction| {
            let sql = format!("UPDATE runs SET expired_generation = ?2, {STEP_DONE} WHERE id = ?1");
            transaction.execute(&sql, [run.0, generation])?;
            Ok(())
        })
        .await
    }

    /// Stores refreshed tokens, unless a person has set others meanwhile, and ends the refresh.
    pub(crate) async fn commit_tokens(
        &self,
        audit: AuditRow,
        tokens: TokensCommit,
    ) -> Result<(), StoreError> {
        let (run, lane) = (audit.run, audit.lane.clone());
        self.after_call(audit, move |transaction| {
            if let Some(sealed) = tokens.sealed {
                transaction.execute(
                    "UPDATE connections SET sealed = ?4, access_token_expires_at = ?5, generation = generation + 1
                     WHERE tenant = ?1 AND connection = ?2 AND generation = ?3",
                    params![
                        lane.tenant.as_str(),
                        lane.connection.as_str(),
                        tokens.replaces,
                        sealed.0,
                        tokens.expires_at.map(|at| at.to_string())
                    ],
                )?;
            }
            let sql = format!(
                "UPDATE runs SET expired_generation = NULL, refreshes_in_a_row = refreshes_in_a_row + 1, {STEP_DONE} WHERE id = ?1"
            );
            transaction.execute(&sql, [run.0])?;
            Ok(())
        })
        .await
    }

    /// Records a call that did not get its step done, and when the next may be made.
    pub(crate) async fn commit_retry(
        &self,
        audit: AuditRow,
        retry: RetryCommit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (run, lane) = (audit.run, audit.lane.clone());
        self.after_call(audit, move |transaction| {
            let counted = match retry.cost {
                RetryCost::Attempt => {
                    "failed_attempts = failed_attempts + 1, failures_in_a_row = failures_in_a_row + 1,
                     rate_limits_in_a_row = 0"
                }
                RetryCost::RateLimitWait => "rate_limits_in_a_row = rate_limits_in_a_row + 1",
            };
            let sql = format!(
                "UPDATE runs SET state = ?2, not_before = ?3, detail = ?4, calls_in_vain = calls_in_vain + 1, {counted}
                 WHERE id = ?1"
            );
            let state = if retry.not_before.is_some() { "waiting" } else { "running" };
            let not_before = retry.not_before.map(|at| at.to_string());
            transaction.execute(&sql, params![run.0, state, not_before, retry.detail])?;
            match &retry.alert {
                Some(alert) => insert_alert(transaction, &lane, Some(run), alert, now),
                None => Ok(()),
            }
        })
        .await
    }

    /// Holds a run, after a call, or before any when `audit` is `None`.
    pub(crate) async fn hold_run(
        &self,
        (lane, run): (Lane, RunId),
        audit: Option<AuditRow>,
        held: RunHold,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silent = self.has(Plant::AlertMissing);
        let skipped = self.skips_audit(audit.as_ref());
        self.transact(move |transaction| {
            if let Some(audit) = audit.filter(|_| !skipped) {
                insert_audit(transaction, &audit)?;
            }
            transaction.execute(
                "UPDATE runs SET state = 'held', finished_at = ?2, detail = ?3,
                     failed_attempts = failed_attempts + ?4 WHERE id = ?1",
                params![run.0, now.to_string(), held.hold.detail, held.failed_attempts],
            )?;
            insert_hold(transaction, &lane, Some(run), &held.hold, now)?;
            if !silent {
                insert_alert(transaction, &lane, Some(run), &alert_for(run, &held.hold), now)?;
            }
            if let Some(generation) = held.pause {
                transaction.execute(
                    "UPDATE connections SET state = 'paused'
                     WHERE tenant = ?1 AND connection = ?2 AND generation = ?3",
                    params![lane.tenant.as_str(), lane.connection.as_str(), generation],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Commits what follows from a call together with its audit row.
    pub(super) async fn after_call<T: Send + 'static>(
        &self,
        audit: AuditRow,
        consequence: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let skipped = self.skips_audit(Some(&audit));
        self.transact(move |transaction| {
            if !skipped {
                insert_audit(transaction, &audit)?;
            }
            consequence(transaction)
        })
        .await
    }

    fn skips_audit(&self, audit: Option<&AuditRow>) -> bool {
        self.has(Plant::AuditSkipped) && audit.is_some_and(|row| row.outcome != AuditOutcome::Ok)
    }
}

/// A finished run has no place to go on from: the next one begins at the newest page.
pub(super) fn finish(transaction: &Transaction<'_>, run: RunId, now: Timestamp) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE runs SET state = 'succeeded', finished_at = ?2, cursor = NULL WHERE id = ?1",
        params![run.0, now.to_string()],
    )?;
    forget_cursors(transaction, run)
}

fn forget_cursors(transaction: &Transaction<'_>, run: RunId) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM cursors WHERE run = ?1", [run.0])?;
    Ok(())
}

fn withdraw(transaction: &Transaction<'_>, lane: &Lane, keys: &[String]) -> rusqlite::Result<()> {
    for key in keys {
        let sql = "DELETE FROM messages WHERE tenant = ?1 AND event_id = ?2";
        transaction.execute(sql, [lane.tenant.as_str(), key.as_str()])?;
    }
    Ok(())
}

fn write_records(
    transaction: &Transaction<'_>,
    lane: &Lane,
    page: &PageCommit,
    keyless: bool,
) -> rusqlite::Result<Written> {
    let mut known = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE tenant = ?1 AND event_id = ?2)")?;
    let mut written = Written::default();
    let insert = "INSERT INTO messages (tenant, event_id, room_id, sender, kind, body, sent_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let upsert = format!(
        "{insert} ON CONFLICT (tenant, event_id) DO UPDATE SET room_id = excluded.room_id, sender = excluded.sender,
         kind = excluded.kind, body = excluded.body, sent_at_ms = excluded.sent_at_ms"
    );
    let mut statement = transaction.prepare_cached(if keyless { insert } else { &upsert })?;
    for record in &page.records {
        let is_known = known.query_row([lane.tenant.as_str(), &record.event_id], |row| row.get(0))?;
        if is_known {
            written.repeated += 1;
        } else {
            written.new += 1;
        }
        statement.execute(params![
            lane.tenant.as_str(),
            record.event_id,
            page.room_id,
            record.sender,
            record.kind,
            record.body,
            record.sent_at_ms
        ])?;
    }
    Ok(written)
}

fn insert_audit(transaction: &Transaction<'_>, row: &AuditRow) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, status, outcome, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    statement.execute(params![
        row.at.to_string(),
        row.run.0,
        row.lane.tenant.as_str(),
        row.lane.connection.as_str(),
        row.operation.word(),
        row.method,
        row.path,
        row.attempt,
        row.status,
        row.outcome.word(),
        row.detail
    ])?;
    Ok(())
}

pub(super) fn insert_hold(
    transaction: &Transaction<'_>,
    lane: &Lane,
    run: Option<RunId>,
    hold: &Hold,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO holds (at, tenant, run, reason, key, detail, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            now.to_string(),
            lane.tenant.as_str(),
            run.map(|run| run.0),
            hold.reason.word(),
            hold.key,
            hold.detail,
            hold.payload
        ],
    )?;
    Ok(())
}

pub(super) fn insert_alert(
    transaction: &Transaction<'_>,
    lane: &Lane,
    run: Option<RunId>,
    alert: &Alert,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO alerts (at, tenant, run, kind, message) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            now.to_string(),
            lane.tenant.as_str(),
            run.map(|run| run.0),
            alert.kind.word(),
            alert.message
        ],
    )?;
    Ok(())
}

fn alert_for(run: RunId, hold: &Hold) -> Alert {
    let message = match hold.reason {
        HoldReason::InvalidRecord => format!("{run} holds a record back: {}", hold.detail),
        _ => format!("{run} is held: {}", hold.detail),
    };
    Alert { kind: hold.reason.alert(), message }
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
