//! One call for a run: in its turn, made known beforehand where it has an effect, and heard by the provider's gate.
//!
//! What every integration's call has in common; what it is for and what its answer means is theirs.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::clock::{Slot, Work};
use crate::gate::{Heard, Turned};
use crate::journal::Level;
use crate::outbound::verdict::Verdict;
use crate::outbound::{Call, Reply, Turn};
use crate::store::{AuditRow, Claim, StoreError};
use crate::vocabulary::AuditOutcome;
use crate::worker::Context;

/// A turn that comes later than this is not waited for with the run in hand.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// A call that was made.
pub(crate) struct Made {
    reply: Option<Reply>,
    status: Option<u16>,
    at: Timestamp,
    method: String,
    path: String,
    /// Held until the outcome is committed.
    _slot: Slot,
}

impl Made {
    /// The answer, the first time that it is asked for.
    pub(crate) fn take_reply(&mut self) -> Reply {
        self.reply.take().unwrap_or(Reply::NoAnswer("the answer was taken before"))
    }
}

/// Makes the next call of `claim`'s run; `None` when its turn is not yet, and the run is put off at no cost.
///
/// # Errors
/// When nothing could be made known: the call is then not made.
pub(crate) async fn make(
    context: &Context,
    work: &mut Work,
    claim: &Claim,
    call: Call,
) -> Result<Option<Made>, StoreError> {
    let slot = match turn(context, work, claim).await {
        Ok(slot) => slot,
        Err(until) => {
            context.store.put_off(claim.lease.clone(), until).await?;
            context.note(Level::Info, "put_off", (&claim.lane, claim.run()), json!({ "until": until }));
            return Ok(None);
        }
    };
    let (at, method, path) = (context.clock.now(), call.method.to_string(), call.url.path().to_owned());
    if call.method != Method::GET {
        let what = (method.clone(), path.clone());
        context.store.intend(claim.lease.clone(), claim.operation(), what, at).await?;
    }
    context.crash.before_call();
    let reply = context.outbound.send(work, &claim.lane, call).await;
    context.crash.after_call();
    Ok(Some(Made { status: reply.status(), reply: Some(reply), at, method, path, _slot: slot }))
}

/// Waits for the turn of `claim`'s run.
///
/// # Errors
/// When to ask again.
async fn turn(context: &Context, work: &mut Work, claim: &Claim) -> Result<Slot, Timestamp> {
    let provider = provider(claim);
    context.gate.look(&claim.lane, &provider, context.clock.now())?;
    match context.outbound.take_turn(&claim.lane, claim.max_requests_per_second, PATIENCE) {
        Turn::Taken(turn) => work.sleep_until(turn).await,
        Turn::TooFar(until) => return Err(until),
    }
    let slot = work.slot().await;
    // Others may have learnt meanwhile that the provider is not well.
    context.gate.enter(&claim.lane, &provider, context.clock.now())?;
    Ok(slot)
}

/// The audit row of a call whose answer was judged; what it says of the provider's health is heard.
pub(crate) fn judged<T>(
    context: &Context,
    claim: &Claim,
    made: &Made,
    verdict: &Verdict<T>,
    now: Timestamp,
) -> AuditRow {
    let outcome = verdict.audit_outcome();
    let heard = match verdict {
        Verdict::RateLimited { wait, .. } => Heard::ComeBack(*wait),
        Verdict::Failed { .. } if is_ill(outcome) => Heard::Failure,
        _ => Heard::Answer,
    };
    let about = (&claim.lane, claim.run());
    match context.gate.heard(&claim.lane, &provider(claim), heard, now) {
        Some(Turned::Opened { until }) => {
            let fields = json!({ "provider": claim.provider, "until": until });
            context.note(Level::Warn, "circuit_opened", about, fields);
        }
        Some(Turned::Closed) => {
            context.note(Level::Info, "circuit_closed", about, json!({ "provider": claim.provider }));
        }
        None => {}
    }
    AuditRow {
        at: made.at,
        lane: claim.lane.clone(),
        lease: claim.lease.clone(),
        operation: claim.operation(),
        method: made.method.clone(),
        path: made.path.clone(),
        attempt: claim.attempt(),
        status: made.status,
        outcome,
        detail: verdict.detail(),
    }
}

/// Whom the gate takes for one provider.
fn provider(claim: &Claim) -> String {
    format!("{} {}", claim.provider, claim.base_url)
}

/// Whether it is the provider that is not well, and not this one answer.
fn is_ill(outcome: AuditOutcome) -> bool {
    matches!(outcome, AuditOutcome::ServerError | AuditOutcome::TimedOut | AuditOutcome::ConnectionFailed)
}
