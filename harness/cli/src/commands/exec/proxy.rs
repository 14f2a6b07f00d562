//! The proxy through which the command reaches its providers by their own names, TLS included.

use super::super::authority::Authority;
use super::super::record::{certificates, stopped};
use super::environment::Environment;
use super::servers::{ANYWHERE, Server};
use super::trust::Trust;
use crate::arguments::{Exec, OtherHosts};
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::Library;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_recorder::{HostPattern, Others, ProxyConfig, ProxyHost, Recorder};

/// Names of this machine, to which requests go directly.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// A proxy that runs, and what the command has to know of it.
pub(super) struct Proxy {
    recorder: Recorder,
    trust: Trust,
    direct: Vec<&'static str>,
}

impl Proxy {
    /// Starts one for the hosts of all servers; none where it would do nothing.
    pub(super) async fn start(
        servers: &[Server],
        library: &Library,
        arguments: &Exec,
        known_secrets: Vec<KnownSecret>,
    ) -> Result<Option<Self>, Stop> {
        let hosts = hosts_of(servers)?;
        let others = others(servers, arguments.others);
        if arguments.no_proxy || (hosts.is_empty() && others == Others::Tunnel) {
            return Ok(None);
        }
        let named: Vec<String> = hosts.iter().map(|host| host.pattern.to_string()).collect();
        // The servers that take the place of the real ones are reached at the first of them.
        let is_named = |loopback: &str| {
            loopback != LOOPBACK[0]
                && named.iter().any(|host| host == loopback || host.starts_with(&format!("{loopback}:")))
        };
        let direct = LOOPBACK.into_iter().filter(|loopback| !is_named(loopback)).collect();
        let authority = Authority::for_run(arguments.ca.as_deref())?;
        let trust = Trust::write(&authority)?;
        let config = ProxyConfig {
            listen: ANYWHERE,
            authority,
            hosts,
            others,
            additional_roots: certificates(&arguments.upstream_ca)?,
            out: library.root().to_owned(),
            until_idle: None,
            known_secrets,
        };
        let recorder = Recorder::proxy(config).await.map_err(stopped)?;
        Ok(Some(Self { recorder, trust, direct }))
    }

    /// What it recorded, and what it saw.
    pub(super) fn into_recorder(self) -> Recorder {
        self.recorder
    }

    /// The variables that lead clients through it, and make them trust it.
    pub(super) fn environment(&self) -> Environment {
        let url = format!("http://{}", self.recorder.address());
        let direct = self.direct.join(",");
        let mut environment = self.trust.environment();
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            environment.push((name.to_owned(), url.clone().into()));
        }
        for name in ["NO_PROXY", "no_proxy"] {
            environment.push((name.to_owned(), direct.clone().into()));
        }
        // Node.js 24 and later heeds the others only where this is set.
        environment.push(("NODE_USE_ENV_PROXY".to_owned(), "1".into()));
        environment
    }
}

/// What is done with hosts that nobody named: where all is recorded they are none of our business, where anything is
/// played a test was to need no network.
fn others(servers: &[Server], given: Option<OtherHosts>) -> Others {
    match given {
        Some(OtherHosts::Tunnel) => Others::Tunnel,
        None if servers.iter().all(|server| server.stand_in().is_none()) => Others::Tunnel,
        Some(OtherHosts::Refuse) | None => Others::Refuse,
    }
}

/// The hosts of all servers, names before patterns that they would fit as well.
fn hosts_of(servers: &[Server]) -> Result<Vec<ProxyHost>, Stop> {
    let mut hosts: Vec<(ProxyHost, &str)> = Vec::new();
    for server in servers {
        for host in &server.way.hosts {
            let pattern: HostPattern = host
                .parse()
                .map_err(|problem| Stop::usage(anyhow!("a host of {}: {problem}", server.provider)))?;
            if let Some((_, other)) = hosts.iter().find(|(known, _)| known.pattern == pattern) {
                return Err(Stop::usage(anyhow!(
                    "the host {host} is that of {other} and of {}, and tells none of them; name it in one of them, or \
                     lead the command by base URLs alone (--no-proxy)",
                    server.provider
                )));
            }
            if let Some(action) = server.action(host) {
                hosts.push((ProxyHost { pattern, action }, &server.provider));
            }
        }
    }
    let mut hosts: Vec<ProxyHost> = hosts.into_iter().map(|(host, _)| host).collect();
    hosts.sort_by_key(|host| host.pattern.to_string().starts_with('*'));
    Ok(hosts)
}
