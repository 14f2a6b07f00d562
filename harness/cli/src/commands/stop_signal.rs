//! Waiting to be told to stop: Ctrl-C, or SIGTERM.

use crate::exit::Stop;
use crate::output;
use std::io;

/// Signals that ask the process to stop. Listening begins here, so that none is missed.
pub(crate) struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    pub(crate) async fn received(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = self.terminate.recv() => Ok(()),
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    }
}

/// What a future comes to; nothing where the process is told to stop before. Then the future is dropped, and with it the
/// programs that it started are ended.
pub(crate) async fn until_told_to_stop<T>(work: impl Future<Output = T>) -> Result<Option<T>, Stop> {
    let mut told = StopSignal::listen().map_err(Stop::environment)?;
    tokio::select! {
        done = work => Ok(Some(done)),
        told = told.received() => {
            told.map_err(Stop::environment)?;
            output::note("told to stop; ending what was started");
            Ok(None)
        }
    }
}
