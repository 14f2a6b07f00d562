//! The explorer: hands cases to workers in order, takes what they come to in the same order, and shrinks what is new.

use super::atoms::{Atom, atoms};
use super::case::{Case, Meeting, Stage, place_of};
use super::coverage::{Grid, StageCoverage};
use super::findings::{
    Cause, Exploration, FoundScenario, UnjudgedCase, Unreproduced, operation_at, told_faults,
};
use super::judgement::{Judged, Oracle, longest_settle, promises};
use super::limit::Limit;
use super::mixes::Mixes;
use super::options::{ExploreError, ExploreOptions, Progress};
use super::pairs::Pairs;
use super::reused::ReusedLaunch;
use super::shrink::{RUN_SEED, Shrinker, Shrinking};
use super::singles;
use super::spelling::text_of;
use super::worker::Worker;
use crate::file::{AllowEntry, InvariantsEntry, ScenarioFile, Step};
use crate::invariant;
use crate::observed::{Context, Observed};
use crate::plan::Plan;
use crate::player::{Player, tenant_named};
use crate::replay;
use crate::run::RunOptions;
use crate::snapshot::SnapshotMode;
use crate::steps::happy_steps;
use crate::unjudged::Unjudged;
use counterpart_exchange::Direction;
use counterpart_outcome::{InvariantStatus, Violation};
use counterpart_stand_in::{Fault, FaultSite};
use counterpart_subject::{ClockKind, Launch, ProbeName, Stopwatch, SubjectSpec};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Causes that are shrunk; what fails beyond them is counted.
const MOST_CAUSES: usize = 20;
/// Cases that could not be judged and are told, and of those that were not played by themselves.
const MOST_TOLD: usize = 5;
/// Cases that wait for each worker, so that none waits for a case.
const AHEAD: usize = 4;

/// Explores one scenario with one subject.
pub struct Explorer<'a> {
    /// The scenario; its faults and expectations are left out.
    pub plan: &'a Plan,
    /// The integration under test.
    pub subject: &'a SubjectSpec,
    /// How it is launched.
    pub launch: &'a dyn Launch,
    /// How far to go.
    pub options: ExploreOptions,
}

/// What a worker is given, and what it gives back.
type Asked = (usize, Case);
type Answered = (usize, Case, Judged);

