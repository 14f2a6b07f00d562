//! One scenario as the page shows it: its facts, and each attempt with what was seen and what was wrong.

use crate::excerpt::{self, Part, Row};
use crate::text::one_line;
use crate::{attempt, terminal, wording};
use counterpart_outcome::{
    Attempt, FixtureSeen, InvariantOutcome, InvariantStatus, ScenarioOutcome, Verdict, Violation,
};
use jiff::Timestamp;
use serde::Serialize;

/// How many exchanges are shown for one violation.
const EXCERPT_ROWS: usize = 30;
/// How long a text gets that belongs on a line, in characters.
const LINE_CHARS: usize = 500;
/// How much of a digest is shown, in characters; enough to tell two apart.
const DIGEST_CHARS: usize = 12;

/// How much detail the page has room for.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Exchanges of an attempt that are listed.
    pub(super) exchanges: usize,
    /// Violations of an attempt that are explained.
    pub(super) violations: usize,
}

/// A scenario, ready for the template.
#[derive(Serialize)]
pub(super) struct Scenario<'a> {
    /// What anchors on the page are made of.
    number: usize,
    name: String,
    title: String,
    verdict: &'static str,
    skipped: Option<&'a str>,
    file: &'a str,
    digest: String,
    covers: &'a [String],
    fixtures: Vec<Fixture<'a>>,
    snapshots_pending: &'a [String],
    /// That its failure is known, in a sentence.
    quarantine: Option<String>,
    took: String,
    attempts: Vec<AttemptShown<'a>>,
    /// Which of the attempts explains the verdict.
    deciding: Option<AttemptShown<'a>>,
}

#[derive(Serialize)]
struct Fixture<'a> {
    name: &'a str,
    digest: String,
}

#[derive(Serialize)]
struct AttemptShown<'a> {
    number: usize,
    verdict: &'static str,
    error: Option<&'a str>,
    took: String,
    since: Option<String>,
    steps: Vec<Step>,
    violations: Vec<ViolationShown<'a>>,
    violations_left_out: usize,
    invariants: Vec<Invariant<'a>>,
    /// How the recording was used.
    replay: Option<String>,
    exchanges: Vec<ExchangeRow>,
}

#[derive(Serialize)]
struct Step {
    at: String,
    offset: String,
    step: String,
    result: String,
    place: String,
}

#[derive(Serialize)]
struct ViolationShown<'a> {
    message: String,
    place: String,
    promise: String,
    expected: &'a str,
    actual: &'a str,
    exchanges: Vec<ExchangeRow>,
}

#[derive(Serialize)]
struct Invariant<'a> {
    name: &'a str,
    title: &'a str,
    status: &'static str,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "row", rename_all = "snake_case")]
enum ExchangeRow {
    LeftOut { said: String },
    Exchange(Box<Exchange>),
}

#[derive(Serialize)]
struct Exchange {
    named: bool,
    seq: u64,
    at: String,
    offset: String,
    operation: String,
    method: String,
    target: String,
    status: Option<u16>,
    fault: Option<String>,
    note: String,
    exchange: Option<String>,
}

impl<'a> Scenario<'a> {
    pub(super) fn of(outcome: &'a ScenarioOutcome, number: usize, limits: Limits) -> Self {
        let fixture = |seen: &'a FixtureSeen| Fixture { name: &seen.name, digest: short(&seen.digest.0) };
        let plain = outcome.verdict == Verdict::Passed;
        Self {
            number,
            name: line(&outcome.name),
            title: line(&outcome.title),
            verdict: wording::ended(outcome),
            quarantine: outcome.quarantine.as_ref().map(|known| wording::quarantine(known, &outcome.verdict)),
            skipped: match &outcome.verdict {
                Verdict::Skipped { reason } => Some(reason),
                _ => None,
            },
            file: &outcome.file,
            digest: short(&outcome.digest.0),
            covers: &outcome.covers,
            fixtures: outcome.fixtures.iter().map(fixture).collect(),
            snapshots_pending: &outcome.snapshots_pending,
            took: took(attempt::wall_ms(outcome), attempt::virtual_ms(outcome)),
            attempts: outcome.attempts.iter().map(|attempt| AttemptShown::of(attempt, limits)).collect(),
            deciding: attempt::deciding(outcome)
                .filter(|_| !plain)
                .map(|attempt| AttemptShown::of(attempt, limits)),
        }
    }
}

