//! Runs a plan: the happy path where there is none yet, an attempt, and the judgement of both.

use crate::evidence;
use crate::expectation;
use crate::file::{Expectation, Location, QuarantineEntry, Spanned, Step};
use crate::invariant;
use crate::observed::{Context, Observed};
use crate::plan::Plan;
use crate::player::Player;
use crate::replay;
use crate::snapshot::SnapshotMode;
use crate::steps::{flattened, happy_steps, same_steps};
use crate::unjudged::Unjudged;
use counterpart_exchange::Limit;
use counterpart_outcome::{
    Attempt, Evidence, InvariantOutcome, Quarantine, Replay, ScenarioOutcome, Verdict, Violation,
    ViolationKind,
};
use counterpart_stand_in::{DeliveryEnd, SeenNote};
use counterpart_subject::{ClockKind, Launch, ProbeName, Stopwatch, SubjectSpec};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

/// What decides how plans are played.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// What becomes of a snapshot that differs.
    pub snapshots: SnapshotMode,
    /// What the names of tenants begin with: lower-case letters, digits and dashes.
    pub tenants: String,
}

/// Plays plans against one subject.
pub struct Runner<'a> {
    player: Player<'a>,
    /// Whether all plays meet the same process, which can then not be started again.
    is_shared: bool,
    snapshots: SnapshotMode,
    /// By which quarantines are judged. Where nobody said what day it is, none counts.
    today: Option<Date>,
    /// How often a scenario that did not pass is tried again.
    retries: u32,
    /// What the same triggers came to without faults, by fixtures and triggers. Whoever needs one that is being played
    /// waits for it, and for no other.
    happy_paths: Mutex<HashMap<String, Arc<OnceCell<Arc<Observed>>>>>,
}

/// What the reason of a scenario begins with that was not run because others had failed.
const NOT_RUN: &str = "not run after";

/// Whether a scenario was not run because others had failed.
#[must_use]
pub fn was_not_run(outcome: &ScenarioOutcome) -> bool {
    matches!(&outcome.verdict, Verdict::Skipped { reason } if reason.starts_with(NOT_RUN))
}

impl<'a> Runner<'a> {
    /// A runner that has played nothing yet.
    #[must_use]
    pub fn new(
        subject: SubjectSpec,
        launch: &'a dyn Launch,
        http: reqwest::Client,
        options: RunOptions,
    ) -> Self {
        Self {
            is_shared: launch.is_shared(),
            snapshots: options.snapshots,
            today: None,
            retries: 0,
            player: Player::new(subject, launch, http, options),
            happy_paths: Mutex::default(),
        }
    }

    /// The same on a day: a quarantine counts until its last day is over.
    #[must_use]
    pub fn on(self, today: Date) -> Self {
        Self { today: Some(today), ..self }
    }

