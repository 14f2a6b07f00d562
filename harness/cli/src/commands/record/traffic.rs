//! What passed a recording that no fixture shows, told when it ends.

use counterpart_recorder::Traffic;
use std::collections::BTreeMap;

/// Hosts that are told by name.
const MAX_TOLD: usize = 20;

/// One line for each thing that happened.
pub(crate) fn told(traffic: &Traffic) -> Vec<String> {
    let Traffic { tunnelled, passed_on, refused, handshakes_failed, invalid } = traffic;
    let mut lines = Vec::new();
    let mut tell = |hosts: &BTreeMap<String, u64>, what: &str| {
        if !hosts.is_empty() {
            lines.push(format!("{what}: {}", listed(hosts)));
        }
    };
    tell(tunnelled, "passed on untouched, because it was not named");
    tell(passed_on, "passed on and not recorded, because it was not named");
    tell(refused, "refused");
    tell(
        handshakes_failed,
        "no TLS was agreed on; does the client trust the authority (counterpart ca path)?",
    );
    if *invalid > 0 {
        lines.push(format!("connections that ended with what is no HTTP: {invalid}"));
    }
    lines
}

fn listed(hosts: &BTreeMap<String, u64>) -> String {
    let mut all: Vec<String> =
        hosts.iter().take(MAX_TOLD).map(|(host, count)| format!("{host} ({count})")).collect();
    if let Some(more @ 1..) = hosts.len().checked_sub(MAX_TOLD) {
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_happened_is_told_once() {
        assert_eq!(told(&Traffic::default()), Vec::<String>::new());
        let hosts = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 2)).collect();
        let traffic = Traffic {
            tunnelled: hosts(&["registry.example:443", "a.example:443"]),
            passed_on: hosts(&["b.example:80"]),
            refused: hosts(&["c.example:443"]),
            handshakes_failed: hosts(&["api.example.com:443"]),
            invalid: 1,
        };
        insta::assert_snapshot!(told(&traffic).join("\n"), @r"
        passed on untouched, because it was not named: a.example:443 (2), registry.example:443 (2)
        passed on and not recorded, because it was not named: b.example:80 (2)
        refused: c.example:443 (2)
        no TLS was agreed on; does the client trust the authority (counterpart ca path)?: api.example.com:443 (2)
        connections that ended with what is no HTTP: 1
        ");
    }

    #[test]
    fn of_many_hosts_some_are_named() {
        let hosts: BTreeMap<String, u64> = (0..22).map(|number| (format!("h{number:02}:1"), 1)).collect();
        let told = listed(&hosts);
        assert!(told.starts_with("h00:1 (1), ") && told.ends_with("h19:1 (1), and 2 more"), "{told}");
    }
}
