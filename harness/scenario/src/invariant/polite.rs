//! Polite: told to wait, the subject waits; failing, it does not hammer.

use super::Finding;
use crate::file::{Spanned, Step};
use crate::observed::{Context, is_failure};
use counterpart_stand_in::{Seen, SeenNote};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The same request failing so often in a row, without an answer that says how long to wait, is one too many.
const MAX_FAILURES_IN_A_ROW: usize = 25;
/// The last recorded answer given once more so often for each time that the work was set off is one too many.
const MAX_REPEATED: usize = 25;
/// Three failures of the same request within this time are hammering.
const HAMMERING: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn check(context: &Context<'_>) -> Finding {
    let seen = &context.observed.seen;
    let set_off = times_set_off(&context.plan.file.steps);
    came_too_early(seen, &runs_begun(context))
        .or_else(|| hammered(seen, set_off))
        .or_else(|| asked_without_end(seen, set_off))
        .unwrap_or(Finding::Held)
}

/// How often the steps set anything off.
fn times_set_off(steps: &[Spanned<Step>]) -> usize {
    let of_step = |step: &Spanned<Step>| match &step.value {
        Step::Repeat { times, steps } => {
            times_set_off(steps).saturating_mul(usize::try_from(*times).unwrap_or(usize::MAX))
        }
        Step::Parallel { steps } => times_set_off(steps),
        Step::Trigger(_) | Step::Call(_) | Step::File(_) => 1,
        _ => 0,
    };
    steps.iter().map(of_step).fold(0, usize::saturating_add)
}

/// A good answer that is asked for again and again, beyond what was recorded.
fn asked_without_end(seen: &[Seen], set_off: usize) -> Option<Finding> {
    let most = MAX_REPEATED.saturating_mul(set_off.max(1));
    let mut repeated: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.note == SeenNote::Repeated) {
        repeated.entry(one.exchange.as_deref().unwrap_or_default()).or_default().push(one.seq);
    }
    let (exchange, seqs) = repeated.into_iter().find(|(_, seqs)| seqs.len() > most)?;
    Some(Finding::Broken {
        message: "the subject asked again and again for what it had been given".to_owned(),
        expected: format!("at most {most} times beyond what was recorded"),
        actual: format!("{} times {exchange}", seqs.len()),
        exchanges: seqs,
    })
}

/// When a batch was run: it is whoever schedules it that does not wait then.
fn runs_begun(context: &Context<'_>) -> Vec<Timestamp> {
    let is_batch = context.subject.is_batch();
    let steps = context.observed.steps.iter().filter(|step| is_batch && step.step.starts_with("trigger "));
    steps.map(|step| step.at).collect()
}

/// Retry-After (RFC 9110 section 10.2.3): no request to the same operation before it is over.
fn came_too_early(seen: &[Seen], runs_begun: &[Timestamp]) -> Option<Finding> {
    for (index, told) in seen.iter().enumerate() {
        let Some(wait_s) = told.retry_after_s.filter(|_| matches!(told.status, Some(429 | 503))) else {
            continue;
        };
        let wait = SignedDuration::from_secs(i64::try_from(wait_s).unwrap_or(i64::MAX));
        let next = seen[index + 1..].iter().find(|later| later.operation == told.operation);
        if let Some(next) = next
            && next.at.duration_since(told.at) < wait
            && !runs_begun.iter().any(|begun| (told.at..=next.at).contains(begun))
        {
            let after = SignedDuration::from_millis_i128(next.at.duration_since(told.at).as_millis());
            return Some(Finding::Broken {
                message: "the provider said how long to wait, and the subject came earlier".to_owned(),
                expected: format!("no {} for {wait_s} s", told.operation),
                actual: format!("the next one after {after:#}"),
                exchanges: vec![told.seq, next.seq],
            });
        }
    }
    None
}

