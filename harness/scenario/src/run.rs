//! Plays a plan: a stand-in and a subject of its own for every attempt, steps, probes, judgement.

use crate::conductor::{Conductor, Settled};
use crate::expectation;
use crate::file::{Settle, Step};
use crate::invariant;
use crate::observed::{Context, Observed, place};
use crate::plan::Plan;
use crate::snapshot::SnapshotMode;
use counterpart_exchange::ProviderProfile;
use counterpart_outcome::{Attempt, ScenarioOutcome, StepOutcome, Verdict, Violation, ViolationKind};
use counterpart_stand_in::{PlannedFault, SeenNote, StandIn, StandInClock, StandInConfig};
use counterpart_subject::{
    ClockKind, HttpCall, Launch, LaunchRequest, ProbeName, Stopwatch, Subject, SubjectSpec, Variables,
};
use jiff::Timestamp;
use serde_saphyr::{Location, Spanned};
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Where virtual time begins: 2026-01-01T00:00:00Z, the same for every run.
const CLOCK_START_S: i64 = 1_767_225_600;

/// What decides how plans are played.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// What becomes of a snapshot that differs.
    pub snapshots: SnapshotMode,
}

/// Plays plans against one subject.
pub struct Runner<'a> {
    subject: SubjectSpec,
    launch: &'a dyn Launch,
    http: reqwest::Client,
    options: RunOptions,
    /// What the same triggers came to without faults, by fixtures and triggers.
    happy_paths: Mutex<HashMap<String, Arc<Observed>>>,
}

/// An attempt that could not be made: why.
struct Unjudged(String);

impl<'a> Runner<'a> {
    /// A runner that has played nothing yet.
    #[must_use]
    pub fn new(
        subject: SubjectSpec,
        launch: &'a dyn Launch,
        http: reqwest::Client,
        options: RunOptions,
    ) -> Self {
        Self { subject, launch, http, options, happy_paths: Mutex::default() }
    }

    /// Plays one plan.
    pub async fn run(&self, plan: &Plan) -> ScenarioOutcome {
        let watch = Stopwatch::start();
        let mut snapshots_pending = Vec::new();
        let mut attempt = match self.attempt(plan, &mut snapshots_pending).await {
            Ok(attempt) => attempt,
            Err(Unjudged(why)) => errored(why),
        };
        attempt.wall_ms = watch.elapsed_ms();
        ScenarioOutcome {
            name: plan.name.clone(),
            title: plan.file.title.clone(),
            file: plan.path.display().to_string(),
            digest: plan.digest.clone(),
            covers: plan.file.covers.iter().map(|id| id.value.clone()).collect(),
            fixtures: plan.fixtures_seen.clone(),
            verdict: attempt.verdict.clone(),
            attempts: vec![attempt],
            snapshots_pending,
        }
    }

    async fn attempt(&self, plan: &Plan, snapshots_pending: &mut Vec<String>) -> Result<Attempt, Unjudged> {
        let happy_steps = happy_steps(&plan.file.steps);
        let is_happy_path = plan.faults.is_empty() && same_steps(&happy_steps, &plan.file.steps);
        let happy_path = if is_happy_path { None } else { Some(self.happy_path(plan, &happy_steps).await?) };
        let observed = self.play(plan, &plan.file.steps, &plan.faults).await?;
        let context =
            Context { plan, subject: &self.subject, observed: &observed, happy_path: happy_path.as_deref() };
        let mut violations = observed.step_violations.clone();
        violations.extend(unmatched(&context));
        violations.extend(faults_unused(&context));
        violations.extend(
            expectation::judge(&context, self.options.snapshots, snapshots_pending).map_err(Unjudged)?,
        );
        let (invariants, broken) = invariant::judge(&context);
        violations.extend(broken);
        Ok(Attempt {
            number: 1,
            verdict: if violations.is_empty() { Verdict::Passed } else { Verdict::Failed },
            error: None,
            violations,
            began_at: Some(observed.began),
            invariants,
            exchanges: observed.exchanges(),
            virtual_ms: u64::try_from(observed.virtual_time().as_millis()).unwrap_or_default(),
            steps: observed.steps,
            wall_ms: 0,
        })
    }

    /// The same triggers, each once, without faults; played once and kept.
    async fn happy_path(&self, plan: &Plan, steps: &[Spanned<Step>]) -> Result<Arc<Observed>, Unjudged> {
        let names: Vec<&str> = plan.fixtures_seen.iter().map(|fixture| fixture.name.as_str()).collect();
        let key = format!("{names:?} {:?}", steps.iter().map(|step| &step.value).collect::<Vec<_>>());
        let mut known = self.happy_paths.lock().await;
        if let Some(observed) = known.get(&key) {
            return Ok(Arc::clone(observed));
        }
        let observed = Arc::new(self.play(plan, steps, &[]).await?);
        if let Some(violation) = observed.step_violations.first() {
            let why = format!(
                "without any fault the steps do not pass: {} ({})",
                violation.message, violation.actual
            );
            return Err(Unjudged(why));
        }
        known.insert(key, Arc::clone(&observed));
        Ok(observed)
    }

