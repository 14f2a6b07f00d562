//! What a run looks like in a terminal: a line as each scenario ends, each failure in full, the summary.
//!
//! Text for the command line to print; colour is an argument. A failure in plain style is also what the
//! JUnit and Markdown reports quote.

use crate::asked::{self, Required};
use crate::attempt::{self, Unseen};
use crate::excerpt::{self, Part, Row};
use crate::text::{abridged, one_line, one_line_ends, visible};
use crate::verdict::{Judgement, ReportVerdict};
use crate::wording;
use anstyle::{AnsiColor, Effects};
use counterpart_outcome::{
    Attempt, ExchangeSeen, Integration, Question, Run, ScenarioOutcome, Verdict, Violation,
};
use jiff::Timestamp;
use std::fmt::Write as _;

/// Whether to write escape codes for colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With ANSI escape codes.
    Coloured,
}

/// How much of an expectation's two sides is shown, in characters.
const SIDE_CHARS: usize = 2_000;
/// How much of a sentence is shown where it must stay on its line, in characters.
const LINE_CHARS: usize = 240;
/// How wide a column of the table of exchanges gets, in characters.
const CELL_CHARS: usize = 72;
/// How many exchanges are shown for one violation.
const ROWS: usize = 30;
/// How long a line of the summary gets, in characters, and a provider's name in it.
const SUMMARY_CHARS: usize = 300;
const NAME_CHARS: usize = 30;
/// How many catalogue entries the summary names.
const CASES_NAMED: usize = 12;

/// The summary of a run: verdict, counts, times, coverage. Ends with a line break.
#[must_use]
pub fn summary(run: &Run, style: Style) -> String {
    let judgement = Judgement::of(run);
    let mut text = String::new();
    let headline = style.paint(judgement_style(judgement.verdict), &judgement.headline());
    let _ = writeln!(text, "{headline}");
    let _ = writeln!(text, "  {}", judgement.reason);
    let totals = run.totals();
    let subject = one_line(&run.subject.name, NAME_CHARS);
    let _ = writeln!(text, "  subject {subject}; {}", wording::totals(&totals));
    let simulated_ms =
        run.scenarios.iter().fold(0, |sum: u64, one| sum.saturating_add(attempt::virtual_ms(one)));
    let _ = writeln!(
        text,
        "  {} of real time{}, {} simulated, seed {}",
        wording::duration(run.wall_ms),
        wording::rate(run).map(|rate| format!(" ({rate})")).unwrap_or_default(),
        wording::duration(simulated_ms),
        run.seed
    );
    if let Some(line) = coverage(run) {
        let _ = writeln!(text, "  {line}");
    }
    if let Some(required) = Required::of(run) {
        let _ = writeln!(text, "  {}", one_line(&required.line(), SUMMARY_CHARS));
    }
    text.push_str(&integrations(run));
    if !run.subject.plants.is_empty() {
        let plants = one_line(&run.subject.plants.join(", "), LINE_CHARS);
        let _ = writeln!(text, "  bugs planted in the subject: {plants}");
    }
    if totals.snapshots_pending > 0 {
        let _ = writeln!(text, "  {} to review", wording::count(totals.snapshots_pending, "snapshot"));
    }
    text
}

/// The questions that are asked of every integration as a table, and why some stay open.
fn integrations(run: &Run) -> String {
    let mut text = String::new();
    let named = |integration: &Integration| one_line(&integration.provider, NAME_CHARS);
    let width = run.integrations.iter().map(|one| named(one).chars().count()).max().unwrap_or_default();
    let columns = Question::ALL.map(asked::heading);
    if !run.integrations.is_empty() {
        let _ = writeln!(text, "  {:width$}  {}", "", columns.join("  "));
    }
    for integration in &run.integrations {
        let cells =
            integration.answers.iter().zip(columns).map(|(answer, column)| {
                format!("{:width$}", asked::word(&answer.found), width = column.len())
            });
        let row = format!("  {:width$}  {}", named(integration), cells.collect::<Vec<_>>().join("  "));
        let _ = writeln!(text, "{}", row.trim_end());
    }
    for (question, reason, providers) in asked::open(&run.integrations) {
        let of_all = providers.len() == run.integrations.len();
        let providers = if of_all { String::new() } else { format!(" of {}", providers.join(", ")) };
        let line = format!("{}{providers} not shown: {reason}", asked::heading(question));
        let _ = writeln!(text, "  {}", one_line(&line, SUMMARY_CHARS));
    }
    text
}