/// Work that was set off several times may fail as often at one instant.
fn hammered(seen: &[Seen], set_off: usize) -> Option<Finding> {
    let at_once = set_off.max(1).saturating_mul(2);
    let most_in_a_row = MAX_FAILURES_IN_A_ROW.saturating_mul(set_off.max(1));
    let mut streak: Vec<&Seen> = Vec::new();
    for one in seen {
        let same = |other: &&Seen| other.method == one.method && other.target == one.target;
        if !streak.last().is_some_and(same) {
            streak.clear();
        }
        // A 401 is mended by a refresh, not by waiting; a redirect (RFC 9110 section 15.4) by following it.
        if !is_failure(one) || matches!(one.status, Some(200 | 300..=399 | 401)) {
            streak.clear();
            continue;
        }
        streak.push(one);
        if let Some(first) = streak.len().checked_sub(at_once + 1).map(|index| streak[index])
            && one.at.duration_since(first.at) < HAMMERING
        {
            return Some(broken(
                &format!("the same request failed {} times within a second", at_once + 1),
                "waits that grow",
                &streak,
            ));
        }
        let unsaid = streak.iter().filter(|failure| failure.retry_after_s.is_none()).count();
        if unsaid > most_in_a_row {
            let expected = format!("at most {most_in_a_row} attempts");
            return Some(broken("the same request failed again and again", &expected, &streak));
        }
    }
    None
}

fn broken(message: &str, expected: &str, streak: &[&Seen]) -> Finding {
    let first = streak.first().map(|seen| seen.at).unwrap_or_default();
    let last = streak.last().map(|seen| seen.at).unwrap_or_default();
    Finding::Broken {
        message: message.to_owned(),
        expected: expected.to_owned(),
        actual: format!("{} failures within {:#}", streak.len(), last.duration_since(first)),
        exchanges: streak.iter().map(|seen| seen.seq).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::OperationName;
    use jiff::Timestamp;

    fn seen(at_s: i64, status: u16, retry_after_s: Option<u64>) -> Seen {
        Seen {
            seq: 1,
            at: Timestamp::from_second(at_s).unwrap(),
            provider: "p".into(),
            operation: OperationName("list".into()).into(),
            method: "GET".parse().unwrap(),
            target: "/".into(),
            exchange: None,
            fault: None,
            status: Some(status),
            retry_after_s,
            note: SeenNote::Replayed,
        }
    }

    #[test]
    fn coming_early_is_seen() {
        let told = seen(0, 429, Some(30));
        let early = [told.clone(), seen(29, 200, None)];
        assert!(came_too_early(&early, &[]).is_some());
        // A batch was run again in between.
        assert!(came_too_early(&early, &[early[1].at]).is_none());
        assert!(came_too_early(&early, &[early[1].at + SignedDuration::from_secs(1)]).is_some());
        assert!(came_too_early(&[told, seen(30, 200, None)], &[]).is_none());
    }

    #[test]
    fn asking_without_end_is_seen() {
        let again = |count: i64| -> Vec<Seen> {
            let one = |n| Seen { note: SeenNote::Repeated, ..seen(n * 60, 200, None) };
            (0..count).map(one).collect()
        };
        assert!(asked_without_end(&again(26), 1).is_some());
        assert!(asked_without_end(&again(25), 1).is_none());
        assert!(asked_without_end(&again(26), 2).is_none());
        assert!(asked_without_end(&vec![seen(0, 200, None); 60], 1).is_none());
    }

    #[test]
    fn hammering_is_seen() {
        assert!(hammered(&[seen(0, 500, None), seen(0, 500, None), seen(0, 500, None)], 1).is_some());
        assert!(hammered(&[seen(0, 500, None), seen(0, 500, None), seen(5, 500, None)], 1).is_none());
        let endless: Vec<Seen> = (0..30).map(|n| seen(n * 60, 500, None)).collect();
        assert!(hammered(&endless, 1).is_some());
        assert!(hammered(&endless, 2).is_none(), "two that were set off fail in turn");
        assert!(hammered(&endless[..20], 1).is_none());
        let redirect = Seen { note: SeenNote::Faulted("redirected to itself"), ..seen(0, 307, None) };
        assert!(hammered(&vec![redirect; 30], 1).is_none(), "it is followed, not tried again");
    }
}