    async fn play(
        &self,
        plan: &Plan,
        steps: &[Spanned<Step>],
        faults: &[PlannedFault],
    ) -> Result<Observed, Unjudged> {
        let clock_start = Timestamp::from_second(CLOCK_START_S).unwrap_or(Timestamp::UNIX_EPOCH);
        let clock = match self.subject.clock {
            ClockKind::Endpoint => StandInClock::starting_at(clock_start),
            ClockKind::Real => StandInClock::Real,
        };
        let stand_in = StandIn::start(StandInConfig {
            profile: plan.profile.clone(),
            fixtures: plan.fixtures.clone(),
            forms: plan.forms.clone(),
            faults: faults.to_vec(),
            clock,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        })
        .await
        .map_err(|error| Unjudged(error.to_string()))?;
        let request = LaunchRequest { seed: self.options.seed, clock_start };
        let launched = Subject::launch(self.subject.clone(), self.launch, request, self.http.clone()).await;
        let mut subject = launched.map_err(|error| Unjudged(error.to_string()))?;
        let set_up = subject.set_up(variables(&plan.profile, &stand_in)).await;
        set_up.map_err(|error| Unjudged(format!("the subject could not be set up: {error}")))?;
        let began = stand_in.clock().now();
        let mut stage =
            Stage { plan, subject, stand_in, received_before: 0, steps: Vec::new(), violations: Vec::new() };
        stage.take(steps).await?;
        stage.observe(began).await
    }
}

/// A subject and a stand-in while steps are taken.
struct Stage<'a> {
    plan: &'a Plan,
    subject: Subject,
    stand_in: StandIn,
    received_before: u64,
    steps: Vec<StepOutcome>,
    violations: Vec<Violation>,
}

impl Stage<'_> {
    async fn take(&mut self, steps: &[Spanned<Step>]) -> Result<(), Unjudged> {
        for step in steps {
            if let Step::Repeat { times, steps } = &step.value {
                for _ in 0..*times {
                    Box::pin(self.take(steps)).await?;
                }
                continue;
            }
            let at = self.stand_in.clock().now();
            let (name, result) = self
                .take_one(step)
                .await
                .map_err(|error| Unjudged(format!("step `{}`: {error}", step.value.word())))?;
            self.steps.push(StepOutcome { step: name, place: place(self.plan, step.referenced), at, result });
        }
        Ok(())
    }

    async fn take_one(
        &mut self,
        step: &Spanned<Step>,
    ) -> Result<(String, String), counterpart_subject::SubjectError> {
        let location = step.referenced;
        let conductor = Conductor {
            subject: &self.subject,
            stand_in: &self.stand_in,
            received_before: self.received_before,
        };
        Ok(match &step.value {
            Step::Trigger(trigger) => {
                let (name, words) = trigger.first().map_or(("", Vec::new()), |(name, words)| {
                    (name.as_str(), words.iter().map(|(word, value)| (word.clone(), value.clone())).collect())
                });
                let answered = self.subject.trigger(name, &words).await?;
                self.must_be(
                    location,
                    "trigger",
                    answered.status,
                    (200..300).contains(&answered.status),
                    &answered.excerpt,
                );
                (format!("trigger {name}"), answered.status.to_string())
            }
            Step::Settle(Settle { within }) => {
                let settled = conductor.settle(*within).await?;
                ("settle".to_owned(), self.note_settled(location, &settled))
            }
            Step::Advance { by } => {
                let settled = conductor.advance(*by).await?;
                (format!("advance {by:#}"), self.note_settled(location, &settled))
            }
            Step::Restart(_) => {
                self.subject.restart(self.stand_in.clock().now()).await?;
                // It counts anew, and every connection from before is closed.
                self.received_before = self.stand_in.traffic().received;
                ("restart".to_owned(), "stopped and started again".to_owned())
            }
            Step::Call { request, json, status } => {
                let call = HttpCall { call: request.clone(), json: json.clone() };
                let answered = self.subject.call_once(&call).await?;
                let good =
                    status.map_or((200..300).contains(&answered.status), |status| status == answered.status);
                self.must_be(location, "call", answered.status, good, &answered.excerpt);
                (format!("call {request}"), answered.status.to_string())
            }
            // A plan with any other step is refused before it gets here.
            other => (other.word().to_owned(), "not implemented".to_owned()),
        })
    }

    fn must_be(&mut self, location: Location, step: &str, status: u16, good: bool, excerpt: &str) {
        if !good {
            self.broken(
                location,
                step,
                "the subject refused it",
                "the status the step asks for",
                &format!("{status}: {excerpt}"),
            );
        }
    }

    fn note_settled(&mut self, location: Location, settled: &Settled) -> String {
        let timers = |count: u64| match count {
            0 => "no timer fired".to_owned(),
            1 => "1 timer fired".to_owned(),
            count => format!("{count} timers fired"),
        };
        let (message, actual) = match settled {
            Settled::Quiet { timers_fired } => return format!("quiet; {}", timers(*timers_fired)),
            Settled::Reached { timers_fired } => return format!("reached; {}", timers(*timers_fired)),
            Settled::Stuck { held } => (
                "the subject waits for ever: the provider does not answer, and no time-out is running",
                format!("{held} request(s) held and no timer"),
            ),
            Settled::Restless { state } => ("the subject does not come to rest", state.clone()),
            Settled::Endless => ("the subject sets ever new timers", "20000 timers fired".to_owned()),
        };
        self.broken(location, "settle", message, "the subject comes to rest", &actual);
        actual
    }

    fn broken(&mut self, location: Location, step: &str, message: &str, expected: &str, actual: &str) {
        self.violations.push(Violation {
            kind: ViolationKind::Step(step.to_owned()),
            place: place(self.plan, location),
            message: message.to_owned(),
            expected: expected.to_owned(),
            actual: self.stand_in.hide(actual),
            exchanges: self.stand_in.seen().last().map(|seen| seen.seq).into_iter().collect(),
        });
    }

    async fn observe(self, began: Timestamp) -> Result<Observed, Unjudged> {
        let mut probes = BTreeMap::new();
        for name in self.subject.spec().probe.keys().copied().collect::<Vec<ProbeName>>() {
            let shown = self.subject.probe(name).await.map_err(|error| Unjudged(error.to_string()))?;
            probes.extend(shown.map(|records| (name, records)));
        }
        Ok(Observed {
            steps: self.steps,
            step_violations: self.violations,
            seen: self.stand_in.seen(),
            unused_faults: self.stand_in.unused_faults(),
            probes,
            secrets: self
                .stand_in
                .secret_values()
                .filter(|value| value.starts_with("cp-"))
                .map(str::to_owned)
                .collect(),
            began,
            ended: self.stand_in.clock().now(),
        })
    }
}

