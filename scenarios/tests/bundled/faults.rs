//! Each fault has a scenario whose outcome depends on it: taken out, the scenario no longer passes. So has each limit of
//! a scenario's quota.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::LimitKind;
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

#[test]
fn every_kind_of_limit_but_that_of_places_is_met_by_a_scenario() {
    let met: BTreeSet<&str> = crate::support::plans(None)
        .iter()
        .flat_map(|plan| plan.quota.iter().map(|limit| name_of(limit.kind)).collect::<Vec<_>>())
        .collect();
    // The bundled runtime makes one call at a time under a clock that is moved, so it cannot take two places.
    let all = ["calls_per_second", "daily", "fixed_window", "leaky_bucket", "token_bucket"];
    assert_eq!(met.into_iter().collect::<Vec<_>>(), all);
}

fn name_of(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::TokenBucket { .. } => "token_bucket",
        LimitKind::LeakyBucket { .. } => "leaky_bucket",
        LimitKind::CallsPerSecond { .. } => "calls_per_second",
        LimitKind::RollingWindow { .. } => "rolling_window",
        LimitKind::FixedWindow { .. } => "fixed_window",
        LimitKind::Concurrency { .. } => "concurrency",
        LimitKind::Daily { .. } => "daily",
    }
}

#[test]
fn a_scenario_fails_without_its_quota_and_where_nobody_meets_it() {
    let mut plans: Vec<_> =
        crate::support::plans(None).into_iter().filter(|plan| !plan.quota.is_empty()).collect();
    assert!(!plans.is_empty());
    let generous: Vec<_> = plans
        .iter()
        .cloned()
        .map(|mut plan| {
            for limit in &mut plan.quota {
                limit.kind = LimitKind::CallsPerSecond { limit: 10_000.try_into().unwrap() };
            }
            plan
        })
        .collect();
    plans.iter_mut().for_each(|plan| plan.quota.clear());
    for outcome in crate::support::play_plans(&plans, &[]) {
        assert_eq!(outcome.verdict, Verdict::Failed, "{} without its quota", outcome.name);
    }
    for outcome in crate::support::play_plans(&generous, &[]) {
        let messages: Vec<&str> =
            outcome.attempts[0].violations.iter().map(|violation| violation.message.as_str()).collect();
        assert!(messages.contains(&"nobody came up against this limit"), "{}: {messages:?}", outcome.name);
    }
}
