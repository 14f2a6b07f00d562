//! JUnit XML, for CI systems: a suite for each folder of scenarios, a test case for each scenario.
//!
//! The dialect that Jenkins' xunit plugin, GitHub's readers and Maven Surefire agree on, reruns and flaky
//! tests included. quick-junit does the escaping; texts go through `text` first, because what XML cannot
//! hold would otherwise vanish without a trace.

use crate::attempt;
use crate::terminal::{self, Style};
use crate::text::one_line;
use crate::{ReportError, wording};
use counterpart_outcome::{Attempt, Run, ScenarioOutcome, Verdict, Violation, ViolationKind};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use std::time::Duration;

/// How long a name or a message gets, in characters: readers put them on one line.
const LINE_CHARS: usize = 500;
/// The suite of scenarios that stand in no folder.
const NO_FOLDER: &str = "scenarios";

/// The run as JUnit XML.
///
/// # Errors
/// [`ReportError::Junit`] where the XML writer refuses.
pub fn render(run: &Run) -> Result<String, ReportError> {
    let mut report = Report::new("counterpart");
    report.set_time(Duration::from_millis(run.wall_ms));
    let mut folders: Vec<(&str, Vec<&ScenarioOutcome>)> = Vec::new();
    for outcome in &run.scenarios {
        let (folder, _) = folder_and_name(outcome);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, outcomes)) => outcomes.push(outcome),
            None => folders.push((folder, vec![outcome])),
        }
    }
    for (folder, outcomes) in folders {
        report.add_test_suite(suite(run, folder, &outcomes));
    }
    Ok(report.to_string()?)
}

fn suite(run: &Run, folder: &str, outcomes: &[&ScenarioOutcome]) -> TestSuite {
    let mut suite = TestSuite::new(one_line(folder, LINE_CHARS));
    let wall_ms = outcomes.iter().fold(0, |sum: u64, outcome| sum.saturating_add(attempt::wall_ms(outcome)));
    suite.set_time(Duration::from_millis(wall_ms));
    let began = run.started_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    suite.extra.insert("timestamp".into(), began.into());
    suite.add_property(("subject", one_line(&run.subject.name, LINE_CHARS).as_str()));
    suite.add_property(("seed", run.seed.to_string().as_str()));
    suite.add_test_cases(outcomes.iter().map(|outcome| case(outcome)));
    suite
}

fn folder_and_name(outcome: &ScenarioOutcome) -> (&str, &str) {
    outcome.name.rsplit_once('/').unwrap_or((NO_FOLDER, &outcome.name))
}

fn case(outcome: &ScenarioOutcome) -> TestCase {
    let (folder, name) = folder_and_name(outcome);
    let mut case =
        TestCase::new(one_line(&format!("{name}: {}", outcome.title), LINE_CHARS), status(outcome));
    case.set_classname(one_line(&folder.replace('/', "."), LINE_CHARS));
    case.set_time(Duration::from_millis(attempt::wall_ms(outcome)));
    case.add_property(("file", one_line(&outcome.file, LINE_CHARS).as_str()));
    if !outcome.snapshots_pending.is_empty() {
        let pending = one_line(&outcome.snapshots_pending.join(", "), LINE_CHARS);
        case.set_system_out(format!("snapshots to review: {pending}"));
    }
    if let Some(known) = &outcome.quarantine {
        let told = one_line(&wording::quarantine(known, &outcome.verdict), LINE_CHARS);
        case.add_property(("quarantine", told.as_str()));
    }
    case
}

fn status(outcome: &ScenarioOutcome) -> TestCaseStatus {
    let deciding = attempt::deciding(outcome);
    let text = || terminal::failure(outcome, Style::Plain);
    if let Some(known) = outcome.quarantine.as_ref().filter(|_| outcome.is_quarantined()) {
        // Neither a success nor a failure: readers show what is skipped, with its reason.
        let mut status = TestCaseStatus::skipped();
        status.set_type("quarantined").set_message(one_line(&wording::quarantine(known, &outcome.verdict), LINE_CHARS));
        status.set_description(text());
        return status;
    }
    match &outcome.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(one_line(reason, LINE_CHARS));
            status
        }
        Verdict::Failed | Verdict::Errored => {
            let mut status = TestCaseStatus::non_success(kind(&outcome.verdict));
            let (ty, message) = deciding.map(type_and_message).unwrap_or_default();
            status.set_type(ty).set_message(message).set_description(text());
            let shown = deciding.map(|attempt| attempt.number);
            status.add_reruns(
                reruns(outcome).filter(|(number, _)| Some(*number) != shown).map(|(_, rerun)| rerun),
            );
            status
        }
        Verdict::Flaky => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(reruns(outcome).map(|(number, mut rerun)| {
                if deciding.is_some_and(|attempt| attempt.number == number) {
                    rerun.set_description(text());
                }
                rerun
            }));
            status
        }
    }
}

