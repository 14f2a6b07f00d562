//! `holds`: what was kept because it could not be processed.

use super::Judge;
use crate::file::{Counts, HoldsExpected};
use crate::observed::keys_of_all;
use crate::wording::some_of;
use counterpart_subject::ProbeName;

pub(super) fn judge(expected: &HoldsExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let Some((probe, records)) = judge.context.probe(ProbeName::Holds) else { return };
    let reasons = keys_of_all(records, probe.reason.as_deref().unwrap_or("reason"));
    let right = expected.reason.as_ref().is_none_or(|wanted| reasons.iter().all(|reason| reason == wanted));
    if !counts.hold(records.len()) || !right {
        let held = if counts.is_empty() { "any number".to_owned() } else { counts.words() };
        let wanted = match &expected.reason {
            Some(reason) => format!("{held} held, because of {reason}"),
            None => format!("{held} held"),
        };
        let actual = format!("{} held: {}", records.len(), some_of(&reasons));
        judge.broken("what is held is not what was expected", wanted, actual, vec![]);
    }
}
