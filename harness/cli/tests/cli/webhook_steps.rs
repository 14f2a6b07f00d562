//! What the subject must answer a webhook, judged where it answers otherwise.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::Project;

/// One webhook, spoilt on its way or not, and what must be answered.
fn delivered(step: &str, faults: &str) -> (i32, String) {
    let project = Project::new();
    project.write(
        "scenarios/s/it.yaml",
        &format!(
            "counterpart: scenario/1\ntitle: A webhook is answered\ncovers: []\nfixtures: [slack/channel-messages]\n\
             {faults}steps:\n  - webhook: {step}\n  - settle: {{}}\nexpect:\n  - deliveries: {{at_least: 1}}\n\
             allow: {{unused: one webhook is enough here}}\n"
        ),
    );
    let ran = project.run(&["run"]);
    (ran.code, ran.out)
}

const SPOILT: &str = "faults:\n  - at: {webhook: {exchange: event-1}}\n    inject: {webhook_bad_signature: {how: other_body}}\n";

#[test]
fn another_status_than_is_wanted_is_a_violation() {
    assert_eq!(delivered("{exchange: event-1}", "").0, 0);
    assert_eq!(delivered("{exchange: event-1, status: 401}", SPOILT).0, 0);
    assert_eq!(
        delivered("{exchange: event-1}", SPOILT).0,
        0,
        "where a fault strikes anything may be answered"
    );
    for (step, faults, expected) in [
        ("{exchange: event-1, status: 401}", "", "expected: 401"),
        ("{exchange: event-1, status: 200}", SPOILT, "expected: 200"),
    ] {
        let (code, told) = delivered(step, faults);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("the subject did not answer the webhook as it must"), "{told}");
        assert!(told.contains("not kept: step webhook") && told.contains(expected), "{told}");
    }
}
