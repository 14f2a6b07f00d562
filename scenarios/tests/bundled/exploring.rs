//! Exploring finds known bugs in seconds, and nothing in the runtime as it is. The whole proof, every bug and ten thousand
//! cases, is `benches/exploring.py`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Library;
use counterpart_outcome::{ScenarioOutcome, Verdict};
use counterpart_reference_subject::{Plant, ReferenceLaunch, spec};
use counterpart_scenario::{Catalogue, Exploration, ExploreOptions, Explorer, Planner};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

/// Explores a bundled scenario: so many cases at most, or until the first cause.
fn explore(scenario: &str, plants: &[Plant], most_cases: usize, jobs: usize) -> Exploration {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let plan = crate::support::plans(Some(scenario)).into_iter().find(|plan| plan.name == scenario).unwrap();
    let (subject, launch) = (spec(), ReferenceLaunch { plants: BTreeSet::from_iter(plants.iter().copied()) });
    let options = ExploreOptions {
        seed: 1,
        budget: None,
        most_cases: Some(most_cases),
        jobs: NonZeroUsize::new(jobs).unwrap(),
        stops_at_first: !plants.is_empty(),
        tenants: "tenant".to_owned(),
        told_to_stop: tokio::sync::watch::channel(false).1,
    };
    Explorer { plan: &plan, subject: &subject, launch: &launch, options }.explore(&|_| {}).unwrap()
}

#[test]
fn nothing_is_found_in_the_sound_runtime() {
    for (scenario, cases) in [("chat-import/happy-path", 150), ("webhooks/happy-path", 150)] {
        let exploration = explore(scenario, &[], cases, 2);
        assert_eq!(exploration.cases, cases);
        let found: Vec<_> =
            exploration.found.iter().map(|one| (&one.cause, &one.faults, &one.actual)).collect();
        assert!(found.is_empty(), "{found:#?}");
        assert!(exploration.unreproduced.is_empty(), "{:?}", exploration.unreproduced);
        assert_eq!(exploration.first_unjudged, None);
        assert!(exploration.reuses_subject);
        // Cases without an effect would show nothing.
        let kept: usize = exploration.stages.iter().map(|stage| stage.kept).sum();
        assert!(kept * 2 > cases, "{kept} of {cases}");
    }
}

#[test]
fn known_bugs_are_found_and_each_becomes_a_scenario_that_fails_by_itself() {
    for (plant, scenario, promise) in [
        (Plant::RetryAfterIgnored, "chat-import/happy-path", "invariant polite"),
        (Plant::InsertNotUpsert, "chat-import/happy-path", "expectation destination"),
        (Plant::WebhookUnverified, "webhooks/happy-path", "invariant validated"),
        (Plant::LostUpdate, "webhooks/happy-path", "expectation destination"),
        (Plant::KeyPerAttempt, "relay/answer-lost-behind-a-key", "exhausted"),
    ] {
        let exploration = explore(scenario, &[plant], 400, 2);
        let [found] = &exploration.found[..] else { panic!("{plant}: {:#?}", exploration.found) };
        assert_eq!(found.promise, promise, "{plant}: {}", found.cause);
        assert_eq!(found.faults.len(), 1, "{plant}: {:?}", found.faults);
        let (left, recorded) = found.records;
        assert!(left * 5 <= recorded, "{plant}: {left} of {recorded} records are left");
        assert_eq!(fails_by_itself(&found.text, &[plant]), Verdict::Failed, "{plant}: {}", found.text);
        assert_eq!(fails_by_itself(&found.text, &[]), Verdict::Passed, "{plant}: {}", found.text);
    }
}

#[test]
fn the_same_seed_finds_the_same_however_many_work_on_it() {
    let told = |jobs| {
        let exploration = explore("webhooks/happy-path", &[Plant::WebhookUnverified], 60, jobs);
        exploration.found.into_iter().map(|found| (found.text, found.first_case)).collect::<Vec<_>>()
    };
    let alone = told(1);
    assert!(!alone.is_empty());
    assert_eq!(alone, told(3));
}

/// What exploring found once: what a subject sends at once after it was killed is its own, not its predecessor's.
#[test]
fn a_subject_that_goes_on_at_once_after_a_kill_comes_to_rest() {
    let text = "counterpart: scenario/1
title: A kill in the middle of the work, and a slow answer behind it
covers: []
fixtures: [matrix/room-history]
faults:
  - at: {exchange: messages-4}
    inject: {bandwidth: {bytes_per_s: 1000}}
steps:
  - trigger: {sync: {room: '#history:test.local'}}
  - kill: {}
  - settle: {}
expect:
  - destination: {same_as: happy_path_or_held, unique_by: key}
allow:
  unused: The kill may come before all was asked for
";
    for _ in 0..5 {
        let outcome = played(text, &[]);
        assert_eq!(outcome.verdict, Verdict::Passed, "{outcome:#?}");
    }
}

/// What comes of a found scenario when its file is read and played.
fn fails_by_itself(text: &str, plants: &[Plant]) -> Verdict {
    played(text, plants).verdict
}

/// The same, with all that was seen.
fn played(text: &str, plants: &[Plant]) -> ScenarioOutcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found.yaml");
    std::fs::write(&path, text).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = Library::new(root.join("../fixtures"));
    let (catalogue, subject) = (Catalogue::default(), spec());
    let mut planner = Planner::new(&library, &catalogue, &subject);
    let plan = planner.plan(&path, "found/found").unwrap_or_else(|error| panic!("{error}\n{text}"));
    crate::support::play_plans(&[plan], plants).remove(0)
}