/// `catalogue: 38 of 41 covered; not covered: ...`; nothing where there is no catalogue.
fn coverage(run: &Run) -> Option<String> {
    let cases = &run.coverage.cases;
    if cases.is_empty() {
        return None;
    }
    let open: Vec<String> = cases
        .iter()
        .filter(|case| case.covered_by.is_empty())
        .map(|case| one_line(&case.id, CELL_CHARS))
        .collect();
    let covered = wording::grouped(cases.len() - open.len());
    let line = format!("catalogue: {covered} of {} covered", wording::grouped(cases.len()));
    let named = open.iter().take(CASES_NAMED).cloned().collect::<Vec<_>>().join(", ");
    Some(match open.len() {
        0 => line,
        number if number > CASES_NAMED => {
            format!("{line}; not covered: {named} and {} more", wording::grouped(number - CASES_NAMED))
        }
        _ => format!("{line}; not covered: {named}"),
    })
}

/// One line on a scenario as it ends, without a line break.
#[must_use]
pub fn line(outcome: &ScenarioOutcome, style: Style) -> String {
    let head = head(outcome, style);
    let times = match (attempt::wall_ms(outcome), attempt::virtual_ms(outcome)) {
        (wall_ms, 0) => wording::duration(wall_ms),
        (wall_ms, virtual_ms) => {
            format!("{}, {} simulated", wording::duration(wall_ms), wording::duration(virtual_ms))
        }
    };
    let why = match &outcome.verdict {
        Verdict::Passed if !outcome.snapshots_pending.is_empty() => {
            Some(format!("{} to review", wording::count(outcome.snapshots_pending.len(), "snapshot")))
        }
        Verdict::Passed => None,
        Verdict::Skipped { reason } => return format!("{head}: {}", one_line(reason, LINE_CHARS)),
        // What was printed last stands below it, where all of it is told.
        Verdict::Errored => attempt::deciding(outcome)
            .and_then(|attempt| Some(attempt.error.as_ref()?.lines().next().unwrap_or_default().to_owned())),
        Verdict::Failed | Verdict::Flaky => attempt::deciding(outcome).and_then(first_message),
    };
    let known = outcome.quarantine.as_ref().map(|known| wording::quarantine(known, &outcome.verdict));
    let why: Vec<String> = known.into_iter().chain(why).collect();
    let why =
        if why.is_empty() { String::new() } else { format!(": {}", one_line(&why.join("; "), LINE_CHARS)) };
    let times = style.paint(MUTED, &format!("({times})"));
    format!("{head} {times}{why}")
}

fn first_message(attempt: &Attempt) -> Option<String> {
    let first = attempt.violations.first()?;
    Some(match attempt.violations.len() {
        1 => first.message.clone(),
        number => format!("{} (and {} more)", first.message, wording::grouped(number - 1)),
    })
}

/// `failed   orders/duplicate-delivery`.
fn head(outcome: &ScenarioOutcome, style: Style) -> String {
    let word = format!("{:<7}", wording::ended(outcome));
    format!(
        "{}  {}",
        style.paint(verdict_style(&outcome.verdict), &word),
        one_line(&outcome.name, LINE_CHARS)
    )
}

/// Everything that explains why a scenario did not simply pass. Ends with a line break.
#[must_use]
pub fn failure(outcome: &ScenarioOutcome, style: Style) -> String {
    let mut text = format!("{}: {}\n", head(outcome, style), one_line(&outcome.title, LINE_CHARS));
    if let Verdict::Skipped { reason } = &outcome.verdict {
        let _ = writeln!(text, "  skipped: {}", one_line(reason, SIDE_CHARS));
    }
    if let Some(known) = &outcome.quarantine {
        let told = wording::quarantine(known, &outcome.verdict);
        let _ = writeln!(text, "  {}", one_line(&told, SIDE_CHARS));
    }
    let Some(attempt) = attempt::deciding(outcome) else { return text };
    if outcome.attempts.len() > 1 {
        let _ = writeln!(text, "  attempt {} of {}", attempt.number, outcome.attempts.len());
    }
    if let Some(error) = &attempt.error {
        labelled(&mut text, "  ", "reason: ", error);
    }
    for violation in &attempt.violations {
        text.push_str(&described(attempt, violation, style));
    }
    if !attempt.steps.is_empty() {
        let steps: Vec<String> =
            attempt.steps.iter().map(|step| format!("{} -> {}", step.step, step.result)).collect();
        let _ = writeln!(text, "  steps: {}", one_line(&steps.join("; "), SIDE_CHARS));
    }
    if let Some(replay) = wording::replay(&attempt.replay) {
        let _ = writeln!(text, "  requests: {}", one_line(&replay, SIDE_CHARS));
    }
    if let Some(unlooked) = unlooked(attempt) {
        let _ = writeln!(text, "  {}", style.paint(MUTED, &unlooked));
    }
    text
}

