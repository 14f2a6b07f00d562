//! A scenario plays fewer records than were recorded, and is told where it names some that are not there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Library;
use counterpart_outcome::Verdict;
use counterpart_reference_subject::spec;
use counterpart_scenario::{Catalogue, Plan, PlanError, Planner};
use counterpart_stand_in::records_on_page;
use std::path::Path;

fn planned(records: &str) -> Result<Plan, PlanError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.yaml");
    let text = format!(
        "counterpart: scenario/1
title: Fewer records
covers: []
fixtures: [matrix/room-history]
records: {records}
faults:
  - at: {{exchange: messages-9}}
    inject: {{server_error: {{}}}}
steps:
  - trigger: {{sync: {{room: '#history:test.local'}}}}
  - settle: {{}}
expect:
  - destination: {{same_as: happy_path}}
"
    );
    std::fs::write(&path, text).unwrap();
    let library = Library::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"));
    let (catalogue, subject) = (Catalogue::default(), spec());
    Planner::new(&library, &catalogue, &subject).plan(&path, "s")
}

#[test]
fn what_is_left_is_what_was_recorded() {
    let counts = |records: &str| {
        let plan = planned(records).unwrap();
        let exchanges = plan.fixtures.iter().flat_map(|fixture| &fixture.exchanges);
        exchanges.filter_map(|exchange| records_on_page(exchange, &plan.profile)).collect::<Vec<_>>()
    };
    let whole = counts("{}");
    let cut = counts("{messages-1: [10], matrix/room-history#messages-2: []}");
    assert_eq!((whole[0], whole[1]), (10, 10));
    assert_eq!((cut[0], cut[1], &cut[2..]), (1, 0, &whole[2..]));
    let plan = planned("{messages-2: [2, 4]}").unwrap();
    let of = |plan: &Plan| {
        let exchanges = plan.fixtures.iter().flat_map(|fixture| &fixture.exchanges);
        let page = exchanges.clone().find(|exchange| exchange.id.to_string() == "messages-2").unwrap();
        page.response.as_ref().unwrap().body.json().unwrap().to_value()
    };
    let (before, after) = (of(&planned("{}").unwrap()), of(&plan));
    assert_eq!(after["chunk"], serde_json::json!([before["chunk"][1], before["chunk"][3]]));
    assert_eq!((&after["start"], &after["end"]), (&before["start"], &before["end"]));
}

#[test]
fn a_happy_path_has_the_records_of_its_scenario() {
    let plans = ["{}", "{messages-2: [2, 4]}", "{messages-2: []}"].map(|records| planned(records).unwrap());
    let outcomes = crate::support::play_plans(&plans, &[]);
    assert!(outcomes.iter().all(|outcome| outcome.verdict == Verdict::Passed), "{outcomes:#?}");
}

#[test]
fn what_is_not_there_is_told_with_its_place() {
    let told = |records: &str| {
        let PlanError(problems) = planned(records).map(|_| ()).unwrap_err();
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        let place = problem.place.unwrap();
        format!("{}:{}: {}", place.line, place.column, problem.message)
    };
    insta::assert_snapshot!(
        [
            told("{message-1: []}"),
            told("{messages-1: [11]}"),
            told("{messages-1: [0]}"),
            told("{messages-1: [2, 2]}"),
            told("{messages-1: [3, 2]}"),
            told("{resolve_alias-1: [1]}"),
            told("{messages-1: all}"),
        ]
        .join("\n"),
        @r##"
    5:11: no exchange of the fixtures is called `message-1`; did you mean `messages-1`?
    5:11: the page of `messages-1` has 10 records, counted from 1, and no record 11
    5:11: the page of `messages-1` has 10 records, counted from 1, and no record 0
    5:11: name each record of `messages-1` once, in the order of the page
    5:11: name each record of `messages-1` once, in the order of the page
    5:11: `resolve_alias-1` recorded no page of records: the provider profile names those under `pagination` or as the `list` of a resource
    5:23: found the text "all"; expected a list
    "##
    );
}
