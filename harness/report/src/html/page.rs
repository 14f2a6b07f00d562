//! The page as a whole: what it says at the top, what went wrong, what was not tested, and all scenarios.

use super::scenario::{Limits, Scenario, line};
use crate::attempt::{self, Unseen};
use crate::verdict::{Judgement, ReportVerdict};
use crate::wording;
use counterpart_outcome::{CaseKind, Run, ScenarioOutcome, Verdict};
use serde::Serialize;
use std::collections::HashMap;

/// How many exchanges the list of all scenarios holds, shared among all attempts.
const PAGE_ROWS: usize = 10_000;
/// How many violations are explained, shared among all scenarios that did not simply pass.
const PAGE_VIOLATIONS: usize = 1_000;
/// How many scenarios that went wrong are unfolded from the start.
const UNFOLDED: usize = 10;
/// Up to how many covered entries the catalogue is unfolded from the start.
const CASES_UNFOLDED: usize = 15;

/// Everything that the template needs.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    subject: String,
    verdict: VerdictShown,
    facts: Vec<Fact>,
    plants: Vec<String>,
    total: String,
    counts: Vec<Count>,
    unfolded: usize,
    troubles: Vec<Trouble<'a>>,
    pending: Vec<Pending<'a>>,
    catalogue: Option<Catalogue<'a>>,
    skipped: Vec<Skipped<'a>>,
    unlooked: Vec<Unlooked<'a>>,
    folders: Vec<Folder<'a>>,
}

#[derive(Serialize)]
struct VerdictShown {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    finding: String,
    reason: String,
}

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    value: String,
}

/// One number of the bar: `start` and `share` are in thousandths of all scenarios.
#[derive(Serialize)]
struct Count {
    word: &'static str,
    meaning: &'static str,
    number: String,
    any: bool,
    start: usize,
    share: usize,
}

/// Scenarios that went wrong in one way.
#[derive(Serialize)]
struct Trouble<'a> {
    id: &'static str,
    heading: &'static str,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Pending<'a> {
    scenario: &'a str,
    files: &'a [String],
}

#[derive(Serialize)]
struct Catalogue<'a> {
    covered: usize,
    total: usize,
    unfolded: bool,
    kinds: Vec<Kind<'a>>,
}

#[derive(Serialize)]
struct Kind<'a> {
    heading: &'static str,
    total: usize,
    covered: Vec<Case<'a>>,
    open: Vec<Case<'a>>,
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    title: &'a str,
    why: &'a str,
    by: Vec<Cover<'a>>,
}

/// A scenario that covers a case; `number` is none where this run does not hold it.
#[derive(Serialize)]
struct Cover<'a> {
    name: &'a str,
    number: Option<usize>,
    verdict: Option<&'static str>,
}

#[derive(Serialize)]
struct Skipped<'a> {
    name: &'a str,
    title: &'a str,
    reason: &'a str,
    number: usize,
}

/// An invariant that nobody looked at, for one reason, in so many scenarios.
#[derive(Serialize)]
struct Unlooked<'a> {
    name: &'a str,
    status: &'static str,
    reason: &'a str,
    scenarios: usize,
}

#[derive(Serialize)]
struct Folder<'a> {
    name: &'a str,
    counts: String,
    scenarios: Vec<Scenario<'a>>,
}

impl<'a> Page<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        let limits = limits(run);
        Self {
            subject: line(&run.subject.name),
            verdict: VerdictShown::of(&Judgement::of(run)),
            facts: facts(run),
            plants: run.subject.plants.iter().map(|plant| line(plant)).collect(),
            total: wording::grouped(run.scenarios.len()),
            counts: counts(run),
            unfolded: UNFOLDED,
            troubles: troubles(run, limits),
            pending: run
                .scenarios
                .iter()
                .filter(|one| !one.snapshots_pending.is_empty())
                .map(|one| Pending { scenario: &one.name, files: &one.snapshots_pending })
                .collect(),
            catalogue: catalogue(run),
            skipped: skipped(run),
            unlooked: unlooked(run),
            folders: folders(run, limits),
        }
    }
}

impl VerdictShown {
    fn of(judgement: &Judgement) -> Self {
        let (class, mark) = match judgement.verdict {
            ReportVerdict::Go => ("go", "✓"),
            ReportVerdict::NoGo => ("no-go", "✕"),
            ReportVerdict::Inconclusive => ("inconclusive", "?"),
        };
        Self {
            class,
            mark,
            word: judgement.verdict.word(),
            finding: judgement.finding.clone(),
            reason: judgement.reason.clone(),
        }
    }
}

fn limits(run: &Run) -> Limits {
    let attempts: usize = run.scenarios.iter().map(|one| one.attempts.len()).sum();
    let troubled = run.scenarios.iter().filter(|one| one.verdict != Verdict::Passed).count();
    Limits {
        exchanges: (PAGE_ROWS / attempts.max(1)).clamp(10, 200),
        violations: (PAGE_VIOLATIONS / troubled.max(1)).clamp(3, 20),
    }
}

fn facts(run: &Run) -> Vec<Fact> {
    let (subject, environment) = (&run.subject, &run.environment);
    let version = subject.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let simulated_ms =
        run.scenarios.iter().fold(0, |sum: u64, one| sum.saturating_add(attempt::virtual_ms(one)));
    let fact = |label, value| Fact { label, value };
    vec![
        fact("Subject", line(&format!("{}{version} ({})", subject.name, subject.kind))),
        fact("Run on", wording::moment(run.started_at)),
        fact("Took", wording::duration(run.wall_ms)),
        fact("Simulated", wording::duration(simulated_ms)),
        fact("Seed", run.seed.to_string()),
        fact("Counterpart", environment.counterpart.clone()),
        fact(
            "Machine",
            format!("{} {}, {}", environment.os, environment.arch, wording::count(environment.cpus, "CPU")),
        ),
    ]
}

