//! What a step led to: each outcome one transaction, with the audit row of the call that it follows from. All of it is
//! refused when the claim that the step was taken under is no longer good.

use jiff::Timestamp;

use super::holds::{self, Hold};
use super::messages::{self, Record, Written};
use super::runs::promote;
use super::sql::{DatabaseError, Session, Value, set, values};
use super::{Lease, Store, StoreError, documents, micros};
use crate::crash::Boundary;
use crate::credentials::Sealed;
use crate::identity::{Lane, RunId};
use crate::plants::Plant;
use crate::vocabulary::{AlertKind, AuditOutcome, Operation};

/// One call to the provider.
#[derive(Debug)]
pub(crate) struct AuditRow {
    /// When the call began.
    pub(crate) at: Timestamp,
    pub(crate) lane: Lane,
    pub(crate) lease: Lease,
    pub(crate) operation: Operation,
    pub(crate) method: String,
    /// Without the query, which may hold what is none of the trail's business.
    pub(crate) path: String,
    pub(crate) attempt: u32,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: AuditOutcome,
    pub(crate) detail: Option<String>,
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
    /// For whom a planted bug writes the records instead.
    pub(crate) mixed_up_with: Option<Lane>,
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
    /// Since when nobody knows what became of the write.
    pub(crate) doubt_since: Option<Timestamp>,
}

/// What a further attempt costs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryCost {
    /// One of its attempts.
    Attempt,
    /// One of its waits for a rate limit.
    RateLimitWait,
    /// All that it has left: what may have arrived is read back from now on, which is another step.
    LastWrite,
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
pub(super) const STEP_DONE: &str = "failures_in_a_row = 0, rate_limits_in_a_row = 0, calls_in_vain = 0";

/// The next step may be claimed, behind all that is due already.
const NEXT_STEP: &str = "state = 'queued', ready_us = ?3";

