//! `counterpart record`: a reverse proxy before the real API; what passes becomes a fixture.

use super::stop_signal::StopSignal;
use crate::arguments::{Global, Record};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::keep::KeepError;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_recorder::{Recorder, RecorderConfig, RecorderError, Recording};

pub(crate) async fn record(global: &Global, arguments: &Record) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = Project::find(global)?.library();
    let recorder = Recorder::start(RecorderConfig {
        provider: arguments.provider.clone(),
        flow: arguments.flow.clone(),
        upstream: arguments.upstream.clone(),
        listen: arguments.listen,
        out: arguments.out.clone().unwrap_or_else(|| library.root().to_owned()),
        until_idle: arguments.until_idle,
        known_secrets: known_secrets(&arguments.secret_env)?,
    })
    .await
    .map_err(stopped)?;
    output::result(&format!("recording http://{} -> {}", recorder.address(), arguments.upstream));
    output::note("Point your integration at the first address; stop with Ctrl-C when the flow is done.");
    tokio::select! {
        received = stop.received() => received.map_err(Stop::environment)?,
        () = recorder.idle() => {}
    }
    let finished = recorder.finish().await;
    tell_all(finished.recordings)
}

/// Tells of every fixture; where several could not be kept, the first decides the exit code.
fn tell_all(recordings: Vec<Result<Recording, RecorderError>>) -> Result<Exit, Stop> {
    let mut stop: Option<Stop> = None;
    for recording in recordings {
        match recording.map_err(stopped) {
            Ok(recording) => tell(&recording),
            Err(error) => match &stop {
                None => stop = Some(error),
                Some(_) => output::error(&error.error),
            },
        }
    }
    stop.map_or(Ok(Exit::Passed), Err)
}

fn tell(recording: &Recording) {
    let kept = &recording.kept;
    let exchanges = counted(kept.exchanges, "exchange", "exchanges");
    output::result(&format!("wrote {}: {exchanges}", kept.path.display()));
    let secrets = counted(kept.redacted, "secret was", "secrets were");
    let bodies = counted(kept.omitted, "body was", "bodies were");
    output::note(&format!("{secrets} replaced, {bodies} not kept"));
    if let Some(profile) = &kept.drafted {
        output::note(&format!(
            "drafted {}: look it over, it decides how the fixture is played",
            profile.display()
        ));
    }
    if recording.not_kept > 0 {
        output::note(&format!("{} further exchanges were passed on but not kept", recording.not_kept));
    }
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(super) fn known_secrets(names: &[String]) -> Result<Vec<KnownSecret>, Stop> {
    names
        .iter()
        .map(|name| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(named_secret(name, value)),
            _ => Err(Stop::usage(anyhow!(
                "--secret-env {name}: there is no such environment variable, or it is empty"
            ))),
        })
        .collect()
}

/// A secret that an environment variable holds.
pub(super) fn named_secret(name: &str, value: String) -> KnownSecret {
    let letter = |c: char| if c.is_ascii_alphabetic() { c.to_ascii_lowercase() } else { '_' };
    KnownSecret { kind: name.chars().map(letter).collect(), value }
}

pub(super) fn stopped(error: RecorderError) -> Stop {
    match error {
        RecorderError::AddressInUse { .. }
        | RecorderError::Listen { .. }
        | RecorderError::Certificates { .. }
        | RecorderError::Keep(KeepError::Write { .. }) => Stop::environment(error),
        RecorderError::NothingCaptured { .. } => Stop { exit: Exit::NothingSelected, error: error.into() },
        other => Stop::usage(other),
    }
}
