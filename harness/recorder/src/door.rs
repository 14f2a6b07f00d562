//! Where requests come in: at a reverse proxy, which has one upstream, or at a forward proxy, whose clients name theirs.
//!
//! Decides what is recorded, sent elsewhere, let through or refused. Knows nothing of bodies.

use crate::clock::Clock;
use crate::connection::{Next, NextStep};
use crate::forward::AnswerBody;
use crate::host_pattern::HostPattern;
use crate::interception::Interception;
use crate::journal::Journal;
use crate::proxy_config::Others;
use crate::route::{LogPolicy, Reached, Route};
use crate::routes::Routes;
use crate::traffic::Tally;
use crate::upstream::Upstream;
use crate::words::{empty, own_words};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;

/// Routes that are remembered; with ever new hosts, the old ones are made again when they are needed.
const MAX_ROUTES: usize = 1_000;

/// How requests find their upstream.
pub(crate) enum Door {
    /// There is one, and the integration, where webhooks are taken.
    Reverse(Routes),
    /// They name it.
    Proxy(Box<Proxy>),
}

/// A host and its port, as a client names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    authority: Authority,
    port: u16,
}

impl Target {
    fn of(authority: &Authority, default_port: Option<u16>) -> Option<Self> {
        let port = authority.port_u16().or(default_port)?;
        (!authority.host().is_empty() && !authority.as_str().contains('@'))
            .then(|| Self { authority: authority.clone(), port })
    }

    /// The host's name, or its address; one of IPv6 in brackets.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    /// Whether that is who listens at `own`.
    fn is(&self, own: SocketAddr) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        let is_local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        let is_host = match host.parse::<IpAddr>() {
            Ok(ip) => ip == own.ip() || (is_local(ip) && is_local(own.ip())),
            Err(_) => host.eq_ignore_ascii_case("localhost") && is_local(own.ip()),
        };
        self.port == own.port() && is_host
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host(), self.port)
    }
}

/// What is done with a host.
pub(crate) enum Treatment {
    /// Its exchanges are taken down.
    Record { journal: Arc<Journal>, log: Arc<LogPolicy> },
    /// Another server answers in its place.
    ForwardTo(Upstream),
}

/// A forward proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) hosts: Vec<(HostPattern, Treatment)>,
    pub(crate) others: Others,
    pub(crate) interception: Interception,
    /// Takes down nothing.
    pub(crate) unrecorded: Arc<Journal>,
    pub(crate) log: Arc<LogPolicy>,
    pub(crate) routes: Mutex<HashMap<(Target, bool), Arc<Route>>>,
}

type Refusal = Box<Response<AnswerBody>>;

impl Proxy {
    fn treatment(&self, target: &Target) -> Option<&Treatment> {
        let named = self.hosts.iter().find(|(pattern, _)| pattern.matches(target.host(), target.port));
        named.map(|(_, treatment)| treatment)
    }

    /// Answers `CONNECT`: from now on the client speaks with the target, or so it believes.
    pub(crate) async fn connect(
        &self,
        request: Request<Incoming>,
        next: &Next,
        tally: &Tally,
        bound: Duration,
    ) -> Response<AnswerBody> {
        let Some(target) = request.uri().authority().and_then(|authority| Target::of(authority, None)) else {
            let message = "CONNECT names no host and port; expected CONNECT api.example.com:443";
            return own_words(StatusCode::BAD_REQUEST, message);
        };
        if target.is(self.address) {
            return *self.loops(&target, tally);
        }
        if self.treatment(&target).is_some() {
            next.set(NextStep::Intercepted { client_side: hyper::upgrade::on(request), target });
            return empty(StatusCode::OK);
        }
        if self.others == Others::Refuse {
            return *refuse(&target, tally);
        }
        let address = (target.host().trim_matches(['[', ']']), target.port);
        let connected = Clock::within(bound, TcpStream::connect(address)).await;
        let server = match connected {
            Some(Ok(server)) if server.peer_addr().is_ok_and(|peer| peer == self.address) => {
                return *self.loops(&target, tally);
            }
            Some(Ok(server)) => server,
            Some(Err(error)) => {
                return own_words(StatusCode::BAD_GATEWAY, &format!("{target} cannot be reached: {error}"));
            }
            None => {
                let message = format!("{target} cannot be reached within {} s", bound.as_secs_f32());
                return own_words(StatusCode::BAD_GATEWAY, &message);
            }
        };
        // Without it small messages wait; a socket that cannot be told so still works.
        let _ = server.set_nodelay(true);
        tally.tunnelled(&target.to_string());
        next.set(NextStep::Tunnel { client_side: hyper::upgrade::on(request), server });
        empty(StatusCode::OK)
    }

