//! The attempts: when each is made on the stand-in's clock, and what is noted of it.
//!
//! A webhook is under way from the moment it is asked for until its last first attempt is over; what waits for its
//! time is a timer of the clock, and is under way again at the very instant at which the time has come. So whoever
//! counts never sees rest where there is none.

use super::client::{Answered, Caller};
use super::message::Message;
use super::sealing::{Sealed, Sealer, renumbered};
use super::shipment::{Departs, Parcel, Repeats, Sealing, Shipment};
use super::vendor::accepts;
use super::{Delivered, DeliveryEnd, DeliveryError, Sender, Struck};
use crate::clock::{StandInClock, Waiting, within};
use crate::journal::{Journal, OpenDelivery};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

/// Requests to the subject at once.
const MAX_AT_ONCE: usize = 64;
/// Webhooks that wait for a further attempt, or for their first.
const MAX_WAITING: usize = 200_000;
/// Real time for one answer, whatever a virtual clock says.
const MAX_REAL_WAIT: Duration = Duration::from_secs(20);
/// What is kept of a body in the journal, in bytes.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// Puts secrets back to placeholders.
type Hide = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The deliveries of one stand-in. Dropping it ends them.
pub(crate) struct Engine {
    journal: Arc<Journal>,
    clock: StandInClock,
    caller: Caller,
    room: Semaphore,
    waiting: AtomicUsize,
    /// What later webhooks have to overtake before it goes out.
    held_back: Mutex<Vec<HeldBack>>,
    tasks: Mutex<JoinSet<()>>,
    /// How many ask that nothing be sent right now.
    paused_by: watch::Sender<u32>,
}

/// A webhook that is to be delivered.
pub(crate) struct Order {
    pub(crate) sender: Arc<Sender>,
    pub(crate) to: String,
    pub(crate) shipment: Shipment,
    pub(crate) struck: Option<Struck>,
    pub(crate) hide: Hide,
}

/// What the parcels of one shipment share.
struct Job {
    sender: Arc<Sender>,
    to: String,
    fault: Option<&'static str>,
    /// The first of them as it was first sent.
    first: OnceLock<Sealed>,
    hide: Hide,
}

struct HeldBack {
    to: String,
    left: u32,
    release: Release,
}

/// Lets go of what waits, once: with the count that it is under way.
type Release = Arc<Mutex<Option<oneshot::Sender<OpenDelivery>>>>;

/// What waits for its time, and the timer that ends the wait.
struct Timed {
    coming: oneshot::Receiver<OpenDelivery>,
    timer: Waiting,
}

/// One attempt that is over.
struct Attempted {
    end: DeliveryEnd,
    /// Kept until it is decided what comes next.
    open: OpenDelivery,
}

impl Engine {
    pub(crate) fn new(journal: Arc<Journal>, clock: StandInClock) -> Arc<Self> {
        Arc::new(Self {
            journal,
            clock,
            caller: Caller::new(),
            room: Semaphore::new(MAX_AT_ONCE),
            waiting: AtomicUsize::new(0),
            held_back: Mutex::default(),
            tasks: Mutex::default(),
            paused_by: watch::Sender::new(0),
        })
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Begins to deliver. What is handed out tells what the first attempts come to; nobody has to wait for it.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        order: Order,
    ) -> Result<oneshot::Receiver<Vec<DeliveryEnd>>, DeliveryError> {
        let wanted: u64 = order.shipment.parcels.iter().map(|parcel| parcel.count).sum();
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        if self.waiting.load(Ordering::Acquire).saturating_add(wanted) > MAX_WAITING {
            return Err(DeliveryError::TooMany(self.waiting.load(Ordering::Acquire)));
        }
        let open = self.journal.delivery_begins();
        let (told, telling) = oneshot::channel();
        let engine = Arc::clone(self);
        self.spawn(async move {
            let ends = engine.ship(order, open).await;
            let _ = told.send(ends);
        });
        Ok(telling)
    }

