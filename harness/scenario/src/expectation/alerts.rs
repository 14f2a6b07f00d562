//! `alerts`: what people were told.

use super::Judge;
use crate::file::AlertsExpected;
use crate::observed::keys_of_all;
use counterpart_subject::ProbeName;

pub(super) fn judge(expected: &AlertsExpected, judge: &mut Judge<'_, '_>) {
    let Some((probe, records)) = judge.context.probe(ProbeName::Alerts) else { return };
    let mut kinds = keys_of_all(records, probe.kind.as_deref().unwrap_or("kind"));
    let mut wanted = expected.kinds.clone().unwrap_or_default();
    kinds.sort();
    wanted.sort();
    if kinds != wanted {
        let words =
            |kinds: &[String]| if kinds.is_empty() { "no alert".to_owned() } else { kinds.join(", ") };
        judge.broken("the alerts are not those that were expected", words(&wanted), words(&kinds), vec![]);
    }
}