impl Explorer<'_> {
    /// Explores until the budget is used up, `watch` being told after each case.
    ///
    /// # Errors
    /// [`ExploreError`]. What is found is no error.
    pub fn explore(&self, watch: &dyn Fn(&Progress)) -> Result<Exploration, ExploreError> {
        let clock = Stopwatch::start();
        let base = without_faults(self.plan);
        let happy: Vec<Step> =
            happy_steps(&self.plan.file.steps).into_iter().map(|step| step.value).collect();
        let runtime = runtime()?;
        let http = http()?;
        let (told, budget) = (self.options.told_to_stop.clone(), self.options.budget);
        let limit = Limit { told, clock, budget };
        let looked = runtime.block_on(limit.until_told(self.oracle(&base, &happy, &http)));
        let stopped = || ExploreError::Stopped { scenario: self.plan.name.clone() };
        let (oracle, reuses, not_checked) = looked.ok_or_else(stopped)??;
        let all_atoms = atoms(&base);
        let shrinker = Shrinker {
            base: &base,
            oracle: &oracle,
            subject: self.subject,
            launch: self.launch,
            http,
            happy: &happy,
            tenants: &self.options.tenants,
            limit: &limit,
        };
        let (ask, asked) = channel::<Asked>();
        let (answer, answered) = channel::<Answered>();
        let asked = Arc::new(Mutex::new(asked));
        std::thread::scope(|scope| {
            for job in 0..self.options.jobs.get() {
                let (asked, answer) = (Arc::clone(&asked), answer.clone());
                let (base, oracle, limit) = (&base, &oracle, &limit);
                scope.spawn(move || self.work(job, (base, oracle, limit), reuses, &asked, &answer));
            }
            drop(answer);
            let mut run = Run {
                options: &self.options,
                limit: &limit,
                watch,
                runtime: &runtime,
                shrinker: &shrinker,
                base: &base,
                oracle: &oracle,
                operations: all_atoms
                    .iter()
                    .map(|atom| (place_of(&atom.at), atom.operation.clone()))
                    .collect(),
                ask: Some(ask),
                answered,
                numbered: 0,
                shrinking: Duration::ZERO,
                grid: Grid::default(),
                met: BTreeSet::new(),
                pairs: 0,
                stages: Vec::new(),
                causes: Vec::new(),
                unreproduced: Vec::new(),
                not_shrunk: 0,
                unjudged: Vec::new(),
                cut_short: 0,
            };
            self.stages(&mut run, &all_atoms, &happy);
            // The workers end when there is nobody left who could ask them.
            run.ask = None;
            Ok(run.exploration(&self.plan.name, reuses, not_checked))
        })
    }

    fn stages(&self, run: &mut Run<'_>, all_atoms: &[Atom], happy: &[Step]) {
        let singles = singles::cases(all_atoms, happy, self.options.seed);
        run.grid.plan(&singles);
        let planned = singles.len();
        let can_move = self.subject.clock == ClockKind::Endpoint;
        let can_end = can_move && !self.launch.is_shared();
        let mut singles = singles.into_iter();
        run.stage(Stage::Singles, Some(planned), &mut Playable { cases: &mut singles, can_end, can_move });
        let atoms: Vec<Atom> = all_atoms.iter().filter(|atom| run.is_worth_mixing(atom)).cloned().collect();
        let mut pairs = Pairs::new(&atoms, happy, self.options.seed);
        run.pairs = pairs.total();
        run.stage(Stage::Pairs, None, &mut Playable { cases: &mut pairs, can_end, can_move });
        let webhooks = self.webhooks(happy);
        let mut mixes = Mixes::new(&atoms, happy, webhooks, self.options.seed, (can_end, can_move));
        // Without a bound it would go on for ever.
        if self.options.budget.is_some() || self.options.most_cases.is_some() {
            run.stage(Stage::Mixes, None, &mut mixes);
        }
    }

    /// Webhooks that the fixtures hold and the scenario does not deliver.
    fn webhooks(&self, happy: &[Step]) -> Vec<Step> {
        if self.subject.webhooks.is_none() || self.plan.profile.webhooks.is_none() {
            return Vec::new();
        }
        let known: Vec<&str> = happy
            .iter()
            .filter_map(|step| match step {
                Step::Webhook { exchange, .. } => Some(exchange.as_str()),
                _ => None,
            })
            .collect();
        let exchanges = self.plan.fixtures.iter().flat_map(|fixture| &fixture.exchanges);
        exchanges
            .filter(|exchange| {
                exchange.direction == Direction::Inbound && !known.contains(&exchange.id.as_str())
            })
            .map(|exchange| Step::Webhook { exchange: exchange.id.to_string(), status: None })
            .collect()
    }

    /// Plays the happy path twice (and takes the longer time of both): what cases are held against, whether subjects can stay alive, and what is not checked.
    async fn oracle(
        &self,
        base: &Plan,
        happy: &[Step],
        http: &reqwest::Client,
    ) -> Result<(Oracle, bool, Vec<String>), ExploreError> {
        let none = |why: String| ExploreError::NoHappyPath { scenario: self.plan.name.clone(), why };
        let reused = ReusedLaunch::new(self.launch);
        let (observed, again, took, reuses) = match self.twice(base, happy, http, &reused).await {
            Ok((first, again, took)) => (first, again, took, true),
            // One that must know its provider before it starts cannot stay alive.
            Err(_) if !self.launch.is_shared() => {
                let (first, again, took) =
                    self.twice(base, happy, http, self.launch).await.map_err(|Unjudged(why)| none(why))?;
                (first, again, took, false)
            }
            Err(Unjudged(why)) => return Err(none(why)),
        };
        if let Some(violation) = observed.step_violations.first() {
            return Err(none(format!("{} ({})", violation.message, violation.actual)));
        }
        replay::answered_as_recorded(base, &observed).map_err(none)?;
        let context = Context { plan: base, subject: self.subject, observed: &observed, happy_path: None };
        let (outcomes, broken) = invariant::judge(&context);
        if let Some(violation) = broken.first() {
            return Err(none(format!("{} ({})", violation.message, violation.actual)));
        }
        let compared = ["nothing_lost", "validated"];
        let mut not_checked: Vec<String> = outcomes
            .into_iter()
            .filter(|outcome| !compared.contains(&outcome.name.as_str()))
            .filter_map(|outcome| match outcome.status {
                InvariantStatus::NotChecked { reason } => Some(format!("{}: {reason}", outcome.name)),
                _ => None,
            })
            .collect();
        let mut oracle = Oracle::of(self.subject, &observed, &again);
        oracle.runs_again = self.subject.is_batch() && self.may_run_again(base, happy, http, &observed).await;
        if self.subject.clock == ClockKind::Real {
            oracle.longest_settle = Some(longest_settle(took));
        }
        if !oracle.repeats_itself {
            not_checked.push(
                "destination: two happy paths do not bring the same records, so that none is compared whole"
                    .to_owned(),
            );
        }
        Ok((oracle, reuses, not_checked))
    }

    /// Whether a batch that is run once more brings nothing new: where each run brings all of it, nobody does so.
    async fn may_run_again(
        &self,
        base: &Plan,
        happy: &[Step],
        http: &reqwest::Client,
        once: &Observed,
    ) -> bool {
        let steps: Vec<_> = happy.iter().chain(happy).cloned().map(super::case::nowhere).collect();
        let options = self.run_options("again");
        let player = Player::new(self.subject.clone(), self.launch, http.clone(), options);
        let tenant = tenant_named(&format!("{}-again", self.options.tenants));
        let probe = self.subject.probe.get(&ProbeName::Destination);
        let destination = |observed: &Observed| {
            let records = observed.probes.get(&ProbeName::Destination)?;
            Some(probe?.comparable(records).into_owned())
        };
        let again = player.play_as(tenant, base, &steps, &[]).await;
        again.is_ok_and(|again| {
            again.step_violations.is_empty()
                && !again.last_run_failed()
                && destination(&again) == destination(once)
        })
    }

    async fn twice(
        &self,
        base: &Plan,
        happy: &[Step],
        http: &reqwest::Client,
        launch: &dyn Launch,
    ) -> Result<(Observed, Observed, Duration), Unjudged> {
        let steps: Vec<_> = happy.iter().cloned().map(super::case::nowhere).collect();
        let mut player = Player::new(self.subject.clone(), launch, http.clone(), self.run_options("look"));
        let tenant = |number: usize| tenant_named(&format!("{}-look-{number}", self.options.tenants));
        let clock = Stopwatch::start();
        let first = player.play_as(tenant(1), base, &steps, &[]).await?;
        let of_first = clock.elapsed();
        player.looks_before = true;
        let again = player.play_as(tenant(2), base, &steps, &[]).await?;
        let of_second = clock.elapsed().saturating_sub(of_first);
        Ok((first, again, of_first.max(of_second)))
    }

    fn run_options(&self, who: &str) -> RunOptions {
        let tenants = format!("{}-{who}", self.options.tenants);
        RunOptions { seed: RUN_SEED, snapshots: SnapshotMode::ReportOnly, tenants }
    }

    /// A worker's thread, with an async runtime of its own: nothing of one case waits for another.
    fn work(
        &self,
        job: usize,
        (base, oracle, limit): (&Plan, &Oracle, &Limit),
        reuses: bool,
        asked: &Mutex<Receiver<Asked>>,
        answer: &Sender<Answered>,
    ) {
        let reused = ReusedLaunch::new(self.launch);
        let launch: &dyn Launch = if reuses { &reused } else { self.launch };
        let made = runtime().and_then(|runtime| Ok((runtime, http()?)));
        let mut worker = made.map(|(runtime, http)| {
            let options = self.run_options(&format!("job{job}"));
            (runtime, Worker::new(base, oracle, self.subject, (&reused, launch), http, options))
        });
        loop {
            let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((number, case)) = next else { break };
            let judged = match &mut worker {
                Ok((runtime, worker)) => runtime.block_on(worker.play(number, &case, limit)),
                Err(error) => Judged::Unjudged(error.to_string()),
            };
            if answer.send((number, case, judged)).is_err() {
                break;
            }
        }
        reused.forget();
    }
}

