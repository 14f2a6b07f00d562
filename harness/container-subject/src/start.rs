//! One container, from its start until it is ready or has failed.

use crate::clock::{pause, within};
use crate::engine;
use crate::image::ImageName;
use counterpart_subject::{
    ContainerNetwork, ContainerSpec, LaunchError, LineSoFar, Output, OutputStream, Ready, Variables,
};
use regex::Regex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::logs::LogFrame;
use testcontainers::core::{IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

/// How long an engine may take to pull an image and to create a container, beside what the subject takes.
const CREATED_WITHIN: Duration = Duration::from_secs(600);
/// How long one look may take, and how long it is until the next.
const ONE_LOOK: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Looks at its port between two looks at whether it still runs.
const LOOKS_AT_ONCE: usize = 10;

/// What a container is started with.
pub(crate) struct Given<'a> {
    pub(crate) spec: &'a ContainerSpec,
    pub(crate) image: &'a ImageName,
    pub(crate) variables: &'a Variables,
    pub(crate) data: Option<&'a Path>,
    /// The folder of counterpart.toml.
    pub(crate) root: &'a Path,
    pub(crate) output: &'a Output,
}

/// A container that is ready.
pub(crate) struct Started {
    container: ContainerAsync<GenericImage>,
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
}

impl Started {
    pub(crate) async fn new(given: &Given<'_>) -> Result<Self, LaunchError> {
        let (image, spec) = (given.image, given.spec);
        let host_port = match spec.network {
            ContainerNetwork::Bridge => None,
            ContainerNetwork::Host => Some(free_port()?),
        };
        let port_within = spec.port.or(host_port).unwrap_or_default();
        let line = match &spec.ready {
            Some(Ready::Line(line)) => Some(Regex::new(line).map_err(|error| {
                LaunchError(format!("`ready = {{ line = {line:?} }}` is no regular expression: {error}"))
            })?),
            _ => None,
        };
        given.output.await_line(line);
        // A name of its own: a container that does not start is left behind otherwise.
        let name = format!("counterpart-{:016x}", RandomState::new().hash_one(std::process::id()));
        let request = request(given, &name, port_within)?;
        let told =
            |problem: String| LaunchError(format!("no container of {image} could be started: {problem}"));
        let guard = RemovedUnlessKept { name: Some(name.clone()) };
        let container = match within(CREATED_WITHIN, request.start()).await {
            Some(Ok(container)) => container,
            Some(Err(error)) => {
                engine::remove(&name).await;
                return Err(told(error.to_string()));
            }
            None => {
                engine::remove(&name).await;
                return Err(told(format!("it was not there within {CREATED_WITHIN:?}")));
            }
        };
        guard.keep();
        let port = match host_port {
            Some(port) => port,
            None => match container.get_host_port_ipv4(port_within.tcp()).await {
                Ok(port) => port,
                Err(error) => {
                    // One that has ended has no port any more.
                    if let Some(how) = Self::end_of(&container).await {
                        return Err(LaunchError(format!(
                            "the container of {image} {how} before it was ready"
                        )));
                    }
                    let found = format!("its port {port_within} is not published on 127.0.0.1: {error}");
                    return Err(told(found));
                }
            },
        };
        let started = Self { container, port };
        started.until_ready(given).await?;
        Ok(started)
    }

    async fn until_ready(&self, given: &Given<'_>) -> Result<(), LaunchError> {
        let (time, image) = (given.spec.within.duration(), given.image);
        let looks = async {
            loop {
                if let Some(how) = self.ended().await {
                    return Err(how);
                }
                for _ in 0..LOOKS_AT_ONCE {
                    if self.is_ready(given).await {
                        return Ok(());
                    }
                    pause(LOOK_AGAIN).await;
                }
            }
        };
        match within(time, looks).await {
            Some(Ok(())) => Ok(()),
            Some(Err(how)) => Err(LaunchError(format!("the container of {image} {how} before it was ready"))),
            None => Err(LaunchError(format!(
                "the container of {image} was not ready within {time:?}: {}; let it listen on all addresses of the \
                 container, say with `ready` how it is seen, or give it longer with `within`",
                self.waited_for(given.spec)
            ))),
        }
    }

    fn waited_for(&self, spec: &ContainerSpec) -> String {
        let port = spec.port.unwrap_or(self.port);
        match &spec.ready {
            Some(Ready::Http(path)) => format!("`GET {path}` on its port {port} was not answered with 2xx"),
            Some(Ready::Line(line)) => format!("no line fits {line:?}"),
            Some(Ready::Port(_)) | None => format!("nothing answers HTTP on its port {port}"),
        }
    }

    async fn is_ready(&self, given: &Given<'_>) -> bool {
        // A published port takes connections whether or not anything listens behind it, so only an answer counts.
        match &given.spec.ready {
            Some(Ready::Http(path)) => {
                self.status(path).await.is_some_and(|status| (200..300).contains(&status))
            }
            Some(Ready::Line(_)) => within(LOOK_AGAIN, given.output.line_came()).await.is_some(),
            Some(Ready::Port(_)) | None => self.status("/").await.is_some(),
        }
    }

