//! The requests of HTTP/2 connections, each a task: none of them outlives the recording.

use hyper::rt::Executor;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Where HTTP/2 runs its streams.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            stream.await;
        });
    }
}

impl Streams {
    /// Ends those that still run; on return nothing of them is left.
    pub(crate) async fn end(&self) {
        let mut running = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        running.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_still_runs_is_gone_when_they_have_ended() {
        let streams = Streams::default();
        let held = Arc::new(());
        for _ in 0..3 {
            let held = Arc::clone(&held);
            streams.execute(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
        }
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 4);
        streams.end().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