    /// Where a request goes on to that was sent to the proxy itself.
    ///
    /// # Errors
    /// An answer that says why it goes nowhere.
    pub(crate) fn route_of(&self, uri: &Uri, tally: &Tally) -> Result<Arc<Route>, Refusal> {
        let scheme = uri.scheme();
        let is_encrypted = scheme == Some(&Scheme::HTTPS);
        let target = uri.authority().filter(|_| is_encrypted || scheme == Some(&Scheme::HTTP));
        let default_port = if is_encrypted { 443 } else { 80 };
        let Some(target) = target.and_then(|authority| Target::of(authority, Some(default_port))) else {
            let message = "counterpart records as a forward proxy here: give the integration this address as its \
                           HTTP proxy (HTTPS_PROXY, HTTP_PROXY), not as the provider's base URL; expected CONNECT \
                           api.example.com:443, or a target as http://api.example.com/";
            return Err(Box::new(own_words(StatusCode::BAD_REQUEST, message)));
        };
        if target.is(self.address) {
            return Err(self.loops(&target, tally));
        }
        if self.treatment(&target).is_none() {
            if self.others == Others::Refuse {
                return Err(refuse(&target, tally));
            }
            tally.passed_on(&target.to_string());
        }
        self.route_to(&target, is_encrypted).ok_or_else(|| {
            Box::new(own_words(StatusCode::BAD_REQUEST, &format!("{target} makes no URI of a server")))
        })
    }

    /// The way to a target, with TLS or without.
    pub(crate) fn route_to(&self, target: &Target, is_encrypted: bool) -> Option<Arc<Route>> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.clone(), is_encrypted);
        if let Some(known) = routes.get(&key) {
            return Some(Arc::clone(known));
        }
        let scheme = if is_encrypted { Scheme::HTTPS } else { Scheme::HTTP };
        let named = Upstream::at(scheme, target.authority.clone()).ok()?;
        let route = Arc::new(match self.treatment(target) {
            Some(Treatment::Record { journal, log }) => {
                journal.goes_on_to(&named);
                self.route(named, Reached::InItsOwnName, journal, log)
            }
            Some(Treatment::ForwardTo(upstream)) => {
                let reached = Reached::As { origin: named.to_string().into(), host: named.host().clone() };
                self.route(upstream.clone(), reached, &self.unrecorded, &self.log)
            }
            None => self.route(named, Reached::InItsOwnName, &self.unrecorded, &self.log),
        });
        if routes.len() >= MAX_ROUTES {
            routes.clear();
        }
        routes.insert(key, Arc::clone(&route));
        Some(route)
    }

    fn route(
        &self,
        upstream: Upstream,
        reached: Reached,
        journal: &Arc<Journal>,
        log: &Arc<LogPolicy>,
    ) -> Route {
        let (journal, log) = (Arc::clone(journal), Arc::clone(log));
        Route { upstream, webhooks: None, journal, reached, log }
    }

    fn loops(&self, target: &Target, tally: &Tally) -> Refusal {
        tally.refused(&target.to_string());
        let message = format!(
            "{target} is this proxy itself, so the request would go round for ever; ask it for the host that you mean"
        );
        Box::new(own_words(StatusCode::LOOP_DETECTED, &message))
    }
}

fn refuse(target: &Target, tally: &Tally) -> Refusal {
    tally.refused(&target.to_string());
    let host = target.host();
    let message = format!(
        "{target} is refused, because it was not named to this proxy; name it (--host {host}), or let other hosts through"
    );
    Box::new(own_words(StatusCode::BAD_GATEWAY, &message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_knows_itself_by_its_names() {
        let target = |text: &str| Target::of(&text.parse().unwrap(), None).unwrap();
        let loopback = "127.0.0.1:8080".parse().unwrap();
        for (name, expected) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("LOCALHOST:8080", true),
            ("0.0.0.0:8080", true),
            ("[::1]:8080", true),
            ("127.0.0.1:8081", false),
            ("10.0.0.1:8080", false),
            ("api.example.com:8080", false),
        ] {
            assert_eq!(target(name).is(loopback), expected, "{name}");
        }
        let outward = "10.0.0.1:8080".parse().unwrap();
        assert!(target("10.0.0.1:8080").is(outward));
        assert!(!target("127.0.0.1:8080").is(outward));
    }

    #[test]
    fn a_target_has_a_host_and_a_port_and_no_credentials() {
        let target = |text: &str, port| Target::of(&text.parse().unwrap(), port).map(|it| it.to_string());
        assert_eq!(target("a.example:443", None).as_deref(), Some("a.example:443"));
        assert_eq!(target("a.example", Some(80)).as_deref(), Some("a.example:80"));
        assert_eq!(target("a.example", None), None);
        assert_eq!(target("jo:pw@a.example:443", None), None);
    }
}
