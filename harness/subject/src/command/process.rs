//! One process with all that it started: begun, watched, and ended without leaving anything.

use super::group::{self, Found};
use super::output::{Output, Stream};
use crate::clock::{Stopwatch, pause_blocking};
use crate::launch::LaunchError;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often what was asked to end is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Real time within which what was killed must be gone: only a broken device keeps it longer.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// Processes that are named in a sentence.
const MAX_NAMED: usize = 5;

/// What is started.
pub(crate) struct Start {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A process that was started. Dropping it ends it as [`End::Asked`] does.
pub(crate) struct Process {
    child: Option<Child>,
    id: u32,
    mark: String,
    told: String,
    ended: Arc<Ended>,
    stop_within: Duration,
    /// One for each stream that is still read.
    reading: Arc<()>,
}

/// How it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is asked to, and has its time for it.
    Asked,
    /// Like a power cut.
    AtOnce,
}

/// Whether the process has ended, and how.
#[derive(Default)]
struct Ended {
    how: Mutex<Option<String>>,
    now: Condvar,
    told: Notify,
}

impl Process {
    /// Starts it. What it prints is read from now on.
    pub(crate) fn start(start: &Start, output: &Output, stop_within: Duration) -> Result<Self, LaunchError> {
        let told = told(start);
        let mark = mark();
        output.hide(
            start.environment.iter().map(|(name, value)| (name.to_string_lossy(), value.to_string_lossy())),
        );
        let mut command = Command::new(&start.program);
        command.args(&start.arguments).current_dir(&start.folder);
        command.envs(start.environment.iter().map(|(name, value)| (name, value))).env(group::MARK, &mark);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| cannot_start(start, &told, &error))?;
        let reading = Arc::new(());
        let out =
            child.stdout.take().map(|out| (Stream::Out, Box::new(out) as Box<dyn std::io::Read + Send>));
        let err =
            child.stderr.take().map(|err| (Stream::Err, Box::new(err) as Box<dyn std::io::Read + Send>));
        let id = child.id();
        let ended = Arc::new(Ended::default());
        let mut process = Self {
            child: Some(child),
            id,
            mark,
            told,
            ended: Arc::clone(&ended),
            stop_within,
            reading: Arc::clone(&reading),
        };
        for (stream, source) in out.into_iter().chain(err) {
            let (output, reading) = (output.clone(), Arc::clone(&reading));
            process.thread(move || {
                output.drain(stream, source);
                drop(reading);
            })?;
        }
        process.thread(move || {
            if let Some(how) = group::wait_for_end(id) {
                ended.set(how);
            }
        })?;
        Ok(process)
    }

    fn thread(&mut self, work: impl FnOnce() + Send + 'static) -> Result<(), LaunchError> {
        let spawned = std::thread::Builder::new().name("subject".to_owned()).spawn(work);
        spawned
            .map(drop)
            .map_err(|error| LaunchError(format!("{}: no thread can be had: {error}", self.told)))
    }

    /// What was started, for people.
    pub(crate) fn told(&self) -> &str {
        &self.told
    }

    /// How it ended, if it did.
    pub(crate) fn how_it_ended(&self) -> Option<String> {
        self.ended.get()
    }

    /// Comes back once it has ended.
    pub(crate) async fn end_of_it(&self) -> String {
        loop {
            let told = self.ended.told.notified();
            if let Some(how) = self.ended.get() {
                return how;
            }
            told.await;
        }
    }

    /// What it left running although it has ended, if it did.
    pub(crate) fn left_running(&self) -> Option<String> {
        let left =
            if self.ended.get().is_some() { group::still_running(self.id, &self.mark) } else { Vec::new() };
        (!left.is_empty()).then(|| left_behind(&left))
    }

    /// Ends it with all that it started, and waits for that, blocking. What was wrong with how it ended, if anything.
    pub(crate) fn end(&mut self, how: End) -> Result<(), String> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let mut wrong = Vec::new();
        if how == End::Asked {
            wrong = self.ask();
        }
        group::kill(self.id, &mut child);
        let since = Stopwatch::start();
        loop {
            let left = group::still_running(self.id, &self.mark);
            left.iter().for_each(|found| group::kill_one(found.id));
            if left.is_empty() || since.elapsed() > GONE_WITHIN {
                break;
            }
            pause_blocking(LOOK_AGAIN);
        }
        // What was killed is gone at once, but for a process within a broken device: it is left to the system then.
        if cfg!(not(unix)) || self.ended.wait(GONE_WITHIN) {
            let _ = child.wait();
        }
        self.wait_for_the_rest_of_its_output();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{} {}", self.told, wrong.join("; and "))) }
    }

    /// Asks it to end. What it did not do about that.
    fn ask(&self) -> Vec<String> {
        let since = Stopwatch::start();
        let had_ended = self.ended.get().is_some();
        group::ask_to_end(self.id);
        let mut wrong = Vec::new();
        let within = self.stop_within;
        if !had_ended && cfg!(unix) && !self.ended.wait(within) {
            wrong.push(format!(
                "did not end within {within:?} of being asked to (SIGTERM) and was killed; let it end then, or \
                 give it longer with `stop_within`"
            ));
            return wrong;
        }
        loop {
            let left = group::still_running(self.id, &self.mark);
            if left.is_empty() {
                return wrong;
            }
            if since.elapsed() > within {
                wrong.push(left_behind(&left));
                return wrong;
            }
            pause_blocking(LOOK_AGAIN);
        }
    }

    /// Once nobody has its pipes any more they end, and what was in them is read.
    fn wait_for_the_rest_of_its_output(&self) {
        let since = Stopwatch::start();
        while Arc::strong_count(&self.reading) > 1 && since.elapsed() < Duration::from_secs(1) {
            pause_blocking(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end(End::Asked);
    }
}

impl Ended {
    fn set(&self, how: String) {
        *self.how.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
        self.now.notify_all();
        self.told.notify_waiters();
    }

    fn get(&self) -> Option<String> {
        self.how.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has ended, at the latest after so long.
    fn wait(&self, within: Duration) -> bool {
        let how = self.how.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.now.wait_timeout_while(how, within, |how| how.is_none());
        let (how, _) = waited.unwrap_or_else(PoisonError::into_inner);
        how.is_some()
    }
}

fn left_behind(found: &[Found]) -> String {
    let named: Vec<String> =
        found.iter().take(MAX_NAMED).map(|found| format!("{} (`{}`)", found.id, found.command)).collect();
    format!(
        "left {} of the processes that it started behind, which were killed: {}; let it end its children before itself",
        found.len(),
        named.join(", ")
    )
}

/// A mark that no other process has.
fn mark() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}-{:016x}", std::process::id(), RandomState::new().hash_one(number))
}

fn told(start: &Start) -> String {
    let program = start.program.to_string_lossy();
    // Arguments may be secrets: how many there are is enough to find the entry by.
    match start.arguments.first().map(|first| first.to_string_lossy()) {
        Some(script) if !script.starts_with('-') && script.contains('.') && !script.contains("://") => {
            format!("`{program} {script}`")
        }
        _ => format!("`{program}`"),
    }
}

fn cannot_start(start: &Start, told: &str, error: &std::io::Error) -> LaunchError {
    let folder = start.folder.display();
    if !start.folder.is_dir() {
        return LaunchError(format!(
            "{told} cannot be started: its folder {folder} is not there; `folder` is relative to counterpart.toml"
        ));
    }
    LaunchError(format!(
        "{told} cannot be started in {folder}: {error}; `run` names a program on the PATH, or a path relative to \
         `folder`, and its arguments each by itself"
    ))
}
