//! Each scenario has been seen to fail, for its own reason: a known bug of the runtime is switched on, and the
//! promise that the scenario exists for is broken.

use counterpart_outcome::{Verdict, ViolationKind};
use counterpart_reference_subject::Plant;
use std::collections::BTreeSet;

/// Scenario, bug, and what must be broken by it.
const SEEN: [(&str, Plant, &str); 141] = [
    ("chat-import/happy-path", Plant::NoticesSkipped, "expectation destination"),
    ("chat-import/happy-path", Plant::SecretLogged, "invariant no_secret"),
    ("chat-import/token-expires-between-pages", Plant::NoRefresh, "expectation requests"),
    ("chat-import/token-expires-between-pages", Plant::RefreshNotStored, "expectation requests"),
    ("chat-import/refresh-refused", Plant::AlertMissing, "expectation alerts"),
    ("chat-import/refresh-refused", Plant::NoRefresh, "expectation requests"),
    ("chat-import/refresh-refused-as-recorded", Plant::ErrorSwallowed, "expectation runs"),
    ("chat-import/rate-limited-with-retry-after", Plant::RetryAfterIgnored, "invariant polite"),
    ("chat-import/rate-limited-without-retry-after", Plant::NoBackoff, "expectation elapsed"),
    ("chat-import/three-server-errors", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/three-server-errors", Plant::NoBackoff, "invariant polite"),
    ("chat-import/provider-down-for-good", Plant::AlertMissing, "expectation alerts"),
    ("chat-import/provider-hangs", Plant::NoTimeout, "step settle"),
    ("chat-import/reset-mid-body", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/truncated-page", Plant::AuditSkipped, "invariant audited"),
    ("chat-import/malformed-json", Plant::ErrorSwallowed, "expectation destination"),
    ("chat-import/record-without-required-field", Plant::NoValidation, "invariant validated"),
    ("chat-import/empty-field", Plant::NoValidation, "invariant validated"),
    ("chat-import/page-without-its-list", Plant::CursorBeforeCommit, "invariant nothing_lost"),
    ("chat-import/records-repeated-across-pages", Plant::InsertNotUpsert, "invariant applied_once"),
    ("chat-import/run-twice", Plant::InsertNotUpsert, "expectation destination"),
    ("chat-import/permission-removed", Plant::ForbiddenRetried, "expectation requests"),
    ("chat-import/room-not-allowed", Plant::ErrorSwallowed, "expectation alerts"),
    ("chat-import/room-not-there", Plant::ErrorSwallowed, "expectation alerts"),
    ("chat-import/restarted-while-waiting", Plant::WaitForgotten, "invariant polite"),
    ("chat-import/restarted-while-waiting", Plant::CursorNotSaved, "expectation requests"),
    ("chat-import/error-with-200", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/maintenance-page", Plant::ErrorSwallowed, "expectation destination"),
    ("chat-import/room-refused-at-once[gone]", Plant::ErrorSwallowed, "expectation alerts"),
    ("chat-import/room-refused-at-once[not-found]", Plant::AlertMissing, "expectation alerts"),
    ("chat-import/room-refused-at-once[not-found]", Plant::AuditSkipped, "expectation audit"),
    ("chat-import/killed-while-waiting", Plant::WaitForgotten, "invariant polite"),
    ("chat-import/killed-while-waiting", Plant::CursorNotSaved, "expectation requests"),
    ("chat-import/told-run-by-run", Plant::NoRefresh, "step wait_for"),
    ("chat-import/told-run-by-run", Plant::AuditSkipped, "expectation audit"),
    ("chat-import/told-run-by-run", Plant::NoRefresh, "expectation order"),
    ("chat-import/told-run-by-run", Plant::NoticesSkipped, "expectation destination"),
    ("contract/import", Plant::LimitNotANumber, "expectation contract"),
    ("chat-import/server-errors-are-spaced-out", Plant::NoBackoff, "expectation requests"),
    ("chat-import/not-found-in-the-middle", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/overloaded", Plant::NoBackoff, "expectation elapsed"),
    ("chat-import/redirect-loop", Plant::ErrorSwallowed, "expectation runs"),
    ("chat-import/too-early", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/unavailable-with-retry-after", Plant::RetryAfterIgnored, "invariant polite"),
    ("chat-import/rate-limited-until-a-date", Plant::RetryAfterIgnored, "expectation elapsed"),
    ("chat-import/rate-limited-longer-than-told", Plant::RetryAfterIgnored, "invariant polite"),
    ("chat-import/byte-order-mark", Plant::ErrorSwallowed, "expectation destination"),
    ("chat-import/empty-body", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/wrong-content-type", Plant::AuditSkipped, "invariant audited"),
    ("chat-import/huge-body", Plant::ErrorSwallowed, "expectation destination"),
    ("chat-import/null-field", Plant::NoValidation, "invariant validated"),
    ("chat-import/wrong-type", Plant::NoValidation, "invariant validated"),
    ("chat-import/unknown-kind", Plant::UnknownRefused, "expectation holds"),
    ("chat-import/extra-field", Plant::UnknownRefused, "expectation destination"),
    ("chat-import/number-beyond-a-double", Plant::NumbersAsDoubles, "expectation probe"),
    ("chat-import/number-beyond-64-bits", Plant::NoValidation, "invariant validated"),
    ("chat-import/lone-surrogate", Plant::AlertMissing, "invariant loud"),
    ("chat-import/cursor-loop", Plant::CirclesUnnoticed, "expectation elapsed"),
    ("chat-import/cursor-expired", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("chat-import/out-of-order", Plant::OrderTrusted, "invariant nothing_lost"),
    ("chat-import/record-comes-twice-while-paging", Plant::InsertNotUpsert, "invariant applied_once"),
    ("chat-import/record-skipped-while-paging", Plant::InsertNotUpsert, "invariant applied_once"),
    ("chat-import/record-taken-back", Plant::NoValidation, "expectation destination"),
    ("chat-import/record-deleted", Plant::ShortPageIsLast, "expectation destination"),
    ("chat-import/clock-skew", Plant::ProviderClockTrusted, "invariant nothing_lost"),
    ("throttle/token-bucket", Plant::RetryAfterIgnored, "expectation requests"),
    ("throttle/leaky-bucket", Plant::RetryAfterIgnored, "invariant polite"),
    ("throttle/fixed-window", Plant::RetryAfterIgnored, "invariant polite"),
    ("throttle/calls-per-second", Plant::NoBackoff, "expectation elapsed"),
    ("throttle/daily-quota", Plant::RetryAfterIgnored, "expectation elapsed"),
    ("throttle/daily-quota", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("wire/latency", Plant::Impatient, "expectation requests"),
    ("wire/latency-beyond-the-time-out", Plant::NoTimeout, "expectation requests"),
    ("wire/narrow-line", Plant::NoTimeout, "expectation requests"),
    ("wire/slow-drip", Plant::NoTimeout, "expectation elapsed"),
    ("wire/garbage", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("wire/garbage-at-once", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("wire/half-closed", Plant::ErrorSwallowed, "expectation destination"),
    ("wire/half-closed-at-once", Plant::ErrorSwallowed, "expectation destination"),
    ("wire/refused", Plant::NoBackoff, "expectation destination"),
    ("wire/refused-from-the-start", Plant::NoBackoff, "expectation destination"),
    ("wire/reset-at-once", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("wire/hanging-connection", Plant::NoTimeout, "expectation runs"),
    ("wire/tls", Plant::ShortPageIsLast, "expectation requests"),
    ("wire/certificate-expired", Plant::CertificateUnchecked, "expectation runs"),
    ("wire/certificate-untrusted", Plant::CertificateUnchecked, "expectation requests"),
    ("wire/certificate-of-another-server", Plant::CertificateUnchecked, "expectation alerts"),
    ("chat-import/empty-page", Plant::EmptyPageIsLast, "expectation destination"),
    ("relay/answer-lost", Plant::NoTimeout, "step settle"),
    ("relay/answer-lost-behind-a-key", Plant::KeyPerAttempt, "exhausted"),
    ("relay/answers-late-for-days", Plant::KeyExpiryIgnored, "expectation requests"),
    ("relay/answer-lost-without-a-key", Plant::KeyExpiryIgnored, "exhausted"),
    ("relay/two-providers", Plant::ErrorSwallowed, "expectation destination"),
    ("relay/conflict", Plant::ErrorSwallowed, "expectation runs"),
    ("relay/unprocessable", Plant::AlertMissing, "expectation alerts"),
    ("relay/too-early", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("relay/error-with-200", Plant::StatusBelieved, "expectation requests"),
    ("relay/graphql-error", Plant::StatusBelieved, "expectation requests"),
    ("relay/graphql-denied", Plant::StatusBelieved, "expectation alerts"),
    ("relay/graphql-partial", Plant::StatusBelieved, "expectation destination"),
    ("relay/json-rpc-error", Plant::NoBackoff, "expectation elapsed"),
    ("relay/json-rpc-refused", Plant::StatusBelieved, "expectation holds"),
    ("relay/soap-fault-of-the-server", Plant::ErrorSwallowed, "expectation destination"),
    ("relay/soap-fault-of-the-client", Plant::AlertMissing, "invariant loud"),
    ("relay/soap-fault-with-200", Plant::StatusBelieved, "expectation requests"),
    ("relay/stale-read", Plant::UnseenWrittenAgain, "expectation requests"),
    ("tokens/lifetime-missing", Plant::RefreshNotStored, "expectation requests"),
    ("tokens/lifetime-as-text", Plant::NoRefresh, "expectation requests"),
    ("tokens/no-new-refresh-token", Plant::RefreshTokenDropped, "expectation destination"),
    ("tokens/refusal-that-looks-like-success", Plant::ErrorSwallowed, "invariant nothing_lost"),
    ("tokens/tokens-as-a-form", Plant::RefreshNotStored, "expectation requests"),
    ("tokens/expiry-told-as-forbidden", Plant::NoRefresh, "expectation requests"),
    ("tokens/missing-scope", Plant::ForbiddenRetried, "expectation requests"),
    ("tokens/revoked-token", Plant::AlertMissing, "expectation alerts"),
    ("webhooks/happy-path", Plant::WebhookLostAfterAnswer, "expectation destination"),
    ("webhooks/at-once", Plant::WebhookNotDeduplicated, "invariant applied_once"),
    ("webhooks/at-once", Plant::WebhookLostAfterAnswer, "expectation destination"),
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
    ("chat-import/record-without-required-field", Plant::PartialPageCommitted, "invariant nothing_lost"),
    ("chat-import/provider-down-for-good", Plant::UnboundedRetry, "invariant recovers"),
    ("chat-import/three-server-errors", Plant::TenantMixUp, "invariant tenants_apart"),
    ("chat-import/record-without-required-field", Plant::HoldDropped, "expectation holds"),
    ("webhooks/out-of-order", Plant::LostUpdate, "expectation destination"),
    ("wire/latency", Plant::StaleWorkerCommits, "invariant audited"),
];

#[test]
fn every_scenario_has_been_seen_to_fail_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (scenario, plant, reason) in SEEN {
        let outcomes = crate::support::play(Some(scenario), &[plant]);
        let Some(outcome) = outcomes.iter().find(|outcome| outcome.name == scenario) else {
            panic!("there is no scenario {scenario}");
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
    let tried: BTreeSet<String> = SEEN.iter().map(|(scenario, ..)| (*scenario).to_owned()).collect();
    let all: BTreeSet<String> = crate::support::names().into_iter().collect();
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
        ViolationKind::Exhausted => "exhausted".to_owned(),
        ViolationKind::LooselyMatched => "loosely matched".to_owned(),
        ViolationKind::ExchangesUnused => "exchanges unused".to_owned(),
        ViolationKind::FaultUnused => "fault unused".to_owned(),
    }
}