impl Store {
    /// Makes it known that a call with an effect is about to be made: should its outcome be lost, the trail knows that
    /// it may have been made, and it is made again with the same key.
    pub(crate) async fn intend(
        &self,
        lease: Lease,
        operation: Operation,
        (method, path): (String, String),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Boundary::Intent, move |session| {
            let intent = format!("{} {method} {path}", operation.word());
            fenced(session, &lease, "intent = ?3, intent_at = ?4", set![intent, now.to_string()])
        })
        .await
    }

    pub(crate) async fn commit_room(
        &self,
        audit: AuditRow,
        room_id: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.after_call(audit, Boundary::Unnamed, move |session, audit| {
            let set = format!("{NEXT_STEP}, room_id = ?4, refreshes_in_a_row = 0, {STEP_DONE}");
            step(session, &audit.lease, &set, set![micros(now), room_id])
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
        let keyless = self.has(Plant::InsertNotUpsert) || self.has(Plant::WebhookNotDeduplicated);
        let silent = self.has(Plant::AlertMissing);
        let drops_holds = self.has(Plant::HoldDropped);
        let (is_last, brings_more) = (page.next.is_none(), audit.lease.brings_more());
        let written = self
            .after_call(audit, Boundary::Unnamed, move |session, audit| {
                let lane = page.mixed_up_with.as_ref().unwrap_or(&audit.lane);
                let written = messages::write(session, lane, &page.room_id, &page.records, keyless)?;
                messages::withdraw(session, &audit.lane, &page.withdrawn)?;
                for hold in &page.holds {
                    if !drops_holds {
                        holds::insert(session, &audit.lane, Some(audit.lease.run), hold, now)?;
                    }
                    if !silent {
                        let alert = holds::alert_for(audit.lease.run, hold);
                        insert_alert(session, &audit.lane, Some(audit.lease.run), &alert, now)?;
                    }
                }
                let set = format!(
                    "{NEXT_STEP}, cursor = ?4, pages = pages + 1, imported = imported + ?5,
                     held_records = held_records + ?6, refreshes_in_a_row = 0, {STEP_DONE}"
                );
                let (imported, held) = (count(&page.records), count(&page.holds));
                let Some(next) = page.next else {
                    let set = "cursor = NULL, pages = pages + 1, imported = imported + ?5, held_records = held_records + ?6";
                    finish(session, &audit.lane, &audit.lease, (set, set![imported, held]), now)?;
                    forget_cursors(session, audit.lease.run)?;
                    return Ok(written);
                };
                step(session, &audit.lease, &set, set![micros(now), &next, imported, held])?;
                let sql = "INSERT INTO cursors (run, cursor) VALUES (?1, ?2) ON CONFLICT (run, cursor) DO NOTHING";
                session.execute(sql, &values![audit.lease.run.0, next])?;
                Ok(written)
            })
            .await?;
        if is_last {
            self.one_is_over(brings_more).await;
        }
        Ok(written)
    }

    /// Whether a page of the run began at `cursor` already.
    pub(crate) async fn leads_back(&self, run: RunId, cursor: String) -> Result<bool, StoreError> {
        self.read(move |session| {
            let sql = "SELECT run FROM cursors WHERE run = ?1 AND cursor = ?2";
            Ok(session.query_row(sql, &values![run.0, cursor])?.is_some())
        })
        .await
    }

    /// Sends a run back to the newest page.
    pub(crate) async fn commit_anew(&self, audit: AuditRow, now: Timestamp) -> Result<(), StoreError> {
        self.after_call(audit, Boundary::Unnamed, move |session, audit| {
            let set = format!("{NEXT_STEP}, cursor = NULL, begun_anew = begun_anew + 1, {STEP_DONE}");
            step(session, &audit.lease, &set, set![micros(now)])?;
            Ok(forget_cursors(session, audit.lease.run)?)
        })
        .await
    }

    /// Ends a run as succeeded after a call that failed, as nothing but a planted bug does.
    pub(crate) async fn finish_run(&self, audit: AuditRow, now: Timestamp) -> Result<(), StoreError> {
        let brings_more = audit.lease.brings_more();
        self.after_call(audit, Boundary::Unnamed, move |session, audit| {
            finish(session, &audit.lane, &audit.lease, ("cursor = NULL", set![]), now)?;
            Ok(forget_cursors(session, audit.lease.run)?)
        })
        .await?;
        self.one_is_over(brings_more).await;
        Ok(())
    }

    /// Makes a refresh the next step of the run, unless the credentials of `generation` are replaced before.
    pub(crate) async fn commit_expiry(
        &self,
        audit: AuditRow,
        generation: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.after_call(audit, Boundary::Unnamed, move |session, audit| {
            let set = format!("{NEXT_STEP}, expired_generation = ?4, {STEP_DONE}");
            step(session, &audit.lease, &set, set![micros(now), generation])
        })
        .await
    }

    /// Stores refreshed tokens, unless a person has set others meanwhile, and ends the refresh.
    pub(crate) async fn commit_tokens(
        &self,
        audit: AuditRow,
        tokens: TokensCommit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.after_call(audit, Boundary::Unnamed, move |session, audit| {
            if let Some(sealed) = tokens.sealed {
                let lane = &audit.lane;
                session.execute(
                    "UPDATE connections SET sealed = ?4, access_token_expires_at = ?5, generation = generation + 1
                     WHERE tenant = ?1 AND connection = ?2 AND generation = ?3",
                    &values![
                        lane.tenant.as_str(),
                        lane.connection.as_str(),
                        tokens.replaces,
                        sealed.0,
                        tokens.expires_at.map(|at| at.to_string())
                    ],
                )?;
            }
            let set = format!(
                "{NEXT_STEP}, expired_generation = NULL, refreshes_in_a_row = refreshes_in_a_row + 1, {STEP_DONE}"
            );
            step(session, &audit.lease, &set, set![micros(now)])
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
        self.after_call(audit, Boundary::Retry, move |session, audit| {
            let counted = match retry.cost {
                RetryCost::Attempt => {
                    "failed_attempts = failed_attempts + 1, failures_in_a_row = failures_in_a_row + 1,
                     rate_limits_in_a_row = 0, calls_in_vain = calls_in_vain + 1"
                }
                RetryCost::RateLimitWait => {
                    "rate_limits_in_a_row = rate_limits_in_a_row + 1, calls_in_vain = calls_in_vain + 1"
                }
                RetryCost::LastWrite => &format!("failed_attempts = failed_attempts + 1, {STEP_DONE}"),
            };
            let state = if retry.not_before.is_some() { "waiting" } else { "queued" };
            let set = format!("state = '{state}', ready_us = ?3, detail = ?4, {counted}");
            let ready_us = micros(retry.not_before.unwrap_or(now));
            step(session, &audit.lease, &set, set![ready_us, &retry.detail])?;
            if let Some(since) = retry.doubt_since {
                documents::note_doubts(session, &[(audit.lease.run, since)])?;
            }
            if retry.cost == RetryCost::LastWrite {
                documents::have_read_back(session, audit.lease.run)?;
            }
            match &retry.alert {
                Some(alert) => Ok(insert_alert(session, &audit.lane, Some(audit.lease.run), alert, now)?),
                None => Ok(()),
            }
        })
        .await
    }

    /// Puts a run off before any call, at no cost: its turn has not come.
    pub(crate) async fn put_off(&self, lease: Lease, not_before: Timestamp) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            step(session, &lease, "state = 'waiting', ready_us = ?3", set![micros(not_before)])
        })
        .await
    }

    /// Holds a run, after a call, or before any when `audit` is `None`.
    pub(crate) async fn hold_run(
        &self,
        (lane, lease): (Lane, Lease),
        audit: Option<AuditRow>,
        held: RunHold,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silent = self.has(Plant::AlertMissing);
        let skipped = self.skips_audit(audit.as_ref());
        self.write(Boundary::Held, move |session| {
            if let Some(audit) = audit.filter(|_| !skipped) {
                insert_audit(session, &audit)?;
            }
            fenced(session, &lease, "failed_attempts = failed_attempts + ?3", set![held.failed_attempts])?;
            holds::hold_run(session, &lane, &lease, &held.hold, now, silent)?;
            if let Some(generation) = held.pause {
                session.execute(
                    "UPDATE connections SET state = 'paused'
                     WHERE tenant = ?1 AND connection = ?2 AND generation = ?3",
                    &values![lane.tenant.as_str(), lane.connection.as_str(), generation],
                )?;
            }
            Ok(())
        })
        .await?;
        self.add_to_backlog(-1);
        Ok(())
    }

    /// Moves a run's cursor on its own, as nothing but a planted bug does.
    pub(crate) async fn save_cursor(&self, run: RunId, cursor: String) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            session.execute("UPDATE runs SET cursor = ?2 WHERE id = ?1", &values![run.0, cursor])?;
            Ok(())
        })
        .await
    }

    /// Commits what follows from a call together with its audit row.
    pub(super) async fn after_call<T: Send + 'static>(
        &self,
        audit: AuditRow,
        boundary: Boundary,
        consequence: impl FnOnce(&mut dyn Session, &AuditRow) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let skipped = self.skips_audit(Some(&audit));
        self.write(boundary, move |session| {
            if !skipped {
                insert_audit(session, &audit)?;
            }
            consequence(session, &audit)
        })
        .await
    }

    fn skips_audit(&self, audit: Option<&AuditRow>) -> bool {
        self.has(Plant::AuditSkipped) && audit.is_some_and(|row| row.outcome != AuditOutcome::Ok)
    }
}