    /// Nothing is sent until what is handed out is dropped. What falls due meanwhile counts as under way.
    pub(crate) fn pause(self: &Arc<Self>) -> DeliveriesPaused {
        self.paused_by.send_modify(|count| *count += 1);
        DeliveriesPaused(Arc::clone(self))
    }

    /// Ends everything that is under way or waits.
    pub(crate) fn stop(&self) {
        self.tasks().abort_all();
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ship(self: &Arc<Self>, order: Order, open: OpenDelivery) -> Vec<DeliveryEnd> {
        let Order { sender, to, shipment, struck, hide } = order;
        let fault = struck.as_ref().map(|struck| struck.name);
        let job = Arc::new(Job { sender, to, fault, first: OnceLock::new(), hide });
        if let Some(problem) = struck.and_then(|struck| struck.problem)
            && let Some(parcel) = shipment.parcels.first()
        {
            self.note(&job, &parcel.message, 1, None, DeliveryEnd::Inapplicable(problem), fault);
        }
        let mut ends = Vec::new();
        let mut together: VecDeque<Parcel> = VecDeque::new();
        let mut parcels = shipment.parcels.into_iter().peekable();
        while let Some(parcel) = parcels.next() {
            match parcel.departs {
                Departs::Never => self.note(&job, &parcel.message, 1, None, DeliveryEnd::Lost, fault),
                Departs::After(wait) => self.later(&job, parcel, wait),
                Departs::Overtaken { by, at_most } => self.hold_back(&job, parcel, by, at_most),
                Departs::InTurn | Departs::WithThePrevious => {
                    together.push_back(parcel);
                    let goes_on = parcels.peek().is_some_and(|next| next.departs == Departs::WithThePrevious);
                    if !goes_on {
                        ends.extend(self.send_together(&job, std::mem::take(&mut together)).await);
                    }
                }
            }
        }
        drop(open);
        ends
    }

    /// Sends parcels at the same time, as many as there is room for, and each as often as it counts.
    async fn send_together(self: &Arc<Self>, job: &Arc<Job>, parcels: VecDeque<Parcel>) -> Vec<DeliveryEnd> {
        let mut under_way = JoinSet::new();
        let mut ends = Vec::new();
        for parcel in parcels {
            for number in 0..parcel.count {
                let mut parcel = parcel.clone();
                if number > 0 {
                    match renumbered(&job.sender.webhooks, &parcel.message, number) {
                        Ok(message) => parcel.message = message,
                        Err(why) => {
                            self.note(
                                job,
                                &parcel.message,
                                1,
                                None,
                                DeliveryEnd::Inapplicable(why),
                                job.fault,
                            );
                            break;
                        }
                    }
                }
                if under_way.len() >= MAX_AT_ONCE {
                    ends.extend(under_way.join_next().await.into_iter().flatten());
                }
                let (engine, job) = (Arc::clone(self), Arc::clone(job));
                let open = self.journal.delivery_begins();
                under_way.spawn(async move { engine.first_attempt(&job, parcel, open).await });
            }
        }
        while let Some(end) = under_way.join_next().await {
            ends.extend(end);
        }
        ends
    }

    /// Makes the first attempt, and sees to the others where they are due.
    async fn first_attempt(
        self: &Arc<Self>,
        job: &Arc<Job>,
        parcel: Parcel,
        open: OpenDelivery,
    ) -> DeliveryEnd {
        let attempted = self.attempt(job, &parcel, 1, open).await;
        let end = attempted.end.clone();
        self.and_then(job, parcel, 1, attempted);
        end
    }

    /// What follows from an attempt: another, or nothing.
    fn and_then(self: &Arc<Self>, job: &Arc<Job>, parcel: Parcel, attempt: u32, attempted: Attempted) {
        let retry = &job.sender.retry;
        let is_over = match &attempted.end {
            DeliveryEnd::Accepted { .. } => {
                self.overtake(&job.to);
                true
            }
            DeliveryEnd::Refused { status } => retry.final_statuses.contains(status),
            DeliveryEnd::TimedOut | DeliveryEnd::Failed(_) => false,
            DeliveryEnd::Lost | DeliveryEnd::Inapplicable(_) => true,
        };
        let wait_s = retry
            .waits_s
            .get(attempt as usize - 1)
            .filter(|_| !is_over && parcel.repeats == Repeats::AsTheVendor);
        if let Some(wait_s) = wait_s {
            let wait = SignedDuration::from_secs(i64::try_from(*wait_s).unwrap_or(i64::MAX));
            self.in_time(job, parcel, attempt + 1, wait);
        }
        // Only now: the timer stands already.
        drop(attempted.open);
    }

    /// Has an attempt made after a wait.
    fn in_time(self: &Arc<Self>, job: &Arc<Job>, parcel: Parcel, attempt: u32, wait: SignedDuration) {
        let timed = self.timer(&Release::default(), wait);
        self.attempt_when(timed, job, parcel, attempt);
    }

    /// Has an attempt made when its time has come.
    fn attempt_when(self: &Arc<Self>, timed: Timed, job: &Arc<Job>, parcel: Parcel, attempt: u32) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let (engine, job) = (Arc::clone(self), Arc::clone(job));
        self.spawn(async move {
            // Whole, so that the timer lives as long as it is waited for.
            let Timed { coming, timer: _timer } = timed;
            let came = coming.await;
            engine.waiting.fetch_sub(1, Ordering::AcqRel);
            let Ok(open) = came else { return };
            // Whoever was held back and has gone out is no longer to be overtaken.
            engine.held_back().retain(|held| lock(&held.release).is_some());
            let attempted = engine.attempt(&job, &parcel, attempt, open).await;
            engine.and_then(&job, parcel, attempt, attempted);
        });
    }