/// Cases whose steps the subject can take.
struct Playable<'p, I> {
    cases: &'p mut I,
    can_end: bool,
    can_move: bool,
}

impl<I: Iterator<Item = Case>> Iterator for Playable<'_, I> {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        let mut case = self.cases.next()?;
        case.steps.retain(|step| match step {
            Step::Restart(_) | Step::Kill(_) => self.can_end,
            Step::Advance { .. } => self.can_move,
            _ => true,
        });
        Some(case)
    }
}

/// One exploration while it runs.
struct Run<'r> {
    options: &'r ExploreOptions,
    limit: &'r Limit,
    watch: &'r dyn Fn(&Progress),
    runtime: &'r tokio::runtime::Runtime,
    shrinker: &'r Shrinker<'r>,
    base: &'r Plan,
    oracle: &'r Oracle,
    /// What is struck at a place.
    operations: BTreeMap<String, String>,
    ask: Option<Sender<Asked>>,
    answered: Receiver<Answered>,
    numbered: usize,
    shrinking: Duration,
    grid: Grid,
    /// Of the pairs that there are, those that met in a case in which every fault struck.
    met: BTreeSet<Meeting>,
    pairs: usize,
    stages: Vec<StageCoverage>,
    causes: Vec<(Cause, FoundScenario)>,
    unreproduced: Vec<Unreproduced>,
    not_shrunk: usize,
    unjudged: Vec<UnjudgedCase>,
    cut_short: usize,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.limit.is_over()
            || self.options.most_cases.is_some_and(|most| self.numbered >= most)
            || self.options.stops_at_first && !self.causes.is_empty()
    }

    /// Plays a stage's cases. Whatever finishes first, they are taken in their order.
    fn stage(&mut self, stage: Stage, planned: Option<usize>, cases: &mut dyn Iterator<Item = Case>) {
        let mut coverage = StageCoverage::new(stage);
        coverage.planned = planned;
        self.stages.push(coverage);
        let mut early: BTreeMap<usize, (Case, Judged)> = BTreeMap::new();
        let mut next = self.numbered + 1;
        let mut is_exhausted = false;
        loop {
            while !is_exhausted
                && !self.is_over()
                && self.numbered + 1 < next + self.options.jobs.get() * AHEAD
            {
                let Some(case) = cases.next() else {
                    is_exhausted = true;
                    break;
                };
                self.numbered += 1;
                let asked = self.ask.as_ref().map(|ask| ask.send((self.numbered, case)));
                is_exhausted = !matches!(asked, Some(Ok(())));
            }
            if next > self.numbered {
                return;
            }
            let Ok((number, case, judged)) = self.answered.recv() else { return };
            early.insert(number, (case, judged));
            while let Some((case, judged)) = early.remove(&next) {
                self.take(next, &case, judged);
                next += 1;
                self.tell(stage);
            }
        }
    }

    fn tell(&self, stage: Stage) {
        let current = self.stages.last();
        (self.watch)(&Progress {
            stage,
            played: self.stages.iter().map(|stage| stage.played).sum(),
            in_stage: current.map_or((0, None), |stage| (stage.played, stage.planned)),
            grid: self.grid.covered(),
            pairs: (self.met.len(), self.pairs),
            found: self.causes.len(),
            elapsed: self.limit.clock.elapsed(),
        });
    }

    fn take(&mut self, number: usize, case: &Case, judged: Judged) {
        if let Some(stage) = self.stages.last_mut() {
            stage.count(&judged);
        }
        self.grid.note(case, &judged);
        if matches!(judged, Judged::Kept | Judged::Broken(_)) {
            self.met.extend(&case.meets);
        }
        match judged {
            Judged::Kept | Judged::NoOccasion | Judged::NotBegun => {}
            Judged::CutShort => self.cut_short += 1,
            Judged::Unjudged(why) => {
                if self.unjudged.len() < MOST_TOLD {
                    self.unjudged.push(UnjudgedCase { case: number, faults: told_faults(case), why });
                }
            }
            Judged::Broken(violations) => {
                let began = self.limit.clock.elapsed();
                self.look_into(number, case, &violations);
                self.shrinking += self.limit.clock.elapsed().saturating_sub(began);
            }
        }
    }

    /// Finds the cause of a case that failed.
    fn look_into(&mut self, number: usize, case: &Case, violations: &[Violation]) {
        let broken = promises(violations);
        if broken.is_empty() || self.options.stops_at_first && !self.causes.is_empty() {
            return;
        }
        let of_case = self.cause("", case);
        if let Some((_, found)) = self.causes.iter_mut().find(|(cause, _)| cause.explains(&of_case, &broken))
        {
            found.cases += 1;
            return;
        }
        if self.causes.len() >= MOST_CAUSES {
            self.not_shrunk += 1;
            return;
        }
        let after_ms = self.limit.clock.elapsed_ms();
        let shrunk = match self.runtime.block_on(self.shrinker.shrink(case, &broken, self.knows_something()))
        {
            Shrinking::Shrunk(shrunk) => shrunk,
            Shrinking::CutShort if self.unreproduced.len() >= MOST_TOLD => {
                self.not_shrunk += 1;
                return;
            }
            ended => {
                let seen = violations.iter().map(|one| format!("{}: {}", one.message, one.actual)).collect();
                let (faults, promises) = (told_faults(case), broken);
                let cut_short = matches!(ended, Shrinking::CutShort);
                self.unreproduced.push(Unreproduced { case: number, faults, promises, seen, cut_short });
                return;
            }
        };
        let cause = self.cause(&shrunk.promise, &shrunk.case);
        if let Some((_, found)) = self.causes.iter_mut().find(|(known, _)| *known == cause) {
            found.cases += 1;
            return;
        }
        let mut found = FoundScenario::new(&cause, &shrunk, case, number, after_ms);
        let plan = self.oracle.plan_of(self.base, &shrunk.case);
        found.text = text_of(&plan, &shrunk.case, &found, self.options.seed);
        self.causes.push((cause, found));
    }

    /// Whether there is something to tell, should the rest be left as it is.
    fn knows_something(&self) -> bool {
        !self.causes.is_empty() || !self.unreproduced.is_empty()
    }

    fn cause(&self, promise: &str, case: &Case) -> Cause {
        Cause::of(promise, case, &|fault| {
            let known = self.operations.get(&place_of(&fault.at));
            known.cloned().unwrap_or_else(|| operation_at(&fault.at))
        })
    }

    /// What had an effect by itself is worth meeting others; what strikes only after something else had no occasion yet.
    fn is_worth_mixing(&self, atom: &Atom) -> bool {
        self.grid.has(&place_of(&atom.at), atom.fault.name()) || matches!(atom.at, FaultSite::Request { .. })
    }

    fn exploration(self, scenario: &str, reuses_subject: bool, not_checked: Vec<String>) -> Exploration {
        let cases = self.stages.iter().map(|stage| stage.played).sum();
        let exploring_s = self.limit.clock.elapsed().saturating_sub(self.shrinking).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate is told to a few digits")]
        let cases_per_s = if exploring_s > 0.0 { cases as f64 / exploring_s } else { 0.0 };
        Exploration {
            counterpart: "exploration/1",
            scenario: scenario.to_owned(),
            seed: self.options.seed,
            cases,
            wall_ms: self.limit.clock.elapsed_ms(),
            cases_per_s,
            grid: self.grid.covered(),
            pairs: (self.met.len(), self.pairs),
            faults_struck: self.grid.struck(),
            faults: Fault::ALL.len(),
            stages: self.stages,
            reuses_subject,
            not_checked,
            found: self.causes.into_iter().map(|(_, found)| found).collect(),
            unreproduced: self.unreproduced,
            not_shrunk: self.not_shrunk,
            first_unjudged: self.unjudged.first().map(|one| format!("case {}: {}", one.case, one.why)),
            unjudged: self.unjudged,
            cut_short: self.cut_short,
        }
    }
}

/// The plan as its happy path is judged: no faults, no quota, no expectations of its own.
fn without_faults(plan: &Plan) -> Plan {
    let file = &plan.file;
    let bare = ScenarioFile {
        counterpart: file.counterpart.clone(),
        title: file.title.clone(),
        covers: Vec::new(),
        variables: IndexMap::new(),
        cases: IndexMap::new(),
        quarantine: None,
        fixtures: file.fixtures.clone(),
        beside: file.beside.clone(),
        records: file.records.clone(),
        tls: file.tls,
        quota: Vec::new(),
        faults: Vec::new(),
        steps: happy_steps(&file.steps),
        expect: Vec::new(),
        invariants: InvariantsEntry { off: file.invariants.off.clone(), on: Vec::new() },
        allow: AllowEntry { unused: None, ..file.allow.clone() },
    };
    Plan { file: Arc::new(bare), quota: Vec::new(), faults: Vec::new(), ..plan.clone() }
}

fn runtime() -> Result<tokio::runtime::Runtime, ExploreError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| ExploreError::Machine(error.to_string()))
}

fn http() -> Result<reqwest::Client, ExploreError> {
    let built = reqwest::Client::builder().no_proxy().build();
    built.map_err(|error| ExploreError::Machine(error.to_string()))
}
