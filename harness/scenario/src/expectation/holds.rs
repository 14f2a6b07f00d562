//! `holds`: what was kept because it could not be processed.

use super::Judge;
use crate::file::HoldsExpected;
use crate::observed::keys;
use crate::wording::some_of;
use counterpart_subject::ProbeName;

pub(super) fn judge(expected: &HoldsExpected, judge: &mut Judge<'_, '_>) {
    let Some((probe, records)) = judge.context.probe(ProbeName::Holds) else { return };
    let reasons = keys(records, probe.reason.as_deref().unwrap_or("reason"));
    let right = expected.reason.as_ref().is_none_or(|wanted| reasons.iter().all(|reason| reason == wanted));
    if records.len() != expected.count || !right {
        let wanted = match &expected.reason {
            Some(reason) => format!("{} held, because of {reason}", expected.count),
            None => format!("{} held", expected.count),
        };
        let actual = format!("{} held: {}", records.len(), some_of(&reasons));
        judge.broken("what is held is not what was expected", wanted, actual, vec![]);
    }
}
