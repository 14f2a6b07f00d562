//! What is to be done for each provider: played, recorded, or both; and where its real API is.

use super::super::playing::{Chosen, choose};
use crate::arguments::{Exec, ExecMode};
use crate::exit::Stop;
use crate::project::{ExecSpec, Project};
use anyhow::anyhow;
use counterpart_exchange::{Fixture, FixtureRef, Library, Provenance, ProviderProfile};
use http::Uri;
use http::uri::Authority;
use std::collections::BTreeSet;

/// What is to be done for one provider.
pub(super) struct Job {
    pub(super) provider: String,
    pub(super) work: Work,
    pub(super) way: Way,
}

/// What becomes of a provider's requests.
pub(super) enum Work {
    /// They are answered from fixtures.
    Play(Chosen),
    /// They go to the real API, and become a fixture.
    Record(FixtureRef),
    /// They are answered from a fixture; what it lacks goes to the real API, and is added to it.
    Complete { chosen: Chosen, fixture: FixtureRef },
}

/// Where a provider's real API is, and how a command is led to what takes its place.
pub(super) struct Way {
    pub(super) upstream: Option<Uri>,
    pub(super) hosts: Vec<String>,
    pub(super) spec: ExecSpec,
}

impl Way {
    /// The servers behind the hosts that are known by name, each with its host; that of the upstream first. Without the base
    /// path: targets begin with it already, as they were recorded.
    pub(super) fn origins(&self) -> Vec<(String, Uri)> {
        let upstream = self.upstream.as_ref().and_then(|upstream| {
            let authority = upstream.authority()?;
            let scheme = upstream.scheme_str()?;
            Some((spelled(authority), format!("{scheme}://{authority}").parse().ok()?))
        });
        let mut origins: Vec<(String, Uri)> = upstream.into_iter().collect();
        for host in self.hosts.iter().filter(|host| !host.contains('*')) {
            if origins.iter().all(|(known, _)| known != host)
                && let Ok(origin) = format!("https://{host}").parse()
            {
                origins.push((host.clone(), origin));
            }
        }
        origins
    }

    /// The path at which the API begins, as recorded targets do; empty where it is the root.
    pub(super) fn base_path(&self) -> &str {
        self.upstream.as_ref().map_or("", |upstream| upstream.path().trim_end_matches('/'))
    }
}

impl Job {
    pub(super) fn chosen(&self) -> Option<&Chosen> {
        match &self.work {
            Work::Play(chosen) | Work::Complete { chosen, .. } => Some(chosen),
            Work::Record(_) => None,
        }
    }
}

/// The work that the arguments name.
pub(super) fn of(project: &Project, library: &Library, arguments: &Exec) -> Result<Vec<Job>, Stop> {
    let mode = if arguments.record { ExecMode::Record } else { arguments.mode.unwrap_or(ExecMode::Replay) };
    let mut names = arguments.fixtures.clone();
    if let (Some(provider), Some(flow)) = (&arguments.provider, &arguments.flow) {
        names.push(format!("{provider}/{flow}"));
    }
    if names.is_empty() {
        let expected = match mode {
            ExecMode::Record => "name what is recorded: --provider PROVIDER --flow FLOW",
            ExecMode::Replay => {
                "name what is played: --fixture PROVIDER/FLOW; or --record what is not there yet"
            }
            ExecMode::Auto => "name what is played and completed: --fixture PROVIDER/FLOW",
        };
        return Err(Stop::usage(anyhow!("no fixture is named; {expected}")));
    }
    if mode != ExecMode::Replay && !arguments.faults.is_empty() {
        let why =
            "a fault would be recorded as the provider's own answer; inject it when the fixture is played";
        return Err(Stop::usage(anyhow!("--fault: {why}")));
    }
    let works = match mode {
        ExecMode::Replay => choose(library, &names)?
            .into_iter()
            .map(|chosen| (chosen.profile.provider.clone(), Work::Play(chosen)))
            .collect(),
        ExecMode::Record | ExecMode::Auto => to_be_recorded(library, arguments, &names, mode)?,
    };
    let providers: Vec<String> = works.iter().map(|(provider, _)| provider.clone()).collect();
    check_hosts(arguments, &providers)?;
    works
        .into_iter()
        .map(|(provider, work)| {
            let way = way_of(project, library, arguments, &provider, &work, providers.len() == 1)?;
            Ok(Job { provider, work, way })
        })
        .collect()
}

/// One fixture a provider, each by its name. A host of a provider that is not named otherwise is a flow of its own.
fn to_be_recorded(
    library: &Library,
    arguments: &Exec,
    names: &[String],
    mode: ExecMode,
) -> Result<Vec<(String, Work)>, Stop> {
    let mut fixtures: Vec<FixtureRef> = Vec::new();
    for name in names {
        let fixture: FixtureRef = name.parse().map_err(|problem: String| Stop::usage(anyhow!(problem)))?;
        if let Some(known) = fixtures.iter().find(|known| known.provider == fixture.provider) {
            let message = format!(
                "{known} and {fixture} are of one provider, whose requests could not be told apart; record one of them"
            );
            return Err(Stop::usage(anyhow!(message)));
        }
        fixtures.push(fixture);
    }
    let flow = fixtures[0].flow.clone();
    for provider in arguments.hosts.iter().filter_map(|host| host.provider.as_ref()) {
        if fixtures.iter().all(|known| known.provider != *provider) {
            let name = format!("{provider}/{flow}");
            fixtures.push(name.parse().map_err(|problem: String| Stop::usage(anyhow!(problem)))?);
        }
    }
    fixtures
        .into_iter()
        .map(|fixture| {
            let is_there = library.path_of(&fixture).is_file();
            let work = match mode {
                ExecMode::Auto if is_there => {
                    let chosen = choose(library, &[fixture.to_string()])?.into_iter().next();
                    let chosen = chosen.ok_or_else(|| Stop::usage(anyhow!(library.missing(&fixture))))?;
                    Work::Complete { chosen, fixture: fixture.clone() }
                }
                _ => Work::Record(fixture.clone()),
            };
            Ok((fixture.provider, work))
        })
        .collect()
}

