//! CTRF, the Common Test Report Format: JSON that dashboards and CI actions read. <https://ctrf.io>
//!
//! What was tried again says so (`retries`, `flaky`), and what could not be judged has the status `other`.

use crate::attempt;
use crate::terminal::{self, Style};
use crate::text::one_line;
use crate::{ReportError, wording};
use counterpart_outcome::{Attempt, Run, ScenarioOutcome, Verdict};
use serde_json::{Value, json};

/// The version of the format.
const SPEC_VERSION: &str = "0.0.0";
/// How long a name or a message gets, in characters.
const LINE_CHARS: usize = 500;

/// The run as CTRF.
///
/// # Errors
/// [`ReportError::Json`] where it cannot be written.
pub fn render(run: &Run) -> Result<String, ReportError> {
    let totals = run.totals();
    let start_ms = run.started_at.as_millisecond();
    let stop_ms = start_ms.saturating_add(i64::try_from(run.wall_ms).unwrap_or(i64::MAX));
    let mut report = json!({
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "counterpart",
        "timestamp": run.started_at.to_string(),
        "results": {
            "tool": {"name": "counterpart", "version": run.environment.counterpart},
            "summary": {
                "tests": totals.total,
                "passed": totals.passed + totals.flaky,
                "failed": totals.failed,
                "pending": 0,
                "skipped": totals.skipped,
                "other": totals.errored,
                "flaky": totals.flaky,
                "start": start_ms,
                "stop": stop_ms,
                "duration": run.wall_ms,
            },
            "tests": run.scenarios.iter().map(test).collect::<Vec<_>>(),
            "environment": {
                "appName": one_line(&run.subject.name, LINE_CHARS),
                "osPlatform": run.environment.os,
                "extra": {"seed": run.seed},
            },
        },
    });
    if let Some(version) = &run.subject.version {
        report["results"]["environment"]["appVersion"] = json!(one_line(version, LINE_CHARS));
    }
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn test(outcome: &ScenarioOutcome) -> Value {
    let mut test = json!({
        "name": one_line(&format!("{}: {}", outcome.name, outcome.title), LINE_CHARS),
        "status": status(&outcome.verdict),
        "rawStatus": wording::verdict(&outcome.verdict),
        "duration": attempt::wall_ms(outcome),
        "filePath": one_line(&outcome.file, LINE_CHARS),
        "retries": outcome.attempts.len().saturating_sub(1),
        "flaky": outcome.verdict == Verdict::Flaky,
    });
    if let Some((folder, _)) = outcome.name.rsplit_once('/') {
        test["suite"] = json!(folder.split('/').map(|part| one_line(part, LINE_CHARS)).collect::<Vec<_>>());
    }
    if outcome.attempts.len() > 1 {
        test["retryAttempts"] = outcome.attempts.iter().map(tried).collect();
    }
    let message = match &outcome.verdict {
        Verdict::Passed => None,
        Verdict::Skipped { reason } => Some(reason.as_str()),
        _ => attempt::deciding(outcome).and_then(why),
    };
    if let Some(message) = message {
        test["message"] = json!(one_line(message, LINE_CHARS));
        test["trace"] = json!(terminal::failure(outcome, Style::Plain));
    }
    test
}

/// An attempt of several.
fn tried(attempt: &Attempt) -> Value {
    let mut tried = json!({
        "attempt": attempt.number,
        "status": status(&attempt.verdict),
        "duration": attempt.wall_ms,
    });
    if let Some(message) = why(attempt) {
        tried["message"] = json!(one_line(message, LINE_CHARS));
    }
    tried
}

/// Why an attempt did not pass.
fn why(attempt: &Attempt) -> Option<&str> {
    let violation = attempt.violations.first().map(|violation| violation.message.as_str());
    attempt.error.as_deref().or(violation)
}

fn status(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed | Verdict::Flaky => "passed",
        Verdict::Failed => "failed",
        Verdict::Skipped { .. } => "skipped",
        Verdict::Errored => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_run_reads_like_this() {
        let mut report: Value = serde_json::from_str(&render(&sample::run()).unwrap()).unwrap();
        for test in report["results"]["tests"].as_array_mut().unwrap() {
            if let Some(trace) = test.get_mut("trace") {
                *trace = json!(format!("{} lines", trace.as_str().unwrap().lines().count()));
            }
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn nothing_from_outside_breaks_out_of_it() {
        let run = sample::hostile_run();
        let report: Value = serde_json::from_str(&render(&run).unwrap()).unwrap();
        assert_eq!(report["results"]["tests"].as_array().unwrap().len(), run.scenarios.len());
        let name = report["results"]["tests"][2]["name"].as_str().unwrap();
        assert!(
            !name.contains('\u{1b}') && !name.contains('\u{202e}') && name.chars().count() < 2 * LINE_CHARS
        );
    }
}
