//! Who does the work: one dispatcher that claims what is due, and a task for each run that it has in hand.
//!
//! A task takes one step of its run, under the claim's lease, and ends; the run's next step is claimed anew. All that
//! must be remembered is in the store, so that a task may be dropped anywhere: it is then as after a power cut, and
//! whoever claims the run next goes on from what was committed. Where several processes share the store, each also
//! renews its leases, listens for word of work, and looks for it by itself now and then.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::chat_import;
use crate::clock::{Clock, Work, bounded_in_real_time, later, pause_in_real_time};
use crate::crash::Crash;
use crate::credentials::{Credentials, Vault};
use crate::gate::Gate;
use crate::hooks;
use crate::identity::{Lane, RunId};
use crate::journal::{About, Journal, Level};
use crate::outbound::Outbound;
use crate::plants::Plants;
use crate::relay;
use crate::store::{Accepted, Claim, Claimed, Lease, Order, Store, StoreError, Task};

/// How long work rests when the database refuses, as on a full disk.
const STORE_RETRY: SignedDuration = SignedDuration::from_secs(5);

/// So many runs are in hand at once.
const MAX_IN_HAND: usize = 64;

/// Where others share the store, work is looked for at least this often, and up to half as long again.
const POLL: SignedDuration = SignedDuration::from_secs(1);

/// Others are told of work at most once in this time.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// What is old is put away when so much time has passed since that was last done.
const HOUSEKEEPING: SignedDuration = SignedDuration::from_hours(1);

/// What every part of one runtime shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) outbound: Outbound,
    pub(crate) gate: Gate,
    pub(crate) journal: Journal,
    pub(crate) plants: Plants,
    pub(crate) crash: Crash,
    pub(crate) seed: u64,
    memories: Mutex<HashMap<Lane, LaneMemory>>,
    /// Which connection was stored last: for a planted bug.
    latest_connected: Mutex<Option<Lane>>,
}

/// What is remembered of a connection from one step to the next besides what is stored: nothing that matters when it is
/// lost, but for a planted bug.
#[derive(Debug, Default)]
pub(crate) struct LaneMemory {
    /// Refreshed tokens that were not stored, for the next request only.
    pub(crate) unsaved: Option<Credentials>,
    /// By how much the provider's clock was off when that was last told.
    pub(crate) clock_off_s: Option<i64>,
}

/// The parts of a context that are made elsewhere.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) outbound: Outbound,
    pub(crate) journal: Journal,
    pub(crate) plants: Plants,
    pub(crate) crash: Crash,
    pub(crate) seed: u64,
}

impl Context {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { clock, store, vault, outbound, journal, plants, crash, seed } = parts;
        let gate = Gate::new(plants.clone());
        let (memories, latest_connected) = (Mutex::default(), Mutex::default());
        Self { clock, store, vault, outbound, gate, journal, plants, crash, seed, memories, latest_connected }
    }

    /// One line of the log about a run.
    pub(crate) fn note(
        &self,
        level: Level,
        event: &'static str,
        (lane, run): (&Lane, RunId),
        fields: serde_json::Value,
    ) {
        self.journal.line(level, event, About::Run(lane, run), fields);
    }

    pub(crate) fn note_connected(&self, lane: &Lane) {
        *self.latest_connected.lock().unwrap_or_else(PoisonError::into_inner) = Some(lane.clone());
    }

    pub(crate) fn latest_connected(&self) -> Option<Lane> {
        self.latest_connected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is remembered of a connection.
    pub(crate) fn remember<T>(&self, lane: &Lane, change: impl FnOnce(&mut LaneMemory) -> T) -> T {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        change(memories.entry(lane.clone()).or_default())
    }
}

#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) context: Context,
    bell: Notify,
    state: Mutex<State>,
    telling: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// What keeps the runtime busy until the dispatcher has looked.
    wakes: Vec<Work>,
    in_hand: Vec<Lease>,
    /// What tasks that fell had in hand.
    fallen: Vec<Lease>,
    tasks: JoinSet<()>,
    background: Vec<JoinHandle<()>>,
    stopping: bool,
}

