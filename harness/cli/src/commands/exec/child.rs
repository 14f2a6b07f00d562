//! The command that is run: started with its environment, given the signals that come, and waited for.
//!
//! Its standard streams are those of this process, untouched. Knows nothing of what its requests become.

use super::signals::Signals;
use crate::exit::Stop;
use anyhow::anyhow;
use std::ffi::OsString;
use std::process::{Command, ExitStatus};

/// Runs a command to its end, with these variables beside those of this process.
///
/// # Errors
/// Where it cannot be started.
pub(super) async fn run(
    words: &[OsString],
    environment: &[(String, OsString)],
    mut signals: Signals,
) -> Result<ExitStatus, Stop> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Stop::usage(anyhow!("no command is given; write it after --")));
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn().map_err(|error| {
        Stop::usage(anyhow!(
            "the command {} cannot be started: {error}; give the path of a program, or one on your PATH",
            program.display()
        ))
    })?;
    let id = child.id();
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            // What has ended gets no signal: its number may be another process's.
            biased;
            status = &mut ended => {
                return status.map_err(Stop::environment)?.map_err(Stop::environment);
            }
            signal = signals.next() => signal.pass_to(id),
        }
    }
}

/// The code that a shell would give for an end.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    // Windows has larger codes; what fails must not pass.
    status.code().map_or(1, |code| u8::try_from(code).unwrap_or(u8::MAX))
}
