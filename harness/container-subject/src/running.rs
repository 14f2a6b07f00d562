//! A container in a play: what stays when it is started again, and how it ends.
//!
//! It is started again as a new container of the same image on the same data, as an orchestrator does it. So what it
//! wrote beside `data` is gone, and its environment tells the present of its clock.

use crate::image::ImageName;
use crate::start::{Given, Started};
use counterpart_subject::{
    BoxFuture, ContainerSpec, LaunchError, LaunchRequest, Output, Running, Stopping, Variables,
    with_last_lines,
};
use jiff::Timestamp;
use std::path::PathBuf;
use tempfile::TempDir;

/// A container that runs. It is removed when this is dropped.
pub(crate) struct RunningContainer {
    spec: ContainerSpec,
    /// The folder of counterpart.toml.
    root: PathBuf,
    image: ImageName,
    variables: Variables,
    /// What `data` is on this machine.
    data: Option<TempDir>,
    output: Output,
    started: Option<Started>,
    base_url: String,
}

impl RunningContainer {
    pub(crate) async fn start(
        spec: ContainerSpec,
        root: PathBuf,
        image: ImageName,
        request: LaunchRequest,
    ) -> Result<Self, LaunchError> {
        let data = spec.data.as_ref().map(|_| data_folder()).transpose()?;
        let mut variables = request.variables;
        variables.set("seed", &request.seed.to_string());
        let mut running = Self {
            spec,
            root,
            image,
            variables,
            data,
            output: Output::default(),
            started: None,
            base_url: String::new(),
        };
        running.begin(request.clock_start).await?;
        Ok(running)
    }

    async fn begin(&mut self, clock_now: Timestamp) -> Result<(), LaunchError> {
        self.variables.set("clock_start", &clock_now.to_string());
        let given = Given {
            spec: &self.spec,
            image: &self.image,
            variables: &self.variables,
            data: self.data.as_ref().map(TempDir::path),
            root: &self.root,
            output: &self.output,
        };
        let told = |LaunchError(why)| LaunchError(with_last_lines(&why, &self.output.last_lines()));
        let started = Started::new(&given).await.map_err(told)?;
        self.base_url = format!("http://127.0.0.1:{}", started.port);
        self.started = Some(started);
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), LaunchError> {
        match self.started.take() {
            Some(started) => started.stop(self.spec.stop_within.duration()).await,
            None => Ok(()),
        }
    }

    async fn kill_now(&mut self) -> Result<(), LaunchError> {
        match self.started.take() {
            Some(started) => started.kill().await,
            None => Ok(()),
        }
    }
}

impl Running for RunningContainer {
    fn base_url(&self) -> String {
        self.base_url.clone()
    }

    fn stop_first(&mut self, how: Stopping) -> BoxFuture<'_, Result<bool, LaunchError>> {
        Box::pin(async move {
            match how {
                Stopping::Asked => self.stop().await?,
                Stopping::Killed => self.kill_now().await?,
            }
            Ok(true)
        })
    }

    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stop().await?;
            self.begin(clock_now).await
        })
    }

    fn kill(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.kill_now().await?;
            self.begin(clock_now).await
        })
    }

    fn deploy(&mut self, version: &str, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let image = self.image.version(version);
        Box::pin(async move {
            self.image = image?;
            self.stop().await?;
            self.begin(clock_now).await
        })
    }

    fn end(&mut self) -> BoxFuture<'_, Result<(), LaunchError>> {
        // How it takes SIGTERM is seen by a restart; here it only has to be gone.
        Box::pin(self.kill_now())
    }

    fn last_lines(&self) -> Vec<String> {
        self.output.last_lines()
    }

    fn printed_records(&self) -> Vec<serde_json::Value> {
        self.output.records()
    }

    fn unended_line(&self) -> Option<String> {
        self.output.unended()
    }

    fn has_ended(&self) -> Option<String> {
        self.started.as_ref()?.has_ended()
    }

    fn names(&self) -> Vec<(String, String)> {
        // Where probes of files and of SQLite find what it wrote: on this machine.
        let data = self.data.as_ref().map(|data| ("data".to_owned(), data.path().display().to_string()));
        data.into_iter().collect()
    }
}

/// A folder that whoever runs in the container may write to.
fn data_folder() -> Result<TempDir, LaunchError> {
    let made = tempfile::Builder::new().prefix("counterpart-").tempdir().and_then(|folder| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777))?;
        }
        Ok(folder)
    });
    made.map_err(|error| LaunchError(format!("no folder could be made for `data`: {error}")))
}