    fn later(self: &Arc<Self>, job: &Arc<Job>, parcel: Parcel, wait: SignedDuration) {
        self.in_time(job, parcel, 1, wait);
    }

    fn hold_back(self: &Arc<Self>, job: &Arc<Job>, parcel: Parcel, by: u32, at_most: SignedDuration) {
        let release = Release::default();
        let timed = self.timer(&release, at_most);
        self.held_back().push(HeldBack { to: job.to.clone(), left: by, release });
        self.attempt_when(timed, job, parcel, 1);
    }

    fn held_back(&self) -> MutexGuard<'_, Vec<HeldBack>> {
        self.held_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A webhook to the URL was accepted: what it has overtaken may go out.
    fn overtake(&self, to: &str) {
        let mut held_back = self.held_back();
        for held in held_back.iter_mut().filter(|held| held.to == to) {
            held.left = held.left.saturating_sub(1);
            if held.left == 0
                && let Some(release) = lock(&held.release).take()
            {
                let _ = release.send(self.journal.delivery_begins());
            }
        }
        held_back.retain(|held| held.left > 0);
    }

    /// A wait that ends on the clock, or when it is released. It counts as under way from that very instant.
    fn timer(&self, release: &Release, wait: SignedDuration) -> Timed {
        let (came, coming) = oneshot::channel();
        *lock(release) = Some(came);
        let (journal, release) = (Arc::clone(&self.journal), Arc::clone(release));
        let at = self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let timer = self.clock.when(at, move || {
            if let Some(came) = lock(&release).take() {
                let _ = came.send(journal.delivery_begins());
            }
        });
        Timed { coming, timer }
    }

