//! The hosts that a fixture shows, where it shows several: one flow over many hosts.
//!
//! A request that names one of them is never answered with what another one said. A request that names none of them, as
//! one that was sent to the stand-in's own address, asks all of them, in the order in which they were recorded.

use crate::received::Received;
use counterpart_exchange::{Direction, Exchange, Request};
use std::collections::{BTreeMap, HashMap};

/// The hosts that are told apart.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts {
    /// By name, with the port where one was recorded; empty where no fixture shows several.
    numbers: HashMap<String, Host>,
    /// The fixtures that show several: `provider/flow`.
    fixtures: Vec<String>,
}

/// A host that is told apart, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host(u32);

impl Host {
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

impl KnownHosts {
    /// Learns the hosts of recorded requests, each exchange with its name.
    pub(crate) fn learn(exchanges: &[(String, Exchange)]) -> Self {
        let mut by_fixture: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, exchange) in exchanges.iter().filter(|(_, one)| one.direction == Direction::Outbound) {
            let Some(host) = named_by(&exchange.request) else { continue };
            let known = by_fixture.entry(fixture_of(name)).or_default();
            if !known.contains(&host) {
                known.push(host);
            }
        }
        by_fixture.retain(|_, hosts| hosts.len() > 1);
        let mut known = Self::default();
        known.fixtures.extend(by_fixture.keys().map(ToString::to_string));
        for host in by_fixture.into_values().flatten() {
            let next = u32::try_from(known.numbers.len() + 1).unwrap_or(u32::MAX);
            known.numbers.entry(host).or_insert(Host(next));
        }
        known
    }

    /// Whether there are none that would have to be told apart.
    pub(crate) fn tells_none(&self) -> bool {
        self.numbers.is_empty()
    }

    /// That of a recorded request; none where its fixture shows no other.
    pub(crate) fn of_recorded(&self, name: &str, request: &Request) -> Option<Host> {
        if self.fixtures.is_empty() || !self.fixtures.iter().any(|fixture| fixture == fixture_of(name)) {
            return None;
        }
        self.numbers.get(&named_by(request)?).copied()
    }

    /// That of a request; none where it names none of them.
    pub(crate) fn of(&self, received: &Received) -> Option<Host> {
        if self.tells_none() {
            return None;
        }
        self.numbers.get(&spelled(received.authority()?)).copied()
    }

    /// Those whose answers a request may get, in turn: its own, and what was recorded of one host alone; of a request
    /// that names none, all.
    pub(crate) fn asked(&self, named: Option<Host>) -> impl Iterator<Item = Option<Host>> {
        let all = if named.is_none() { u32::try_from(self.numbers.len()).unwrap_or(u32::MAX) } else { 0 };
        named.into_iter().map(Some).chain([None]).chain((1..=all).map(|number| Some(Host(number))))
    }
}

fn fixture_of(name: &str) -> &str {
    name.rsplit_once('#').map_or(name, |(fixture, _)| fixture)
}

fn named_by(request: &Request) -> Option<String> {
    request.headers.text("host").map(spelled)
}

/// A host in one spelling: lower case, and without a port that says nothing.
fn spelled(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let bare = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).unwrap_or(&host);
    bare.trim_end_matches('.').to_owned()
}