fn variables(profile: &ProviderProfile, stand_in: &StandIn) -> Variables {
    let mut variables = Variables::default();
    variables.set("provider", &profile.provider);
    variables.set("base_url", &stand_in.base_url());
    variables.set("tenant", "tenant-a");
    // A provider without tokens still has a subject that wants one.
    let credentials = stand_in.credentials();
    variables.set("access_token", credentials.access_token.as_deref().unwrap_or("none"));
    if let Some(refresh_token) = &credentials.refresh_token {
        variables.set("refresh_token", refresh_token);
    }
    variables
}

/// The distinct triggers in order, each with its own settling.
fn happy_steps(steps: &[Spanned<Step>]) -> Vec<Spanned<Step>> {
    fn collect<'s>(steps: &'s [Spanned<Step>], triggers: &mut Vec<&'s Spanned<Step>>) {
        for step in steps {
            match &step.value {
                Step::Repeat { steps, .. } => collect(steps, triggers),
                Step::Trigger(words) => {
                    let known = |other: &&&Spanned<Step>| matches!(&other.value, Step::Trigger(known) if known == words);
                    if !triggers.iter().any(|other| known(&other)) {
                        triggers.push(step);
                    }
                }
                _ => {}
            }
        }
    }
    let mut triggers = Vec::new();
    collect(steps, &mut triggers);
    triggers
        .into_iter()
        .flat_map(|trigger| {
            let settle = Step::Settle(Settle::default());
            [trigger.clone(), Spanned::new(settle, trigger.referenced, trigger.defined)]
        })
        .collect()
}

fn same_steps(a: &[Spanned<Step>], b: &[Spanned<Step>]) -> bool {
    let words =
        |steps: &[Spanned<Step>]| steps.iter().map(|step| format!("{:?}", step.value)).collect::<Vec<_>>();
    words(a) == words(b)
}

/// One violation for each request that no fixture holds, however often it came.
fn unmatched(context: &Context<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for seen in &context.observed.seen {
        let SeenNote::Unmatched(why) = &seen.note else { continue };
        let message = format!(
            "the subject asked for something that was never recorded: {} {}",
            seen.method, seen.target
        );
        match violations.iter_mut().find(|known| known.message == message) {
            Some(known) => known.exchanges.push(seen.seq),
            None => violations.push(Violation {
                kind: ViolationKind::Unmatched,
                place: context.place(Location::UNKNOWN),
                message,
                expected: "a request that a fixture holds".to_owned(),
                actual: why.clone(),
                exchanges: vec![seen.seq],
            }),
        }
    }
    violations
}

fn faults_unused(context: &Context<'_>) -> Vec<Violation> {
    let inapplicable = context.observed.seen.iter().filter_map(|seen| match &seen.note {
        SeenNote::FaultInapplicable(why) => Some(Violation {
            kind: ViolationKind::FaultUnused,
            place: context.place(Location::UNKNOWN),
            message: format!("the fault {} could not be applied", seen.fault.as_deref().unwrap_or("")),
            expected: "an answer that the fault can change".to_owned(),
            actual: why.clone(),
            exchanges: vec![seen.seq],
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
    unused.chain(inapplicable).collect()
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
        exchanges: Vec::new(),
        virtual_ms: 0,
        wall_ms: 0,
    }
}
