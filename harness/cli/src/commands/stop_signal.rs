//! Waiting to be told to stop: Ctrl-C, or SIGTERM.

use crate::exit::Stop;
use crate::output;
use std::io;
use tokio::runtime::Handle;
use tokio::sync::watch;

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

    /// True once the process is told to stop.
    pub(crate) fn watched(tokio: &Handle) -> Result<watch::Receiver<bool>, Stop> {
        let mut told = tokio.block_on(async { Self::listen() }).map_err(Stop::environment)?;
        let (tell, watched) = watch::channel(false);
        tokio.spawn(async move {
            if told.received().await.is_ok() {
                output::note("told to stop; ending what was started");
                tell.send_replace(true);
            }
        });
        Ok(watched)
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
