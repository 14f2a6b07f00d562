//! What is accepted becomes durable, many deliveries at once: those that come while a commit is under way share the
//! next. Bounded twice: in deliveries that wait, and in the bytes that they hold.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::journal::{About, Level};
use crate::store::{Delivery, HookCounts, StoreError};
use crate::worker::Workers;

/// Deliveries that may wait for their commit.
const QUEUE: usize = 4_096;

/// Commits that may be under way: one on the disk, and the next one ready when it is done.
const COMMITS: usize = 2;

/// KiB that deliveries may hold in memory until they are answered.
const MAX_KIB: usize = 64 * 1024;

/// Why a delivery is not taken now.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error("too many deliveries are waiting to be stored; deliver it again")]
    Busy,
    #[error("{limit} runs are unfinished; come back when some are done")]
    QueueFull { limit: i64 },
    #[error("{0}")]
    Store(#[from] StoreError),
}

struct Waiting {
    delivery: Delivery,
    reply: oneshot::Sender<Result<HookCounts, StoreError>>,
}

#[derive(Debug)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Waiting>,
    kib: Arc<Semaphore>,
}

impl Intake {
    /// Starts to take; it ends with the last handle, or with the store.
    pub(crate) fn start(workers: &Arc<Workers>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let most = workers.context.store.most_per_commit;
        tokio::spawn(take(Arc::downgrade(workers), waiting, most));
        Self { queue, kib: Arc::new(Semaphore::new(MAX_KIB)) }
    }

    /// Room for a body of at most so many bytes, kept until it is dropped.
    pub(crate) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, IntakeError> {
        let kib = u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        Arc::clone(&self.kib).try_acquire_many_owned(kib).map_err(|_| IntakeError::Busy)
    }

    /// Returns once the delivery is on the disk.
    pub(crate) async fn accept(
        &self,
        workers: &Workers,
        delivery: Delivery,
    ) -> Result<HookCounts, IntakeError> {
        let store = &workers.context.store;
        let events = i64::try_from(delivery.events.len()).unwrap_or(i64::MAX);
        if store.backlog().saturating_add(events) > store.most_unfinished {
            return Err(IntakeError::QueueFull { limit: store.most_unfinished });
        }
        let (reply, replied) = oneshot::channel();
        self.queue.try_send(Waiting { delivery, reply }).map_err(|_| IntakeError::Busy)?;
        Ok(replied.await.map_err(|_| StoreError::Closed)??)
    }
}

async fn take(workers: std::sync::Weak<Workers>, mut waiting: mpsc::Receiver<Waiting>, most: usize) {
    let commits = Arc::new(Semaphore::new(COMMITS));
    let mut batch = Vec::new();
    loop {
        let Ok(permit) = Arc::clone(&commits).acquire_owned().await else { return };
        if waiting.recv_many(&mut batch, most).await == 0 {
            return;
        }
        let Some(workers) = workers.upgrade() else { return };
        let batch = std::mem::take(&mut batch);
        tokio::spawn(async move {
            commit(&workers, batch).await;
            drop(permit);
        });
    }
}

async fn commit(workers: &Arc<Workers>, batch: Vec<Waiting>) {
    let work = workers.context.clock.begin_work();
    let (deliveries, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.delivery, waiting.reply)).unzip();
    match workers.context.store.accept_deliveries(deliveries).await {
        Ok(counts) => {
            workers.wake(work);
            for (reply, counts) in replies.into_iter().zip(counts) {
                // Whoever is gone delivers it again, and it is known then.
                let _ = reply.send(Ok(counts));
            }
        }
        Err(error) => {
            let fields = json!({ "deliveries": replies.len(), "detail": error.to_string() });
            workers.context.journal.line(Level::Error, "deliveries_not_stored", About::Runtime, fields);
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
