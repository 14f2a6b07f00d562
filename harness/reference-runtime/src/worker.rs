//! Who does the work: one lane for each connection that has any, its runs one after the other.
//!
//! A lane is a task that claims a step, takes it, and claims the next, until its connection has no unfinished run.
//! Steps of different lanes overlap, bounded by the slots of the clock. All that a lane must remember is in the
//! store, so a stop may abort it anywhere: it is then as after a power cut, and the next start takes up what was
//! committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use serde_json::json;
use tokio::task::JoinSet;

use crate::chat_import;
use crate::clock::{Clock, Work, later};
use crate::credentials::{Credentials, Vault};
use crate::identity::{Lane, RunId};
use crate::journal::{About, Journal, Level};
use crate::outbound::Outbound;
use crate::plants::Plants;
use crate::relay;
use crate::store::{Accepted, Claimed, Order, Store, StoreError};

/// How long a lane rests when the database refuses, as on a full disk.
const STORE_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// What every part of one runtime shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) outbound: Outbound,
    pub(crate) journal: Journal,
    pub(crate) plants: Plants,
    pub(crate) seed: u64,
}

/// What a lane remembers from one step to the next besides what is stored: nothing that matters
/// when it is lost, but for a planted bug.
#[derive(Debug, Default)]
pub(crate) struct LaneMemory {
    /// Refreshed tokens that were not stored, for the next request only.
    pub(crate) unsaved: Option<Credentials>,
    /// By how much the provider's clock was off when that was last told.
    pub(crate) clock_off_s: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) context: Context,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The lanes that have a task.
    awake: HashMap<Lane, Wake>,
    tasks: JoinSet<()>,
    stopping: bool,
}

/// Whether a lane was woken since it last looked for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    Heeded,
    Pending,
}

impl Lanes {
    pub(crate) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self { context, state: Mutex::default() })
    }

    /// Accepts a run: durable, and its lane awake, before this returns. Once it has begun it is carried to its end
    /// even when the caller goes away.
    pub(crate) async fn accept(self: &Arc<Self>, lane: Lane, order: Order) -> Result<Accepted, StoreError> {
        let lanes = Arc::clone(self);
        let work = self.context.clock.begin_work();
        let accepting = tokio::spawn(async move {
            let context = &lanes.context;
            let accepted = context.store.accept_run(lane.clone(), order, context.clock.now()).await?;
            if let Accepted::Run(run) = accepted {
                context.journal.line(Level::Info, "run_accepted", About::Run(&lane, run), json!({}));
                lanes.wake(lane, work);
            }
            Ok(accepted)
        });
        // The task is aborted only when the whole process stops.
        accepting.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Wakes the lanes that have work left from before a restart.
    pub(crate) async fn wake_unfinished(self: &Arc<Self>) -> Result<(), StoreError> {
        for lane in self.context.store.unfinished_lanes().await? {
            self.wake(lane, self.context.clock.begin_work());
        }
        Ok(())
    }

    /// Sees to it that `lane` looks for work once more; `work` keeps the runtime busy until it does.
    fn wake(self: &Arc<Self>, lane: Lane, work: Work) {
        let mut state = self.state();
        if state.stopping {
            return;
        }
        while state.tasks.try_join_next().is_some() {}
        // A lane that is awake is busy, waits, or has yet to see this wake before it leaves: `work` may go.
        let was_awake = state.awake.insert(lane.clone(), Wake::Pending).is_some();
        if !was_awake {
            state.tasks.spawn(Arc::clone(self).run(lane, work));
        }
    }

    /// Aborts all lanes and waits until they are gone.
    pub(crate) async fn stop(&self) {
        let mut tasks = self.abort();
        while tasks.join_next().await.is_some() {}
    }

    /// Aborts all lanes; no lane wakes any more.
    pub(crate) fn abort(&self) -> JoinSet<()> {
        let mut state = self.state();
        state.stopping = true;
        state.awake.clear();
        let mut tasks = std::mem::take(&mut state.tasks);
        tasks.abort_all();
        tasks
    }

    async fn run(self: Arc<Self>, lane: Lane, mut work: Work) {
        let context = &self.context;
        let mut memory = LaneMemory::default();
        loop {
            self.heed(&lane);
            match self.turn(&lane, &mut work, &mut memory).await {
                Ok(Turn::Worked) => {}
                Ok(Turn::Idle) => {
                    if self.leave(&lane) {
                        return;
                    }
                }
                Err(StoreError::Closed) => return,
                Err(error @ StoreError::Database(_)) => {
                    let fields = json!({ "detail": error.to_string() });
                    context.journal.line(Level::Error, "store_failed", About::Connection(&lane), fields);
                    work.sleep_until(later(context.clock.now(), STORE_RETRY)).await;
                }
            }
        }
    }

    async fn turn(&self, lane: &Lane, work: &mut Work, memory: &mut LaneMemory) -> Result<Turn, StoreError> {
        let context = &self.context;
        match context.store.claim(lane.clone(), context.clock.now()).await? {
            Claimed::Idle => return Ok(Turn::Idle),
            Claimed::Wait(not_before) => work.sleep_until(not_before).await,
            Claimed::Step(claim) if claim.document.is_some() => relay::step(context, work, *claim).await?,
            Claimed::Step(claim) => chat_import::step(context, work, memory, *claim).await?,
        }
        Ok(Turn::Worked)
    }

    fn heed(&self, lane: &Lane) {
        if let Some(wake) = self.state().awake.get_mut(lane) {
            *wake = Wake::Heeded;
        }
    }

    /// Puts the lane to sleep, unless it was woken since it looked.
    fn leave(&self, lane: &Lane) -> bool {
        let mut state = self.state();
        if state.awake.get(lane) == Some(&Wake::Pending) {
            return false;
        }
        state.awake.remove(lane);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Turn {
    Worked,
    Idle,
}

impl Context {
    /// One line of the log about a run.
    pub(crate) fn note(
        &self,
        level: Level,
        event: &str,
        (lane, run): (&Lane, RunId),
        fields: serde_json::Value,
    ) {
        self.journal.line(level, event, About::Run(lane, run), fields);
    }
}
