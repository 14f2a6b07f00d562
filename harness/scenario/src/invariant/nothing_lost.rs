//! Nothing lost: what the happy path brings is applied, or held and alerted.

use super::Finding;
use crate::observed::{Context, Destinations, is_failure, keys, text_of};
use crate::wording::some_of;
use counterpart_subject::ProbeName;
use std::collections::HashSet;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Destinations { key, records, happy } = match context.destinations() {
        Ok(destinations) => destinations,
        Err(reason) => return Finding::NotChecked(reason),
    };
    if context.observed.last_run_failed() {
        return Finding::NotChecked("the last run of the batch failed, and said so by its exit code");
    }
    let mut accounted: HashSet<String> = keys(records, key).into_iter().collect();
    let alerts = context.probe(ProbeName::Alerts).map_or(0, |(_, alerts)| alerts.len());
    if let Some((probe, holds)) = context.probe(ProbeName::Holds).filter(|_| alerts > 0) {
        let field = probe.key.as_deref().unwrap_or("key");
        // A hold without a key holds a whole run: with it everything that the run did not bring.
        if holds.iter().any(|hold| text_of(hold, field).is_none()) {
            return Finding::Held;
        }
        accounted.extend(keys(holds, field));
    }
    let lost: Vec<String> = keys(happy, key).into_iter().filter(|value| !accounted.contains(value)).collect();
    if lost.is_empty() {
        return Finding::Held;
    }
    Finding::Broken {
        message: format!("{} of {} records were lost without a word", lost.len(), happy.len()),
        expected: expected(context),
        actual: some_of(&lost),
        exchanges: context
            .observed
            .seen
            .iter()
            .filter(|seen| is_failure(seen))
            .map(|seen| seen.seq)
            .collect(),
    }
}

fn expected(context: &Context<'_>) -> String {
    let rule = "every record applied, or held and alerted";
    let is_unseen = |name: &&ProbeName| context.probe(**name).is_none();
    let unseen: Vec<String> = [ProbeName::Holds, ProbeName::Alerts]
        .iter()
        .filter(is_unseen)
        .map(|name| format!("`{}`", name.word()))
        .collect();
    match &unseen[..] {
        [] => rule.to_owned(),
        names => format!("{rule}; whether it was, the subject has no probe to show: {}", names.join(" and ")),
    }
}
