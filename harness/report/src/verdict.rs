//! The verdict on a whole run, in words: the first thing that every format says.
//!
//! It follows from the scenarios' verdicts alone, and one failure decides it, whatever share passed. What the catalogue
//! leaves uncovered is said beside it and changes nothing: a run may be of one scenario.

use crate::asked::{self, Required};
use crate::attempt;
use crate::text::one_line;
use crate::wording::{self, count, grouped, list, promise};
use counterpart_outcome::{Run, Totals, Verdict};

/// How many broken promises the reason names before it only counts them.
const PROMISES_NAMED: usize = 4;
/// How much of somebody else's sentence the reason quotes, in characters.
const QUOTED_CHARS: usize = 200;

/// Whether the subject did what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportVerdict {
    /// Every scenario passed.
    Go,
    /// At least one scenario failed.
    NoGo,
    /// Nothing failed that was not known to, but not everything is well: something errored, was skipped, failed in
    /// quarantine or waits for a review, or nothing ran.
    Inconclusive,
}

impl ReportVerdict {
    /// The verdict on `run`.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let totals = run.totals();
        if totals.failed > 0 {
            Self::NoGo
        } else if totals.errored + totals.skipped + totals.quarantined + totals.snapshots_pending > 0
            || totals.total == 0
        {
            Self::Inconclusive
        } else {
            Self::Go
        }
    }

    /// `GO`, `NO-GO` or `INCONCLUSIVE`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::NoGo => "NO-GO",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// A verdict with its grounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: ReportVerdict,
    /// What it rests on, after the verdict's word: `2 of 16 scenarios failed`.
    pub finding: String,
    /// Why, in one to four sentences on one line. It may quote the run and is not escaped for any format.
    pub reason: String,
}

impl Judgement {
    /// The verdict on `run`, with its grounds.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let (verdict, totals) = (ReportVerdict::of(run), run.totals());
        let (finding, reason) = match verdict {
            ReportVerdict::Go => (passed(&totals), held(run)),
            ReportVerdict::NoGo => (part(totals.failed, totals.total, "failed"), broken(run, &totals)),
            ReportVerdict::Inconclusive => (unjudged(&totals), unknown(run, &totals)),
        };
        let reason = match &run.shard {
            Some(shard) => format!("Shard {} alone; the others decide with it. {reason}", shard.part),
            None => reason,
        };
        Self { verdict, finding, reason }
    }

    /// The verdict's word and what it rests on: `NO-GO: 2 of 16 scenarios failed`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}: {}", self.verdict.word(), self.finding)
    }
}

fn passed(totals: &Totals) -> String {
    let all = part(totals.total, totals.total, "passed");
    match totals.flaky {
        0 => all,
        flaky if flaky == totals.total => format!("{all}, but only when tried again"),
        flaky => format!("{all}, {} of them only when tried again", grouped(flaky)),
    }
}

/// `all 16 scenarios failed`, `the only scenario failed`, `2 of 16 scenarios failed`.
fn part(number: usize, total: usize, verb: &str) -> String {
    match (number, total) {
        (1, 1) => format!("the only scenario {verb}"),
        (2, 2) => format!("both scenarios {verb}"),
        _ if number == total => format!("all {} {verb}", count(total, "scenario")),
        _ => format!("{} of {} {verb}", grouped(number), count(total, "scenario")),
    }
}