/// Changes a run, if `lease` is still good. The parameters of `set` begin with `?3`.
pub(super) fn fenced(
    session: &mut dyn Session,
    lease: &Lease,
    set: &str,
    parameters: Vec<Value>,
) -> Result<(), StoreError> {
    let sql = format!("UPDATE runs SET {set} WHERE id = ?1 AND epoch = ?2 AND state = 'running'");
    let mut all = set![lease.run.0, lease.epoch];
    all.extend(parameters);
    match session.execute(&sql, &all)? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Ends a step: the run is nobody's, and its worker was not lost over it.
pub(super) fn step(
    session: &mut dyn Session,
    lease: &Lease,
    set: &str,
    parameters: Vec<Value>,
) -> Result<(), StoreError> {
    let over = "worker = NULL, lease_us = NULL, lapses = 0, intent = NULL, intent_at = NULL";
    fenced(session, lease, &format!("{over}, {set}"), parameters)
}

/// Ends a run well. The parameters of `set` begin with `?5`.
pub(super) fn finish(
    session: &mut dyn Session,
    lane: &Lane,
    lease: &Lease,
    (set, parameters): (&str, Vec<Value>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let set = format!("state = 'succeeded', finished_at = ?3, finished_us = ?4, {set}");
    let mut all = set![now.to_string(), micros(now)];
    all.extend(parameters);
    step(session, lease, &set, all)?;
    promote(session, lane, lease)?;
    holds::after_success(session, lane, lease, now)
}

fn forget_cursors(session: &mut dyn Session, run: RunId) -> Result<(), DatabaseError> {
    session.execute("DELETE FROM cursors WHERE run = ?1", &values![run.0])?;
    Ok(())
}

fn insert_audit(session: &mut dyn Session, row: &AuditRow) -> Result<(), DatabaseError> {
    session.execute(
        "INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, status, outcome, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        &values![
            row.at.to_string(),
            row.lease.run.0,
            row.lane.tenant.as_str(),
            row.lane.connection.as_str(),
            row.operation.word(),
            &row.method,
            &row.path,
            row.attempt,
            row.status,
            row.outcome.word(),
            row.detail.as_ref()
        ],
    )?;
    Ok(())
}

pub(super) fn insert_alert(
    session: &mut dyn Session,
    lane: &Lane,
    run: Option<RunId>,
    alert: &Alert,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    session.execute(
        "INSERT INTO alerts (at, tenant, run, kind, message) VALUES (?1, ?2, ?3, ?4, ?5)",
        &values![
            now.to_string(),
            lane.tenant.as_str(),
            run.map(|run| run.0),
            alert.kind.word(),
            &alert.message
        ],
    )?;
    Ok(())
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
