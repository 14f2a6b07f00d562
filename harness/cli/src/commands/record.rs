//! `counterpart record`: a reverse proxy before the real API; what passes becomes a fixture.

use super::stop_signal::StopSignal;
use crate::arguments::{Global, Record};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::keep::KeepError;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_recorder::{Recorder, RecorderConfig, RecorderError, Recording, WebhookRoute};

pub(crate) async fn record(global: &Global, arguments: &Record) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = Project::find(global)?.library();
    let webhooks = webhook_routes(&arguments.webhooks)?;
    let recorder = Recorder::start(RecorderConfig {
        provider: arguments.provider.clone(),
        flow: arguments.flow.clone(),
        upstream: arguments.upstream.clone(),
        webhooks: webhooks.clone(),
        listen: arguments.listen,
        out: arguments.out.clone().unwrap_or_else(|| library.root().to_owned()),
        until_idle: arguments.until_idle,
        known_secrets: known_secrets(&arguments.secret_env)?,
    })
    .await
    .map_err(stopped)?;
    tell_ways(&recorder, arguments, &webhooks);
    tokio::select! {
        received = stop.received() => received.map_err(Stop::environment)?,
        () = recorder.idle() => {}
    }
    let finished = recorder.finish().await;
    tell_all(finished.recordings)
}

/// Tells where to call the recorder, and where that goes on to.
fn tell_ways(recorder: &Recorder, arguments: &Record, webhooks: &[WebhookRoute]) {
    let address = recorder.address();
    match &arguments.upstream {
        Some(upstream) => {
            output::result(&format!("recording http://{address} -> {upstream}"));
            output::note(
                "Point your integration at the first address; stop with Ctrl-C when the flow is done.",
            );
        }
        None => output::result(&format!("recording http://{address}")),
    }
    for route in webhooks {
        output::result(&format!("webhooks http://{address}{route}"));
    }
    if !webhooks.is_empty() {
        output::note(
            "Have the provider send its webhooks there, by a tunnel where it is not on this machine.",
        );
    }
}

/// What is wrong is told without the URL, for it may hold a password: so clap must not read it.
fn webhook_routes(given: &[String]) -> Result<Vec<WebhookRoute>, Stop> {
    let read = |text: &String| text.parse().map_err(|error| Stop::usage(anyhow!("--webhooks: {error}")));
    given.iter().map(read).collect()
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

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn known_secrets(names: &[String]) -> Result<Vec<KnownSecret>, Stop> {
    names
        .iter()
        .map(|name| match std::env::var(name) {
            Ok(value) if !value.is_empty() => {
                let kind = name
                    .chars()
                    .map(|c| if c.is_ascii_alphabetic() { c.to_ascii_lowercase() } else { '_' })
                    .collect();
                Ok(KnownSecret { kind, value })
            }
            _ => Err(Stop::usage(anyhow!(
                "--secret-env {name}: there is no such environment variable, or it is empty"
            ))),
        })
        .collect()
}

fn stopped(error: RecorderError) -> Stop {
    match error {
        RecorderError::AddressInUse { .. }
        | RecorderError::Listen { .. }
        | RecorderError::Certificates { .. }
        | RecorderError::Keep(KeepError::Write { .. }) => Stop::environment(error),
        RecorderError::NothingCaptured { .. } => Stop { exit: Exit::NothingSelected, error: error.into() },
        RecorderError::NothingToRecord => Stop::usage(anyhow!(
            "there is nothing to record: name the real API with --upstream URL, where its webhooks arrive with \
             --webhooks PATH=URL, or both"
        )),
        other => Stop::usage(other),
    }
}