fn was(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

fn unjudged(totals: &Totals) -> String {
    let skipped = format!("{} skipped", was(totals.skipped));
    match (totals.errored, totals.skipped) {
        _ if totals.total == 0 => "no scenario ran".to_owned(),
        (0, 0) if totals.quarantined > 0 => {
            format!("{} in quarantine", part(totals.quarantined, totals.total, "failed"))
        }
        (0, 0) => {
            let waits = if totals.snapshots_pending == 1 { "waits" } else { "wait" };
            format!("{} {waits} for a review", count(totals.snapshots_pending, "snapshot"))
        }
        (0, number) => part(number, totals.total, &skipped),
        (number, 0) => part(number, totals.total, "could not be judged"),
        (errored, number) => {
            format!("{}, {} {skipped}", part(errored, totals.total, "could not be judged"), grouped(number))
        }
    }
}

fn held(run: &Run) -> String {
    let mut unseen: Vec<&str> = run
        .scenarios
        .iter()
        .filter_map(attempt::deciding)
        .flat_map(attempt::unlooked)
        .flat_map(|group| group.names)
        .collect();
    unseen.sort_unstable();
    unseen.dedup();
    let is_flaky = run.scenarios.iter().any(|outcome| outcome.verdict == Verdict::Flaky);
    let tried_again = if is_flaky { " in the last attempt" } else { "" };
    let held = match unseen.len() {
        0 => format!("Every expectation and every invariant held{tried_again}."),
        number => format!(
            "Every expectation held{tried_again}, and every invariant that was checked. {} {} not checked in at least one scenario.",
            count(number, "invariant"),
            was(number)
        ),
    };
    match Required::of(run).map_or(0, |required| required.not_shown.len()) {
        0 => held,
        number => format!(
            "{held} Of {} nothing was shown: for a rollout that is not enough.",
            count(number, "required check")
        ),
    }
}

fn broken(run: &Run, totals: &Totals) -> String {
    let mut promises: Vec<(String, usize)> = Vec::new();
    for outcome in
        run.scenarios.iter().filter(|outcome| outcome.verdict == Verdict::Failed && !outcome.is_quarantined())
    {
        let mut of_this: Vec<String> = attempt::deciding(outcome)
            .into_iter()
            .flat_map(|attempt| &attempt.violations)
            .map(|violation| one_line(&promise(&violation.kind), QUOTED_CHARS))
            .collect();
        of_this.sort_unstable();
        of_this.dedup();
        for promise in of_this {
            match promises.iter_mut().find(|(known, _)| *known == promise) {
                Some((_, scenarios)) => *scenarios += 1,
                None => promises.push((promise, 1)),
            }
        }
    }
    promises.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut named: Vec<String> = promises
        .iter()
        .take(PROMISES_NAMED)
        .map(|(promise, scenarios)| format!("{promise} ({})", count(*scenarios, "scenario")))
        .collect();
    if promises.len() > PROMISES_NAMED {
        named.push(format!("{} more", grouped(promises.len() - PROMISES_NAMED)));
    }
    let mut sentences = Vec::new();
    if let Some(required) = Required::of(run).filter(|required| !required.failed.is_empty()) {
        let ids = one_line(&asked::named(&asked::ids(&required.failed)), QUOTED_CHARS);
        sentences.push(format!("Failed of what is required: {ids}."));
    }
    if !named.is_empty() {
        sentences.push(format!("Not kept: {}.", list(&named)));
    }
    sentences.extend(rest(totals));
    sentences.join(" ")
}

/// What else was not a plain pass, where the headline is about the failures.
fn rest(totals: &Totals) -> Option<String> {
    let mut parts = Vec::new();
    if totals.errored > 0 {
        parts.push(format!("{} more could not be judged", grouped(totals.errored)));
    }
    if totals.skipped > 0 {
        parts.push(format!("{} {} skipped", grouped(totals.skipped), was(totals.skipped)));
    }
    if totals.quarantined > 0 {
        parts.push(format!("{} failed in quarantine", grouped(totals.quarantined)));
    }
    if totals.flaky > 0 {
        parts.push(format!("{} passed only when tried again", grouped(totals.flaky)));
    }
    (!parts.is_empty()).then(|| format!("{}.", list(&parts)))
}

fn unknown(run: &Run, totals: &Totals) -> String {
    if totals.total == 0 && run.shard.is_some() {
        return "No scenario belongs to it.".to_owned();
    }
    if totals.total == 0 {
        return "Nothing was selected, so nothing is known: check the paths and the filter of the run."
            .to_owned();
    }
    let why = |wanted: fn(&Verdict) -> bool| {
        let mut unknown = run.scenarios.iter().filter(|outcome| !outcome.is_quarantined());
        let outcome = unknown.find(|outcome| wanted(&outcome.verdict))?;
        let reason = match &outcome.verdict {
            Verdict::Skipped { reason } => reason,
            _ => attempt::deciding(outcome)?.error.as_ref()?,
        };
        // What a subject printed last stands with the scenario.
        let reason = reason.lines().next().unwrap_or_default().trim_end_matches(['.', ':']);
        let reason = one_line(reason, QUOTED_CHARS);
        Some(format!("{}: {reason}.", one_line(&outcome.name, QUOTED_CHARS)))
    };
    let mut sentences = Vec::new();
    if totals.errored + totals.skipped + totals.snapshots_pending > 0 || totals.quarantined == 0 {
        sentences.push("Nothing failed, but what was not judged may still be broken.".to_owned());
    }
    if let Some(one) = run.scenarios.iter().find(|one| one.is_quarantined()) {
        let known = one.quarantine.as_ref().map(|known| wording::quarantine(known, &one.verdict));
        let known = one_line(known.unwrap_or_default().trim_end_matches('.'), QUOTED_CHARS);
        sentences.push(format!("{} is {known}.", one_line(&one.name, QUOTED_CHARS)));
    }
    sentences.extend(why(|verdict| matches!(verdict, Verdict::Errored)));
    sentences.extend(why(|verdict| matches!(verdict, Verdict::Skipped { .. })));
    if totals.snapshots_pending > 0 {
        let (differ, are) = if totals.snapshots_pending == 1 { ("differs", "is") } else { ("differ", "are") };
        let snapshots = count(totals.snapshots_pending, "snapshot");
        sentences.push(format!("{snapshots} {differ} from what was accepted, or {are} new."));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use counterpart_outcome::{Digest, ShardOf};

    fn judged(verdicts: &[&str]) -> (ReportVerdict, String) {
        let run = sample::run_of_verdicts(verdicts);
        let judgement = Judgement::of(&run);
        assert_eq!(judgement.verdict, ReportVerdict::of(&run));
        (judgement.verdict, judgement.headline())
    }

    #[test]
    fn the_verdict_follows_from_the_scenarios() {
        use ReportVerdict::{Go, Inconclusive, NoGo};
        for (verdicts, expected, headline) in [
            (&["passed"; 16] as &[&str], Go, "GO: all 16 scenarios passed"),
            (&["passed"], Go, "GO: the only scenario passed"),
            (&["passed", "passed"], Go, "GO: both scenarios passed"),
            (
                &["passed", "passed", "flaky"],
                Go,
                "GO: all 3 scenarios passed, 1 of them only when tried again",
            ),
            (&["flaky"], Go, "GO: the only scenario passed, but only when tried again"),
            (&["failed"], NoGo, "NO-GO: the only scenario failed"),
            (&["failed", "errored", "skipped", "passed"], NoGo, "NO-GO: 1 of 4 scenarios failed"),
            (&["failed", "failed", "failed"], NoGo, "NO-GO: all 3 scenarios failed"),
            (&["errored", "passed"], Inconclusive, "INCONCLUSIVE: 1 of 2 scenarios could not be judged"),
            (&["skipped", "passed"], Inconclusive, "INCONCLUSIVE: 1 of 2 scenarios was skipped"),
            (&["skipped", "skipped", "skipped"], Inconclusive, "INCONCLUSIVE: all 3 scenarios were skipped"),
            (
                &["errored", "skipped", "passed"],
                Inconclusive,
                "INCONCLUSIVE: 1 of 3 scenarios could not be judged, 1 was skipped",
            ),
            (&[], Inconclusive, "INCONCLUSIVE: no scenario ran"),
        ] {
            assert_eq!(judged(verdicts), (expected, headline.to_owned()), "{verdicts:?}");
        }
    }

    #[test]
    fn a_shard_is_no_go_ahead_by_itself() {
        let mut run = sample::run_of_verdicts(&["passed", "passed"]);
        let part = "2/4".parse().unwrap();
        run.shard = Some(ShardOf { part, whole: Digest::of(b"") });
        let reason = Judgement::of(&run).reason;
        assert!(
            reason.starts_with("Shard 2/4 alone; the others decide with it. Every expectation"),
            "{reason}"
        );
    }

    #[test]
    fn a_snapshot_that_nobody_looked_at_is_no_go_ahead() {
        let mut run = sample::run_of_verdicts(&["passed", "passed"]);
        run.scenarios[0].snapshots_pending.push("scenarios/a.snap.new".into());
        let judgement = Judgement::of(&run);
        assert_eq!(judgement.headline(), "INCONCLUSIVE: 1 snapshot waits for a review");
    }

    #[test]
    fn the_reason_names_what_was_broken_and_what_was_not_judged() {
        let judgement = Judgement::of(&sample::run());
        assert_eq!(
            judgement.reason,
            "Failed of what is required: edge/answer-lost. \
             Not kept: expectation requests (1 scenario) and invariant applied_once (1 scenario). \
             1 more could not be judged, 1 was skipped and 1 passed only when tried again."
        );
    }
}
