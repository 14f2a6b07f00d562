//! Every bundled scenario passes against the bundled runtime.

use counterpart_outcome::{ScenarioOutcome, Verdict, canonical_outcomes};
use counterpart_report::{Style, terminal};

#[test]
fn every_scenario_passes() {
    let outcomes = crate::support::play(None, &[]);
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Passed)
        .map(|outcome| terminal::failure(outcome, Style::Plain))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let pending: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.snapshots_pending).collect();
    assert!(
        pending.is_empty(),
        "snapshots differ; run `counterpart run` and `counterpart review`: {pending:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_outcomes() {
    let play = || crate::support::play(Some("r"), &[]);
    for (first, second) in play().iter().zip(&play()) {
        let canonical =
            |outcome: &ScenarioOutcome| canonical_outcomes(std::slice::from_ref(outcome)).to_string();
        assert!(canonical(first) == canonical(second), "{} differs between two plays", first.name);
    }
}
