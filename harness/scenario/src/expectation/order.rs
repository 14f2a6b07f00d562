//! `order`: requests came in this order, others among them or not.

use super::Judge;
use crate::file::Spanned;
use crate::wording::some_of;
use counterpart_stand_in::RequestSelector;

pub(super) fn judge(expected: &[Spanned<RequestSelector>], judge: &mut Judge<'_, '_>) {
    let seen = &judge.context.observed.seen;
    let mut from = 0;
    for (number, selector) in expected.iter().enumerate() {
        let selector = &selector.value;
        let fits = |seen: &counterpart_stand_in::Seen| {
            selector.selects(&seen.operation, seen.method.as_str(), &seen.target)
        };
        if let Some(found) = seen[from..].iter().position(fits) {
            from += found + 1;
            continue;
        }
        let wanted: Vec<String> = expected.iter().map(|one| one.value.to_string()).collect();
        let came: Vec<String> =
            seen.iter().filter(|seen| fits(seen)).map(|seen| format!("as number {}", seen.seq)).collect();
        let message = format!("there is no {selector} in its place, {} of {}", number + 1, expected.len());
        let actual = format!("{selector} came {}; the one before it is number {from}", some_of(&came));
        let exchanges = seen.iter().filter(|seen| fits(seen)).map(|seen| seen.seq).collect();
        judge.broken(message, wanted.join(", then "), actual, exchanges);
        return;
    }
}
