//! Loud: each failure is in the log as a warning or worse, and whatever is held was told to somebody.
//!
//! An expired token (401) and a limit (429) are daily business: for them any line will do.

use super::Finding;
use crate::observed::{Context, is_failure};
use counterpart_stand_in::Seen;
use counterpart_subject::ProbeName;
use serde_json::Value;

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Told for the record.
    Usual,
    /// A warning, or worse.
    Warning,
}

/// Where loggers put the level.
const LEVEL_FIELDS: [&str; 4] = ["level", "severity", "levelname", "lvl"];

/// The least number that warns where levels are numbers, as of pino and bunyan: 10 trace, 20 debug, 30 info, 40 warn, 50
/// error, 60 fatal.
const WARNS_FROM: u64 = 40;

/// The level of a line: in words, of whatever logger, or in those numbers.
fn level(line: &Value) -> Option<Level> {
    let value = LEVEL_FIELDS.iter().find_map(|field| line.get(field))?;
    if let Some(number) = value.as_u64() {
        return Some(if number >= WARNS_FROM { Level::Warning } else { Level::Usual });
    }
    match value.as_str()?.to_ascii_lowercase().as_str() {
        "trace" | "verbose" | "debug" | "info" | "information" | "informational" | "notice" | "default" => {
            Some(Level::Usual)
        }
        "warn" | "warning" | "error" | "err" | "severe" | "critical" | "crit" | "fatal" | "alert"
        | "emergency" | "emerg" | "panic" | "dpanic" => Some(Level::Warning),
        _ => None,
    }
}

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
    let warnings = log.iter().filter(|line| level(line) == Some(Level::Warning)).count();
    let unread = if log.iter().all(|line| level(line).is_none()) {
        format!("; none has a level that is known in {}", LEVEL_FIELDS.join(", "))
    } else {
        String::new()
    };
    let exchanges: Vec<u64> = failures.iter().map(|seen| seen.seq).collect();
    if warnings < least_warnings || log.len() < least_lines {
        return Finding::Broken {
            message: "failures were not logged".to_owned(),
            expected: format!(
                "a line for each of {least_lines}, at least {least_warnings} of them warnings or errors"
            ),
            actual: format!("{} lines, {warnings} of them warnings or errors{unread}", log.len()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn levels_of_the_usual_loggers_are_read() {
        for warning in [
            json!({ "level": "WARN" }),
            json!({ "level": "fatal" }),
            json!({ "level": 40 }),
            json!({ "severity": "ERROR" }),
            json!({ "levelname": "CRITICAL" }),
        ] {
            assert_eq!(level(&warning), Some(Level::Warning), "{warning}");
        }
        for usual in [json!({ "level": "info" }), json!({ "level": 30 }), json!({ "lvl": "debug" })] {
            assert_eq!(level(&usual), Some(Level::Usual), "{usual}");
        }
        for unread in [json!({}), json!({ "level": "loud" }), json!({ "level": null }), json!("error")] {
            assert_eq!(level(&unread), None, "{unread}");
        }
    }
}
