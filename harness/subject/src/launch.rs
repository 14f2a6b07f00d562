//! How a subject comes to run: a trait, since each kind of subject has its own way.

use crate::template::Variables;
use jiff::Timestamp;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;

/// Lines of what a subject printed that are told with an error.
const MAX_LINES_TOLD: usize = 20;

/// A future on the heap, so that ways of launching can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a fresh subject is told.
#[derive(Clone, Debug)]
pub struct LaunchRequest {
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// Where a clock that is driven from outside begins.
    pub clock_start: Timestamp,
    /// What the braces in its description stand for, as far as it is known: for one that is shared, nothing of the
    /// provider that it is to call.
    pub variables: Variables,
}

/// A subject that does not come to run, or does not run as it must.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subject does not run as it must: {0}")]
pub struct LaunchError(pub String);

/// A way to launch.
pub trait Launch: Send + Sync {
    /// Launches a subject: one that shares nothing with any other, unless [`Launch::is_shared`] says so.
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>>;

    /// Whether all plays meet the same process. Then it runs before the provider does, which joins it at its time, and
    /// it keeps what an earlier play left.
    fn is_shared(&self) -> bool {
        false
    }

    /// Where the stand-in has to listen for this subject to reach it.
    fn provider_host(&self) -> BoxFuture<'_, Result<ProviderHost, LaunchError>> {
        Box::pin(async { Ok(ProviderHost::default()) })
    }

    /// Why nothing can be launched in this way on this machine at all, if it is so: then scenarios are skipped.
    fn cannot_launch(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }
}

/// Where the provider is, as a subject sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderHost {
    /// The address of this machine that the stand-in listens on.
    pub listen: IpAddr,
    /// The name by which the subject reaches it, where that is not the address.
    pub name: Option<String>,
}

impl Default for ProviderHost {
    fn default() -> Self {
        Self { listen: IpAddr::V4(Ipv4Addr::LOCALHOST), name: None }
    }
}

/// A subject that runs. Dropping it ends it, if it was launched here.
pub trait Running: Send {
    /// `http://host:port`, without a slash at the end.
    fn base_url(&self) -> String;

    /// Stops it in good order and starts it again on the same data, at this instant of its clock.
    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>>;

    /// Ends it without warning, as SIGKILL or a power cut does, and starts it again on the same data.
    fn kill(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>>;

    /// Stops it in good order and starts another version of it on the same data.
    fn deploy(&mut self, version: &str, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>>;

    /// The first half of a restart, a kill or a deployment, where it can be done by itself: the old process is gone when this
    /// comes back, and the new one is not there yet. Whether it was done; the other half does both where it was not.
    fn stop_first(&mut self, _how: Stopping) -> BoxFuture<'_, Result<bool, LaunchError>> {
        Box::pin(async { Ok(false) })
    }

    /// Ends it after its last step. What was wrong with how it ended is an error.
    fn end(&mut self) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Ok(()) })
    }

    /// The end of what it printed, for whoever asks why it does not work. Secrets are in it as it printed them.
    fn last_lines(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it wrote by printing it: the lines of its standard output that are JSON objects, or, of a batch, the records
    /// that its target has.
    fn printed_records(&self) -> Vec<serde_json::Value> {
        Vec::new()
    }

    /// What it printed of a line of JSON that it did not end.
    fn unended_line(&self) -> Option<String> {
        None
    }

    /// How it ended, if it did although nobody ended it; or why what it prints can no longer be used.
    fn has_ended(&self) -> Option<String> {
        None
    }

    /// Runs a batch once, to its end, with these arguments and a trigger's words.
    fn run_once<'a>(
        &'a self,
        _arguments: Vec<String>,
        _words: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<RunEnd, LaunchError>> {
        Box::pin(async {
            Err(LaunchError(
                "it is no batch: a trigger with `batch` is of a subject with launch = { batch = ... }".into(),
            ))
        })
    }

    /// Shifts the dates that it sees: from now on it is this instant. Where its dates are not shifted, nothing happens.
    ///
    /// # Errors
    /// Where it cannot be told.
    fn set_time(&self, _now: Timestamp) -> Result<(), LaunchError> {
        Ok(())
    }

    /// Names in braces that have a value because of how it was launched, such as `data`.
    fn names(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// How a subject is stopped to be started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// In good order.
    Asked,
    /// Without warning.
    Killed,
}

/// How a run of a batch ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// For people.
    pub told: String,
    /// `exit_code`, and how many `records`, of them `committed`, and `states`.
    pub json: serde_json::Value,
}

/// A subject that somebody else runs.
#[derive(Clone, Debug)]
pub struct AlreadyRunning {
    /// Where.
    pub base_url: String,
}

impl Launch for AlreadyRunning {
    fn launch(&self, _: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Running>) })
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Running for AlreadyRunning {
    fn base_url(&self) -> String {
        self.base_url.trim_end_matches('/').to_owned()
    }

    fn restart(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(run_by_somebody_else("restarted")) })
    }

    fn kill(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(run_by_somebody_else("killed")) })
    }

    fn deploy(&mut self, _: &str, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Err(run_by_somebody_else("deployed")) })
    }
}

fn run_by_somebody_else(done: &str) -> LaunchError {
    LaunchError(format!("a subject of kind `url` is run by somebody else and cannot be {done} from here"))
}

/// A reason, and below it what the subject printed last.
#[must_use]
pub fn with_last_lines(why: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return format!("{why}; it printed nothing");
    }
    // Whoever told the reason may have told them already.
    if why.contains(LAST_LINES) {
        return why.to_owned();
    }
    let from = lines.len().saturating_sub(MAX_LINES_TOLD);
    let told: Vec<String> = lines[from..].iter().map(|line| format!("\n  | {line}")).collect();
    format!("{why}{LAST_LINES}{}", told.concat())
}

const LAST_LINES: &str = "; its last lines:";
