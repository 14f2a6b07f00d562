//! Loud: each failure is in the log as a warning or worse, and whatever is held was told to somebody.
//!
//! An expired token (401) and a limit (429) are daily business: for them any line will do.

use super::Finding;
use crate::observed::{Context, is_failure, text_of};
use counterpart_stand_in::Seen;
use counterpart_subject::ProbeName;
use serde_json::Value;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((_, log)) = context.probe(ProbeName::Log) else {
        return Finding::NotChecked("the subject has no probe `log`");
    };
    let is_failing = |seen: &&Seen| is_failure(seen) && seen.status.is_none_or(|status| status >= 400);
    let failures: Vec<&Seen> = context.observed.seen.iter().filter(is_failing).collect();
    let grave = failures.iter().filter(|seen| !matches!(seen.status, Some(401 | 429))).count();
    // Of a call that was under way when the subject was ended nobody was left to tell.
    let told = |count: usize| count.saturating_sub(context.observed.interrupted);
    let (least_lines, least_warnings) = (told(failures.len()), told(grave));
    let level = |line: &Value| text_of(line, "level").unwrap_or_default().to_ascii_lowercase();
    let warnings =
        log.iter().filter(|line| matches!(level(line).as_str(), "warn" | "warning" | "error")).count();
    let exchanges: Vec<u64> = failures.iter().map(|seen| seen.seq).collect();
    if warnings < least_warnings || log.len() < least_lines {
        return Finding::Broken {
            message: "failures were not logged".to_owned(),
            expected: format!(
                "a line for each of {least_lines}, at least {least_warnings} of them warnings or errors"
            ),
            actual: format!("{} lines, {warnings} of them warnings or errors", log.len()),
            exchanges,
        };
    }
    let count = |probe| context.probe(probe).map(|(_, records): (_, &[Value])| records.len());
    match (count(ProbeName::Holds), count(ProbeName::Alerts)) {
        (Some(held), Some(0)) if held > 0 => Finding::Broken {
            message: format!("{held} held and nobody was told"),
            expected: "an alert".to_owned(),
            actual: "none".to_owned(),
            exchanges,
        },
        _ => Finding::Held,
    }
}
