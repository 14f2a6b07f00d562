//! Each fault has a scenario whose outcome depends on it: taken out, the scenario no longer passes.

use counterpart_outcome::Verdict;
use counterpart_stand_in::Fault;
use std::collections::BTreeSet;

#[test]
fn every_fault_is_injected_by_a_scenario() {
    let injected: BTreeSet<&str> = crate::support::plans(None)
        .iter()
        .flat_map(|plan| plan.faults.iter().map(|fault| fault.inject.name()).collect::<Vec<_>>())
        .collect();
    let missing: Vec<&str> =
        Fault::ALL.iter().map(|fault| fault.name).filter(|name| !injected.contains(name)).collect();
    assert!(missing.is_empty(), "no scenario injects: {}", missing.join(", "));
}

#[test]
fn a_scenario_fails_without_any_one_of_its_faults() {
    let mut without_one = Vec::new();
    for plan in crate::support::plans(None) {
        for index in 0..plan.faults.len() {
            let mut plan = plan.clone();
            let taken_out = plan.faults.remove(index);
            plan.name = format!("{} without {}, its fault {}", plan.name, taken_out.inject.name(), index + 1);
            without_one.push(plan);
        }
    }
    assert!(!without_one.is_empty());
    let passed: Vec<String> = crate::support::play_plans(&without_one, &[])
        .into_iter()
        .filter(|outcome| outcome.verdict != Verdict::Failed)
        .map(|outcome| format!("{}: {:?}", outcome.name, outcome.verdict))
        .collect();
    assert!(passed.is_empty(), "the fault makes no difference:\n{}", passed.join("\n"));
}