/// The attempts that did not pass, with their numbers.
fn reruns(outcome: &ScenarioOutcome) -> impl Iterator<Item = (usize, TestRerun)> {
    let wrong = |attempt: &&Attempt| matches!(attempt.verdict, Verdict::Failed | Verdict::Errored);
    outcome.attempts.iter().filter(wrong).map(|attempt| {
        let (ty, message) = type_and_message(attempt);
        let mut rerun = TestRerun::new(kind(&attempt.verdict));
        rerun.set_type(ty).set_message(message).set_time(Duration::from_millis(attempt.wall_ms));
        (attempt.number, rerun)
    })
}

fn kind(verdict: &Verdict) -> NonSuccessKind {
    match verdict {
        Verdict::Failed => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    }
}

fn type_and_message(attempt: &Attempt) -> (String, String) {
    if let Some(error) = &attempt.error {
        return ("errored".to_owned(), one_line(error, LINE_CHARS));
    }
    let Some(first) = attempt.violations.first() else {
        return (wording::verdict(&attempt.verdict).to_owned(), String::new());
    };
    let message = match attempt.violations.len() {
        1 => first.message.clone(),
        number => format!("{}: {}", wording::count(number, "violation"), first.message),
    };
    (violation_type(first), one_line(&message, LINE_CHARS))
}

/// A word that readers group failures by: `invariant.applied_once`.
fn violation_type(violation: &Violation) -> String {
    let text = match &violation.kind {
        ViolationKind::Expectation(word) => format!("expectation.{word}"),
        ViolationKind::Invariant(name) => format!("invariant.{name}"),
        ViolationKind::Step(step) => format!("step.{step}"),
        ViolationKind::Unmatched => "unmatched".to_owned(),
        ViolationKind::Exhausted => "exhausted".to_owned(),
        ViolationKind::LooselyMatched => "loosely_matched".to_owned(),
        ViolationKind::ExchangesUnused => "exchanges_unused".to_owned(),
        ViolationKind::FaultUnused => "fault_unused".to_owned(),
    };
    one_line(&text, LINE_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_run_reads_like_this() {
        insta::assert_snapshot!(render(&sample::run()).unwrap());
    }

    #[test]
    fn earlier_attempts_of_a_failed_scenario_are_reruns() {
        let mut run = sample::run_of_verdicts(&["failed"]);
        let mut second = run.scenarios[0].attempts[0].clone();
        second.number = 2;
        run.scenarios[0].attempts.push(second);
        let xml = render(&run).unwrap();
        assert_eq!(xml.matches("<failure ").count(), 1);
        assert_eq!(xml.matches("<rerunFailure ").count(), 1);
        assert!(xml.contains("attempt 2 of 2"));
    }

    #[test]
    fn a_scenario_in_no_folder_has_a_suite_all_the_same() {
        let mut run = sample::run_of_verdicts(&["passed"]);
        run.scenarios[0].name = "alone".into();
        let xml = render(&run).unwrap();
        assert!(xml.contains(r#"<testsuite name="scenarios""#) && xml.contains(r#"classname="scenarios""#));
    }

    #[test]
    fn any_text_gives_well_formed_xml() {
        let mut run = sample::hostile_run();
        run.scenarios[0].file = sample::hostile();
        let xml = render(&run).unwrap();
        let legal = |one: char| matches!(one, '\n' | ' '..='\u{7e}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(xml.chars().find(|one| !legal(*one)), None);
        assert!(!xml.contains("<script") && !xml.contains("]]>") && !xml.contains("<!--"));
        assert!(xml.contains("«access_token:1»"));
        let read = Report::deserialize_from_str(&xml).unwrap();
        assert_eq!((read.tests, read.failures, read.errors, read.skipped), (5, 1, 1, 1));
    }
}
