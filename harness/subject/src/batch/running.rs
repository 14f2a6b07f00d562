//! A batch in a play: run for each trigger, its state passed on.

use super::BatchSpec;
use super::messages;
use super::target::Target;
use crate::clock::within;
use crate::command::VersionSpec;
use crate::command::{
    End, Faketime, Folder, Output, Process, Surroundings, Words, no_such_version, write_files,
};
use crate::launch::{BoxFuture, Launch, LaunchError, LaunchRequest, RunEnd, Running, with_last_lines};
use crate::spec::{ClockKind, SubjectSpec};
use crate::template::Variables;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Real time that a run that is over its time has to end in.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Launches a batch: nothing is started before a trigger.
pub struct BatchLaunch {
    known: Arc<Known>,
}

struct Known {
    spec: BatchSpec,
    versions: IndexMap<String, VersionSpec>,
    surroundings: Surroundings,
    clock: ClockKind,
}

impl BatchLaunch {
    /// A batch as it is described.
    #[must_use]
    pub fn new(subject: &SubjectSpec, spec: &BatchSpec) -> Self {
        let known = Known {
            spec: spec.clone(),
            versions: subject.versions.clone(),
            surroundings: subject.surroundings.clone(),
            clock: subject.clock,
        };
        Self { known: Arc::new(known) }
    }
}

impl Launch for BatchLaunch {
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let mut variables = request.variables;
            let folder = Folder::new(&mut variables)?;
            variables.set("clock_start", &request.clock_start.to_string());
            let faketime = match self.known.clock {
                ClockKind::Faketime => Some(Faketime::new(&self.known.surroundings, &folder)?),
                ClockKind::Endpoint | ClockKind::Real => None,
            };
            if let Some(faketime) = &faketime {
                faketime.set(request.clock_start)?;
            }
            let running = RunningBatch {
                known: Arc::clone(&self.known),
                version: None,
                variables,
                faketime,
                kept: Mutex::default(),
                one_at_a_time: tokio::sync::Mutex::default(),
                folder,
            };
            Ok(Box::new(running) as Box<dyn Running>)
        })
    }
}

struct RunningBatch {
    known: Arc<Known>,
    version: Option<String>,
    variables: Variables,
    faketime: Option<Faketime>,
    kept: Mutex<Kept>,
    /// Each run begins with what the one before left.
    one_at_a_time: tokio::sync::Mutex<()>,
    folder: Folder,
}

#[derive(Default)]
struct Kept {
    target: Target,
    last_lines: Vec<String>,
}

impl RunningBatch {
    fn kept<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn words(&self, arguments: Vec<String>, has_state: bool) -> Words {
        let Known { spec, versions, .. } = &*self.known;
        let mut words = Words { run: spec.run.clone(), folder: spec.folder.clone(), env: spec.env.clone() };
        words.become_version(self.version.as_ref().and_then(|version| versions.get(version)));
        if has_state {
            words.run.extend(spec.state.iter().cloned());
        }
        words.run.extend(arguments);
        words
    }

    async fn run(&self, arguments: Vec<String>, words: &[(String, String)]) -> Result<RunEnd, LaunchError> {
        let _turn = self.one_at_a_time.lock().await;
        let known = &*self.known;
        let mut variables = self.variables.clone();
        words.iter().for_each(|(word, value)| variables.set(word, value));
        let state = self.kept(|kept| kept.target.state().cloned());
        let state_file = self.folder.data().join("state.json");
        // A program that always asks for the file finds one that says nothing.
        let text = state.as_ref().map_or_else(|| "{}".to_owned(), Value::to_string);
        std::fs::write(&state_file, text)
            .map_err(|error| LaunchError(format!("{}: {error}", state_file.display())))?;
        variables.set("state", &state_file.to_string_lossy());
        write_files(&known.spec.files, self.folder.data(), &variables)?;
        let mut start = self.words(arguments, state.is_some()).filled(&variables, &known.surroundings)?;
        // Before its own, which may set the library otherwise.
        start.environment.splice(0..0, self.faketime.iter().flat_map(Faketime::environment));
        let output = Output::keeping_every_line();
        let mut process = Process::start(&start, &output, STOP_WITHIN)?;
        let told = process.told().to_owned();
        let ended = within(known.spec.within.duration(), process.end_of_it()).await;
        let how = if ended.is_some() { End::AtOnce } else { End::Asked };
        let left = process.left_running();
        let over = tokio::task::spawn_blocking(move || process.end(how)).await;
        over.map_err(|error| LaunchError(error.to_string()))?.ok();
        let lines = output.last_lines();
        self.kept(|kept| kept.last_lines.clone_from(&lines));
        let wrong = |why: String| LaunchError(with_last_lines(&format!("{told} {why}"), &lines));
        let Some(end) = ended else {
            let within = known.spec.within;
            return Err(wrong(format!(
                "did not end within {within}; let it end, or give it longer with `within`"
            )));
        };
        if let Some(left) = left {
            return Err(wrong(left));
        }
        self.take(&output, &end).map_err(wrong)
    }

    fn take(&self, output: &Output, end: &str) -> Result<RunEnd, String> {
        if let Some(lost) = output.records_lost() {
            return Err(format!("{end}; {lost}"));
        }
        let failed = end != SUCCEEDED;
        let messages = messages::read(&output.lines(), failed).map_err(|why| format!("{end}; {why}"))?;
        let taken = self.kept(|kept| kept.target.take(&messages, failed, self.known.spec.target));
        let code = end.strip_prefix("ended with exit code ").and_then(|code| code.parse::<i64>().ok());
        let mut told = format!(
            "{end}; {} records, {} committed, {} states",
            taken.records, taken.committed, taken.states
        );
        if let Some(last) = output.last_word().filter(|_| failed) {
            told = format!("{told}; its last line: {last}");
        }
        let json = json!({
            "exit_code": code,
            "records": taken.records,
            "committed": taken.committed,
            "states": taken.states,
        });
        Ok(RunEnd { told, json })
    }
}

/// How a process ends that has done what it was asked to.
const SUCCEEDED: &str = "ended with exit code 0";

impl Running for RunningBatch {
    fn base_url(&self) -> String {
        String::new()
    }

    fn restart(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        // Between two runs there is nothing that could be started again.
        Box::pin(async { Ok(()) })
    }

    fn kill(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Ok(()) })
    }

    fn deploy(&mut self, version: &str, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let known = self.known.versions.contains_key(version);
        let refusal = no_such_version(version, self.known.versions.keys());
        if known {
            self.version = Some(version.to_owned());
        }
        Box::pin(async move { if known { Ok(()) } else { Err(refusal) } })
    }

    fn last_lines(&self) -> Vec<String> {
        self.kept(|kept| kept.last_lines.clone())
    }

    fn printed_records(&self) -> Vec<Value> {
        self.kept(|kept| kept.target.records())
    }

    fn names(&self) -> Vec<(String, String)> {
        vec![("data".to_owned(), self.folder.data().to_string_lossy().into_owned())]
    }

    fn run_once<'a>(
        &'a self,
        arguments: Vec<String>,
        words: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<RunEnd, LaunchError>> {
        Box::pin(self.run(arguments, words))
    }

    fn set_time(&self, now: Timestamp) -> Result<(), LaunchError> {
        self.faketime.as_ref().map_or(Ok(()), |faketime| faketime.set(now))
    }
}
