//! Signals on their way to the command that is run.
//!
//! A key at the terminal, as Ctrl-C, reaches every process in the foreground by itself, the command among them: the
//! system says that it sent such a signal, and it is not delivered a second time.

#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(not(unix))]
pub(super) use elsewhere::Signals;

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::{Handle, SignalsInfo, exfiltrator::origin::WithOrigin};
    use signal_hook::low_level::siginfo::{Cause, Origin};
    use tokio::sync::mpsc;

    /// What is passed on. The others end or stop this process as they would any.
    const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    /// Signals that wait to be passed on; a command that is told more often knows.
    const MAX_WAITING: usize = 64;

    /// The signals that come, from when this was made.
    pub(in super::super) struct Signals {
        arriving: mpsc::Receiver<Origin>,
        handle: Handle,
    }

    impl Signals {
        /// Takes this process's signals from now on. Those that it was started to ignore stay ignored, for the command
        /// too.
        pub(in super::super) fn take() -> std::io::Result<Self> {
            let ignored = ignored();
            let taken = PASSED_ON.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
            let mut signals = SignalsInfo::<WithOrigin>::new(taken)?;
            let handle = signals.handle();
            let (sender, arriving) = mpsc::channel(MAX_WAITING);
            std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
                for origin in signals.forever() {
                    // One more of so many that wait says nothing new.
                    if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(origin) {
                        return;
                    }
                }
            })?;
            Ok(Self { arriving, handle })
        }

        /// The next one.
        pub(in super::super) async fn next(&mut self) -> Arrived {
            match self.arriving.recv().await {
                Some(origin) => Arrived(origin),
                None => std::future::pending().await,
            }
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            self.handle.close();
        }
    }

    /// A signal that came.
    pub(in super::super) struct Arrived(Origin);

    impl Arrived {
        /// Gives it to a process, unless the system did so already.
        pub(in super::super) fn pass_to(&self, id: u32) {
            if self.0.cause == Cause::Kernel {
                return;
            }
            let process = i32::try_from(id).ok().and_then(Pid::from_raw);
            if let (Some(process), Some(signal)) = (process, Signal::from_named_raw(self.0.signal)) {
                // It may have ended in this moment.
                let _ = kill_process(process, signal);
            }
        }
    }

    /// The signals that this process ignores, a bit each; none where the system does not tell.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
    }
}

#[cfg(not(unix))]
mod elsewhere {
    /// The console tells every process of its own accord; here Ctrl-C must only not end this one first.
    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn take() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn next(&mut self) -> Arrived {
            let _ = tokio::signal::ctrl_c().await;
            Arrived
        }
    }

    /// A signal that came.
    pub(in super::super) struct Arrived;

    impl Arrived {
        pub(in super::super) fn pass_to(&self, _: u32) {}
    }
}
