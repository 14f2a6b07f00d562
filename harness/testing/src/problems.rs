//! What fails a test though it asserted nothing: requests that fitted nothing, faults that never struck.

use crate::fault::spelled;
use counterpart_stand_in::{DeliveryEnd, Provider, SeenNote, StandIn};

/// Requests that are told one by one.
const MAX_TOLD: usize = 10;

/// What a test said is right in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) unmatched: bool,
    pub(crate) unused_faults: bool,
    /// Of a quota that the profile has, nobody need use all.
    pub(crate) unused_limits: bool,
}

/// Each problem as a sentence; none where all is well.
pub(crate) fn problems(stand_in: &StandIn, allowed: Allowed) -> Vec<String> {
    let mut all = Vec::new();
    if !allowed.unmatched {
        let seen = stand_in.seen();
        let unmatched = seen.iter().filter_map(|seen| match &seen.note {
            SeenNote::Unmatched(why) | SeenNote::Exhausted(why) => Some((seen, why)),
            _ => None,
        });
        let unmatched: Vec<String> = unmatched
            .map(|(seen, why)| format!("{} {} has no recorded answer: {why}", seen.method, seen.target))
            .collect();
        let more = unmatched.len().saturating_sub(MAX_TOLD);
        all.extend(unmatched.into_iter().take(MAX_TOLD));
        if more > 0 {
            all.push(format!("and {more} more requests have no recorded answer"));
        }
    }
    if !allowed.unused_faults {
        all.extend(faults_that_did_not_strike(stand_in));
    }
    if !allowed.unused_limits {
        all.extend(stand_in.limits_never_reached().into_iter().map(|place| {
            format!(
                "nobody came up against limit {} of the quota, so the test shows less than it says",
                place + 1
            )
        }));
    }
    all
}

fn faults_that_did_not_strike(stand_in: &StandIn) -> Vec<String> {
    let states = stand_in.providers().iter().flat_map(Provider::faults);
    let unused = states.filter(|state| state.is_unused).map(|state| {
        let spelled = spelled(&state.planned);
        format!("the fault {spelled} struck {} time(s), so the test shows less than it says", state.struck)
    });
    let mut all: Vec<String> = unused.collect();
    for seen in stand_in.seen() {
        if let SeenNote::FaultInapplicable(why) = &seen.note {
            let fault = seen.fault.unwrap_or_default();
            all.push(format!(
                "the fault {fault} could not be applied to {} {}: {why}",
                seen.method, seen.target
            ));
        }
    }
    for delivered in stand_in.delivered() {
        if let DeliveryEnd::Inapplicable(why) = &delivered.end {
            let fault = delivered.fault.unwrap_or_default();
            all.push(format!("the fault {fault} could not be applied to {}: {why}", delivered.exchange));
        }
    }
    all
}
