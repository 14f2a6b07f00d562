//! Loud: each failure is in the log, and whatever is held was told to somebody.

use super::Finding;
use crate::observed::{Context, is_failure, text_of};
use counterpart_subject::ProbeName;
use serde_json::Value;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((_, log)) = context.probe(ProbeName::Log) else {
        return Finding::NotChecked("the subject has no probe `log`");
    };
    let failures: Vec<u64> = context
        .observed
        .seen
        .iter()
        .filter(|seen| is_failure(seen) && seen.status.is_none_or(|status| status >= 400))
        .map(|seen| seen.seq)
        .collect();
    let is_warning = |line: &&Value| {
        text_of(line, "level")
            .is_some_and(|level| matches!(level.to_ascii_lowercase().as_str(), "warn" | "warning" | "error"))
    };
    let warnings = log.iter().filter(is_warning).count();
    if warnings < failures.len() {
        return Finding::Broken {
            message: "failures were not logged".to_owned(),
            expected: format!("at least {} lines of level warn or error", failures.len()),
            actual: warnings.to_string(),
            exchanges: failures,
        };
    }
    let count = |probe| context.probe(probe).map(|(_, records): (_, &[Value])| records.len());
    match (count(ProbeName::Holds), count(ProbeName::Alerts)) {
        (Some(held), Some(0)) if held > 0 => Finding::Broken {
            message: format!("{held} held and nobody was told"),
            expected: "an alert".to_owned(),
            actual: "none".to_owned(),
            exchanges: failures,
        },
        _ => Finding::Held,
    }
}
