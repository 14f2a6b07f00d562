//! How a subject comes to run: a trait, since each kind of subject has its own way.

use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;

/// A future on the heap, so that ways of launching can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a fresh subject is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchRequest {
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// Where a clock that is driven from outside begins.
    pub clock_start: Timestamp,
}

/// A subject that does not come to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subject does not run: {0}")]
pub struct LaunchError(pub String);

/// A way to launch.
pub trait Launch: Send + Sync {
    /// Launches a subject that shares nothing with any other.
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>>;
}

/// A subject that runs. Dropping it ends it, if it was launched here.
pub trait Running: Send {
    /// `http://host:port`, without a slash at the end.
    fn base_url(&self) -> String;

    /// Stops it in good order and starts it again on the same data, at this instant of its clock.
    fn restart(&mut self, clock_now: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>>;
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
}

impl Running for AlreadyRunning {
    fn base_url(&self) -> String {
        self.base_url.trim_end_matches('/').to_owned()
    }

    fn restart(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        let refusal = LaunchError(
            "a subject of kind `url` is run by somebody else and cannot be restarted from here".into(),
        );
        Box::pin(async { Err(refusal) })
    }
}