    /// Makes one attempt and notes it.
    async fn attempt(&self, job: &Job, parcel: &Parcel, attempt: u32, open: OpenDelivery) -> Attempted {
        let room = self.room.acquire().await;
        // The sender lives as long as this does.
        let _ = self.paused_by.subscribe().wait_for(|count| *count == 0).await;
        let sealing = if attempt == 1 { &parcel.sealing } else { &Sealing::Right };
        let keys = job.sender.keys();
        let (webhooks, scheme) = (&job.sender.webhooks, job.sender.scheme);
        let sealer = Sealer { webhooks, scheme, keys: &keys, now: self.clock.now() };
        let fault = job.fault.filter(|_| parcel.is_faulted || *sealing != Sealing::Right);
        let sealed = match (sealing, job.first.get()) {
            (Sealing::Replayed, Some(first)) => Ok(Sealed { signature: "replayed", ..first.clone() }),
            _ => sealer.seal(&parcel.message, &job.to, attempt, sealing),
        };
        let (sealed, fault) = match sealed {
            Ok(sealed) => (sealed, fault),
            Err(why) => {
                self.note(
                    job,
                    &parcel.message,
                    attempt,
                    None,
                    DeliveryEnd::Inapplicable(why.clone()),
                    job.fault,
                );
                // What a fault cannot spoil goes out as it is.
                match sealer.seal(&parcel.message, &job.to, attempt, &Sealing::Right) {
                    Ok(sealed) if *sealing != Sealing::Right => (sealed, None),
                    _ => return Attempted { end: DeliveryEnd::Inapplicable(why), open },
                }
            }
        };
        let _ = job.first.set(sealed.clone());
        let end = self.send(job, &sealed).await;
        drop(room);
        self.note(job, &parcel.message, attempt, Some(&sealed), end.clone(), fault);
        Attempted { end, open }
    }

    async fn send(&self, job: &Job, sealed: &Sealed) -> DeliveryEnd {
        let retry = &job.sender.retry;
        let limit = match self.clock {
            StandInClock::Real | StandInClock::Shifted(_) => Duration::from_secs(retry.timeout_s),
            StandInClock::Virtual(_) => MAX_REAL_WAIT,
        };
        match within(limit, self.caller.send(sealed)).await {
            None => DeliveryEnd::TimedOut,
            Some(Err(why)) => DeliveryEnd::Failed(why),
            Some(Ok(Answered { status, .. })) if accepts(retry, status) => DeliveryEnd::Accepted { status },
            Some(Ok(Answered { status, .. })) => DeliveryEnd::Refused { status },
        }
    }

    fn note(
        &self,
        job: &Job,
        message: &Message,
        attempt: u32,
        sealed: Option<&Sealed>,
        end: DeliveryEnd,
        fault: Option<&'static str>,
    ) {
        let sender = &job.sender;
        let hide = |text: &str| (job.hide)(&sender.hide(text));
        let id = sender.webhooks.id.as_ref().and_then(|field| message.get(&sender.webhooks, field));
        let body = sealed.map_or(&message.body, |sealed| &sealed.body);
        let kept = body.slice(..body.len().min(MAX_KEPT_BYTES));
        let headers = sealed.map_or(&message.headers, |sealed| &sealed.headers);
        self.journal.deliver(Delivered {
            number: 0,
            at: self.clock.now(),
            provider: Arc::clone(sender.provider()),
            operation: Arc::clone(&message.operation),
            exchange: Arc::clone(&message.exchange),
            id: id.as_deref().map(hide),
            attempt,
            method: message.method.clone(),
            url: hide(sealed.map_or(job.to.as_str(), |sealed| &sealed.url)),
            headers: headers.iter().map(|(name, value)| (name.clone(), hide(value))).collect(),
            size_bytes: body.len(),
            body: match std::str::from_utf8(&kept) {
                Ok(text) => Bytes::from(hide(text)),
                Err(_) => kept,
            },
            signature: sealed.map_or("none", |sealed| sealed.signature),
            fault,
            end,
        });
    }
}

/// Deliveries are paused while it lives.
pub struct DeliveriesPaused(Arc<Engine>);

impl Drop for DeliveriesPaused {
    fn drop(&mut self) {
        self.0.paused_by.send_modify(|count| *count -= 1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
