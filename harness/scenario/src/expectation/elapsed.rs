//! `elapsed`: how much virtual time passed.

use super::Judge;
use crate::file::ElapsedExpected;

pub(super) fn judge(expected: ElapsedExpected, judge: &mut Judge<'_, '_>) {
    let elapsed = judge.context.observed.virtual_time();
    let holds = expected.at_least.is_none_or(|least| elapsed >= least)
        && expected.at_most.is_none_or(|most| elapsed <= most);
    if !holds {
        let wanted: Vec<String> = [("at least", expected.at_least), ("at most", expected.at_most)]
            .into_iter()
            .filter_map(|(word, bound)| bound.map(|bound| format!("{word} {bound:#}")))
            .collect();
        judge.broken(
            "more or less time passed than was expected",
            wanted.join(", "),
            format!("{elapsed:#}"),
            vec![],
        );
    }
}
