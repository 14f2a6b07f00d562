//! `elapsed`: how much virtual time passed.

use super::Judge;
use crate::file::ElapsedExpected;

pub(super) fn judge(expected: ElapsedExpected, judge: &mut Judge<'_, '_>) {
    let elapsed = judge.context.observed.virtual_time();
    if !expected.hold(elapsed) {
        let message = "more or less time passed than was expected";
        judge.broken(message, expected.words(), format!("{elapsed:#}"), vec![]);
    }
}