/// `not checked: a, b (why), c (why); off: d (why)`; nothing when every invariant was looked at.
fn unlooked(attempt: &Attempt) -> Option<String> {
    let groups = attempt::unlooked(attempt);
    let of = |word: &str, unseen: Unseen| {
        let said: Vec<String> = groups
            .iter()
            .filter(|group| group.unseen == unseen)
            .map(|group| format!("{} ({})", group.names.join(", "), group.reason))
            .collect();
        (!said.is_empty()).then(|| format!("{word}: {}", said.join(", ")))
    };
    let said: Vec<String> =
        [of("not checked", Unseen::NotChecked), of("off", Unseen::Off)].into_iter().flatten().collect();
    (!said.is_empty()).then(|| one_line(&said.join("; "), SIDE_CHARS))
}

fn described(attempt: &Attempt, violation: &Violation, style: Style) -> String {
    let mut text = String::new();
    let place = style.paint(PLACE, &self::place(violation));
    let message = style.paint(STRONG, &one_line(&violation.message, SIDE_CHARS));
    let _ = writeln!(text, "  {place}: {message}");
    let _ = writeln!(text, "    not kept: {}", one_line(&wording::promise(&violation.kind), LINE_CHARS));
    labelled(&mut text, "    ", "expected: ", &violation.expected);
    labelled(&mut text, "    ", "actual:   ", &violation.actual);
    for line in exchanges(attempt, violation, style) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// `file:line:column`, as editors and terminals make it clickable.
pub(crate) fn place(violation: &Violation) -> String {
    let place = &violation.place;
    format!("{}:{}:{}", one_line(&place.file, LINE_CHARS), place.line, place.column)
}

/// A label and a text, whose further lines are indented to stand below its first.
fn labelled(text: &mut String, indent: &str, label: &str, value: &str) {
    let value = visible(value);
    let value = abridged(value.trim_end_matches('\n'), SIDE_CHARS);
    let below = format!("\n{indent}{}", " ".repeat(label.len()));
    let _ = writeln!(text, "{indent}{label}{}", value.replace('\n', &below));
}

/// The exchanges around those that the violation names, as the lines of a table; none if it names none.
pub(crate) fn exchanges(attempt: &Attempt, violation: &Violation, style: Style) -> Vec<String> {
    let rows = excerpt::around(attempt, &violation.exchanges, ROWS);
    let (Some(since), false) = (attempt::clock_start(attempt), rows.is_empty()) else { return Vec::new() };
    let titles = ["#", "time", "operation", "request", "status", "fault", "what was done"].map(str::to_owned);
    let mut widths = titles.each_ref().map(|title| title.chars().count());
    for row in &rows {
        if let Row::Shown { exchange, .. } = row {
            for (width, cell) in widths.iter_mut().zip(cells(exchange, since)) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }
    let mut lines = vec![
        format!("exchanges since {}; > marks those that show it:", wording::moment(since)),
        style.paint(MUTED, &format!("  {}", aligned(&titles, &widths))),
    ];
    lines.extend(rows.iter().map(|row| match row {
        Row::Shown { exchange, part: Part::Named } => {
            style.paint(NAMED, &format!("> {}", aligned(&cells(exchange, since), &widths)))
        }
        Row::Shown { exchange, part: Part::Context } => {
            format!("  {}", aligned(&cells(exchange, since), &widths))
        }
        Row::LeftOut(number) => {
            style.paint(MUTED, &format!("  ... {} left out", wording::count(*number, "exchange")))
        }
    }));
    lines
}

fn cells(exchange: &ExchangeSeen, since: Timestamp) -> [String; 7] {
    let dash = || "-".to_owned();
    [
        exchange.seq.to_string(),
        wording::offset(since, exchange.at),
        one_line(&exchange.operation, CELL_CHARS),
        one_line_ends(&format!("{} {}", exchange.method, exchange.target), CELL_CHARS),
        exchange.status.map_or_else(dash, |status| status.to_string()),
        exchange.fault.as_ref().map_or_else(dash, |fault| one_line(fault, CELL_CHARS)),
        one_line(&exchange.note, LINE_CHARS),
    ]
}

fn aligned(cells: &[String; 7], widths: &[usize; 7]) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        match index {
            // Numbers end below each other.
            0 => line.extend([padding.as_str(), cell]),
            6 => line.extend(["  ", cell]),
            _ => line.extend(["  ", cell, &padding]),
        }
    }
    line.trim_end().to_owned()
}

