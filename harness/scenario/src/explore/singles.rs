//! The first stage: every fault at every place, once, several times and always.

use super::atoms::Atom;
use super::case::{Case, Stage};
use super::chance::Chance;
use super::mixes::{TOGETHER, shaped};
use crate::file::Step;
use counterpart_stand_in::{FaultSite, Times};
use std::collections::{BTreeMap, BTreeSet};

/// So often is several times: more than the failures after which people are told.
const SEVERAL: u64 = 4;

/// How often a fault strikes, in the order in which it is tried.
pub(super) const TIMES: [Times; 3] = [Times::Count(1), Times::Count(SEVERAL), Times::Always];

/// What goes wrong most often, the most common and the cheapest first. A time-out comes last of them: it costs the time
/// that the subject waits.
const COMMON: [&str; 20] = [
    "server_error",
    "rate_limited",
    "reset",
    "truncated",
    "webhook_duplicate",
    "answer_lost",
    "expired_token",
    "malformed_json",
    "duplicate_records",
    "missing_field",
    "null_field",
    "empty_body",
    "refused",
    "not_found",
    "forbidden",
    "webhook_bad_signature",
    "webhook_out_of_order",
    "maintenance_page",
    "latency",
    "timeout",
];

/// The cases: first what is common, once at one place of each operation; then all others, once, several times and always in
/// turn, each in an order that chance decides, so that the first of them show a bit of everything. Chance decides about the
/// places too.
///
/// What a provider sends late meets what it sends next only where nobody waits for it: webhooks are let come together.
pub(super) fn cases(atoms: &[Atom], happy: &[Step], seed: u64) -> Vec<Case> {
    let together = shaped(happy, TOGETHER);
    let steps_for = |atom: &Atom| if atom.is_webhook() { together.clone() } else { happy.to_vec() };
    let mut chance = Chance::of(seed, 1);
    let mut of_times = TIMES.map(|times| {
        let mut cases: Vec<(&Atom, Case)> = atoms
            .iter()
            .filter(|atom| makes_sense(atom, times))
            .map(|atom| {
                let case = Case {
                    stage: Stage::Singles,
                    faults: vec![atom.planned(times)],
                    steps: steps_for(atom),
                    records: BTreeMap::new(),
                    meets: BTreeSet::new(),
                };
                (atom, case)
            })
            .collect();
        chance.shuffle(&mut cases);
        cases
    });
    let mut cases = taken_first(&mut of_times[0]);
    let mut of_times = of_times.map(|cases| cases.into_iter().map(|(_, case)| case));
    loop {
        let before = cases.len();
        cases.extend(of_times.iter_mut().filter_map(Iterator::next));
        if cases.len() == before {
            return cases;
        }
    }
}

/// Takes out, of what strikes once, what is common: one place of each operation.
fn taken_first(once: &mut Vec<(&Atom, Case)>) -> Vec<Case> {
    let mut known: BTreeSet<(usize, &str)> = BTreeSet::new();
    let mut first: Vec<(usize, Case)> = Vec::new();
    once.retain_mut(|(atom, case)| {
        let rank = COMMON.iter().position(|kind| *kind == atom.fault.name());
        let Some(rank) = rank.filter(|rank| known.insert((*rank, &atom.operation))) else { return true };
        first.push((rank, case.clone()));
        false
    });
    first.sort_by_key(|(rank, _)| *rank);
    first.into_iter().map(|(_, case)| case).collect()
}

/// An operation is struck once where one of its exchanges is: as a place of its own it is worth trying for good.
fn makes_sense(atom: &Atom, times: Times) -> bool {
    match atom.at {
        FaultSite::Request { .. } => times != Times::Count(1),
        FaultSite::Connection(_) => times == Times::Count(1),
        FaultSite::Webhook(_) => times != Times::Count(SEVERAL),
        FaultSite::Exchange(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_stand_in::{Fault, WebhookSelector};
    use serde_json::json;

    fn atom(kind: &str, parameters: serde_json::Value, at: FaultSite, operation: &str) -> Atom {
        Atom { fault: Fault::named(kind, parameters).unwrap(), at, operation: operation.to_owned() }
    }

    fn atoms() -> Vec<Atom> {
        let mut atoms = Vec::new();
        for (exchange, operation) in [("a-1", "GET /a"), ("a-2", "GET /a"), ("b-1", "GET /b")] {
            for (kind, parameters) in [
                ("timeout", json!({})),
                ("garbage", json!({})),
                ("server_error", json!({ "status": 500 })),
                ("server_error", json!({ "status": 503 })),
            ] {
                atoms.push(atom(kind, parameters, FaultSite::Exchange(exchange.to_owned()), operation));
            }
        }
        let webhook = FaultSite::Webhook(WebhookSelector::Exchange("event-1".to_owned()));
        atoms.push(atom("webhook_duplicate", json!({}), webhook, "POST /hook"));
        atoms
    }

    fn told(cases: &[Case]) -> Vec<String> {
        cases.iter().map(|case| super::super::findings::told_faults(case).join(" ")).collect()
    }

    #[test]
    fn what_is_common_comes_first_at_one_place_of_each_operation() {
        let all = cases(&atoms(), &[], 7);
        let first: Vec<(&str, bool)> = all
            .iter()
            .take(6)
            .map(|case| (case.faults[0].inject.name(), case.faults[0].times == Times::Count(1)))
            .collect();
        let kinds = ["server_error", "server_error", "webhook_duplicate", "timeout", "timeout", "garbage"];
        assert_eq!(first[..5], kinds.map(|kind| (kind, true))[..5]);
        for of_kind in [&all[..2], &all[3..5]] {
            let of_b =
                of_kind.iter().filter(|case| super::super::case::place_of(&case.faults[0].at) == "b-1");
            assert_eq!(of_b.count(), 1, "one of each operation: {:?}", told(of_kind));
        }
    }

    #[test]
    fn each_case_comes_once_and_the_seed_decides_the_order() {
        let all = told(&cases(&atoms(), &[], 7));
        assert_eq!(all, told(&cases(&atoms(), &[], 7)));
        assert_ne!(all, told(&cases(&atoms(), &[], 8)));
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!((distinct.len(), all.len()), (12 * 3 + 2, 12 * 3 + 2));
    }
}
