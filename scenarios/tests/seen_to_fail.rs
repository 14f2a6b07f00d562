//! Each scenario has been seen to fail, for its own reason: a known bug of the runtime is switched on, and the
//! promise that the scenario exists for is broken.

mod support;

use counterpart_outcome::{Verdict, ViolationKind};
use counterpart_reference_subject::Plant;
use std::collections::BTreeSet;

/// Scenario, bug, and what must be broken by it.
const SEEN: [(&str, Plant, &str); 45] = [
    ("happy-path", Plant::NoticesSkipped, "expectation destination"),
    ("happy-path", Plant::SecretLogged, "invariant no_secret"),
    ("token-expires-between-pages", Plant::NoRefresh, "expectation requests"),
    ("token-expires-between-pages", Plant::RefreshNotStored, "expectation requests"),
    ("refresh-refused", Plant::AlertMissing, "expectation alerts"),
    ("refresh-refused", Plant::NoRefresh, "expectation requests"),
    ("refresh-refused-as-recorded", Plant::ErrorSwallowed, "expectation runs"),
    ("rate-limited-with-retry-after", Plant::RetryAfterIgnored, "invariant polite"),
    ("rate-limited-without-retry-after", Plant::NoBackoff, "expectation elapsed"),
    ("three-server-errors", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("three-server-errors", Plant::NoBackoff, "invariant polite"),
    ("provider-down-for-good", Plant::AlertMissing, "expectation alerts"),
    ("provider-hangs", Plant::NoTimeout, "step settle"),
    ("reset-mid-body", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("truncated-page", Plant::AuditSkipped, "invariant audited"),
    ("malformed-json", Plant::ErrorSwallowed, "expectation destination"),
    ("record-without-required-field", Plant::NoValidation, "invariant validated"),
    ("empty-field", Plant::NoValidation, "invariant validated"),
    ("page-without-its-list", Plant::CursorBeforeCommit, "invariant nothing_lost"),
    ("records-repeated-across-pages", Plant::InsertNotUpsert, "invariant applied_once"),
    ("run-twice", Plant::InsertNotUpsert, "expectation destination"),
    ("permission-removed", Plant::ForbiddenRetried, "expectation requests"),
    ("room-not-allowed", Plant::ErrorSwallowed, "expectation alerts"),
    ("room-not-there", Plant::ErrorSwallowed, "expectation alerts"),
    ("restarted-while-waiting", Plant::WaitForgotten, "invariant polite"),
    ("restarted-while-waiting", Plant::CursorNotSaved, "expectation requests"),
    ("webhooks/happy-path", Plant::WebhookLostAfterAnswer, "expectation destination"),
    ("webhooks/duplicate", Plant::WebhookNotDeduplicated, "invariant applied_once"),
    ("webhooks/concurrent-duplicates", Plant::WebhookNotDeduplicated, "invariant applied_once"),
    ("webhooks/out-of-order", Plant::WebhookOlderWins, "expectation destination"),
    ("webhooks/delayed", Plant::WebhookOlderWins, "expectation destination"),
    ("webhooks/lost", Plant::SecretLogged, "invariant no_secret"),
    ("webhooks/bad-signature", Plant::WebhookUnverified, "step webhook"),
    ("webhooks/bad-signature", Plant::AuditSkipped, "invariant audited"),
    ("webhooks/altered-on-the-way", Plant::WebhookUnverified, "expectation deliveries"),
    ("webhooks/stale-timestamp", Plant::WebhookStaleAccepted, "step webhook"),
    ("webhooks/wrong-tenant", Plant::WebhookTenantUnchecked, "expectation alerts"),
    ("webhooks/replayed", Plant::WebhookStaleAccepted, "expectation deliveries"),
    ("webhooks/batch", Plant::WebhookNotDeduplicated, "invariant applied_once"),
    ("webhooks/batch-spanning-tenants", Plant::WebhookTenantUnchecked, "expectation alerts"),
    ("webhooks/unknown-type", Plant::WebhookUnknownDropped, "expectation holds"),
    ("webhooks/unknown-type", Plant::AlertMissing, "expectation alerts"),
    ("webhooks/older-version", Plant::WebhookOlderVersionDropped, "expectation destination"),
    ("webhooks/oversize", Plant::AuditSkipped, "invariant audited"),
    ("webhooks/burst", Plant::WebhookNotDeduplicated, "invariant applied_once"),
];

/// The scenario's full name: those of the first suite go without it.
fn full_name(scenario: &str) -> String {
    if scenario.contains('/') { scenario.to_owned() } else { format!("chat-import/{scenario}") }
}

#[test]
fn every_scenario_has_been_seen_to_fail_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (scenario, plant, reason) in SEEN {
        let name = full_name(scenario);
        let outcomes = support::play(Some(&name), &[plant]);
        let Some(outcome) = outcomes.iter().find(|outcome| outcome.name == name) else {
            panic!("there is no scenario {name}");
        };
        let broken: BTreeSet<String> = outcome
            .attempts
            .iter()
            .flat_map(|attempt| &attempt.violations)
            .map(|one| words(&one.kind))
            .collect();
        if outcome.verdict != Verdict::Failed || !broken.contains(reason) {
            wrong.push(format!(
                "{scenario} with {plant}: {:?}; broke {broken:?}, not {reason}",
                outcome.verdict
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_leaves_out_no_scenario_and_no_bug() {
    let tried: BTreeSet<String> = SEEN.iter().map(|(scenario, ..)| full_name(scenario)).collect();
    let all: BTreeSet<String> = support::names().into_iter().collect();
    assert_eq!(tried, all, "each scenario needs a row in the table");
    let planted: BTreeSet<Plant> = SEEN.iter().map(|(_, plant, _)| *plant).collect();
    assert_eq!(
        planted,
        BTreeSet::from_iter(Plant::ALL.iter().copied()),
        "each bug needs a scenario that finds it"
    );
}

fn words(kind: &ViolationKind) -> String {
    match kind {
        ViolationKind::Expectation(name) => format!("expectation {name}"),
        ViolationKind::Invariant(name) => format!("invariant {name}"),
        ViolationKind::Step(name) => format!("step {name}"),
        ViolationKind::Unmatched => "unmatched".to_owned(),
        ViolationKind::FaultUnused => "fault unused".to_owned(),
    }
}
