//! What every integration does once a call did not get its step done: wait, try again, hold and tell.
//!
//! It knows no provider and nothing of what is moved.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::clock::later;
use crate::doubt::Doubt;
use crate::journal::Level;
use crate::outbound::verdict::Verdict;
use crate::plants::Plant;
use crate::schedule;
use crate::store::{Alert, AuditRow, Claim, Hold, RetryCommit, RetryCost, RunHold, StoreError};
use crate::vocabulary::{AlertKind, HoldReason};
use crate::worker::Context;

/// So often in a row may a provider put a step off before the run is held.
const MAX_RATE_LIMIT_WAITS: u32 = 50;

/// What a step knows when it is time to commit.
pub(crate) struct Outcome<'a> {
    pub(crate) context: &'a Context,
    pub(crate) claim: Claim,
    pub(crate) audit: AuditRow,
    pub(crate) now: Timestamp,
    /// When the provider says that it is.
    pub(crate) told_now: Option<Timestamp>,
    /// What is not known after the call, where it was a write.
    pub(crate) doubt: Option<Doubt>,
}

impl Outcome<'_> {
    /// Deals with a verdict that is neither a success nor the integration's own business.
    pub(crate) async fn unlucky<T>(self, verdict: Verdict<T>) -> Result<(), StoreError> {
        match verdict {
            Verdict::RateLimited { wait, detail } => self.rate_limited(wait, detail).await,
            Verdict::Failed { detail, wait, .. } => self.failed(wait, detail).await,
            Verdict::Rejected { reason, detail } => self.hold(reason, detail).await,
            Verdict::TokenExpired | Verdict::StartAnew { .. } | Verdict::Done(_) => {
                let detail = "the provider's answer is none that this integration can follow";
                self.hold(HoldReason::Refused, detail.to_owned()).await
            }
        }
    }

    async fn rate_limited(self, wait: SignedDuration, detail: String) -> Result<(), StoreError> {
        if self.claim.rate_limits_in_a_row >= MAX_RATE_LIMIT_WAITS {
            let detail = format!("put off {MAX_RATE_LIMIT_WAITS} times in a row, and once more: {detail}");
            return self.hold(HoldReason::RetriesExhausted, detail).await;
        }
        let wait = self.as_planted(self.demanded(wait));
        self.retry(RetryCost::RateLimitWait, wait, detail, None).await
    }

    async fn failed(self, wait: Option<SignedDuration>, detail: String) -> Result<(), StoreError> {
        let claim = &self.claim;
        let failures = claim.failures_in_a_row + 1;
        let scheduled = schedule::retry_delay(failures, self.context.seed, &claim.lane, &claim.step_key());
        self.note_failure(&detail);
        let scheduled = scheduled.or_else(|| {
            self.context.plants.has(Plant::UnboundedRetry).then_some(SignedDuration::from_hours(24))
        });
        let Some(scheduled) = scheduled else {
            let detail = format!("{failures} attempts in a row failed, the last: {detail}");
            let end = RunEnd { reason: HoldReason::RetriesExhausted, detail, failed_attempts: 1 };
            return hold_run(self.context, self.claim, Some(self.audit), end).await;
        };
        let wait = self.as_planted(wait.map_or(scheduled, |wait| self.demanded(wait)));
        let alert = (failures == claim.alert_after_failures).then(|| Alert {
            kind: AlertKind::RepeatedFailures,
            message: format!(
                "{}: {failures} attempts in a row at {} failed, the last: {detail}",
                claim.run(),
                claim.operation().word()
            ),
        });
        self.retry(RetryCost::Attempt, wait, detail, alert).await
    }

    async fn retry(
        self,
        cost: RetryCost,
        wait: SignedDuration,
        detail: String,
        alert: Option<Alert>,
    ) -> Result<(), StoreError> {
        let Self { context, claim, audit, now, doubt, .. } = self;
        let (mut cost, mut not_before) = (cost, (wait > SignedDuration::ZERO).then(|| later(now, wait)));
        if let Some(doubt) = doubt.filter(|doubt| doubt.forbids(not_before.unwrap_or(now))) {
            if !doubt.reads_back {
                let detail = doubt.told(&format!(", the last: {detail}"));
                let failed_attempts = u32::from(cost == RetryCost::Attempt);
                let end = RunEnd { reason: HoldReason::OutcomeUnknown, detail, failed_attempts };
                return hold_run(context, claim, Some(audit), end).await;
            }
            (cost, not_before) = (RetryCost::LastWrite, None);
        }
        let fields = json!({ "until": not_before, "detail": detail });
        let doubt_since = doubt.map(|doubt| doubt.since);
        let retry = RetryCommit { not_before, cost, detail, alert, doubt_since };
        context.store.commit_retry(audit, retry, now).await?;
        if not_before.is_some() {
            context.note(Level::Info, "waiting", (&claim.lane, claim.run()), fields);
        }
        Ok(())
    }

    pub(crate) async fn hold(self, reason: HoldReason, detail: String) -> Result<(), StoreError> {
        let end = RunEnd { reason, detail, failed_attempts: 0 };
        hold_run(self.context, self.claim, Some(self.audit), end).await
    }

    /// Ends the run as if all had gone well.
    pub(crate) async fn finish(self) -> Result<(), StoreError> {
        let Self { context, claim, audit, now, .. } = self;
        context.store.finish_run(audit, now).await?;
        context.note(Level::Info, "run_succeeded", (&claim.lane, claim.run()), json!({}));
        Ok(())
    }

    fn note_failure(&self, detail: &str) {
        let claim = &self.claim;
        let fields =
            json!({ "operation": claim.operation().word(), "attempt": claim.attempt(), "detail": detail });
        self.context.note(Level::Warn, "attempt_failed", (&claim.lane, claim.run()), fields);
    }

    /// A wait that the provider asked for.
    fn demanded(&self, wait: SignedDuration) -> SignedDuration {
        if self.context.plants.has(Plant::RetryAfterIgnored) { SignedDuration::from_secs(1) } else { wait }
    }

    fn as_planted(&self, wait: SignedDuration) -> SignedDuration {
        if self.context.plants.has(Plant::NoBackoff) { SignedDuration::ZERO } else { wait }
    }
}

/// Why a run cannot go on.
pub(crate) struct RunEnd {
    pub(crate) reason: HoldReason,
    pub(crate) detail: String,
    /// 1 when the last call was one more failed attempt.
    pub(crate) failed_attempts: u32,
}

/// Holds a run, after the call in `audit` or without one. A rejected credential pauses its connection too, so that
/// no other run wears it out further.
pub(crate) async fn hold_run(
    context: &Context,
    claim: Claim,
    audit: Option<AuditRow>,
    end: RunEnd,
) -> Result<(), StoreError> {
    let RunEnd { reason, detail, failed_attempts } = end;
    let fields = json!({ "reason": reason.word(), "detail": detail });
    let rejected = reason == HoldReason::CredentialRejected;
    let hold = Hold { reason, key: None, detail, payload: None, room_id: None };
    let held = RunHold { hold, pause: rejected.then_some(claim.generation), failed_attempts };
    let about = (claim.lane.clone(), claim.lease.clone());
    context.store.hold_run(about, audit, held, context.clock.now()).await?;
    context.note(Level::Error, "run_held", (&claim.lane, claim.run()), fields);
    Ok(())
}
