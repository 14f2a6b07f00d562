//! `counterpart record`: a proxy before the real API, or on the way to it; what passes becomes a fixture.

mod proxied;
pub(super) mod traffic;
mod webhooks;

use super::authority::{Authority, how_to_trust};
use super::stop_signal::StopSignal;
use crate::arguments::{Global, OtherHosts, Record};
use crate::exit::{Exit, Stop};
use crate::known_secrets::known_secrets;
use crate::output::{self, counted};
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::Library;
use counterpart_exchange::keep::KeepError;
use counterpart_recorder::{
    HostAction, Others, ProxyConfig, ProxyHost, Recorder, RecorderConfig, RecorderError, Recording,
};
use proxied::Asked;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

pub(crate) async fn record(global: &Global, arguments: &Record) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = match &arguments.out {
        Some(out) => Library::new(out),
        None => Project::find(global)?.library(),
    };
    let recorder = match &arguments.provider {
        Some(provider) if !arguments.proxy => begin_before(provider, arguments, &library).await?,
        _ => begin_as_proxy(arguments, &library).await?,
    };
    tokio::select! {
        received = stop.received() => received.map_err(Stop::environment)?,
        () = recorder.idle() => {}
    }
    let finished = recorder.finish().await;
    for line in traffic::told(&finished.traffic) {
        output::note(&line);
    }
    tell_all(finished.recordings, arguments.explain)
}

/// A reverse proxy before one API, and before the integration where its webhooks are recorded.
async fn begin_before(provider: &str, arguments: &Record, library: &Library) -> Result<Recorder, Stop> {
    let webhooks = webhooks::routes(&arguments.webhooks)?;
    let recorder = Recorder::start(RecorderConfig {
        provider: provider.to_owned(),
        flow: arguments.flow.clone(),
        upstream: arguments.upstream.clone(),
        webhooks: webhooks.clone(),
        listen: arguments.listen,
        out: library.root().to_owned(),
        until_idle: arguments.until_idle,
        known_secrets: known_secrets(&arguments.secret_env)?,
        additional_roots: certificates(&arguments.upstream_ca)?,
    })
    .await
    .map_err(stopped)?;
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
    webhooks::tell(address, &webhooks);
    Ok(recorder)
}

/// A forward proxy.
async fn begin_as_proxy(arguments: &Record, library: &Library) -> Result<Recorder, Stop> {
    let asked =
        Asked { hosts: &arguments.hosts, provider: arguments.provider.as_deref(), flow: &arguments.flow };
    let hosts = proxied::hosts(library, &asked)?;
    let Authority { authority, certificate } = Authority::open(arguments.ca.as_deref())?;
    let told: Vec<String> = hosts.iter().map(told).collect();
    let recorder = Recorder::proxy(ProxyConfig {
        listen: arguments.listen,
        authority,
        hosts,
        others: match arguments.others {
            OtherHosts::Tunnel => Others::Tunnel,
            OtherHosts::Refuse => Others::Refuse,
        },
        additional_roots: certificates(&arguments.upstream_ca)?,
        out: library.root().to_owned(),
        until_idle: arguments.until_idle,
        known_secrets: known_secrets(&arguments.secret_env)?,
    })
    .await
    .map_err(stopped)?;
    let address = recorder.address();
    output::result(&format!("recording through the proxy http://{address}"));
    output::result(&told.join("\n"));
    output::note(&format!("  export HTTPS_PROXY=http://{address} HTTP_PROXY=http://{address}"));
    output::note(&how_to_trust(&certificate).join("\n"));
    if !address.ip().is_loopback() {
        output::note("This proxy serves everybody who reaches that address.");
    }
    output::note("Stop with Ctrl-C when the flow is done.");
    Ok(recorder)
}

fn told(host: &ProxyHost) -> String {
    match &host.action {
        HostAction::Record { provider, flow } => format!("  {} -> {provider}/{flow}", host.pattern),
        HostAction::ForwardTo { base } => format!("  {} -> {base}", host.pattern),
    }
}

/// The certificates in files of PEM.
pub(super) fn certificates(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, Stop> {
    let mut all = Vec::new();
    for file in files {
        let refuse = |problem: String| Stop::usage(anyhow!("--upstream-ca {}: {problem}", file.display()));
        let before = all.len();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| refuse(error.to_string()))? {
            all.push(certificate.map_err(|error| refuse(error.to_string()))?);
        }
        if all.len() == before {
            return Err(refuse(
                "holds no certificate; expected PEM, as `-----BEGIN CERTIFICATE-----`".into(),
            ));
        }
    }
    Ok(all)
}

/// Tells of every fixture; where several could not be kept, the first decides the exit code. A fixture of which nothing
/// was seen is no failure beside one that was kept.
fn tell_all(recordings: Vec<Result<Recording, RecorderError>>, explain: bool) -> Result<Exit, Stop> {
    let is_any_kept = recordings.iter().any(Result::is_ok);
    let mut stop: Option<Stop> = None;
    for recording in recordings {
        match recording.map_err(stopped) {
            Ok(recording) => tell(&recording, explain),
            Err(nothing) if is_any_kept && nothing.exit == Exit::NothingSelected => {
                output::note(&nothing.error.to_string());
            }
            Err(error) => match &stop {
                None => stop = Some(error),
                Some(_) => output::error(&error.error),
            },
        }
    }
    stop.map_or(Ok(Exit::Passed), Err)
}

fn tell(recording: &Recording, explain: bool) {
    let kept = &recording.kept;
    let exchanges = counted(kept.exchanges, "exchange", "exchanges");
    output::result(&format!("wrote {}: {exchanges}", kept.path.display()));
    output::kept_lines(kept).iter().for_each(|line| output::note(line));
    if explain {
        kept.taken_out.iter().for_each(|one| output::note(&one.to_string()));
    }
    if recording.not_kept > 0 {
        output::note(&format!("{} further exchanges were passed on but not kept", recording.not_kept));
    }
}

pub(super) fn stopped(error: RecorderError) -> Stop {
    match error {
        RecorderError::AddressInUse { .. }
        | RecorderError::Listen { .. }
        | RecorderError::Certificates { .. }
        | RecorderError::Keep(KeepError::Write { .. }) => Stop::environment(error),
        RecorderError::NothingCaptured { .. } => Stop { exit: Exit::NothingSelected, error: error.into() },
        RecorderError::NothingToRecord => Stop::usage(anyhow!(
            "there is nothing to record: name the real API with --upstream URL, where its webhooks arrive with \
             --webhooks PATH=URL, or both; or record --proxy"
        )),
        other => Stop::usage(other),
    }
}
