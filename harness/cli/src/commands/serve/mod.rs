//! `counterpart serve`: the stand-in by itself, for any client.

mod selection;
mod summary;

use super::authority::{Authority, how_to_trust};
pub(crate) use selection::one_fixture;

use super::stop_signal::StopSignal;
use crate::arguments::{FaultSpec, Format, Global, Serve};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_stand_in::{
    Control, ControlConfig, ControlError, OwnerError, PlannedFault, Provider, ProviderConfig, StandIn,
    StandInClock, StandInConfig, StandInError,
};
use jiff::Timestamp;
use selection::Chosen;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use summary::Summary;

/// Where a test clock begins: 2026-01-01T00:00:00Z, as in scenarios.
const TEST_CLOCK_START_S: i64 = 1_767_225_600;

pub(crate) async fn serve(global: &Global, arguments: &Serve) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = Project::find(global)?.library();
    let chosen = selection::choose(&library, &arguments.fixtures)?;
    let faults = share_out(&chosen, &arguments.faults)?;
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
    let summary = Summary::of(&stand_in, &arguments.allow, &arguments.deny);
    match global.format {
        Format::Json => output::json_line(&summary.json()),
        Format::Text => output::note(summary.text(global.quiet).trim_end_matches('\n')),
    }
    Ok(if summary.passes() { Exit::Passed } else { Exit::Failed })
}

/// The faults of each provider.
fn share_out(chosen: &[Chosen], specs: &[FaultSpec]) -> Result<Vec<Vec<PlannedFault>>, Stop> {
    let mut faults: Vec<Vec<PlannedFault>> = chosen.iter().map(|_| Vec::new()).collect();
    for FaultSpec { provider, planned, spec } in specs {
        let refuse = |problem: String| Stop::usage(anyhow!("--fault: {problem}"));
        let check = |one: &Chosen| planned.check(&one.profile, &one.fixtures);
        let index = match provider {
            Some(name) => {
                let index = chosen.iter().position(|one| one.profile.provider == *name).ok_or_else(|| {
                    let known: Vec<&str> = chosen.iter().map(|one| one.profile.provider.as_str()).collect();
                    refuse(format!("`{name}` is not served; there are: {}", known.join(", ")))
                })?;
                check(&chosen[index]).map_err(refuse)?;
                index
            }
            None => {
                let candidates: Vec<_> =
                    chosen.iter().map(|one| (one.profile.provider.as_str(), check(one))).collect();
                planned.owner(&candidates).map_err(|why| refuse(told(&why, spec)))?
            }
        };
        faults[index].push(planned.clone());
    }
    Ok(faults)
}

/// Why a fault is nobody's, and what to write.
fn told(why: &OwnerError, spec: &str) -> String {
    match why {
        OwnerError::FitsNone(reasons) => match &reasons[..] {
            [(_, reason)] => reason.clone(),
            _ => why.to_string(),
        },
        OwnerError::FitsSeveral(names) => {
            let spelled: Vec<String> = names.iter().map(|name| format!("'{name}:{spec}'")).collect();
            format!("{spec}: {why}; write {}", spelled.join(" or "))
        }
    }
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
