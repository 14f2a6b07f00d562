//! Plays a plan: a stand-in and a subject of its own for every attempt, steps, probes, judgement.

use crate::conductor::Baseline;
use crate::expectation;
use crate::file::{Expectation, Step};
use crate::invariant;
use crate::observed::{Context, Observed};
use crate::plan::Plan;
use crate::replay;
use crate::snapshot::SnapshotMode;
use crate::stage::Stage;
use crate::steps::{flattened, happy_steps, same_steps};
use crate::unjudged::{Unjudged, unjudged};
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_exchange::ProviderProfile;
use counterpart_outcome::{Attempt, Replay, ScenarioOutcome, Verdict, Violation, ViolationKind};
use counterpart_stand_in::{
    DeliveryEnd, PlannedFault, ProviderConfig, SeenNote, StandIn, StandInClock, StandInConfig,
};
use counterpart_subject::{
    ClockKind, Launch, LaunchRequest, LaunchSpec, ProbeName, Stopwatch, Subject, SubjectSpec, Variables,
};
use jiff::Timestamp;
use serde_saphyr::{Location, Spanned};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, OnceCell};

/// Where virtual time begins: 2026-01-01T00:00:00Z, the same for every run.
const CLOCK_START_S: i64 = 1_767_225_600;

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
    subject: SubjectSpec,
    launch: &'a dyn Launch,
    http: reqwest::Client,
    options: RunOptions,
    plays: AtomicU64,
    version: OnceCell<Option<String>>,
    /// What the same triggers came to without faults, by fixtures and triggers.
    happy_paths: Mutex<HashMap<String, Arc<Observed>>>,
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
            subject,
            launch,
            http,
            options,
            plays: AtomicU64::new(0),
            version: OnceCell::new(),
            happy_paths: Mutex::default(),
        }
    }

    /// Plays one plan.
    pub async fn run(&self, plan: &Plan) -> ScenarioOutcome {
        let watch = Stopwatch::start();
        let mut snapshots_pending = Vec::new();
        let mut attempts = Vec::new();
        let verdict = match self.cannot_be_played(plan) {
            Some(reason) => Verdict::Skipped { reason },
            None => {
                let played = self.attempt(plan, &mut snapshots_pending).await;
                let mut attempt = played.unwrap_or_else(|Unjudged(why)| errored(why));
                attempt.wall_ms = watch.elapsed_ms();
                let verdict = attempt.verdict.clone();
                attempts.push(attempt);
                verdict
            }
        };
        ScenarioOutcome {
            name: plan.name.clone(),
            title: plan.file.title.clone(),
            file: plan.path.display().to_string(),
            digest: plan.digest.clone(),
            covers: plan.file.covers.iter().map(|id| id.value.clone()).collect(),
            fixtures: plan.fixtures_seen.clone(),
            verdict,
            attempts,
            snapshots_pending,
        }
    }

    /// Why this subject cannot take the scenario's steps, if it cannot.
    fn cannot_be_played(&self, plan: &Plan) -> Option<String> {
        let steps = flattened(&plan.file.steps);
        let has = |wanted: fn(&Step) -> bool| steps.iter().any(|step| wanted(&step.value));
        if self.is_elsewhere() && has(|step| matches!(step, Step::Restart(_))) {
            return Some(
                "a subject of kind `url` is run by somebody else and cannot be restarted from here"
                    .to_owned(),
            );
        }
        (self.subject.clock == ClockKind::Real && has(|step| matches!(step, Step::Advance { .. })))
            .then(|| "the subject lives in real time, and a step moves the clock".to_owned())
    }

    /// Whether somebody else runs the subject: it may still be at work, and keeps what it wrote.
    fn is_elsewhere(&self) -> bool {
        matches!(self.subject.launch, LaunchSpec::Url(_))
    }

    async fn attempt(&self, plan: &Plan, snapshots_pending: &mut Vec<String>) -> Result<Attempt, Unjudged> {
        let happy_steps = happy_steps(&plan.file.steps);
        let is_happy_path = plan.faults.is_empty() && same_steps(&happy_steps, &plan.file.steps);
        let happy_path = if is_happy_path { None } else { Some(self.happy_path(plan, &happy_steps).await?) };
        if let Some(happy_path) = &happy_path {
            replay::answered_as_recorded(plan, happy_path).map_err(Unjudged)?;
            something_to_compare(plan, happy_path)?;
        }
        let observed = self.play(plan, &plan.file.steps, &plan.faults).await?;
        let context =
            Context { plan, subject: &self.subject, observed: &observed, happy_path: happy_path.as_deref() };
        let mut violations = observed.step_violations.clone();
        violations.extend(replay::judge(&context));
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
            replay: replay::outcome(&context),
            exchanges: observed.exchanges(),
            virtual_ms: u64::try_from(observed.virtual_time().as_millis()).unwrap_or_default(),
            steps: observed.steps,
            wall_ms: 0,
        })
    }

    /// The same triggers, each once, without faults; played once and kept.
    async fn happy_path(&self, plan: &Plan, steps: &[Spanned<Step>]) -> Result<Arc<Observed>, Unjudged> {
        let names: Vec<&str> = plan.fixtures_seen.iter().map(|fixture| fixture.name.as_str()).collect();
        let key = format!(
            "{names:?} {} {:?}",
            plan.file.tls.is_some(),
            steps.iter().map(|step| &step.value).collect::<Vec<_>>()
        );
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
        let request = LaunchRequest { seed: self.options.seed, clock_start };
        let launched = Subject::launch(self.subject.clone(), self.launch, request, self.http.clone()).await;
        let mut subject = launched.map_err(unjudged)?;
        // A subject that runs already has a time and counts of its own: the stand-in joins it there.
        let state = subject.clock().await.map_err(unjudged)?;
        let clock = state.map_or(StandInClock::Real, |state| StandInClock::starting_at(state.now));
        if let Some(state) = state.filter(|state| state.busy > 0 || state.started != state.finished) {
            return Err(Unjudged(format!(
                "the subject is still at work from before: busy {}, requests begun {} and over {}; \
                 let it come to rest, or start it anew",
                state.busy, state.started, state.finished
            )));
        }
        let baseline = Baseline { received: 0, started: state.map_or(0, |state| state.started) };
        let authority = plan
            .file
            .tls
            .map(|_| CertificateAuthority::generate(Life::ANY_TIME))
            .transpose()
            .map_err(unjudged)?;
        let ca_pem = authority.as_ref().map(|authority| authority.certificate_pem().to_owned());
        let stand_in = StandIn::start(StandInConfig {
            providers: vec![ProviderConfig {
                profile: plan.profile.clone(),
                fixtures: plan.fixtures.clone(),
                forms: plan.forms.clone(),
                faults: faults.to_vec(),
            }],
            clock,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: authority,
        })
        .await
        .map_err(unjudged)?;
        let set_up = subject.set_up(self.variables(&plan.profile, &stand_in, ca_pem.as_deref())).await;
        set_up.map_err(|error| Unjudged(format!("the subject could not be set up: {error}")))?;
        if self.is_elsewhere() {
            nothing_left_over(&subject).await?;
        }
        self.version.get_or_init(|| subject.version()).await;
        let began = stand_in.clock().now();
        let mut stage = Stage {
            plan,
            subject,
            stand_in,
            baseline,
            triggers: 0,
            steps: Vec::new(),
            violations: Vec::new(),
        };
        stage.take(steps).await?;
        stage.observe(began).await
    }

    /// What the subject said its version is, once it was played.
    #[must_use]
    pub fn subject_version(&self) -> Option<String> {
        self.version.get().cloned().flatten()
    }

    fn variables(&self, profile: &ProviderProfile, stand_in: &StandIn, ca_pem: Option<&str>) -> Variables {
        let mut variables = Variables::default();
        variables.set("provider", &profile.provider);
        variables.set("base_url", stand_in.base_url());
        // A tenant of its own for every play: a subject that runs on keeps what it wrote.
        let number = self.plays.fetch_add(1, Ordering::Relaxed) + 1;
        variables.set("tenant", &format!("{}-{number}", self.options.tenants));
        let credentials = stand_in.credentials();
        // A provider without tokens still has a subject that wants one.
        variables.set("access_token", credentials.access_token.as_deref().unwrap_or("none"));
        if let Some(refresh_token) = &credentials.refresh_token {
            variables.set("refresh_token", refresh_token);
        }
        if let Some(ca_pem) = ca_pem {
            variables.set("ca_pem", ca_pem);
        }
        if let Some(keys) = stand_in.webhook_keys().into_iter().next() {
            variables.set("webhook_scheme", keys.scheme);
            variables.set("webhook_secret", &keys.secret);
            if let Some(account) = &keys.account {
                variables.set("webhook_account", account);
            }
        }
        for (placeholder, value) in stand_in.stand_in_values() {
            variables.set(&placeholder, value);
        }
        variables
    }
}