    async fn status(&self, path: &str) -> Option<u16> {
        let http = reqwest::Client::builder().no_proxy().build().ok()?;
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let answer = http.get(url).timeout(ONE_LOOK).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// How it ended, if it did.
    async fn ended(&self) -> Option<String> {
        Self::end_of(&self.container).await
    }

    async fn end_of(container: &ContainerAsync<GenericImage>) -> Option<String> {
        match container.is_running().await {
            Ok(true) => None,
            Ok(false) => {
                let code = container.exit_code().await.ok().flatten();
                Some(code.map_or_else(|| "ended".to_owned(), |code| format!("ended with exit code {code}")))
            }
            Err(error) => Some(format!("cannot be looked at: {error}")),
        }
    }

    pub(crate) fn has_ended(&self) -> Option<String> {
        let ended = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(within(ONE_LOOK, self.ended()))
        });
        ended.flatten()
    }

    /// Asks it to end, and removes it once it has.
    pub(crate) async fn stop(self, time: Duration) -> Result<(), LaunchError> {
        let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX).max(1);
        let stopped = self.container.stop_with_timeout(Some(seconds)).await;
        stopped.map_err(|error| LaunchError(format!("the container could not be stopped: {error}")))?;
        self.kill().await
    }

    /// Ends it at once, as SIGKILL does, and removes it.
    pub(crate) async fn kill(self) -> Result<(), LaunchError> {
        let removed = self.container.rm().await;
        removed.map_err(|error| LaunchError(format!("the container could not be removed: {error}")))
    }
}

/// Removes a container whose start is given up.
struct RemovedUnlessKept {
    name: Option<String>,
}

impl RemovedUnlessKept {
    fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for RemovedUnlessKept {
    fn drop(&mut self) {
        let (Some(name), Ok(runtime)) = (self.name.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        tokio::task::block_in_place(|| runtime.block_on(engine::remove(&name)));
    }
}

fn request(
    given: &Given<'_>,
    name: &str,
    port_within: u16,
) -> Result<ContainerRequest<GenericImage>, LaunchError> {
    let spec = given.spec;
    let mut variables = given.variables.clone();
    variables.set("port", &port_within.to_string());
    if let Some(data) = &spec.data {
        variables.set("data", data);
    }
    let refused = |what: String, error| LaunchError(format!("{what}: {error}"));
    let mut image = given.image.generic();
    if spec.network == ContainerNetwork::Bridge {
        image = image.with_exposed_port(port_within.tcp());
    }
    // For whoever looks what is left on a machine.
    let described_in = given.root.display().to_string();
    let mut request = image
        .with_container_name(name)
        .with_label("counterpart.subject", described_in)
        .with_startup_timeout(CREATED_WITHIN);
    if !spec.run.is_empty() {
        let filled = spec
            .run
            .iter()
            .enumerate()
            .map(|(at, word)| variables.fill(word).map_err(|error| refused(format!("run[{at}]"), error)));
        request = request.with_cmd(filled.collect::<Result<Vec<_>, _>>()?);
    }
    for (name, value) in &spec.env {
        let value = variables.fill_optional(value).map_err(|error| refused(format!("env.{name}"), error))?;
        if let Some(value) = value {
            given.output.hide([(name, &value)]);
            request = request.with_env_var(name, value);
        }
    }
    if let (Some(within), Some(here)) = (&spec.data, given.data) {
        request = request.with_mount(Mount::bind_mount(here.display().to_string(), within));
    }
    request = match spec.network {
        ContainerNetwork::Bridge => request.with_host_config_modifier(move |host| publish(host, port_within)),
        ContainerNetwork::Host => request.with_host_config_modifier(|host| {
            host.publish_all_ports = Some(false);
            host.network_mode = Some("host".to_owned());
        }),
    };
    Ok(request.with_log_consumer(lines_into(given.output)))
}

/// Publishes a port on 127.0.0.1 alone.
fn publish(host: &mut HostConfig, port: u16) {
    let binding =
        PortBinding { host_ip: Some(Ipv4Addr::LOCALHOST.to_string()), host_port: Some("0".to_owned()) };
    host.publish_all_ports = Some(false);
    host.port_bindings = Some(HashMap::from([(format!("{port}/tcp"), Some(vec![binding]))]));
}

/// What a container prints comes in pieces that know no lines.
fn lines_into(output: &Output) -> impl Fn(&LogFrame) + Send + Sync + 'static {
    let output = output.clone();
    let lines = Arc::new(Mutex::new((LineSoFar::default(), LineSoFar::default())));
    move |frame| {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        match frame {
            LogFrame::StdOut(bytes) => output.take(OutputStream::Out, &mut lines.0, bytes),
            LogFrame::StdErr(bytes) => output.take(OutputStream::Err, &mut lines.1, bytes),
        }
    }
}

/// A port of this machine that is free now.
fn free_port() -> Result<u16, LaunchError> {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    found.map(|address| address.port()).map_err(|error| LaunchError(format!("no port is free: {error}")))
}
