//! Audited: every request that reached the provider, and every webhook that the subject answered, is in the audit
//! trail.

use super::Finding;
use crate::observed::Context;
use counterpart_stand_in::{Fault, FaultSite, PlannedFault};
use counterpart_subject::ProbeName;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((_, entries)) = context.probe(ProbeName::Audit) else {
        return Finding::NotChecked("the subject has no probe `audit`");
    };
    let answered = context.observed.delivered.iter().filter(|one| one.end.status().is_some()).count();
    let requests = context.observed.seen.len() + answered;
    // A call that found nobody listening is in the trail and never reached the provider.
    let may_be_more = context.plan.faults.iter().any(keeps_requests_away);
    // One that was under way when the subject was ended may have left no trace.
    let least = requests.saturating_sub(context.observed.interrupted);
    if (least..=requests).contains(&entries.len()) || may_be_more && entries.len() > requests {
        return Finding::Held;
    }
    Finding::Broken {
        message: "the audit trail does not have one entry for each request and webhook".to_owned(),
        expected: match least == requests {
            true => format!("{requests} entries"),
            false => format!("{least} to {requests} entries"),
        },
        actual: entries.len().to_string(),
        exchanges: Vec::new(),
    }
}

fn keeps_requests_away(fault: &PlannedFault) -> bool {
    matches!(fault.at, FaultSite::Connection(_)) || matches!(fault.inject, Fault::Refused(_))
}
