//! A command that runs: stopped, killed and started again on the same data.

use super::faketime::Faketime;
use super::filled::{Words, write_files};
use super::folder::Folder;
use super::launch::Known;
use super::output::Output;
use super::ports::{self, Ports};
use super::process::{End, Process};
use super::ready::ready;
use crate::launch::{BoxFuture, LaunchError, Running, Stopping, with_last_lines};
use crate::spec::ClockKind;
use crate::template::Variables;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A command that runs, with what it keeps over its restarts.
pub(crate) struct RunningCommand {
    /// Before its data: it must be gone when they are removed.
    process: Option<Process>,
    known: Arc<Known>,
    version: Option<String>,
    ports: Ports,
    variables: Variables,
    /// What all its processes printed.
    output: Output,
    faketime: Option<Faketime>,
    folder: Folder,
}

impl RunningCommand {
    /// Gives it its ports and its folder.
    pub(crate) fn prepare(known: Arc<Known>, mut variables: Variables) -> Result<Self, LaunchError> {
        let folder = Folder::new(&mut variables)?;
        let ports = ports::free(known.ports.iter().cloned())?;
        for (name, port) in &ports {
            variables.set(name, &port.to_string());
        }
        let faketime = match known.clock {
            ClockKind::Faketime => Some(Faketime::new(&known.surroundings, &folder)?),
            ClockKind::Endpoint | ClockKind::Real => None,
        };
        let output = Output::default();
        Ok(Self { process: None, known, version: None, ports, variables, output, faketime, folder })
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self, clock_now: Timestamp) -> Result<(), LaunchError> {
        let known = Arc::clone(&self.known);
        self.variables.set("clock_start", &clock_now.to_string());
        let version = self.version.as_ref().and_then(|version| known.versions.get(version));
        write_files(&known.spec.files, self.folder.data(), &self.variables)?;
        let mut start = Words::of(&known.spec, version).filled(&self.variables, &known.surroundings)?;
        if let Some(faketime) = &self.faketime {
            faketime.set(clock_now)?;
            // Before its own, which may set the library otherwise.
            start.environment.splice(0..0, faketime.environment());
        }
        self.output.await_line(known.line.clone());
        let process = Process::start(&start, &self.output, known.spec.stop_within.duration())?;
        let process = self.process.insert(process);
        let port = self.ports.get("port").copied();
        match ready(&known.ready, port, process, &self.output, known.spec.within.duration()).await {
            Ok(()) => Ok(()),
            Err(LaunchError(why)) => {
                let ended = self.stop(End::Asked).await;
                let why =
                    ended.err().map_or_else(|| why.clone(), |LaunchError(more)| format!("{why}; {more}"));
                Err(LaunchError(with_last_lines(&why, &self.output.last_lines())))
            }
        }
    }

    /// Ends its process, without blocking anybody.
    async fn stop(&mut self, how: End) -> Result<(), LaunchError> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let ended = tokio::task::spawn_blocking(move || process.end(how)).await;
        ended.map_err(|error| LaunchError(error.to_string()))?.map_err(LaunchError)
    }
}

impl Running for RunningCommand {
    fn base_url(&self) -> String {
        // Without a port it serves nothing, and a description that calls it all the same was refused.
        self.ports.get("port").map_or_else(String::new, |port| format!("http://127.0.0.1:{port}"))
    }

    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stop(End::Asked).await?;
            self.start(clock_now).await
        })
    }

    fn kill(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async move {
            self.stop(End::AtOnce).await?;
            self.start(clock_now).await
        })
    }

    fn deploy(&mut self, version: &str, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let version = version.to_owned();
        Box::pin(async move {
            if !self.known.versions.contains_key(&version) {
                return Err(no_such_version(&version, self.known.versions.keys()));
            }
            self.stop(End::Asked).await?;
            self.version = Some(version);
            self.start(clock_now).await
        })
    }

    fn stop_first(&mut self, how: Stopping) -> BoxFuture<'_, Result<bool, LaunchError>> {
        let how = if how == Stopping::Asked { End::Asked } else { End::AtOnce };
        Box::pin(async move { self.stop(how).await.map(|()| true) })
    }

    fn end(&mut self) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(self.stop(End::Asked))
    }

    fn last_lines(&self) -> Vec<String> {
        self.output.last_lines()
    }

    fn printed_records(&self) -> Vec<Value> {
        self.output.records()
    }

    fn unended_line(&self) -> Option<String> {
        self.output.unended()
    }

    fn has_ended(&self) -> Option<String> {
        if let Some(lost) = self.output.records_lost() {
            return Some(lost);
        }
        let process = self.process.as_ref()?;
        Some(format!("{} {}", process.told(), process.how_it_ended()?))
    }

    fn set_time(&self, now: Timestamp) -> Result<(), LaunchError> {
        self.faketime.as_ref().map_or(Ok(()), |faketime| faketime.set(now))
    }

    fn names(&self) -> Vec<(String, String)> {
        let ports = self.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
        let ca = self.variables.get("ca_file").map(|path| ("ca_file".to_owned(), path.to_owned()));
        ports
            .chain(ca)
            .chain([("data".to_owned(), self.folder.data().to_string_lossy().into_owned())])
            .collect()
    }
}

/// The one that all plays share, for one of them.
pub(crate) struct SharedCommand(pub(crate) Arc<RunningCommand>);

impl Running for SharedCommand {
    fn base_url(&self) -> String {
        self.0.base_url()
    }

    fn restart(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(shared("restarted")) })
    }

    fn kill(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(shared("killed")) })
    }

    fn deploy(&mut self, _: &str, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(shared("deployed")) })
    }

    fn last_lines(&self) -> Vec<String> {
        self.0.last_lines()
    }

    fn printed_records(&self) -> Vec<Value> {
        self.0.printed_records()
    }

    fn unended_line(&self) -> Option<String> {
        self.0.unended_line()
    }

    fn has_ended(&self) -> Option<String> {
        self.0.has_ended()
    }

    fn names(&self) -> Vec<(String, String)> {
        self.0.names()
    }
}

fn shared(done: &str) -> LaunchError {
    LaunchError(format!(
        "all scenarios share this process (`each = \"suite\"`), so it cannot be {done} in one"
    ))
}

/// A version that is asked for and not described.
pub(crate) fn no_such_version<'a>(version: &str, known: impl Iterator<Item = &'a String>) -> LaunchError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let hint = match known.is_empty() {
        true => format!("describe it as [subject.<name>.versions.{version}]"),
        false => format!("there are: {}", known.join(", ")),
    };
    LaunchError(format!("the subject has no version {version:?}; {hint}"))
}
