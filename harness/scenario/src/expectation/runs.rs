//! `runs`: where the runs stand, in the order they were triggered.

use super::Judge;
use crate::observed::keys_of_all;
use counterpart_subject::ProbeName;

pub(super) fn judge(expected: &[String], judge: &mut Judge<'_, '_>) {
    let Some((probe, records)) = judge.context.probe(ProbeName::Runs) else { return };
    let states = keys_of_all(records, probe.state.as_deref().unwrap_or("state"));
    if states != expected {
        judge.broken("the runs ended in other states", expected.join(", "), states.join(", "), vec![]);
    }
}