fn counts(run: &Run) -> Vec<Count> {
    let totals = run.totals();
    let mut before = 0;
    wording::counts(&totals)
        .into_iter()
        .map(|(word, number)| {
            let thousandths = |number: usize| number * 1_000 / totals.total.max(1);
            let start = thousandths(before);
            before += number;
            Count {
                word,
                meaning: match word {
                    "passed" => "as expected",
                    "failed" => "not as expected",
                    "errored" => "could not be judged",
                    "quarantined" => "failed, which is known",
                    "flaky" => "passed when tried again",
                    _ => "not run",
                },
                number: wording::grouped(number),
                any: number > 0,
                start,
                share: thousandths(before) - start,
            }
        })
        .collect()
}

fn troubles(run: &Run, limits: Limits) -> Vec<Trouble<'_>> {
    [
        ("failed", "Failed"),
        ("errored", "Could not be judged"),
        ("quarantined", "Quarantined: failed, and that is known"),
        ("flaky", "Passed only when tried again"),
    ]
    .into_iter()
        .map(|(word, heading)| {
            let scenarios = numbered(run).filter(|(_, one)| wording::ended(one) == word);
            Trouble {
                id: word,
                heading,
                scenarios: scenarios.map(|(number, one)| Scenario::of(one, number, limits)).collect(),
            }
        })
        .filter(|trouble| !trouble.scenarios.is_empty())
        .collect()
}

fn numbered(run: &Run) -> impl Iterator<Item = (usize, &ScenarioOutcome)> {
    (1..).zip(&run.scenarios)
}

fn catalogue<'a>(run: &'a Run) -> Option<Catalogue<'a>> {
    let cases = &run.coverage.cases;
    let seen: HashMap<&str, (usize, &Verdict)> =
        numbered(run).map(|(number, one)| (one.name.as_str(), (number, &one.verdict))).collect();
    let cover = |name: &'a String| {
        let found = seen.get(name.as_str());
        Cover {
            name,
            number: found.map(|(number, _)| *number),
            verdict: found.map(|(_, verdict)| wording::verdict(verdict)),
        }
    };
    let mut kinds: Vec<(CaseKind, Kind<'_>)> = Vec::new();
    for entry in cases {
        let by = entry.covered_by.iter().map(cover).collect();
        let shown = Case { id: &entry.id, title: &entry.title, why: &entry.why, by };
        let index = kinds.iter().position(|(kind, _)| *kind == entry.kind).unwrap_or_else(|| {
            let heading = wording::case_kind(entry.kind);
            kinds.push((entry.kind, Kind { heading, total: 0, covered: Vec::new(), open: Vec::new() }));
            kinds.len() - 1
        });
        let (_, kind) = &mut kinds[index];
        kind.total += 1;
        if entry.covered_by.is_empty() { kind.open.push(shown) } else { kind.covered.push(shown) }
    }
    let covered = cases.iter().filter(|entry| !entry.covered_by.is_empty()).count();
    (!cases.is_empty()).then(|| Catalogue {
        covered,
        total: cases.len(),
        unfolded: covered <= CASES_UNFOLDED,
        kinds: kinds.into_iter().map(|(_, kind)| kind).collect(),
    })
}

fn skipped(run: &Run) -> Vec<Skipped<'_>> {
    numbered(run)
        .filter_map(|(number, one)| match &one.verdict {
            Verdict::Skipped { reason } => {
                Some(Skipped { name: &one.name, title: &one.title, reason, number })
            }
            _ => None,
        })
        .collect()
}

fn unlooked(run: &Run) -> Vec<Unlooked<'_>> {
    let mut rows: Vec<Unlooked<'_>> = Vec::new();
    for group in run.scenarios.iter().filter_map(attempt::deciding).flat_map(attempt::unlooked) {
        let status = match group.unseen {
            Unseen::NotChecked => "not checked",
            Unseen::Off => "off",
        };
        for name in group.names {
            let known = |row: &&mut Unlooked<'_>| {
                row.name == name && row.status == status && row.reason == group.reason
            };
            match rows.iter_mut().find(known) {
                Some(row) => row.scenarios += 1,
                None => rows.push(Unlooked { name, status, reason: group.reason, scenarios: 1 }),
            }
        }
    }
    rows.sort_by(|a, b| b.scenarios.cmp(&a.scenarios).then_with(|| a.name.cmp(b.name)));
    rows
}

fn folders(run: &Run, limits: Limits) -> Vec<Folder<'_>> {
    let mut folders: Vec<(&str, Vec<(usize, &ScenarioOutcome)>)> = Vec::new();
    for (number, one) in numbered(run) {
        let folder = one.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, members)) => members.push((number, one)),
            None => folders.push((folder, vec![(number, one)])),
        }
    }
    folders
        .into_iter()
        .map(|(name, members)| {
            let passed = members.iter().filter(|(_, one)| one.verdict == Verdict::Passed).count();
            Folder {
                name: if name.is_empty() { "In no folder" } else { name },
                counts: format!("{} of {} passed", wording::grouped(passed), wording::grouped(members.len())),
                scenarios: members
                    .into_iter()
                    .map(|(number, one)| Scenario::of(one, number, limits))
                    .collect(),
            }
        })
        .collect()
}