impl<'a> AttemptShown<'a> {
    fn of(attempt: &'a Attempt, limits: Limits) -> Self {
        let since = attempt::clock_start(attempt);
        let named: Vec<u64> =
            attempt.violations.iter().flat_map(|violation| violation.exchanges.iter().copied()).collect();
        let clock = since.unwrap_or_default();
        let violations = attempt.violations.iter().take(limits.violations);
        Self {
            number: attempt.number,
            verdict: wording::verdict(&attempt.verdict),
            error: attempt.error.as_deref(),
            took: took(attempt.wall_ms, attempt.virtual_ms),
            since: since.map(wording::moment),
            steps: attempt
                .steps
                .iter()
                .map(|step| Step {
                    at: step.at.to_string(),
                    offset: wording::offset(clock, step.at),
                    step: line(&step.step),
                    result: line(&step.result),
                    place: format!("{}:{}", step.place.line, step.place.column),
                })
                .collect(),
            violations: violations.map(|violation| ViolationShown::of(attempt, violation, clock)).collect(),
            violations_left_out: attempt.violations.len().saturating_sub(limits.violations),
            invariants: attempt.invariants.iter().map(Invariant::of).collect(),
            replay: wording::replay(&attempt.replay),
            exchanges: rows(excerpt::all(attempt, &named, limits.exchanges), clock),
        }
    }
}

impl<'a> ViolationShown<'a> {
    fn of(attempt: &'a Attempt, violation: &'a Violation, clock: Timestamp) -> Self {
        Self {
            message: line(&violation.message),
            place: terminal::place(violation),
            promise: line(&wording::promise(&violation.kind)),
            expected: violation.expected.trim_end(),
            actual: violation.actual.trim_end(),
            exchanges: rows(excerpt::around(attempt, &violation.exchanges, EXCERPT_ROWS), clock),
        }
    }
}

impl<'a> Invariant<'a> {
    fn of(outcome: &'a InvariantOutcome) -> Self {
        let reason = match &outcome.status {
            InvariantStatus::NotChecked { reason } | InvariantStatus::Off { reason } => Some(reason.as_str()),
            InvariantStatus::Held | InvariantStatus::Violated => None,
        };
        Self { name: &outcome.name, title: &outcome.title, status: wording::status(&outcome.status), reason }
    }
}

fn rows(rows: Vec<Row<'_>>, clock: Timestamp) -> Vec<ExchangeRow> {
    let shown = |row| match row {
        Row::LeftOut(number) => {
            ExchangeRow::LeftOut { said: format!("{} left out", wording::count(number, "exchange")) }
        }
        Row::Shown { exchange, part } => ExchangeRow::Exchange(Box::new(Exchange {
            named: part == Part::Named,
            seq: exchange.seq,
            at: exchange.at.to_string(),
            offset: wording::offset(clock, exchange.at),
            operation: line(&exchange.operation),
            method: line(&exchange.method),
            target: line(&exchange.target),
            status: exchange.status,
            fault: exchange.fault.as_deref().map(line),
            note: line(&exchange.note),
            exchange: exchange.exchange.as_deref().map(line),
        })),
    };
    rows.into_iter().map(shown).collect()
}

/// `184 ms`, `184 ms, 31.0 s simulated`.
pub(super) fn took(wall_ms: u64, virtual_ms: u64) -> String {
    match virtual_ms {
        0 => wording::duration(wall_ms),
        _ => format!("{}, {} simulated", wording::duration(wall_ms), wording::duration(virtual_ms)),
    }
}

/// A text that belongs on a line.
pub(super) fn line(text: &str) -> String {
    one_line(text, LINE_CHARS)
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGEST_CHARS).collect()
}
