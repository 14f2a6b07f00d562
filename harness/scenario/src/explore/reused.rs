//! A subject that stays alive from one case to the next: it costs more to start one than to play a case.

use counterpart_subject::{
    BoxFuture, Launch, LaunchError, LaunchRequest, ProviderHost, RunEnd, Running, Stopping,
};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a subject waits for its next case.
type Waiting = Arc<Mutex<Option<Box<dyn Running>>>>;

/// Hands out the same subject again and again, one at a time.
pub(super) struct ReusedLaunch<'a> {
    launch: &'a dyn Launch,
    waiting: Waiting,
}

impl<'a> ReusedLaunch<'a> {
    pub(super) fn new(launch: &'a dyn Launch) -> Self {
        Self { launch, waiting: Waiting::default() }
    }

    /// Ends the one that waits, so that the next case gets a fresh one.
    pub(super) fn forget(&self) {
        lock(&self.waiting).take();
    }
}

impl Launch for ReusedLaunch<'_> {
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let known = lock(&self.waiting).take();
            let running = match known {
                Some(running) => running,
                None => self.launch.launch(request).await?,
            };
            Ok(Box::new(Lent { running: Some(running), back: Arc::clone(&self.waiting) }) as Box<dyn Running>)
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn provider_host(&self) -> BoxFuture<'_, Result<ProviderHost, LaunchError>> {
        self.launch.provider_host()
    }

    fn cannot_launch(&self) -> BoxFuture<'_, Option<String>> {
        self.launch.cannot_launch()
    }
}

/// A subject that goes back when it is dropped.
struct Lent {
    /// Taken when it goes back.
    running: Option<Box<dyn Running>>,
    back: Waiting,
}

impl Drop for Lent {
    fn drop(&mut self) {
        *lock(&self.back) = self.running.take();
    }
}

impl Lent {
    fn with<'a, T>(
        &'a mut self,
        act: impl FnOnce(&'a mut Box<dyn Running>) -> BoxFuture<'a, Result<T, LaunchError>>,
    ) -> BoxFuture<'a, Result<T, LaunchError>> {
        match &mut self.running {
            Some(running) => act(running),
            None => Box::pin(async { Err(LaunchError("it has ended already".to_owned())) }),
        }
    }
}

impl Running for Lent {
    fn base_url(&self) -> String {
        self.running.as_ref().map(|running| running.base_url()).unwrap_or_default()
    }

    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        self.with(|running| running.restart(clock_now))
    }

    fn kill(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        self.with(|running| running.kill(clock_now))
    }

    fn deploy(&mut self, version: &str, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let version = version.to_owned();
        self.with(move |running| Box::pin(async move { running.deploy(&version, clock_now).await }))
    }

    fn stop_first(&mut self, how: Stopping) -> BoxFuture<'_, Result<bool, LaunchError>> {
        self.with(|running| running.stop_first(how))
    }

    fn last_lines(&self) -> Vec<String> {
        self.running.as_ref().map(|running| running.last_lines()).unwrap_or_default()
    }

    fn printed_records(&self) -> Vec<serde_json::Value> {
        self.running.as_ref().map(|running| running.printed_records()).unwrap_or_default()
    }

    fn has_ended(&self) -> Option<String> {
        self.running.as_ref().and_then(|running| running.has_ended())
    }

    fn run_once<'a>(
        &'a self,
        arguments: Vec<String>,
        words: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<RunEnd, LaunchError>> {
        match &self.running {
            Some(running) => running.run_once(arguments, words),
            None => Box::pin(async { Err(LaunchError("it has ended already".to_owned())) }),
        }
    }

    fn set_time(&self, now: Timestamp) -> Result<(), LaunchError> {
        self.running.as_ref().map_or(Ok(()), |running| running.set_time(now))
    }

    fn names(&self) -> Vec<(String, String)> {
        self.running.as_ref().map(|running| running.names()).unwrap_or_default()
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, Option<Box<dyn Running>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
