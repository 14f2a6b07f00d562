//! Each scenario of a webhook's fault shows that fault: taken out, the scenario fails.

mod support;

use counterpart_outcome::{ScenarioOutcome, Verdict};
use counterpart_reference_subject::spec;

#[test]
fn without_its_fault_each_scenario_fails() {
    assert!(spec().webhooks.is_some(), "the bundled subject takes webhooks");
    let outcomes = support::play_changed(Some("webhooks/ !happy"), &[], |plan| plan.faults.clear());
    let unmoved: Vec<&ScenarioOutcome> =
        outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Failed).collect();
    let told: Vec<String> =
        unmoved.iter().map(|outcome| format!("{}: {:?}", outcome.name, outcome.verdict)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(outcomes.len() >= 14, "one for each fault of a webhook, at least");
}