fn check_hosts(arguments: &Exec, providers: &[String]) -> Result<(), Stop> {
    for spec in &arguments.hosts {
        let problem = match &spec.provider {
            Some(provider) if !providers.contains(provider) => format!("`{provider}` is not among them"),
            None if providers.len() > 1 => "it does not say whose it is".to_owned(),
            _ => continue,
        };
        let named = providers.join(", ");
        return Err(Stop::usage(anyhow!(
            "--host {0}: {problem}; write --host {0}=PROVIDER with one of: {named}",
            spec.pattern
        )));
    }
    if arguments.upstream.is_some() && providers.len() > 1 {
        let why = "say for each where it is: `upstream` under [exec.PROVIDER] in counterpart.toml";
        return Err(Stop::usage(anyhow!("--upstream is of one provider, and there are several; {why}")));
    }
    Ok(())
}

fn way_of(
    project: &Project,
    library: &Library,
    arguments: &Exec,
    provider: &str,
    work: &Work,
    is_alone: bool,
) -> Result<Way, Stop> {
    let spec = project.exec(provider);
    let written = |text: &str| {
        text.parse::<Uri>().map_err(|error| {
            Stop::usage(anyhow!(
                "counterpart.toml: [exec.{provider}] upstream: {text:?} is no URL ({error}); expected https://api.example.com"
            ))
        })
    };
    let configured = spec.upstream.as_deref().map(written).transpose()?;
    let evidence = match work {
        Work::Play(chosen) | Work::Complete { chosen, .. } => chosen.fixtures.iter().find_map(recorded_from),
        Work::Record(fixture) => library.fixture(fixture).ok().as_ref().and_then(recorded_from),
    };
    let read;
    let profile: &ProviderProfile = match work {
        Work::Play(chosen) | Work::Complete { chosen, .. } => &chosen.profile,
        Work::Record(_) => {
            read = library.profile(provider).map_err(Stop::usage)?;
            &read
        }
    };
    let named = arguments.hosts.iter().filter(|host| match &host.provider {
        Some(of) => of == provider,
        None => is_alone,
    });
    let mut hosts: BTreeSet<String> = named.map(|host| host.pattern.to_string()).collect();
    hosts.extend(spec.hosts.iter().map(|host| host.to_ascii_lowercase()));
    hosts.extend(profile.hosts.iter().cloned());
    let whole = |host: &&String| !host.contains('*');
    let upstream = arguments.upstream.clone().or(configured).or(evidence).or_else(|| {
        let only = (hosts.iter().filter(whole).count() == 1).then(|| hosts.iter().find(whole)).flatten()?;
        format!("https://{only}").parse().ok()
    });
    let known = upstream.as_ref().and_then(Uri::authority).map(spelled);
    let fixtures = match work {
        Work::Play(chosen) | Work::Complete { chosen, .. } => &chosen.fixtures[..],
        Work::Record(_) => &[],
    };
    // What stood on this machine is reached directly, unless somebody names it.
    let known = known.into_iter().chain(fixtures.iter().flat_map(recorded_hosts));
    hosts.extend(known.filter(|host| !is_loopback(host)));
    if hosts.is_empty() && upstream.is_none() && !matches!(work, Work::Play(_)) {
        return Err(Stop::usage(anyhow!(
            "nothing tells where {provider} is; write --upstream https://api.example.com, or `upstream` under \
             [exec.{provider}] in counterpart.toml"
        )));
    }
    Ok(Way { upstream, hosts: hosts.into_iter().collect(), spec })
}

/// What a fixture was recorded from.
fn recorded_from(fixture: &Fixture) -> Option<Uri> {
    match &fixture.provenance {
        Provenance::Recorded(recorded) => recorded.upstream.parse().ok(),
        Provenance::Imported(_) | Provenance::Written(_) => None,
    }
}

/// The hosts that a fixture's requests named.
fn recorded_hosts(fixture: &Fixture) -> BTreeSet<String> {
    let outbound =
        fixture.exchanges.iter().filter(|one| one.direction == counterpart_exchange::Direction::Outbound);
    outbound
        .filter_map(|one| one.request.headers.text("host"))
        .filter_map(|host| host.parse::<Authority>().ok())
        .map(|authority| spelled(&authority))
        .collect()
}

/// A host as the proxy takes it, with a port where it is not that of its scheme.
fn spelled(authority: &Authority) -> String {
    let host = authority.host().to_ascii_lowercase();
    match authority.port_u16() {
        None | Some(80 | 443) => host,
        Some(port) => format!("{host}:{port}"),
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name);
    let name = name.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
