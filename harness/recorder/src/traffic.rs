//! What passed that no fixture shows: hosts that were let through or refused, and connections that came to nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Hosts that are told by name; further ones are counted together.
const MAX_NAMES: usize = 1_000;
/// Under which name they are.
const FURTHER: &str = "(further hosts)";

/// What passed that no fixture shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections to hosts that were not named, passed on byte for byte, by `host:port`.
    pub tunnelled: BTreeMap<String, u64>,
    /// Requests that were passed on and not recorded, by `host:port`: to hosts that were not named, without TLS, and to
    /// those that are sent elsewhere.
    pub passed_on: BTreeMap<String, u64>,
    /// What was refused, by `host:port`.
    pub refused: BTreeMap<String, u64>,
    /// Connections that ended while TLS was being agreed on, by `host:port`: the client does not trust the authority, or
    /// it expects the server's own certificate.
    pub handshakes_failed: BTreeMap<String, u64>,
    /// Connections that a client ended with something that is no HTTP.
    pub invalid: u64,
}

/// Counts what passes.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Traffic>>);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn so_far(&self) -> Traffic {
        self.lock().clone()
    }

    pub(crate) fn tunnelled(&self, host: &str) {
        count(&mut self.lock().tunnelled, host);
    }

    pub(crate) fn passed_on(&self, host: &str) {
        count(&mut self.lock().passed_on, host);
    }

    pub(crate) fn refused(&self, host: &str) {
        count(&mut self.lock().refused, host);
    }

    pub(crate) fn handshake_failed(&self, host: &str) {
        count(&mut self.lock().handshakes_failed, host);
    }

    pub(crate) fn invalid(&self) {
        self.lock().invalid += 1;
    }
}

fn count(hosts: &mut BTreeMap<String, u64>, host: &str) {
    if let Some(known) = hosts.get_mut(host) {
        *known += 1;
        return;
    }
    let name = if hosts.len() < MAX_NAMES { host } else { FURTHER };
    *hosts.entry(name.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        let tally = Tally::default();
        for number in 0..MAX_NAMES + 10 {
            tally.refused(&format!("host-{number}:443"));
        }
        tally.refused("host-0:443");
        let refused = tally.so_far().refused;
        assert_eq!(refused.len(), MAX_NAMES + 1);
        assert_eq!((refused["host-0:443"], refused[FURTHER]), (2, 10));
    }
}