    /// The same, but what does not pass is tried again so often, each time with a stand-in and a subject of its own.
    #[must_use]
    pub fn retrying(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Plays one plan, more than once where it does not pass and may be tried again.
    pub async fn run(&self, plan: &Plan) -> ScenarioOutcome {
        let mut snapshots_pending = Vec::new();
        let mut attempts: Vec<Attempt> = Vec::new();
        let verdict = match self.cannot_be_played(plan).await {
            Some(reason) => Verdict::Skipped { reason },
            None => loop {
                let watch = Stopwatch::start();
                let played = self.attempt(plan, &mut snapshots_pending).await;
                let mut attempt = played.unwrap_or_else(|Unjudged(why)| errored(why));
                attempt.wall_ms = watch.elapsed_ms();
                attempt.number = attempts.len() + 1;
                let has_passed = attempt.verdict == Verdict::Passed;
                attempts.push(attempt);
                if has_passed || attempts.len() > self.retries as usize {
                    break taken_together(&attempts);
                }
            },
        };
        // Attempts may differ in the same snapshot.
        snapshots_pending.sort();
        snapshots_pending.dedup();
        ScenarioOutcome {
            attempts,
            snapshots_pending,
            quarantine: self.quarantine(plan),
            ..unplayed(plan, verdict)
        }
    }

    /// What becomes of a plan that is not run, because so many others have failed already.
    #[must_use]
    pub fn not_run(plan: &Plan, failures: usize) -> ScenarioOutcome {
        let noun = if failures == 1 { "failure" } else { "failures" };
        unplayed(plan, Verdict::Skipped { reason: format!("{NOT_RUN} {failures} {noun}") })
    }

    fn quarantine(&self, plan: &Plan) -> Option<Quarantine> {
        let QuarantineEntry { reason, owner, until } = plan.file.quarantine.as_ref()?.value.clone();
        let counts = self.today.is_some_and(|today| today <= until);
        Some(Quarantine { reason, owner, until, counts })
    }

    /// Why this subject cannot take the scenario's steps, if it cannot.
    async fn cannot_be_played(&self, plan: &Plan) -> Option<String> {
        if let Some(why) = self.player.cannot_launch().await {
            return Some(why);
        }
        let steps = flattened(&plan.file.steps);
        let has = |wanted: fn(&Step) -> bool| steps.iter().any(|step| wanted(&step.value));
        if self.is_shared
            && has(|step| matches!(step, Step::Restart(_) | Step::Kill(_) | Step::Deploy { .. }))
        {
            return Some(
                "all scenarios meet the same process of this subject, and a step starts it again".to_owned(),
            );
        }
        let moves = has(|step| matches!(step, Step::Advance { .. }));
        match self.player.subject.clock {
            ClockKind::Real if moves => {
                Some("the subject lives in real time, and a step moves the clock".to_owned())
            }
            ClockKind::Faketime
                if jumps_within_a_run(&plan.file.steps, &mut true) && !self.player.subject.is_batch() =>
            {
                Some(
                    "only the subject's dates are shifted, its waits are real, and a step moves the clock while it is \
                     at work"
                        .to_owned(),
                )
            }
            _ => None,
        }
    }

    async fn attempt(&self, plan: &Plan, snapshots_pending: &mut Vec<String>) -> Result<Attempt, Unjudged> {
        let happy_steps = happy_steps(&plan.file.steps);
        let is_happy_path = plan.is_undisturbed() && same_steps(&happy_steps, &plan.file.steps);
        let happy_path = if is_happy_path { None } else { Some(self.happy_path(plan, &happy_steps).await?) };
        if let Some(happy_path) = &happy_path {
            replay::answered_as_recorded(plan, happy_path).map_err(Unjudged)?;
            something_to_compare(plan, happy_path)?;
        }
        let observed = self.player.play(plan, &plan.file.steps, &plan.faults).await?;
        let context = Context {
            plan,
            subject: &self.player.subject,
            observed: &observed,
            happy_path: happy_path.as_deref(),
        };
        let (mut violations, invariants) = match &observed.wreck {
            Some(how) => {
                let (invariants, broken) = invariant::wrecked(&context, how);
                (
                    std::iter::once(broken).chain(observed.step_violations.iter().cloned()).collect(),
                    invariants,
                )
            }
            None => self.judged(&context, snapshots_pending)?,
        };
        // Stable: what is as grave stays in the order in which it was found.
        violations.sort_by_key(gravity);
        Ok(Attempt {
            number: 1,
            verdict: if violations.is_empty() { Verdict::Passed } else { Verdict::Failed },
            error: None,
            violations,
            began_at: Some(observed.began),
            invariants,
            evidence: evidence::of(&context),
            replay: replay::outcome(&context),
            exchanges: observed.exchanges(),
            virtual_ms: u64::try_from(observed.virtual_time().as_millis()).unwrap_or_default(),
            steps: observed.steps,
            wall_ms: 0,
        })
    }

    /// What is broken, and what every invariant came to.
    fn judged(
        &self,
        context: &Context<'_>,
        snapshots_pending: &mut Vec<String>,
    ) -> Result<(Vec<Violation>, Vec<InvariantOutcome>), Unjudged> {
        let mut violations = context.observed.step_violations.clone();
        violations.extend(replay::judge(context));
        violations.extend(faults_unused(context));
        violations.extend(expectation::judge(context, self.snapshots, snapshots_pending).map_err(Unjudged)?);
        let (invariants, broken) = invariant::judge(context);
        if let Some(why) = invariant::unseen(context, &invariants) {
            return Err(Unjudged(why));
        }
        violations.extend(broken);
        let unsettled = ends_unsettled(&context.plan.file.steps) && !self.player.subject.is_batch();
        let doubt = match (unsettled, context.observed.rest_is_guessed) {
            (true, _) => "no `settle` stands behind the last step, so the work may still have been under way",
            (false, true) => GUESSED,
            (false, false) => return Ok((violations, invariants)),
        };
        for violation in violations.iter_mut().filter(|violation| is_about_what_arrived(violation)) {
            violation.message.push_str(&format!("; {doubt}"));
        }
        Ok((violations, invariants))
    }

    /// The same triggers, each once, without faults or a quota of the scenario's; played once and kept.
    async fn happy_path(&self, plan: &Plan, steps: &[Spanned<Step>]) -> Result<Arc<Observed>, Unjudged> {
        let names: Vec<&str> = plan.fixtures_seen.iter().map(|fixture| fixture.name.as_str()).collect();
        let mut key = format!(
            "{names:?} {} {:?}",
            plan.file.tls.is_some(),
            steps.iter().map(|step| &step.value).collect::<Vec<_>>()
        );
        // It decides the tenant's name, which stays what it was where all records are played.
        for (exchange, keep) in &plan.file.records {
            key.push_str(&format!(" {}: {keep:?}", exchange.value));
        }
        let kept = Arc::clone(self.happy_paths.lock().await.entry(key.clone()).or_default());
        let played = kept.get_or_try_init(|| async {
            let undisturbed = Plan { quota: Vec::new(), ..plan.clone() };
            let observed = self.player.play_as(self.player.tenant(&key), &undisturbed, steps, &[]).await?;
            match observed.step_violations.first() {
                None => Ok(Arc::new(observed)),
                Some(violation) => Err(Unjudged(format!(
                    "without any fault the steps do not pass: {} ({})",
                    violation.message, violation.actual
                ))),
            }
        });
        played.await.cloned()
    }

    /// What the subject said its version is, once it was played.
    #[must_use]
    pub fn subject_version(&self) -> Option<String> {
        self.player.subject_version()
    }
}

/// Whether the clock is moved between something that is set off and the rest after it.
fn jumps_within_a_run(steps: &[Spanned<Step>], at_rest: &mut bool) -> bool {
    steps.iter().any(|step| {
        match &step.value {
            Step::Settle(_) => *at_rest = true,
            Step::Advance { .. } => return !*at_rest,
            // The second time shows how the first one ends.
            Step::Repeat { steps, times } => {
                return (0..(*times).min(2)).any(|_| jumps_within_a_run(steps, at_rest));
            }
            _ => *at_rest = false,
        }
        false
    })
}

/// Why what arrived may not be all that would have.
const GUESSED: &str = "nothing tells when the work is over, so a second without a request was taken for its end: describe \
                       the subject's probe `runs`";

/// A happy path that brings nothing is no oracle: whatever is lost, the destination would be the same.
fn something_to_compare(plan: &Plan, happy_path: &Observed) -> Result<(), Unjudged> {
    // Where nothing is put in its way, the invariant says so itself.
    let may_fail =
        plan.is_undisturbed() || plan.file.invariants.off.keys().any(|name| name.value == "recovers");
    if let Some(run) = happy_path.last_run.as_ref().filter(|run| run.has_failed && !may_fail) {
        return Err(Unjudged(format!(
            "without any fault the last run fails, too: it {}; mend that, or switch `recovers` off with the reason",
            run.told
        )));
    }
    let compares = |expectation: &Expectation| {
        matches!(expectation, Expectation::Destination(expected)
            if expected.same_as.is_some() || expected.fewer_than_happy_path.is_some())
    };
    let is_empty = happy_path.probes.get(&ProbeName::Destination).is_none_or(Vec::is_empty);
    if is_empty && plan.file.expect.iter().any(|expectation| compares(&expectation.value)) {
        let nothing =
            "without any fault nothing reaches the destination, so there is nothing to compare with";
        return Err(Unjudged(match happy_path.rest_is_guessed {
            true => format!("{nothing}; {GUESSED}"),
            false => format!("{nothing}; where that is right, expect `count: 0`"),
        }));
    }
    Ok(())
}

fn faults_unused(context: &Context<'_>) -> Vec<Violation> {
    let inapplicable = context.observed.seen.iter().filter_map(|seen| match &seen.note {
        SeenNote::FaultInapplicable(why) => Some(Violation {
            kind: ViolationKind::FaultUnused,
            place: context.place(Location::UNKNOWN),
            message: format!("the fault {} could not be applied", seen.fault.unwrap_or("")),
            expected: "an answer that the fault can change".to_owned(),
            actual: why.clone(),
            exchanges: vec![seen.seq],
        }),
        _ => None,
    });
    let undelivered = context.observed.delivered.iter().filter_map(|delivered| match &delivered.end {
        DeliveryEnd::Inapplicable(why) => Some(Violation {
            kind: ViolationKind::FaultUnused,
            place: context.place(Location::UNKNOWN),
            message: format!("the fault {} could not be applied", delivered.fault.unwrap_or("")),
            expected: "a webhook that the fault can change".to_owned(),
            actual: why.clone(),
            exchanges: Vec::new(),
        }),
        _ => None,
    });
    let unused = context.observed.unused_faults.iter().filter_map(|unused| {
        let entry = context.plan.file.faults.get(unused.index)?;
        Some(context.violation(
            ViolationKind::FaultUnused,
            entry.referenced,
            format!("the fault {} had no occasion to strike as often as planned", entry.value.inject.name()),
            match entry.value.times {
                counterpart_stand_in::Times::Count(count) => format!("struck {count} time(s)"),
                counterpart_stand_in::Times::Always => "struck at least once".to_owned(),
            },
            format!("struck {} time(s)", unused.struck),
        ))
    });
    let mut violations: Vec<Violation> = unused.chain(inapplicable).chain(undelivered).collect();
    violations.extend(limits_never_reached(context));
    violations
}

/// Whether nothing waits for what the last step set off.
fn ends_unsettled(steps: &[Spanned<Step>]) -> bool {
    flattened(steps).last().is_some_and(|step| step.value.is_act())
}

fn is_about_what_arrived(violation: &Violation) -> bool {
    match &violation.kind {
        ViolationKind::Invariant(name) => name == "nothing_lost" || name == "recovers",
        ViolationKind::Expectation(word) => word == "destination" || word == "runs",
        _ => false,
    }
}

/// A limit that nobody came up against shows nothing.
fn limits_never_reached(context: &Context<'_>) -> Vec<Violation> {
    let entries = &context.plan.file.quota;
    let generous = context.observed.limits_never_reached.iter().filter_map(|place| entries.get(*place));
    let violation = |entry: &Spanned<Limit>| {
        context.violation(
            ViolationKind::FaultUnused,
            entry.referenced,
            "nobody came up against this limit".to_owned(),
            "all of it used at least once; make it narrower".to_owned(),
            format!("{} requests, all of them within it", context.observed.seen.len()),
        )
    };
    generous.map(violation).collect()
}

/// The verdict on a scenario, of all its attempts: a pass hides no failure before it, nor an error one.
fn taken_together(attempts: &[Attempt]) -> Verdict {
    let any = |wanted: Verdict| attempts.iter().any(|attempt| attempt.verdict == wanted);
    match (any(Verdict::Passed), any(Verdict::Failed)) {
        (true, _) if attempts.len() > 1 => Verdict::Flaky,
        (true, _) => Verdict::Passed,
        (false, true) => Verdict::Failed,
        (false, false) => Verdict::Errored,
    }
}

/// A plan's outcome, as far as it is known without playing it.
fn unplayed(plan: &Plan, verdict: Verdict) -> ScenarioOutcome {
    ScenarioOutcome {
        name: plan.name.clone(),
        title: plan.file.title.clone(),
        file: plan.path.display().to_string(),
        digest: plan.digest.clone(),
        covers: plan.file.covers.iter().map(|id| id.value.clone()).collect(),
        fixtures: plan.fixtures_seen.clone(),
        verdict,
        attempts: Vec::new(),
        snapshots_pending: Vec::new(),
        quarantine: None,
    }
}

fn errored(why: String) -> Attempt {
    Attempt {
        number: 1,
        verdict: Verdict::Errored,
        error: Some(why),
        steps: Vec::new(),
        began_at: None,
        violations: Vec::new(),
        invariants: Vec::new(),
        evidence: Evidence::default(),
        replay: Replay::default(),
        exchanges: Vec::new(),
        virtual_ms: 0,
        wall_ms: 0,
    }
}

/// What is told first: data and secrets; last, what only shows that something else went wrong before.
fn gravity(violation: &Violation) -> u8 {
    const OF_DATA: [&str; 5] = ["no_secret", "tenants_apart", "nothing_lost", "applied_once", "validated"];
    match &violation.kind {
        ViolationKind::Invariant(name) if OF_DATA.contains(&name.as_str()) => 0,
        ViolationKind::ExchangesUnused | ViolationKind::FaultUnused => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_hides_no_failure_and_an_error_hides_none() {
        use Verdict::{Errored, Failed, Flaky, Passed};
        for (attempts, verdict) in [
            (vec![Passed], Passed),
            (vec![Failed, Passed], Flaky),
            (vec![Errored, Passed], Flaky),
            (vec![Failed, Failed], Failed),
            (vec![Failed, Errored], Failed),
            (vec![Errored, Failed], Failed),
            (vec![Errored, Errored], Errored),
        ] {
            let attempts: Vec<Attempt> =
                attempts.into_iter().map(|verdict| Attempt { verdict, ..errored(String::new()) }).collect();
            assert_eq!(taken_together(&attempts), verdict);
        }
    }
}