const MUTED: anstyle::Style = anstyle::Style::new().effects(Effects::DIMMED);
const STRONG: anstyle::Style = anstyle::Style::new().effects(Effects::BOLD);
const PLACE: anstyle::Style = AnsiColor::Cyan.on_default();
const NAMED: anstyle::Style = AnsiColor::Yellow.on_default();

fn verdict_style(verdict: &Verdict) -> anstyle::Style {
    match verdict {
        Verdict::Passed => AnsiColor::Green.on_default(),
        Verdict::Failed => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Verdict::Errored => AnsiColor::Magenta.on_default().effects(Effects::BOLD),
        Verdict::Flaky => AnsiColor::Yellow.on_default(),
        Verdict::Skipped { .. } => MUTED,
    }
}

fn judgement_style(verdict: ReportVerdict) -> anstyle::Style {
    let colour = match verdict {
        ReportVerdict::Go => AnsiColor::Green,
        ReportVerdict::NoGo => AnsiColor::Red,
        ReportVerdict::Inconclusive => AnsiColor::Yellow,
    };
    colour.on_default().effects(Effects::BOLD)
}

impl Style {
    fn paint(self, with: anstyle::Style, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{with}{text}{with:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_run_reads_like_this() {
        let run = sample::run();
        let lines: Vec<String> = run.scenarios.iter().map(|one| line(one, Style::Plain)).collect();
        let failures: Vec<String> = run
            .scenarios
            .iter()
            .filter(|one| one.verdict != Verdict::Passed)
            .map(|one| failure(one, Style::Plain))
            .collect();
        let summary = summary(&run, Style::Plain);
        insta::assert_snapshot!(format!("{}\n\n{}\n{summary}", lines.join("\n"), failures.join("\n")));
    }

    #[test]
    fn colour_adds_escape_codes_and_nothing_else() {
        let run = sample::run();
        let coloured = format!(
            "{}\n{}\n{}",
            line(&run.scenarios[2], Style::Coloured),
            failure(&run.scenarios[2], Style::Coloured),
            summary(&run, Style::Coloured)
        );
        insta::assert_snapshot!(coloured.replace('\u{1b}', "ESC"));
    }

    #[test]
    fn nothing_from_outside_drives_the_terminal() {
        let run = sample::hostile_run();
        for outcome in &run.scenarios {
            let text = failure(outcome, Style::Plain);
            let line = line(outcome, Style::Plain);
            assert!(!line.contains('\n'));
            for shown in [text.as_str(), line.as_str()] {
                assert!(shown.chars().all(|one| one == '\n' || !one.is_control()));
                assert!(!shown.contains('\u{202e}') && shown.len() < 60_000, "{} bytes", shown.len());
            }
        }
        let failed = failure(&run.scenarios[2], Style::Plain);
        assert!(failed.contains("«access_token:1»") && failed.contains(r"\u{1b}[31m\u{0}\u{202e}txt"));
        assert!(failed.contains("more characters in the run file"));
    }

    #[test]
    fn a_long_list_of_open_cases_is_counted() {
        let mut run = sample::run();
        let open = run.coverage.cases[2].clone();
        run.coverage.cases = vec![open; 40];
        assert!(summary(&run, Style::Plain).contains("catalogue: 0 of 40 covered; not covered: edge/"));
        assert!(summary(&run, Style::Plain).contains(" and 28 more\n"));
        run.coverage.cases.clear();
        assert!(!summary(&run, Style::Plain).contains("catalogue"));
    }
}
