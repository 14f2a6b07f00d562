//! `audit`: what the audit trail has, in order.

use super::{Judge, nearest};
use crate::file::{AuditExpected, Counts, Matcher};
use counterpart_subject::ProbeName;

pub(super) fn judge(expected: &AuditExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let Some((_, entries)) = judge.context.probe(ProbeName::Audit) else { return };
    judge.counted("audit entry", "audit entries", counts, entries.len(), Vec::new());
    let mut from = 0;
    for (number, wanted) in expected.entries.iter().enumerate() {
        let matcher: Matcher = wanted.0.filled(&judge.context.observed.names);
        match entries[from..].iter().position(|entry| matcher.fits(Some(entry))) {
            Some(found) => from += found + 1,
            None => {
                let is_earlier = entries[..from].iter().any(|entry| matcher.fits(Some(entry)));
                let message = match is_earlier {
                    true => format!("the audit trail has entry {} too early", number + 1),
                    false => format!("the audit trail does not have entry {}", number + 1),
                };
                let behind =
                    if from == 0 { String::new() } else { format!(", behind the {from} entries before it") };
                let actual = nearest(&matcher, &entries[from..]);
                judge.broken(message, format!("{}{behind}", matcher.words()), actual, vec![]);
                return;
            }
        }
    }
}
