//! Free loopback ports for subjects that take theirs from outside.
//!
//! They are taken from below the range from which systems give ports away, so that no connection is given one between
//! its choice and its use, and no two are given out alike in this process.

use crate::launch::LaunchError;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port, and how many.
const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;
/// Ports that are tried for one.
const MAX_TRIES: usize = 500;

/// Ports by the names in braces that stand for them: `port`, `port:admin`.
pub(crate) type Ports = BTreeMap<String, u16>;

/// A port for each name.
pub(crate) fn free(names: impl IntoIterator<Item = String>) -> Result<Ports, LaunchError> {
    names.into_iter().map(|name| Ok((name, one()?))).collect()
}

fn one() -> Result<u16, LaunchError> {
    // Two of these processes begin at different places.
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let drawn = RandomState::new().hash_one(std::process::id());
        AtomicU16::new(u16::try_from(drawn % u64::from(COUNT)).unwrap_or_default())
    });
    (0..MAX_TRIES)
        .map(|_| FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| {
            let last = FIRST + COUNT - 1;
            LaunchError(format!(
                "no port is free on 127.0.0.1: {MAX_TRIES} were tried between {FIRST} and {last}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_no_two_alike() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, one().unwrap())).unwrap();
        let ports = free((0..200).map(|number| format!("port:{number}"))).unwrap();
        let distinct: std::collections::BTreeSet<u16> = ports.values().copied().collect();
        assert_eq!(distinct.len(), 200);
        assert!(!distinct.contains(&taken.local_addr().unwrap().port()));
    }
}