/// A happy path that brings nothing is no oracle: whatever is lost, the destination would be the same.
fn something_to_compare(plan: &Plan, happy_path: &Observed) -> Result<(), Unjudged> {
    let compares = |expectation: &Expectation| {
        matches!(expectation, Expectation::Destination(expected)
            if expected.same_as.is_some() || expected.fewer_than_happy_path.is_some())
    };
    let is_empty = happy_path.probes.get(&ProbeName::Destination).is_none_or(Vec::is_empty);
    if is_empty && plan.file.expect.iter().any(|expectation| compares(&expectation.value)) {
        return Err(Unjudged(
            "without any fault nothing reaches the destination, so there is nothing to compare with; \
             where that is right, expect `count: 0`"
                .to_owned(),
        ));
    }
    Ok(())
}

/// A probe that shows what another scenario left would make every promise look kept.
async fn nothing_left_over(subject: &Subject) -> Result<(), Unjudged> {
    // The log may be everybody's.
    let names = subject.spec().probe.keys().copied().filter(|name| *name != ProbeName::Log);
    for name in names.collect::<Vec<_>>() {
        let shown = subject.probe(name).await.map_err(unjudged)?.unwrap_or_default();
        if !shown.is_empty() {
            let word = name.word();
            return Err(Unjudged(format!(
                "the probe `{word}` shows {} records before the first step; it must show one tenant's alone: \
                 use {{tenant}} in setup, triggers and probes",
                shown.len()
            )));
        }
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
    unused.chain(inapplicable).chain(undelivered).collect()
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
        replay: Replay::default(),
        exchanges: Vec::new(),
        virtual_ms: 0,
        wall_ms: 0,
    }
}
