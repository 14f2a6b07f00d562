//! Launching the runtime in this process: a data directory and an async runtime of its own each time.

use counterpart_reference_runtime::{ClockMode, Plant, Runtime, RuntimeConfig};
use counterpart_subject::{BoxFuture, Launch, LaunchError, LaunchRequest, Running, Stopping};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;

/// Launches the runtime in this process.
#[derive(Clone, Debug, Default)]
pub struct ReferenceLaunch {
    /// Known bugs to switch on.
    pub plants: BTreeSet<Plant>,
}

impl Launch for ReferenceLaunch {
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let data = data_folder().map_err(refused)?;
            let tokio = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .thread_name("reference-runtime")
                .build()
                .map_err(refused)?;
            let mut running = RunningReference {
                tokio: Some(tokio),
                runtime: None,
                data,
                plants: self.plants.clone(),
                seed: request.seed,
                address: None,
            };
            running.begin(request.clock_start).await?;
            Ok(Box::new(running) as Box<dyn Running>)
        })
    }
}

/// A folder in memory where the system has one: each commit waits for the disk, and a disk that is busy with
/// something else would be taken for a subject that does not come to rest.
fn data_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("counterpart-").tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

struct RunningReference {
    /// Taken when it ends: an async runtime must not be dropped where others run.
    tokio: Option<tokio::runtime::Runtime>,
    runtime: Option<Runtime>,
    data: TempDir,
    plants: BTreeSet<Plant>,
    seed: u64,
    /// Where it listened before: whoever was told so finds it there again.
    address: Option<SocketAddr>,
}

impl RunningReference {
    async fn begin(&mut self, clock_now: Timestamp) -> Result<(), LaunchError> {
        let config = RuntimeConfig {
            clock: ClockMode::Test { start: clock_now },
            plants: self.plants.clone(),
            seed: self.seed,
            // A call that the stand-in holds back ends in virtual time, which nobody drives meanwhile.
            drain: Duration::ZERO,
            ..RuntimeConfig::new(self.data.path().to_owned())
        };
        let Some(tokio) = &self.tokio else { return Err(LaunchError("it has ended already".into())) };
        let listen = self.address.unwrap_or(config.listen);
        let started =
            tokio.spawn(Runtime::start(RuntimeConfig { listen, ..config })).await.map_err(refused)?;
        let runtime = started.map_err(refused)?;
        self.address = Some(runtime.address());
        self.runtime = Some(runtime);
        Ok(())
    }
}

impl RunningReference {
    /// Ends it, if it runs.
    async fn stop(&mut self, how: Stopping) -> Result<(), LaunchError> {
        let (Some(runtime), Some(tokio)) = (self.runtime.take(), &self.tokio) else { return Ok(()) };
        let ending = match how {
            Stopping::Asked => tokio.spawn(runtime.shutdown()),
            Stopping::Killed => tokio.spawn(runtime.crash()),
        };
        ending.await.map_err(refused)
    }
}

impl Running for RunningReference {
    fn base_url(&self) -> String {
        self.address.map_or_else(String::new, |address| format!("http://{address}"))
    }

    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stop(Stopping::Asked).await?;
            self.begin(clock_now).await
        })
    }

    fn kill(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stop(Stopping::Killed).await?;
            self.begin(clock_now).await
        })
    }

    fn stop_first(&mut self, how: Stopping) -> BoxFuture<'_, Result<bool, LaunchError>> {
        Box::pin(async move { self.stop(how).await.map(|()| true) })
    }

    fn deploy(&mut self, version: &str, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let refusal =
            LaunchError(format!("the bundled runtime is of one version; there is no {version:?} of it"));
        Box::pin(async { Err(refusal) })
    }
}

impl Drop for RunningReference {
    fn drop(&mut self) {
        drop(self.runtime.take());
        if let Some(tokio) = self.tokio.take() {
            tokio.shutdown_background();
        }
    }
}

fn refused(error: impl std::fmt::Display) -> LaunchError {
    LaunchError(error.to_string())
}
