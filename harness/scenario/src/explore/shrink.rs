//! Shrinking: of what fails, as little as still breaks the same promise: steps, faults, times, and then records.
//!
//! Each candidate is played as `counterpart run` plays a file: a fresh subject, its own happy path, the same seed. What
//! does not fail then was no finding of its own. The tries are bounded, and the same case shrinks the same way each time.

use super::case::{Case, Stage};
use super::judgement::{Oracle, promises};
use super::limit::Limit;
use crate::file::Step;
use crate::plan::Plan;
use crate::run::{RunOptions, Runner};
use crate::snapshot::SnapshotMode;
use counterpart_outcome::{ScenarioOutcome, Verdict, Violation};
use counterpart_stand_in::Times;
use counterpart_subject::{Launch, SubjectSpec};

/// Candidates that are played for one case.
const MOST_TRIES: usize = 80;

/// What `counterpart run` uses where it is not told otherwise.
pub(super) const RUN_SEED: u64 = 1;

/// Plays candidates.
pub(super) struct Shrinker<'a> {
    pub(super) base: &'a Plan,
    pub(super) oracle: &'a Oracle,
    pub(super) subject: &'a SubjectSpec,
    pub(super) launch: &'a dyn Launch,
    pub(super) http: reqwest::Client,
    pub(super) happy: &'a [Step],
    pub(super) tenants: &'a str,
    pub(super) limit: &'a Limit,
}

/// What became of a case that failed.
pub(super) enum Shrinking {
    Shrunk(Box<Shrunk>),
    /// It does not fail when it is played by itself.
    NotRepeated,
    /// Exploring ended before that was known.
    CutShort,
}

/// A case that fails by itself.
#[derive(Clone, Debug)]
pub(super) struct Shrunk {
    pub(super) case: Case,
    /// The first promise that it breaks.
    pub(super) promise: String,
    pub(super) violation: Violation,
    pub(super) tries: usize,
    /// Records that it plays, of how many.
    pub(super) records: (usize, usize),
}

/// Tries that are left, and the promises that count.
pub(super) struct Search<'p> {
    wanted: &'p [String],
    pub(super) tries: usize,
    pub(super) most: usize,
}

impl Shrinker<'_> {
    /// The smallest case that is found to break one of the promises that `case` broke, as far as exploring goes on.
    ///
    /// Where the budget is used up already, the case is played by itself all the same, unless there is something else to
    /// tell.
    pub(super) async fn shrink(&self, case: &Case, broken: &[String], is_one_of_many: bool) -> Shrinking {
        let mut search = Search { wanted: broken, tries: 0, most: MOST_TRIES };
        if self.limit.is_told() || is_one_of_many && self.limit.is_past_overtime() {
            return Shrinking::CutShort;
        }
        let (promise, violation) = match self.limit.until_told(self.breaks(case, &mut search)).await {
            Some(Some(seen)) => seen,
            Some(None) => return Shrinking::NotRepeated,
            None => return Shrinking::CutShort,
        };
        // From here on it is this promise that must be broken: another would be another cause.
        let wanted = vec![promise.clone()];
        let mut search = Search { wanted: &wanted, ..search };
        let mut best = Shrunk { case: case.clone(), promise, violation, tries: 0, records: (0, 0) };
        self.with_fewer_steps(&mut best, &mut search).await;
        self.with_fewer_faults(&mut best, &mut search).await;
        self.with_fewer_steps(&mut best, &mut search).await;
        self.with_lower_times(&mut best, &mut search).await;
        self.with_fewer_records(&mut best, &mut search).await;
        best.tries = search.tries;
        let whole = self.pages();
        let left = whole.iter().map(|(page, all)| best.case.records.get(page).unwrap_or(all).len()).sum();
        best.records = (left, whole.values().map(Vec::len).sum());
        Shrinking::Shrunk(Box::new(best))
    }

    async fn with_fewer_faults(&self, best: &mut Shrunk, search: &mut Search<'_>) {
        let mut index = 0;
        while index < best.case.faults.len() {
            let mut candidate = best.case.clone();
            candidate.faults.remove(index);
            if !self.replaces(candidate, best, search).await {
                index += 1;
            }
        }
    }

    async fn with_fewer_steps(&self, best: &mut Shrunk, search: &mut Search<'_>) {
        if best.case.steps.len() > self.happy.len() {
            let candidate = Case { steps: self.happy.to_vec(), ..best.case.clone() };
            if self.replaces(candidate, best, search).await {
                return;
            }
        }
        // The last one lets everything come to its end.
        let mut index = best.case.steps.len().saturating_sub(1);
        while index > 0 {
            index -= 1;
            let mut candidate = best.case.clone();
            candidate.steps.remove(index);
            let acts =
                |step: &Step| matches!(step, Step::Trigger(_) | Step::Call { .. } | Step::Webhook { .. });
            if candidate.steps.iter().any(acts) {
                self.replaces(candidate, best, search).await;
            }
        }
    }

    async fn with_lower_times(&self, best: &mut Shrunk, search: &mut Search<'_>) {
        for index in 0..best.case.faults.len() {
            for times in [1, 2, 3] {
                let is_lower = match best.case.faults[index].times {
                    Times::Always => true,
                    Times::Count(count) => times < count,
                };
                if !is_lower {
                    break;
                }
                let mut candidate = best.case.clone();
                candidate.faults[index].times = Times::Count(times);
                if self.replaces(candidate, best, search).await {
                    break;
                }
            }
        }
    }

    /// Takes the candidate if it still fails.
    pub(super) async fn replaces(&self, candidate: Case, best: &mut Shrunk, search: &mut Search<'_>) -> bool {
        let seen = self.limit.until_over(self.breaks(&candidate, search)).await;
        let Some((promise, violation)) = seen.flatten() else { return false };
        best.case = candidate;
        (best.promise, best.violation) = (promise, violation);
        true
    }

    /// The promise of those wanted that the case breaks when it is played by itself.
    async fn breaks(&self, case: &Case, search: &mut Search<'_>) -> Option<(String, Violation)> {
        if search.tries >= search.most {
            return None;
        }
        search.tries += 1;
        let outcome = Box::pin(self.played(case)).await;
        if outcome.verdict != Verdict::Failed {
            return None;
        }
        let violations: Vec<Violation> =
            outcome.attempts.into_iter().flat_map(|attempt| attempt.violations).collect();
        search.wanted.iter().find_map(|wanted| {
            let is_it =
                |violation: &&Violation| promises(std::slice::from_ref(*violation)).first() == Some(wanted);
            violations.iter().find(is_it).map(|violation| (wanted.clone(), violation.clone()))
        })
    }

    async fn played(&self, case: &Case) -> ScenarioOutcome {
        let plan = self.oracle.plan_of(self.base, &Case { stage: Stage::Mixes, ..case.clone() });
        let options = RunOptions {
            seed: RUN_SEED,
            snapshots: SnapshotMode::ReportOnly,
            tenants: self.tenants.to_owned(),
        };
        // A runner of its own each time: what it counts decides what is drawn at random.
        Runner::new(self.subject.clone(), self.launch, self.http.clone(), options).run(&plan).await
    }
}
