//! The stage: a subject and a stand-in while the steps of a scenario are taken, and what is seen at the end.
//!
//! What sets something off is an act ([`acts`]): it changes nothing of the stage, so several can be under way at once.

mod acts;

use crate::conductor::{Baseline, Conductor, Settled};
use crate::described;
use crate::file::names::Names;
use crate::file::{Location, Settle, Spanned, Step, WaitForStep};
use crate::files::{self, SeenFile};
use crate::known::Words;
use crate::observed::{LastRun, Observed, place};
use crate::plan::Plan;
use crate::snapshot_content::Redactions;
use crate::unjudged::Unjudged;
use crate::witness::{SeenByWitness, Witness};
use acts::Done;
use counterpart_exchange::Exchange;
use counterpart_outcome::{StepOutcome, Violation, ViolationKind};
use counterpart_stand_in::{SeenNote, StandIn};
use counterpart_subject::{ProbeName, Stopping, Subject, SubjectError, given_names};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A subject and a stand-in while steps are taken.
pub(crate) struct Stage<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) subject: Subject,
    pub(crate) stand_in: StandIn,
    pub(crate) baseline: Baseline,
    pub(crate) triggers: usize,
    /// What was captured so far.
    pub(crate) captured: Names,
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) violations: Vec<Violation>,
    /// Another tenant, who must see nothing of all this.
    pub(crate) witness: Witness,
    /// What the subject is told of each provider.
    pub(crate) of_providers: IndexMap<String, Words>,
    /// What the log showed before the subject was started again: it may begin anew then.
    pub(crate) earlier_log: Vec<Value>,
    /// Requests that were under way when the subject was stopped.
    pub(crate) interrupted: usize,
    /// Whether nothing more would happen by itself after the last step.
    pub(crate) at_rest: bool,
    pub(crate) rest_is_guessed: bool,
    /// Whether the last run of a batch failed.
    pub(crate) last_run: Option<LastRun>,
}

