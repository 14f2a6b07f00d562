//! How the recording was used: whatever was not answered by it as it was recorded is counted, and fails a scenario that
//! does not allow it.
//!
//! What the profile calls volatile is allowed there: it is written down once for all scenarios, and reviewed.

use crate::file::Location;
use crate::observed::{Context, Observed};
use crate::plan::Plan;
use counterpart_outcome::{Allowed, Replay, RequestCounts, Violation, ViolationKind};
use counterpart_stand_in::{Counts, Looseness, Seen, SeenNote};

/// Exchanges that are named in a sentence.
const MAX_NAMED: usize = 10;

/// What the outcome tells.
pub(crate) fn outcome(context: &Context<'_>) -> Replay {
    let observed = context.observed;
    Replay {
        requests: counts(observed.counts),
        unused_exchanges: observed.unused_exchanges.iter().map(|name| name.as_ref().to_owned()).collect(),
        allowed: context
            .plan
            .file
            .allow
            .given()
            .map(|(what, reason)| Allowed { what: what.to_owned(), reason: reason.to_owned() })
            .collect(),
    }
}

fn counts(counts: Counts) -> RequestCounts {
    RequestCounts {
        replayed: counts.replayed,
        volatile: counts.volatile,
        any_body: counts.any_body,
        repeated: counts.repeated,
        behaved: counts.behaved,
        faulted: counts.faulted,
        fault_inapplicable: counts.fault_inapplicable,
        exhausted: counts.exhausted,
        unmatched: counts.unmatched,
    }
}

/// What was wrong with the use of the recording, as far as the scenario does not allow it.
pub(crate) fn judge(context: &Context<'_>) -> Vec<Violation> {
    let allow = &context.plan.file.allow;
    let mut violations = Vec::new();
    if allow.unmatched.is_none() {
        violations.extend(each(context, unmatched));
    }
    if allow.exhausted.is_none() {
        violations.extend(each(context, exhausted));
    }
    if allow.loosely_matched.is_none() {
        violations.extend(each(context, loosely_matched));
    }
    if allow.unused.is_none() {
        violations.extend(unused(context));
    }
    violations
}

/// Why the happy path is none, if a request in it was not answered as recorded and the scenario does not allow that.
pub(crate) fn answered_as_recorded(plan: &Plan, happy_path: &Observed) -> Result<(), String> {
    let allow = &plan.file.allow;
    let wrong = happy_path.seen.iter().find_map(|seen| match &seen.note {
        SeenNote::Unmatched(why) if allow.unmatched.is_none() => Some((seen, "was never recorded", why)),
        SeenNote::Exhausted(why) if allow.exhausted.is_none() => Some((seen, "was recorded less often", why)),
        _ => None,
    });
    match wrong {
        None => Ok(()),
        Some((seen, what, why)) => Err(format!(
            "without any fault the subject asks for something that {what}: {} {}: {why}",
            seen.method, seen.target
        )),
    }
}

/// A kind of wrong, what the subject did, what was expected and what was.
struct Wrong {
    kind: ViolationKind,
    did: &'static str,
    expected: &'static str,
    actual: String,
}

fn unmatched(seen: &Seen) -> Option<Wrong> {
    let SeenNote::Unmatched(why) = &seen.note else { return None };
    Some(Wrong {
        kind: ViolationKind::Unmatched,
        did: "the subject asked for something that was never recorded",
        expected: "a request that a fixture holds",
        actual: why.clone(),
    })
}

fn exhausted(seen: &Seen) -> Option<Wrong> {
    let SeenNote::Exhausted(why) = &seen.note else { return None };
    Some(Wrong {
        kind: ViolationKind::Exhausted,
        did: "the subject sent an unsafe request more often than was recorded",
        expected: "as many such requests as the fixtures hold",
        actual: why.clone(),
    })
}

fn loosely_matched(seen: &Seen) -> Option<Wrong> {
    let SeenNote::ReplayedLoosely(how @ Looseness::AnyBody) = &seen.note else { return None };
    Some(Wrong {
        kind: ViolationKind::LooselyMatched,
        did: "the subject was answered although nobody knows whether it sent what was recorded",
        expected: "a recorded request whose body was kept",
        actual: format!("{}: {how}", seen.exchange.as_deref().unwrap_or_default()),
    })
}

/// One violation for each request that is wrong, however often it came.
fn each(context: &Context<'_>, wrong: fn(&Seen) -> Option<Wrong>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for seen in &context.observed.seen {
        let Some(Wrong { kind, did, expected, actual }) = wrong(seen) else { continue };
        let message = format!("{did}: {} {}", seen.method, seen.target);
        match violations.iter_mut().find(|known| known.message == message) {
            Some(known) => known.exchanges.push(seen.seq),
            None => {
                let violation = context.violation(kind, Location::UNKNOWN, message, expected, actual);
                violations.push(Violation { exchanges: vec![seen.seq], ..violation });
            }
        }
    }
    violations
}

fn unused(context: &Context<'_>) -> Option<Violation> {
    let unused = &context.observed.unused_exchanges;
    let named: Vec<&str> = unused.iter().take(MAX_NAMED).map(AsRef::as_ref).collect();
    let more = match unused.len().checked_sub(MAX_NAMED) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    (!unused.is_empty()).then(|| {
        context.violation(
            ViolationKind::ExchangesUnused,
            Location::UNKNOWN,
            "the subject never asked for something that the fixtures hold",
            "each exchange is asked for; where that is not so and right, `allow: {unused: WHY}`",
            format!("{} never asked for: {}{more}", unused.len(), named.join(", ")),
        )
    })
}
