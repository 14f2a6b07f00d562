//! `counterpart serve`: the stand-in by itself, for any client.

use super::authority::{Authority, how_to_trust};
use super::playing::{Chosen, Summary, choose, share_out};
use super::stop_signal::StopSignal;
use crate::arguments::{Format, Global, Serve};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_stand_in::{
    Control, ControlConfig, ControlError, Provider, ProviderConfig, StandIn, StandInClock, StandInConfig,
    StandInError,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Where a test clock begins: 2026-01-01T00:00:00Z, as in scenarios.
const TEST_CLOCK_START_S: i64 = 1_767_225_600;

pub(crate) async fn serve(global: &Global, arguments: &Serve) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = Project::find(global)?.library();
    let chosen = choose(&library, &arguments.fixtures)?;
    let faults = share_out(&chosen.iter().collect::<Vec<_>>(), &arguments.faults)?;
    let authority = if arguments.tls { Some(Authority::open(arguments.tls_ca.as_deref())?) } else { None };
    let (tls, certificate) =
        authority.map(|Authority { authority, certificate }| (authority, certificate)).unzip();
    let clock = if arguments.test_clock {
        StandInClock::starting_at(Timestamp::from_second(TEST_CLOCK_START_S).unwrap_or(Timestamp::UNIX_EPOCH))
    } else {
        StandInClock::Real
    };
    let providers = chosen.into_iter().zip(faults).map(|(chosen, faults)| {
        let Chosen { profile, fixtures, forms } = chosen;
        ProviderConfig { profile, fixtures, forms, faults }
    });
    let config = StandInConfig { providers: providers.collect(), clock, listen: arguments.listen, tls };
    let stand_in = StandIn::start(config).await.map_err(|error| match error {
        StandInError::AddressInUse(_) | StandInError::Listen { .. } | StandInError::Authority(_) => {
            Stop::environment(error)
        }
        StandInError::NeedsTls(_) => Stop::usage(anyhow!("{error}: --tls")),
        StandInError::Webhooks(_) => Stop::usage(error),
    })?;
    let control = match arguments.control {
        None => None,
        Some(listen) => {
            let config = ControlConfig {
                listen,
                names: arguments.control_host.clone(),
                webhooks_to: arguments.webhooks_to.clone(),
            };
            let started = Control::start(&stand_in, config).await;
            Some(started.map_err(|error| match error {
                ControlError::WebhooksTo { .. } => Stop::usage(error),
                ControlError::AddressInUse(_) | ControlError::Listen { .. } => Stop::environment(error),
            })?)
        }
    };
    let begun = Begun { stand_in: &stand_in, control: control.as_ref(), certificate: certificate.as_ref() };
    match global.format {
        Format::Json => output::json_line(&begun.json()),
        Format::Text => output::result(&begun.text()),
    }
    stop.received().await.map_err(Stop::environment)?;
    let summary = Summary::of(&[&stand_in], &arguments.allow, &arguments.deny);
    match global.format {
        Format::Json => output::json_line(&summary.json()),
        Format::Text => output::note(summary.text(global.quiet).trim_end_matches('\n')),
    }
    Ok(if summary.passes() { Exit::Passed } else { Exit::Failed })
}

/// What is told when it has begun.
struct Begun<'a> {
    stand_in: &'a StandIn,
    control: Option<&'a Control>,
    certificate: Option<&'a PathBuf>,
}

impl Begun<'_> {
    /// For programs: one line, every key there always.
    fn json(&self) -> Value {
        let credentials = |provider: &Provider| {
            let known = provider.credentials();
            json!({
                "access_token": known.access_token,
                "refresh_token": known.refresh_token,
                "client_id": known.client_id,
                "client_secret": known.client_secret,
            })
        };
        let providers: Vec<Value> = self
            .stand_in
            .providers()
            .iter()
            .map(|provider| {
                let values: Map<String, Value> = provider
                    .values_by_fixture()
                    .map(|(fixture, values)| {
                        let values =
                            values.into_iter().map(|(placeholder, value)| (placeholder, value.into()));
                        (fixture.to_owned(), Value::Object(values.collect()))
                    })
                    .collect();
                json!({
                    "provider": provider.name(),
                    "base_url": provider.base_url(),
                    "hosts": provider.hosts(),
                    "fixtures": provider.fixtures(),
                    "credentials": credentials(provider),
                    "values": values,
                    "webhooks": provider.webhook_keys().map(|keys| json!({
                        "scheme": keys.scheme,
                        "secret": keys.secret,
                        "account": keys.account,
                    })),
                })
            })
            .collect();
        json!({
            "event": "ready",
            "base_url": self.stand_in.base_url(),
            "providers": providers,
            "control_url": self.control.map(Control::base_url),
            "ca_file": self.certificate.map(|path| path.display().to_string()),
        })
    }

    /// For people.
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for provider in self.stand_in.providers() {
            let fixtures = provider.fixtures();
            let what = match fixtures {
                [only] => only.clone(),
                several => format!("{} ({} fixtures)", provider.name(), several.len()),
            };
            lines.push(format!("serving {what} at {}", provider.base_url()));
            if self.stand_in.providers().len() > 1 && !provider.hosts().is_empty() {
                lines.push(format!("  and by the host {}", provider.hosts().join(", ")));
            }
            // They open nothing but this stand-in: each is derived from its placeholder.
            for (fixture, values) in provider.values_by_fixture() {
                let of = if fixtures.len() == 1 { String::new() } else { format!(" of {fixture}") };
                lines.extend(
                    values.iter().map(|(placeholder, value)| format!("  «{placeholder}»{of} is {value}")),
                );
            }
            if let Some(keys) = provider.webhook_keys() {
                lines.push(format!(
                    "  webhooks are signed by {}, with the secret {}",
                    keys.scheme, keys.secret
                ));
            }
        }
        for (host, claimed) in self.stand_in.shared_hosts() {
            let names = claimed.join(" and ");
            lines.push(format!(
                "the host {host} is that of {names}, and tells none of them: use their addresses"
            ));
        }
        if let Some(control) = self.control {
            lines.push(format!("control API at {}", control.base_url()));
        }
        if let Some(certificate) = self.certificate {
            lines.extend(how_to_trust(certificate));
        }
        lines.join("\n")
    }
}
