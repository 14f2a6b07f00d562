//! Launching a command: with what it is told filled in, until it is ready.

use super::filled::{Surroundings, Words};
use super::running::{RunningCommand, SharedCommand};
use super::spec::{CommandSpec, Each, Nothing, Ready, VersionSpec};
use crate::launch::{BoxFuture, Launch, LaunchError, LaunchRequest, Running};
use crate::spec::{ClockKind, SubjectSpec};
use crate::template::names_in;
use indexmap::IndexMap;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What is known of a provider and a play only when there are one.
const OF_ONE_PLAY: [&str; 12] = [
    "provider",
    "base_url",
    "tenant",
    "access_token",
    "refresh_token",
    "ca_pem",
    "ca_file",
    "webhook_scheme",
    "webhook_secret",
    "webhook_account",
    "idempotency_retention",
    "client_secret",
];

/// Launches a command.
pub struct CommandLaunch {
    pub(crate) known: Arc<Known>,
    /// The one that all plays share, while it runs.
    shared: Mutex<Option<Arc<RunningCommand>>>,
}

/// What is known of a command before it is launched.
pub(crate) struct Known {
    pub(crate) spec: CommandSpec,
    pub(crate) versions: IndexMap<String, VersionSpec>,
    pub(crate) surroundings: Surroundings,
    pub(crate) clock: ClockKind,
    pub(crate) ready: Ready,
    pub(crate) line: Option<Regex>,
    /// The names of the ports that it is given.
    pub(crate) ports: BTreeSet<String>,
}

impl CommandSpec {
    /// The names in its braces, in all its versions.
    fn names(&self, versions: &IndexMap<String, VersionSpec>) -> BTreeSet<String> {
        let all = std::iter::once(None).chain(versions.values().map(Some));
        let words = all.flat_map(|version| Words::of(self, version).names());
        words.chain(self.files.values().flat_map(names_in_json)).collect()
    }

    /// Whether it is told a port to listen on.
    pub(crate) fn has_port(&self, versions: &IndexMap<String, VersionSpec>) -> bool {
        self.names(versions).contains("port")
    }
}

impl CommandLaunch {
    /// A command as it is described.
    ///
    /// # Errors
    /// Where the description cannot be used, with what is wrong in it.
    pub fn new(subject: &SubjectSpec, spec: &CommandSpec) -> Result<Self, LaunchError> {
        let versions = subject.versions.clone();
        let names = spec.names(&versions);
        let is_port = |name: &&String| *name == "port" || name.starts_with("port:");
        let ports: BTreeSet<String> = names.iter().filter(is_port).cloned().collect();
        if spec.each == Each::Suite {
            refuse_names_of_one_play(&names)?;
        }
        let ready = spec.ready.clone().unwrap_or(Ready::Port(Nothing {}));
        if !ports.contains("port") && !matches!(ready, Ready::Line(_)) {
            return Err(LaunchError(
                "command: nothing tells it where to listen; put {port} into `run` or `env`, as in \
                 `env = { PORT = \"{port}\" }`, or, where it serves nothing, say with `ready = { line = \"...\" }` \
                 which line it prints once it is ready"
                    .to_owned(),
            ));
        }
        if let Ready::Http(path) = &ready
            && !path.starts_with('/')
        {
            return Err(LaunchError(format!(
                "command: ready.http: {path:?} is no path; expected one like \"/health\""
            )));
        }
        let line = match &ready {
            Ready::Line(line) => Some(Regex::new(line).map_err(|error| {
                LaunchError(format!("command: ready.line: {line:?} is no regular expression: {error}"))
            })?),
            Ready::Http(_) | Ready::Port(_) => None,
        };
        if spec.each == Each::Suite && subject.clock == ClockKind::Faketime {
            return Err(LaunchError(
                "command: dates are shifted for one play; with clock = \"faketime\" start one for each scenario".to_owned(),
            ));
        }
        let (surroundings, clock) = (subject.surroundings.clone(), subject.clock);
        let known = Known { spec: spec.clone(), versions, surroundings, clock, ready, line, ports };
        Ok(Self { known: Arc::new(known), shared: Mutex::new(None) })
    }

    async fn begin(&self, request: LaunchRequest) -> Result<RunningCommand, LaunchError> {
        let mut running = RunningCommand::prepare(Arc::clone(&self.known), request.variables)?;
        running.start(request.clock_start).await?;
        Ok(running)
    }
}

impl Launch for CommandLaunch {
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async move {
            if !self.is_shared() {
                return Ok(Box::new(self.begin(request).await?) as Box<dyn Running>);
            }
            let mut shared = self.shared.lock().await;
            let running = match shared.take().filter(|running| running.has_ended().is_none()) {
                Some(running) => running,
                // The first one, or the last one died on an earlier play.
                None => Arc::new(self.begin(request).await?),
            };
            *shared = Some(Arc::clone(&running));
            Ok(Box::new(SharedCommand(running)) as Box<dyn Running>)
        })
    }

    fn is_shared(&self) -> bool {
        self.known.spec.each == Each::Suite
    }
}

fn refuse_names_of_one_play(names: &BTreeSet<String>) -> Result<(), LaunchError> {
    let of_one_play = |name: &&String| {
        let name = name.trim_end_matches('?');
        OF_ONE_PLAY.contains(&name) || (name.contains(':') && !name.starts_with("port:"))
    };
    match names.iter().find(of_one_play) {
        None => Ok(()),
        Some(name) => Err(LaunchError(format!(
            "command: {{{name}}} differs from play to play, and with `each = \"suite\"` the process is started before \
             the first; hand it over in a setup call, or start one for each scenario"
        ))),
    }
}

fn names_in_json(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => names_in(text),
        serde_json::Value::Array(items) => items.iter().flat_map(names_in_json).collect(),
        serde_json::Value::Object(fields) => fields.values().flat_map(names_in_json).collect(),
        _ => Vec::new(),
    }
}
