//! Plays the scenarios that were chosen, several at once if asked to, and tells of each as it ends.
//!
//! Each job is a thread that takes the next plan. What the scenarios share is the runner alone, which keeps each from
//! the others; their outcomes come back in the order of the plans, however many jobs there are.

use super::super::stop_signal::StopSignal;
use crate::arguments::{Format, Global};
use crate::exit::Stop;
use crate::output;
use counterpart_outcome::{ScenarioOutcome, Verdict};
use counterpart_report::terminal;
use counterpart_scenario::{Plan, Runner};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How many names of scenarios under way the progress bar shows.
const NAMES_SHOWN: usize = 3;

/// Plans to play.
pub(super) struct Play<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) plans: &'a [Plan],
    pub(super) jobs: usize,
    /// After so many that failed or errored, no further one begins.
    pub(super) most_failures: Option<usize>,
}

impl Play<'_> {
    /// Plays all of them; the outcomes are in the order of the plans. Where the process is told to stop before, what is
    /// being played is dropped, and with it the programs that it started are ended; that and the rest count as not run.
    /// The second half tells whether it was so.
    pub(super) fn all(&self, tokio: &Handle, global: &Global) -> Result<(Vec<ScenarioOutcome>, bool), Stop> {
        let told = tokio.block_on(async { StopSignal::listen() }).map_err(Stop::environment)?;
        let (stop, stopped) = watch::channel(false);
        let listener = tokio.spawn(tell(told, stop));
        let teller = Teller::new(global, self.plans.len());
        let (next, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ended = Mutex::new(Vec::with_capacity(self.plans.len()));
        let job = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(plan) = self.plans.get(index) else { return };
                let failed = failures.load(Ordering::SeqCst);
                let outcome = if self.most_failures.is_some_and(|most| failed >= most) {
                    Runner::not_run(plan, failed)
                } else {
                    teller.begins(plan);
                    let playing = until(stopped.clone(), self.runner.run(plan));
                    let Some(outcome) = tokio.block_on(playing) else { return };
                    outcome
                };
                if matches!(outcome.verdict, Verdict::Failed | Verdict::Errored) {
                    failures.fetch_add(1, Ordering::SeqCst);
                }
                teller.ended(&outcome);
                locked(&ended).push((index, outcome));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.min(self.plans.len()) {
                scope.spawn(job);
            }
        });
        listener.abort();
        teller.progress.finish_and_clear();
        let is_cut_short = *stopped.borrow();
        if is_cut_short {
            output::note("told to stop; what was started is ended");
        }
        let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut ended: BTreeMap<usize, ScenarioOutcome> = ended.into_iter().collect();
        let of_plan = |(index, plan)| ended.remove(&index).unwrap_or_else(|| cut_short(plan));
        Ok((self.plans.iter().enumerate().map(of_plan).collect(), is_cut_short))
    }
}

/// What becomes of a plan that was not played to its end, because the process was told to stop.
fn cut_short(plan: &Plan) -> ScenarioOutcome {
    // It begins as that of every scenario that was not run, so that `--rerun-failed` takes it.
    let reason = "not run after the process was told to stop".to_owned();
    ScenarioOutcome { verdict: Verdict::Skipped { reason }, ..Runner::not_run(plan, 0) }
}

/// Tells all jobs once the process is told.
async fn tell(mut told: StopSignal, stop: watch::Sender<bool>) {
    if told.received().await.is_ok() {
        stop.send_replace(true);
    }
}

/// What a future comes to; nothing where it is time to stop before.
async fn until<T>(mut stopped: watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    let told = async {
        // A listener that is gone tells nobody to stop.
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = told => None,
        done = work => Some(done),
    }
}

/// Tells of scenarios while they are played: each in one piece, whoever else has something to tell.
struct Teller {
    is_text: bool,
    is_quiet: bool,
    progress: ProgressBar,
    under_way: Mutex<Vec<String>>,
}

impl Teller {
    fn new(global: &Global, count: usize) -> Self {
        let is_text = global.format == Format::Text;
        Self {
            is_text,
            is_quiet: global.quiet,
            progress: progress(is_text && !global.quiet, count),
            under_way: Mutex::default(),
        }
    }

    fn begins(&self, plan: &Plan) {
        let mut under_way = locked(&self.under_way);
        under_way.push(plan.name.clone());
        self.progress.set_message(named(&under_way));
    }

    fn ended(&self, outcome: &ScenarioOutcome) {
        let mut under_way = locked(&self.under_way);
        under_way.retain(|name| *name != outcome.name);
        let is_good = matches!(outcome.verdict, Verdict::Passed | Verdict::Skipped { .. });
        if self.is_text && (!self.is_quiet || !is_good) {
            self.progress.suspend(|| {
                output::result(&terminal::line(outcome, output::style()));
                if !is_good {
                    output::result(&terminal::failure(outcome, output::style()));
                }
            });
        }
        self.progress.set_message(named(&under_way));
        self.progress.inc(1);
    }
}

fn named(under_way: &[String]) -> String {
    let names = under_way.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match under_way.len().saturating_sub(NAMES_SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn progress(shown: bool, count: usize) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    // Indicatif draws on a terminal only.
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style)
}