impl Stage<'_> {
    /// Takes all steps, and looks at what came of them.
    pub(crate) async fn play(
        &mut self,
        steps: &[Spanned<Step>],
        began: Timestamp,
    ) -> Result<Observed, Unjudged> {
        self.take(steps).await?;
        self.look(began).await
    }

    async fn take(&mut self, steps: &[Spanned<Step>]) -> Result<(), Unjudged> {
        for step in steps {
            if let Step::Repeat { times, steps } = &step.value {
                for _ in 0..*times {
                    Box::pin(self.take(steps)).await?;
                }
                continue;
            }
            let at = self.stand_in.clock().now();
            if let Step::Parallel { steps } = &step.value {
                // In the order of the file, whatever came first.
                for done in self.act_together(steps).await? {
                    self.note(at, done);
                }
                continue;
            }
            let done = self.take_one(step).await.map_err(|error| self.explained(of_step(step, &error)))?;
            self.note(at, done);
        }
        Ok(())
    }

    /// With what it may be waiting for that could not be judged.
    fn explained(&self, Unjudged(why): Unjudged) -> Unjudged {
        let seen = self.stand_in.seen();
        let is_held = self.stand_in.traffic().held > 0;
        let unanswered = seen.last().filter(|last| is_held || last.note == SeenNote::ClientGaveUp);
        Unjudged(match unanswered.and_then(|last| Some((last, last.fault?))) {
            Some((last, fault)) => format!(
                "{why}; its last request, {} {}, met the fault {fault} and was not answered: whoever sets no time-out \
                 waits for that",
                last.method, last.target
            ),
            None => why,
        })
    }

    /// Takes down what a step came to.
    fn note(&mut self, at: Timestamp, done: Done) {
        let place = place(self.plan, done.location);
        self.steps.push(StepOutcome { step: done.step, place, at, result: done.result });
        self.violations.extend(done.violations);
        self.last_run = done.run.or_else(|| self.last_run.take());
        self.captured.extend(done.captured);
    }

    async fn take_one(&mut self, step: &Spanned<Step>) -> Result<Done, SubjectError> {
        let location = step.referenced;
        let done = |step: &str, result: &str| Ok(Done::new(location, step, result));
        match &step.value {
            Step::Trigger(_) => {
                let done = self.act(step).await?;
                // One that was refused set nothing off that could come to rest.
                self.triggers += usize::from(done.violations.is_empty());
                Ok(done)
            }
            Step::Settle(Settle { within }) => {
                let settled = self.conductor().settle(*within).await?;
                self.rests(&settled);
                Ok(self.settled(location, "settle", &settled))
            }
            Step::Advance { by } => {
                let settled = self.conductor().advance(*by).await?;
                self.rests(&settled);
                Ok(self.settled(location, &format!("advance {by:#}"), &settled))
            }
            Step::WaitFor(wait) => self.wait_for(location, wait).await,
            Step::Restart(_) => {
                self.before_it_ends().await?;
                let is_stopped = self.stop_first(Stopping::Asked).await?;
                self.subject.restart(self.stand_in.clock().now()).await?;
                self.begun_anew(is_stopped);
                done("restart", "stopped and started again")
            }
            Step::Kill(_) => {
                self.before_it_ends().await?;
                let is_stopped = self.stop_first(Stopping::Killed).await?;
                self.subject.kill(self.stand_in.clock().now()).await?;
                if !is_stopped {
                    self.conductor().gone().await;
                }
                self.begun_anew(is_stopped);
                done("kill", "killed and started again")
            }
            Step::Deploy { version } => {
                self.before_it_ends().await?;
                let is_stopped = self.stop_first(Stopping::Asked).await?;
                self.subject.deploy(version, self.stand_in.clock().now()).await?;
                self.begun_anew(is_stopped);
                done(&format!("deploy {version}"), "stopped, and started as that version")
            }
            _ => self.act(step).await,
        }
    }

    fn rests(&mut self, settled: &Settled) {
        self.at_rest = matches!(settled, Settled::Quiet { .. } | Settled::Calm);
        self.rest_is_guessed = matches!(settled, Settled::Calm);
    }

    pub(super) fn conductor(&self) -> Conductor<'_> {
        Conductor {
            subject: &self.subject,
            stand_in: &self.stand_in,
            baseline: self.baseline,
            triggers: self.triggers,
        }
    }

    /// Keeps what will not be there once the subject has ended.
    async fn before_it_ends(&mut self) -> Result<(), SubjectError> {
        let traffic = self.stand_in.traffic();
        let unanswered = traffic.received.saturating_sub(traffic.answered);
        // What was answered and is still at work has not been committed.
        let at_work = match self.subject.clock().await? {
            Some(state) => state.busy.saturating_add(state.started.saturating_sub(state.finished)),
            None => 0,
        };
        let under_way = unanswered.max(at_work);
        self.interrupted += usize::try_from(under_way).unwrap_or(usize::MAX);
        let log = self.subject.probe(ProbeName::Log).await?.unwrap_or_default();
        self.earlier_log = behind(std::mem::take(&mut self.earlier_log), log);
        Ok(())
    }

    /// Stops it before it is started again, where that can be done apart: a process that goes on with its work at once has
    /// sent requests by the time at which it is ready, and they are its own.
    async fn stop_first(&mut self, how: Stopping) -> Result<bool, SubjectError> {
        let is_stopped = self.subject.stop_first(how).await?;
        if is_stopped {
            self.conductor().gone().await;
            self.begun_anew(false);
        }
        Ok(is_stopped)
    }

    /// It counts anew, and every connection from before is closed.
    fn begun_anew(&mut self, is_known: bool) {
        self.stand_in.leave_receivers();
        if !is_known {
            self.baseline = Baseline { received: self.stand_in.traffic().received, started: 0 };
        }
    }

    async fn wait_for(&self, location: Location, wait: &WaitForStep) -> Result<Done, SubjectError> {
        let matcher = wait.record.0.filled(&self.names());
        let shown = async || {
            let records = self.subject.probe(wait.probe).await?.unwrap_or_default();
            let count = records.iter().filter(|record| matcher.fits(Some(record))).count();
            Ok(wait.counts().hold(count))
        };
        let name = format!("wait_for {}", wait.probe.word());
        let settled = self.conductor().wait_until(wait.within, shown).await?;
        if !matches!(settled, Settled::Quiet { .. } | Settled::Reached { .. }) {
            return Ok(self.settled(location, &name, &settled));
        }
        let records = self.subject.probe(wait.probe).await?.unwrap_or_default();
        let near = records.iter().max_by_key(|record| matcher.nearness(record));
        let near = near.map_or_else(
            || "no record at all".to_owned(),
            |record| format!("{} records; the nearest: {}", records.len(), crate::wording::brief(record)),
        );
        let wanted = format!("{} with {} within {:#}", wait.counts().words(), matcher.words(), wait.within);
        let message = format!("the probe `{}` never showed what was waited for", wait.probe.word());
        let violation = self.broken(location, "wait_for", &message, &wanted, &near);
        Ok(Done { violations: vec![violation], ..Done::new(location, &name, "never shown") })
    }

    /// What names stand for that are known only once it is played.
    fn names(&self) -> Names {
        let given = given_names().iter().filter_map(|name| {
            let value = self.subject.value_of(name)?;
            Some(((*name).to_owned(), Value::String(value.to_owned())))
        });
        given.chain(self.captured.clone()).collect()
    }

    pub(super) fn settled(&self, location: Location, step: &str, settled: &Settled) -> Done {
        let timers = |count: u64| match count {
            0 => "no timer fired".to_owned(),
            1 => "1 timer fired".to_owned(),
            count => format!("{count} timers fired"),
        };
        let good = |word: &str, fired: u64| Done::new(location, step, &format!("{word}; {}", timers(fired)));
        let (message, actual) = match settled {
            Settled::Quiet { timers_fired } => return good("quiet", *timers_fired),
            Settled::Calm => {
                let told =
                    "taken to be at rest: a second without a request, and no probe `runs` that would tell";
                return Done::new(location, step, told);
            }
            Settled::Reached { timers_fired } => return good("reached", *timers_fired),
            Settled::Shown { timers_fired } => return good("shown", *timers_fired),
            Settled::Stuck { held } => (
                "the subject waits for ever: the provider does not answer, and no time-out is running",
                format!("{held} request(s) held and no timer"),
            ),
            Settled::Restless { state } => ("the subject does not come to rest", state.clone()),
            Settled::Endless => ("the subject sets ever new timers", "20000 timers fired".to_owned()),
        };
        let violation = self.broken(location, "settle", message, "the subject comes to rest", &actual);
        Done { violations: vec![violation], ..Done::new(location, step, &actual) }
    }

    fn broken(
        &self,
        location: Location,
        step: &str,
        message: &str,
        expected: &str,
        actual: &str,
    ) -> Violation {
        Violation {
            kind: ViolationKind::Step(step.to_owned()),
            place: place(self.plan, location),
            message: message.to_owned(),
            expected: expected.to_owned(),
            actual: self.stand_in.hide(actual),
            exchanges: self.stand_in.seen().last().map(|seen| seen.seq).into_iter().collect(),
        }
    }

    /// What is seen once the last step was taken.
    async fn look(&mut self, began: Timestamp) -> Result<Observed, Unjudged> {
        let mut probes = BTreeMap::new();
        for name in self.subject.spec().probe.keys().copied().collect::<Vec<ProbeName>>() {
            let shown = self.subject.probe(name).await.map_err(|error| Unjudged(error.to_string()))?;
            probes.extend(shown.map(|records| (name, records)));
        }
        described::check(self.subject.spec(), &probes)?;
        if let Some(log) = probes.get_mut(&ProbeName::Log) {
            *log = behind(std::mem::take(&mut self.earlier_log), std::mem::take(log));
        }
        let seen_by_witness = self.witness.sees(&self.subject).await?;
        let folder = self.subject.files_folder().map_err(|error| Unjudged(error.to_string()))?;
        let files = match folder.filter(|_| self.plan.looks_at_files()) {
            Some(folder) => files::seen(&folder).map_err(|error| {
                Unjudged(format!("the files of the subject: {}: {error}", folder.display()))
            })?,
            None => Vec::new(),
        };
        let sent = self.stand_in.sent();
        if sent.left_out > 0 {
            let why = format!(
                "{} requests were more than are kept to be held against the contract; play less in one scenario",
                sent.left_out
            );
            return Err(Unjudged(why));
        }
        Ok(self.observed(began, Looked { probes, seen_by_witness, files, sent: sent.exchanges }))
    }

    /// What is left to see of a subject that ended by itself.
    pub(crate) fn wreck(&mut self, began: Timestamp, how: String) -> Observed {
        self.at_rest = false;
        let nothing = Looked {
            probes: BTreeMap::new(),
            seen_by_witness: Err("the subject ended"),
            files: Vec::new(),
            sent: Vec::new(),
        };
        Observed { wreck: Some(how), ..self.observed(began, nothing) }
    }

    fn observed(&mut self, began: Timestamp, looked: Looked) -> Observed {
        let Looked { probes, seen_by_witness, files, sent } = looked;
        let mut redactions = Redactions::of_stand_in(&self.stand_in);
        redactions.name(self.subject.base_url().trim_start_matches("http://"), "{subject_address}");
        if let Some(tenant) = self.subject.variables().get("tenant") {
            redactions.name(tenant, "{tenant}");
        }
        Observed {
            names: self.names(),
            files,
            sent,
            wreck: None,
            steps: std::mem::take(&mut self.steps),
            step_violations: std::mem::take(&mut self.violations),
            seen: self.stand_in.seen(),
            delivered: self.stand_in.delivered(),
            unused_faults: self.stand_in.unused_faults(),
            limits_never_reached: self.stand_in.limits_never_reached(),
            counts: self.stand_in.counts(),
            unused_exchanges: self
                .stand_in
                .providers()
                .iter()
                .flat_map(counterpart_stand_in::Provider::unused_exchanges)
                .collect(),
            probes,
            seen_by_witness,
            interrupted: self.interrupted,
            last_run: self.last_run.clone(),
            at_rest: self.at_rest,
            rest_is_guessed: self.rest_is_guessed,
            redactions,
            secrets: self
                .stand_in
                .secret_values()
                .filter(|value| value.starts_with("cp-"))
                .map(str::to_owned)
                .chain(self.stand_in.fresh_tokens())
                .chain(self.stand_in.webhook_keys().into_iter().map(|keys| keys.secret))
                .collect(),
            began,
            ended: self.stand_in.clock().now(),
        }
    }
}

/// What the subject itself showed.
struct Looked {
    probes: BTreeMap<ProbeName, Vec<Value>>,
    seen_by_witness: SeenByWitness,
    files: Vec<SeenFile>,
    sent: Vec<(u64, Exchange)>,
}

/// A log as a whole: one that outlives its process shows what came before, one that does not is put behind it.
fn behind(earlier: Vec<Value>, now: Vec<Value>) -> Vec<Value> {
    if now.starts_with(&earlier) { now } else { earlier.into_iter().chain(now).collect() }
}

fn of_step(step: &Spanned<Step>, error: &SubjectError) -> Unjudged {
    Unjudged(format!("step `{}`: {error}", step.value.word()))
}
