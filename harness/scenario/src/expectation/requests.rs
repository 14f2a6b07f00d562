//! `requests`: how many requests of a kind reached the provider, and how far apart.

use super::Judge;
use crate::file::{Counts, RequestsExpected};
use counterpart_stand_in::Seen;

pub(super) fn judge(expected: &RequestsExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let selector = &expected.to.value;
    let seen = judge.context.observed.seen.iter();
    let found: Vec<&Seen> =
        seen.filter(|seen| selector.selects(&seen.operation, seen.method.as_str(), &seen.target)).collect();
    let count = found.len();
    if !counts.hold(count) {
        let numbers = found.iter().map(|seen| seen.seq).collect();
        judge.broken(format!("{count} requests to {selector}"), counts.words(), count.to_string(), numbers);
    }
    let Some(apart) = expected.apart else { return };
    if count < 2 {
        let message = format!("there are no two requests to {selector} that could be apart");
        judge.broken(message, apart.words(), format!("{count} requests"), Vec::new());
    }
    for pair in found.windows(2) {
        let between = pair[1].at.duration_since(pair[0].at);
        if !apart.hold(between) {
            let message = format!("two requests to {selector} are not as far apart as they must be");
            judge.broken(message, apart.words(), format!("{between:#}"), vec![pair[0].seq, pair[1].seq]);
            return;
        }
    }
}