impl Workers {
    pub(crate) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context,
            bell: Notify::new(),
            state: Mutex::default(),
            telling: AtomicBool::new(false),
        })
    }

    /// Begins to work. What is there from before is taken up when this returns, or its timer stands.
    pub(crate) async fn start(self: &Arc<Self>) {
        let work = self.context.clock.begin_work();
        let (looked, has_looked) = oneshot::channel();
        let mut background = vec![tokio::spawn(Arc::clone(self).dispatch(work, looked))];
        if self.context.store.is_shared() && !self.context.clock.is_test() {
            background.push(tokio::spawn(Arc::clone(self).renew()));
            background.push(tokio::spawn(Arc::clone(self).listen()));
        }
        self.state().background = background;
        let _ = has_looked.await;
    }

    /// Accepts a run: durable before this returns. Once it has begun it is carried to its end even when the caller goes
    /// away.
    pub(crate) async fn accept(self: &Arc<Self>, lane: Lane, order: Order) -> Result<Accepted, StoreError> {
        let workers = Arc::clone(self);
        let work = self.context.clock.begin_work();
        let accepting = tokio::spawn(async move {
            let context = &workers.context;
            let accepted = context.store.accept_run(lane.clone(), order, context.clock.now()).await?;
            if let Accepted::Run(run) = accepted {
                context.journal.line(Level::Info, "run_accepted", About::Run(&lane, run), json!({}));
                workers.wake(work);
            }
            Ok(accepted)
        });
        // The task is aborted only when the whole process stops.
        accepting.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Sees to it that work is looked for; `work` keeps the runtime busy until it is.
    pub(crate) fn wake(self: &Arc<Self>, work: Work) {
        {
            let mut state = self.state();
            if state.stopping {
                return;
            }
            state.wakes.push(work);
        }
        self.bell.notify_one();
        if self.context.store.is_shared() && !self.telling.swap(true, Ordering::AcqRel) {
            let workers = Arc::clone(self);
            tokio::spawn(async move {
                pause_in_real_time(DEBOUNCE).await;
                workers.telling.store(false, Ordering::Release);
                workers.context.store.tell_others().await;
            });
        }
    }

    /// Claims no more, waits for what is in hand for `drain` of real time, drops the rest, and gives it back.
    pub(crate) async fn stop(&self, drain: Duration) {
        let (background, mut tasks) = {
            let mut state = self.state();
            state.stopping = true;
            state.wakes.clear();
            (std::mem::take(&mut state.background), std::mem::take(&mut state.tasks))
        };
        for task in background {
            task.abort();
            let _ = task.await;
        }
        if !drain.is_zero() {
            bounded_in_real_time(drain, async { while tasks.join_next().await.is_some() {} }).await;
        }
        tasks.shutdown().await;
        // A store that refuses even this leaves it to the leases.
        let _ = self.context.store.give_all_back().await;
    }

    /// Drops everything at once.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.stopping = true;
        state.wakes.clear();
        for task in state.background.drain(..) {
            task.abort();
        }
        state.tasks.abort_all();
    }

    async fn dispatch(self: Arc<Self>, mut work: Work, looked: oneshot::Sender<()>) {
        let context = &self.context;
        let mut looked = Some(looked);
        let mut house = House { counted_at: context.clock.now(), put_away_at: context.clock.now() };
        loop {
            let (wakes, fallen, in_hand) = {
                let mut state = self.state();
                while state.tasks.try_join_next().is_some() {}
                let fallen = std::mem::take(&mut state.fallen);
                (std::mem::take(&mut state.wakes), fallen, state.in_hand.clone())
            };
            drop(wakes);
            for lease in fallen {
                context.journal.line(
                    Level::Error,
                    "task_fell",
                    About::Runtime,
                    json!({ "run": lease.run.to_string() }),
                );
                // A store that refuses leaves it to the lease.
                let _ = context.store.fell(lease).await;
            }
            let room = MAX_IN_HAND.saturating_sub(in_hand.len());
            if room == 0 {
                at_rest(&mut looked, work.rest(self.bell.notified())).await;
                continue;
            }
            let now = context.clock.now();
            match context.store.claim(now, room, in_hand).await {
                Ok(claimed) => {
                    let Claimed { claims, taken, next, remarks } = claimed;
                    for (lane, run, event) in remarks {
                        context.note(Level::Warn, event, (&lane, run), json!({}));
                    }
                    // What needs no call is done in the order of acceptance, in one commit where it can be.
                    let (events, others): (Vec<_>, Vec<_>) = claims
                        .into_iter()
                        .partition(|claim| matches!(claim.task, Task::Event { .. } | Task::Record { .. }));
                    self.spawn(events);
                    for claim in others {
                        self.spawn(vec![claim]);
                    }
                    if taken < room {
                        self.keep(&mut house, now).await;
                        at_rest(&mut looked, self.wait(&mut work, next, now)).await;
                    }
                }
                Err(StoreError::Closed) => return,
                Err(error) => {
                    let fields = json!({ "detail": error.to_string() });
                    context.journal.line(Level::Error, "store_failed", About::Runtime, fields);
                    at_rest(&mut looked, work.sleep_until(later(now, STORE_RETRY))).await;
                }
            }
        }
    }

    /// Waits until somebody rings, until `next`, or until it is time to look anyway.
    async fn wait(&self, work: &mut Work, next: Option<Timestamp>, now: Timestamp) {
        let polls = self.context.store.is_shared() && !self.context.clock.is_test();
        let poll = polls.then(|| later(now, POLL + self.context.store.jitter(POLL / 2)));
        // What is due already and was not given is in another's hands.
        let next = next.filter(|next| *next > now);
        match [next, poll].into_iter().flatten().min() {
            None => work.rest(self.bell.notified()).await,
            Some(next) => {
                tokio::select! {
                    () = self.bell.notified() => {}
                    () = work.sleep_until(next) => {}
                }
            }
        }
    }

    /// What is done now and then, when there is nothing else to do.
    async fn keep(&self, house: &mut House, now: Timestamp) {
        let store = &self.context.store;
        if store.is_shared() && now.duration_since(house.counted_at) >= POLL {
            // Refused, it is tried again the next time; so is what follows.
            let _ = store.recount().await;
            house.counted_at = now;
        }
        // As long as there is more, it is not done.
        if now.duration_since(house.put_away_at) >= HOUSEKEEPING
            && !matches!(store.put_away(now).await, Ok(true))
        {
            house.put_away_at = now;
        }
    }

    /// Takes a step of each of `claims`, begun in their order.
    fn spawn(self: &Arc<Self>, claims: Vec<Claim>) {
        let mut state = self.state();
        if state.stopping || claims.is_empty() {
            return;
        }
        let works = claims.iter().map(|_| self.context.clock.begin_work()).collect();
        let leases: Vec<Lease> = claims.iter().map(|claim| claim.lease.clone()).collect();
        state.in_hand.extend_from_slice(&leases);
        let in_hand = InHand { workers: Arc::clone(self), works, leases };
        state.tasks.spawn(async move {
            let mut in_hand = in_hand;
            let workers = Arc::clone(&in_hand.workers);
            let steps = claims.into_iter().zip(&mut in_hand.works);
            join_all(steps.map(|(claim, work)| workers.take_step(claim, work))).await;
        });
    }

    async fn take_step(&self, claim: Claim, work: &mut Work) {
        let context = &self.context;
        let (lane, lease) = (claim.lane.clone(), claim.lease.clone());
        let taken = match claim.task {
            Task::Import => chat_import::step(context, work, claim).await,
            Task::Delivery(_) => relay::step(context, work, claim).await,
            Task::Event { .. } | Task::Record { .. } => hooks::step(context, claim).await,
        };
        let about = (&lane, lease.run);
        match taken {
            Ok(()) | Err(StoreError::Closed) => return,
            Err(StoreError::Stale) => {
                let fields = json!({ "epoch": lease.epoch });
                context.note(Level::Warn, "stale_claim", about, fields);
                return;
            }
            Err(StoreError::Database(error)) => {
                let fields = json!({ "detail": error.to_string() });
                context.note(Level::Error, "store_failed", about, fields);
            }
        }
        // The outcome is not durable: the step is to be taken again, by whoever claims the run next.
        loop {
            work.sleep_until(later(context.clock.now(), STORE_RETRY)).await;
            match context.store.give_back(lease.clone(), context.clock.now()).await {
                Err(StoreError::Database(_)) => {}
                _ => return,
            }
        }
    }

    async fn renew(self: Arc<Self>) {
        let third = Duration::try_from(self.context.store.lease() / 3).unwrap_or(Duration::from_secs(1));
        loop {
            pause_in_real_time(third).await;
            let in_hand = self.state().in_hand.clone();
            if let Err(error) = self.context.store.renew_leases(in_hand, self.context.clock.now()).await {
                let fields = json!({ "detail": error.to_string() });
                self.context.journal.line(Level::Warn, "leases_not_renewed", About::Runtime, fields);
            }
        }
    }

    async fn listen(self: Arc<Self>) {
        loop {
            // Until it listens again, work is found by looking.
            if let Err(StoreError::Closed) = self.context.store.listen(&self.bell).await {
                return;
            }
            pause_in_real_time(Duration::from_secs(1)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When what is done now and then was last done.
struct House {
    counted_at: Timestamp,
    put_away_at: Timestamp,
}

/// Waits, and tells, the first time, that the wait has begun.
async fn at_rest(looked: &mut Option<oneshot::Sender<()>>, wait: impl Future<Output = ()>) {
    let mut wait = pin!(wait);
    poll_fn(|context| {
        let polled = wait.as_mut().poll(context);
        if let Some(looked) = looked.take() {
            // Nobody may care.
            let _ = looked.send(());
        }
        polled
    })
    .await;
}

/// Runs in hand. When they go, however they go, work is looked for again.
struct InHand {
    workers: Arc<Workers>,
    works: Vec<Work>,
    leases: Vec<Lease>,
}

impl Drop for InHand {
    fn drop(&mut self) {
        {
            let mut state = self.workers.state();
            state.in_hand.retain(|lease| !self.leases.contains(lease));
            if std::thread::panicking() {
                // Those that are done are refused as stale.
                state.fallen.append(&mut self.leases);
            }
            if !state.stopping {
                state.wakes.append(&mut self.works);
            }
        }
        self.workers.bell.notify_one();
    }
}
