//! `requests`: how many requests of a kind reached the provider.

use super::Judge;
use crate::file::RequestsExpected;

pub(super) fn judge(expected: &RequestsExpected, judge: &mut Judge<'_, '_>) {
    let selector = &expected.to.value;
    let found: Vec<u64> = judge
        .context
        .observed
        .seen
        .iter()
        .filter(|seen| selector.selects(&seen.operation, seen.method.as_str(), &seen.target))
        .map(|seen| seen.seq)
        .collect();
    let count = found.len();
    let holds = expected.count.is_none_or(|wanted| count == wanted)
        && expected.at_least.is_none_or(|wanted| count >= wanted)
        && expected.at_most.is_none_or(|wanted| count <= wanted);
    if !holds {
        let wanted: Vec<String> =
            [("", expected.count), ("at least ", expected.at_least), ("at most ", expected.at_most)]
                .into_iter()
                .filter_map(|(word, number)| number.map(|number| format!("{word}{number}")))
                .collect();
        let message = format!("{count} requests to {selector}");
        judge.broken(message, wanted.join(", "), count.to_string(), found);
    }
}
