//! Every expectation and every invariant, held and broken, over observations made by hand.

use crate::catalogue::Catalogue;
use crate::expectation;
use crate::invariant;
use crate::observed::{Context, Observed};
use crate::plan::{Plan, Planner};
use crate::replay;
use crate::snapshot::SnapshotMode;
use crate::snapshot_content::Redactions;
use counterpart_exchange::{Library, OperationName, Permissions};
use counterpart_outcome::{InvariantStatus, ViolationKind};
use counterpart_stand_in::{Counts, Delivered, DeliveryEnd, Looseness, Seen, SeenNote};
use counterpart_subject::{ProbeName, SubjectSpec};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FIXTURE: &str = "counterpart: fixture/1
provider: p
flow: f
provenance: {written: {after: nothing}}
exchanges:
- id: list-1
  request: {method: GET, target: /list}
  response: {status: 200}
";

fn subject() -> SubjectSpec {
    let probe = |extra: Value| {
        let mut probe = json!({ "get": "/x" });
        probe.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        probe
    };
    serde_json::from_value(json!({
        "launch": { "url": "http://127.0.0.1:1" },
        "clock": "endpoint",
        "trigger": { "sync": { "call": "POST /sync" } },
        "probe": {
            "destination": probe(json!({ "key": "id" })),
            "alerts": probe(json!({ "kind": "kind" })),
            "holds": probe(json!({ "key": "key", "reason": "reason" })),
            "runs": probe(json!({ "state": "state", "settled": ["done", "held"] })),
            "audit": probe(json!({})),
            "log": probe(json!({})),
        },
    }))
    .unwrap()
}

fn plan(expect: &str) -> Plan {
    plan_with(expect, "")
}

/// The same with further keys of the file.
fn plan_with(expect: &str, more: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    write("fixtures/p/f.yaml", FIXTURE);
    write(
        "fixtures/p/provider.yaml",
        "counterpart: provider/1\nprovider: p\noperations: {list: GET /list}\n",
    );
    let scenario = format!(
        "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: [p/f]\nsteps: [{{trigger: {{sync: {{}}}}}}]\nexpect: [{expect}]\n{more}\n"
    );
    let path = write("s/a.yaml", &scenario);
    let library = Library::new(folder.path().join("fixtures"));
    let catalogue = Catalogue::default();
    let subject = subject();
    let mut planner = Planner::new(&library, &catalogue, &subject);
    planner.plan(&path, "s/a").unwrap_or_else(|error| panic!("{error}"))
}

fn seen(at_s: i64, status: u16) -> Seen {
    Seen {
        seq: 1,
        at: Timestamp::from_second(at_s).unwrap(),
        provider: "p".into(),
        operation: OperationName("list".into()).into(),
        method: "GET".parse().unwrap(),
        target: "/list".into(),
        exchange: Some("p/f#list-1".into()),
        fault: None,
        status: Some(status),
        retry_after_s: None,
        note: SeenNote::Replayed,
    }
}

/// One good request, two records, one run that is over.
fn good() -> Observed {
    let record = |id: &str| json!({ "id": id, "text": "words", "at": 5 });
    Observed {
        steps: Vec::new(),
        step_violations: Vec::new(),
        seen: vec![seen(0, 200)],
        delivered: Vec::new(),
        unused_faults: Vec::new(),
        limits_never_reached: Vec::new(),
        wreck: None,
        last_run: None,
        counts: Counts { replayed: 1, ..Counts::default() },
        unused_exchanges: Vec::new(),
        probes: BTreeMap::from([
            (ProbeName::Destination, vec![record("a"), record("b")]),
            (ProbeName::Alerts, vec![]),
            (ProbeName::Holds, vec![]),
            (ProbeName::Runs, vec![json!({ "state": "done" })]),
            (ProbeName::Audit, vec![json!({ "call": 1, "at": "1970-01-01T00:00:01Z" })]),
            (ProbeName::Log, vec![json!({ "level": "info", "event": "began" })]),
        ]),
        files: Vec::new(),
        sent: Vec::new(),
        names: BTreeMap::new(),
        seen_by_witness: Ok(BTreeMap::new()),
        interrupted: 0,
        at_rest: true,
        rest_is_guessed: false,
        secrets: vec!["cp-1-secret".into()],
        redactions: Redactions::default(),
        began: Timestamp::from_second(0).unwrap(),
        ended: Timestamp::from_second(60).unwrap(),
    }
}

/// The good observation with one probe's records replaced.
fn with(probe: ProbeName, records: Vec<Value>) -> Observed {
    let mut observed = good();
    observed.probes.insert(probe, records);
    observed
}

fn broken_expectations(expect: &str, observed: &Observed) -> Vec<String> {
    let (plan, subject, happy) = (plan(expect), subject(), good());
    let context = Context { plan: &plan, subject: &subject, observed, happy_path: Some(&happy) };
    let violations = expectation::judge(&context, SnapshotMode::ReportOnly, &mut Vec::new()).unwrap();
    violations.into_iter().map(|one| format!("expected {}; actual {}", one.expected, one.actual)).collect()
}

#[test]
fn every_expectation_holds_for_one_observation_and_is_broken_by_another() {
    let held = |reason: &str| json!({ "key": "b", "reason": reason });
    let alert = |kind: &str| json!({ "kind": kind });
    let table = [
        ("requests: {to: list, count: 1}", Observed { seen: vec![], ..good() }),
        (
            "requests: {to: GET /list, at_least: 1, at_most: 1}",
            Observed { seen: vec![seen(0, 200), seen(9, 200)], ..good() },
        ),
        ("destination: {count: 2}", with(ProbeName::Destination, vec![])),
        (
            "destination: {same_as: happy_path_or_held}",
            with(ProbeName::Destination, vec![json!({ "id": "a" })]),
        ),
        ("destination: {same_as: happy_path}", with(ProbeName::Destination, vec![json!({ "id": "a" })])),
        (
            "destination: {unique_by: id}",
            with(ProbeName::Destination, vec![json!({ "id": "a" }), json!({ "id": "a" })]),
        ),
        ("alerts: {none: true}", with(ProbeName::Alerts, vec![alert("late")])),
        ("holds: {count: 0}", with(ProbeName::Holds, vec![held("bad")])),
        ("runs: {states: [done]}", with(ProbeName::Runs, vec![json!({ "state": "held" })])),
        (
            "elapsed: {at_least: 1m, at_most: 1m}",
            Observed { ended: Timestamp::from_second(61).unwrap(), ..good() },
        ),
    ];
    let audit = |calls: [u64; 2]| with(ProbeName::Audit, calls.map(|call| json!({ "call": call })).to_vec());
    let table = table.into_iter().chain([
        ("audit: {entries: [{call: 1}], count: 1}", with(ProbeName::Audit, vec![json!({ "call": 2 })])),
        (
            "audit: {entries: [{call: {$type: integer}}]}",
            with(ProbeName::Audit, vec![json!({ "call": "1" })]),
        ),
        ("audit: {at_most: 1}", audit([1, 2])),
        ("destination: {at_least: 2, at_most: 2}", with(ProbeName::Destination, vec![])),
        (
            "destination: {records: [{id: a, text: {$regex: ^w}}]}",
            with(ProbeName::Destination, vec![json!({ "id": "a", "text": "x" })]),
        ),
        ("holds: {at_most: 0}", with(ProbeName::Holds, vec![held("bad")])),
        (
            "probe: {name: log, record: {level: info}, at_most: 1}",
            with(ProbeName::Log, vec![json!({ "level": "info" }); 2]),
        ),
        (
            "probe: {name: log, record: {event: {$one_of: [began, begun]}}}",
            with(ProbeName::Log, vec![json!({ "event": "x" })]),
        ),
    ]);
    let mut said = Vec::new();
    for (expect, bad) in table {
        assert_eq!(
            broken_expectations(&format!("{{{expect}}}"), &good()),
            [""; 0],
            "{expect} over a good observation"
        );
        let broken = broken_expectations(&format!("{{{expect}}}"), &bad);
        assert_eq!(broken.len(), 1, "{expect}");
        said.push(format!("{expect}: {}", broken[0]));
    }
    let one_held = with(ProbeName::Holds, vec![held("bad")]);
    assert!(broken_expectations("{holds: {count: 1, reason: bad}}", &one_held).is_empty());
    said.extend(broken_expectations("{holds: {count: 1, reason: worse}}", &one_held));
    let told = with(ProbeName::Alerts, vec![alert("late"), alert("down")]);
    assert!(broken_expectations("{alerts: {kinds: [down, late]}}", &told).is_empty());
    said.extend(broken_expectations("{alerts: {kinds: [down]}}", &told));
    let fewer = with(ProbeName::Destination, good().probes[&ProbeName::Destination][..1].to_vec());
    assert!(broken_expectations("{destination: {fewer_than_happy_path: 1}}", &fewer).is_empty());
    said.extend(broken_expectations("{destination: {fewer_than_happy_path: 1}}", &good()));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_token_that_is_in_a_record_is_not_told() {
    let leaks = with(ProbeName::Destination, vec![json!({ "id": "a", "text": "cp-1-secret", "at": 5 })]);
    let told =
        broken_expectations("destination: {same_as: happy_path, records: [{id: b}]}", &leaks).join("\n");
    assert!(told.contains("«secret»") && !told.contains("cp-1"), "{told}");
}

#[test]
fn order_and_distance_are_those_of_the_requests() {
    let at =
        |seconds: [i64; 3]| Observed { seen: seconds.map(|second| seen(second, 200)).to_vec(), ..good() };
    let apart = "{requests: {to: list, apart: {at_least: 10s, at_most: 20s}}}";
    assert_eq!(broken_expectations(apart, &at([0, 10, 30])), [""; 0]);
    assert_eq!(
        broken_expectations(apart, &at([0, 9, 20])),
        ["expected at least 10s, at most 20s; actual 9s"]
    );
    assert_eq!(broken_expectations(apart, &good()).len(), 1, "one request is not apart from anything");
    let order = "{order: {requests: [list, GET /list, list]}}";
    assert_eq!(broken_expectations(order, &at([0, 1, 2])), [""; 0]);
    let two = Observed { seen: vec![seen(0, 200), seen(1, 200)], ..good() };
    assert_eq!(broken_expectations(order, &two).len(), 1);
    let entries = "{audit: {entries: [{call: 1}, {call: 2}]}}";
    let audit = |calls: [u64; 2]| with(ProbeName::Audit, calls.map(|call| json!({ "call": call })).to_vec());
    assert_eq!(broken_expectations(entries, &audit([1, 2])), [""; 0]);
    assert_eq!(broken_expectations(entries, &audit([2, 1])).len(), 1);
}

#[test]
fn a_record_without_the_field_that_is_asked_for_is_there_all_the_same() {
    let text = |value: Value| vec![value];
    let table = [
        ("alerts: {none: true}", with(ProbeName::Alerts, text(json!({ "type": "late" })))),
        ("runs: {states: [done]}", with(ProbeName::Runs, vec![json!({ "state": "done" }), json!({})])),
        ("holds: {count: 1, reason: bad}", with(ProbeName::Holds, text(json!({ "key": "b" })))),
        ("destination: {unique_by: idd}", good()),
    ];
    let said = table.map(|(expect, observed)| {
        let broken = broken_expectations(&format!("{{{expect}}}"), &observed);
        format!("{expect}: {}", broken.join("; "))
    });
    insta::assert_snapshot!(said.join("\n"), @"
    alerts: {none: true}: expected no alert; actual (no `kind`)
    runs: {states: [done]}: expected done; actual done, (no `state`)
    holds: {count: 1, reason: bad}: expected 1 held, because of bad; actual 1 held: (no `reason`)
    destination: {unique_by: idd}: expected each `idd` once; actual none of 2 records has it
    ");
    let nameless = with(ProbeName::Destination, vec![json!({ "di": "a" }), json!({ "di": "a" })]);
    for (observed, happy) in [(&nameless, &good()), (&nameless, &nameless), (&good(), &nameless)] {
        let (plan, subject) = (plan("{alerts: {none: true}}"), subject());
        let context = Context { plan: &plan, subject: &subject, observed, happy_path: Some(happy) };
        let (outcomes, _) = invariant::judge(&context);
        let is_held =
            |name: &str| outcomes.iter().any(|one| one.name == name && one.status == InvariantStatus::Held);
        assert!(!is_held("nothing_lost"), "no record has the key that the probe names");
        assert!(!is_held("applied_once") || observed.probes == good().probes);
    }
}

/// What comes near, and is not what is expected: of the other kind, in another order, more or less often.
#[test]
fn what_nearly_fits_does_not() {
    let other =
        Seen { operation: OperationName("other".into()).into(), target: "/other".into(), ..seen(1, 200) };
    let with_other = Observed { seen: vec![seen(0, 200), other], ..good() };
    assert_eq!(broken_expectations("{requests: {to: list, count: 1}}", &with_other), [""; 0]);
    let alerts = |count: usize| with(ProbeName::Alerts, vec![json!({ "kind": "late" }); count]);
    assert_eq!(broken_expectations("{alerts: {kinds: [late, late]}}", &alerts(2)), [""; 0]);
    assert_eq!(broken_expectations("{alerts: {kinds: [late, late]}}", &alerts(1)).len(), 1);
    let runs = with(ProbeName::Runs, vec![json!({ "state": "held" }), json!({ "state": "done" })]);
    assert_eq!(broken_expectations("{runs: {states: [held, done]}}", &runs), [""; 0]);
    assert_eq!(broken_expectations("{runs: {states: [done, held]}}", &runs).len(), 1);
    let foreign = with(ProbeName::Destination, vec![json!({ "id": "c" })]);
    assert_eq!(broken_expectations("{destination: {fewer_than_happy_path: 1}}", &foreign).len(), 1);
}

#[test]
fn what_is_held_is_missing_and_somebody_was_told() {
    let expect = "{destination: {same_as: happy_path_or_held}}";
    let of = |records: Vec<Value>, holds: Vec<Value>, alerts: Vec<Value>| {
        let mut observed = with(ProbeName::Destination, records);
        observed.probes.extend([(ProbeName::Holds, holds), (ProbeName::Alerts, alerts)]);
        observed
    };
    let all = good().probes[&ProbeName::Destination].clone();
    let (held, told) = (vec![json!({ "key": "b" })], vec![json!({ "kind": "held" })]);
    assert_eq!(broken_expectations(expect, &of(all[..1].to_vec(), held.clone(), told.clone())), [""; 0]);
    assert_eq!(
        broken_expectations(expect, &of(all[..1].to_vec(), held.clone(), vec![])).len(),
        1,
        "in silence"
    );
    assert_eq!(
        broken_expectations(expect, &of(all[1..].to_vec(), held.clone(), told.clone())).len(),
        1,
        "another"
    );
    let written_too = of(all.clone(), held.clone(), told.clone());
    assert_eq!(broken_expectations(expect, &written_too), [""; 0], "held, and written in the end");
    let otherwise = vec![all[0].clone(), json!({ "id": "b", "text": "" })];
    assert_eq!(
        broken_expectations(expect, &of(otherwise, held, told.clone())).len(),
        1,
        "held, and written too"
    );
    let a_run = vec![json!({ "reason": "gone" })];
    assert_eq!(broken_expectations(expect, &of(vec![], a_run, told)), [""; 0], "a whole run");
}

/// An attempt to deliver the webhook of an exchange.
fn delivered(exchange: &str, fault: Option<&'static str>, end: DeliveryEnd) -> Delivered {
    Delivered {
        number: 1,
        at: Timestamp::UNIX_EPOCH,
        provider: "p".into(),
        operation: OperationName("event".into()).into(),
        exchange: format!("p/f#{exchange}").into(),
        id: None,
        attempt: 1,
        method: "POST".parse().unwrap(),
        url: "http://127.0.0.1:1/hooks?a=b".into(),
        headers: Vec::new(),
        body: "{}".into(),
        size_bytes: 2,
        signature: "right",
        fault,
        end,
    }
}

fn with_webhooks() -> Observed {
    let delivered = vec![
        delivered("event-2", None, DeliveryEnd::Accepted { status: 200 }),
        delivered("event-1", Some("webhook_lost"), DeliveryEnd::Lost),
        delivered("event-1", Some("webhook_bad_signature"), DeliveryEnd::Refused { status: 401 }),
        delivered("event-1", None, DeliveryEnd::TimedOut),
    ];
    Observed { delivered, ..good() }
}

#[test]
fn deliveries_are_counted_and_what_was_never_sent_is_none() {
    let observed = with_webhooks();
    let good =
        "{deliveries: {count: 3, accepted: 1, refused: 1, faulted: 1, order: [event-2, event-1, event-1]}}";
    assert_eq!(broken_expectations(good, &observed), [""; 0]);
    for (expect, actual) in [
        ("count: 4", "3"),
        ("accepted: 2", "1"),
        ("refused: 0", "1"),
        ("faulted: 2", "1"),
        ("order: [event-1, event-2]", "event-2, event-1, event-1"),
    ] {
        let broken = broken_expectations(&format!("{{deliveries: {{{expect}}}}}"), &observed);
        assert!(matches!(&broken[..], [one] if one.ends_with(&format!("actual {actual}"))), "{broken:?}");
    }
}

#[test]
fn each_webhook_that_was_answered_has_to_be_audited_and_is_told() {
    let mut observed = with_webhooks();
    assert_eq!(broken_invariants(&observed), ["audited"]);
    observed.probes.insert(ProbeName::Audit, vec![json!({ "at": "1970-01-01T00:00:01Z" }); 3]);
    assert_eq!(broken_invariants(&observed), [""; 0]);
    let told: Vec<String> = observed
        .exchanges()
        .into_iter()
        .skip(1)
        .map(|one| format!("{} {} {}: {}", one.seq, one.target, one.status.unwrap_or_default(), one.note))
        .collect();
    assert_eq!(
        told,
        [
            "2 /hooks?a=b 200: webhook, attempt 1, signature right: accepted with 200",
            "3 /hooks?a=b 0: webhook: never sent",
            "4 /hooks?a=b 401: webhook, attempt 1, signature right: refused with 401",
            "5 /hooks?a=b 0: webhook, attempt 1, signature right: no answer in time",
        ]
    );
}

/// The names of the invariants that an observation breaks.
fn broken_invariants(observed: &Observed) -> Vec<String> {
    let (plan, subject, happy) = (plan("{requests: {to: list, at_most: 1000}}"), subject(), good());
    let context = Context { plan: &plan, subject: &subject, observed, happy_path: Some(&happy) };
    let (outcomes, _) = invariant::judge(&context);
    let unchecked = outcomes.iter().filter(|one| matches!(one.status, InvariantStatus::NotChecked { .. }));
    let unchecked: Vec<&str> = unchecked.map(|one| one.name.as_str()).collect();
    assert_eq!(unchecked, ["least_privilege"], "every other invariant has its check");
    outcomes.into_iter().filter(|one| one.status == InvariantStatus::Violated).map(|one| one.name).collect()
}

#[test]
fn every_invariant_that_is_checked_is_broken_by_its_own_observation() {
    assert_eq!(broken_invariants(&good()), [""; 0]);
    let record = |id: &str, text: Value| json!({ "id": id, "text": text, "at": 5 });
    let hold = vec![json!({ "key": "b", "reason": "bad" })];
    let mut held_untold = with(ProbeName::Holds, hold.clone());
    held_untold.seen = vec![seen(0, 200)];
    let failing = Observed { seen: vec![seen(0, 500)], ..good() };
    let interrupted = Observed { interrupted: 1, seen: vec![seen(0, 500)], ..good() };
    assert_eq!(broken_invariants(&interrupted), [""; 0], "nobody was left to tell");
    let hammering = Observed {
        seen: vec![seen(0, 429), seen(0, 429), seen(0, 429)],
        probes: {
            let mut probes = with(ProbeName::Audit, vec![json!({ "at": "1970-01-01T00:00:01Z" }); 3]).probes;
            probes.insert(ProbeName::Log, vec![json!({ "level": "info" }); 3]);
            probes
        },
        ..good()
    };
    let leak = vec![json!({ "level": "info", "event": "token cp-1-secret" })];
    let shown = BTreeMap::from([(ProbeName::Destination, vec![record("a", json!("x"))])]);
    let mixed_up = Observed { seen_by_witness: Ok(shown), ..good() };
    let accepted = DeliveryEnd::Accepted { status: 200 };
    let forged = Observed {
        delivered: vec![delivered("event-1", Some("webhook_bad_signature"), accepted)],
        ..with(ProbeName::Audit, vec![json!({ "at": "1970-01-01T00:00:01Z" }); 2])
    };
    let table = [
        (
            "applied_once",
            with(
                ProbeName::Destination,
                vec![record("a", json!("x")), record("a", json!("x")), record("b", json!("x"))],
            ),
        ),
        ("nothing_lost", with(ProbeName::Destination, vec![record("a", json!("x"))])),
        ("loud", held_untold),
        ("loud", failing),
        ("recovers", with(ProbeName::Runs, vec![json!({ "state": "waiting" })])),
        ("validated", with(ProbeName::Destination, vec![record("a", json!("x")), record("b", Value::Null)])),
        ("validated", with(ProbeName::Destination, vec![record("a", json!("x")), record("b", json!(7))])),
        ("polite", hammering),
        ("audited", with(ProbeName::Audit, vec![])),
        ("audited", with(ProbeName::Audit, vec![json!({ "call": 1 })])),
        ("no_secret", with(ProbeName::Log, leak)),
        ("tenants_apart", mixed_up),
        ("validated", forged),
    ];
    for (name, observed) in table {
        assert_eq!(broken_invariants(&observed), [name]);
    }
    let mut held_and_told = with(ProbeName::Holds, hold);
    held_and_told.probes.insert(ProbeName::Destination, vec![record("a", json!("x"))]);
    held_and_told.probes.insert(ProbeName::Alerts, vec![json!({ "kind": "record_held" })]);
    assert_eq!(broken_invariants(&held_and_told), [""; 0], "held and told is not lost");
    held_and_told.probes.insert(ProbeName::Destination, vec![record("a", json!("words"))]);
    let convergent = "{destination: {same_as: happy_path_or_held}}";
    assert!(broken_expectations(convergent, &held_and_told).is_empty());
    held_and_told.probes.insert(ProbeName::Destination, vec![record("a", json!("another"))]);
    assert_eq!(broken_expectations(convergent, &held_and_told).len(), 1, "what is there must be right");
    let interrupted = Observed { interrupted: 1, ..with(ProbeName::Audit, vec![]) };
    assert_eq!(broken_invariants(&interrupted), [""; 0], "it may have left no trace");
}

/// What is wrong with the use of the recording, by kind, where a scenario allows so much.
fn misused(observed: &Observed, allow: &str) -> Vec<ViolationKind> {
    let plan = plan_with("requests: {to: list, at_most: 1000}", &format!("allow: {{{allow}}}"));
    let (subject, happy) = (subject(), good());
    let context = Context { plan: &plan, subject: &subject, observed, happy_path: Some(&happy) };
    let told = replay::outcome(&context).allowed;
    assert_eq!(told.len(), usize::from(!allow.is_empty()));
    replay::judge(&context).into_iter().map(|one| one.kind).collect()
}

#[test]
fn every_use_of_the_recording_that_is_not_as_recorded_fails_unless_it_is_allowed() {
    let noted = |note: SeenNote| Observed {
        seen: vec![Seen { note: note.clone(), ..seen(0, 200) }, Seen { note, ..seen(9, 200) }],
        ..good()
    };
    let any_body = SeenNote::ReplayedLoosely(Looseness::AnyBody);
    let unused = Observed { unused_exchanges: vec!["p/f#list-2".into(); 12], ..good() };
    for (observed, kind, word) in [
        (noted(SeenNote::Unmatched("why".into())), ViolationKind::Unmatched, "unmatched"),
        (noted(SeenNote::Exhausted("why".into())), ViolationKind::Exhausted, "exhausted"),
        (noted(any_body), ViolationKind::LooselyMatched, "loosely_matched"),
        (unused, ViolationKind::ExchangesUnused, "unused"),
    ] {
        // The same request twice is one violation.
        assert_eq!(misused(&observed, ""), [kind]);
        assert_eq!(misused(&observed, &format!("{word}: It is right here")), []);
    }
    let volatile = SeenNote::ReplayedLoosely(Looseness::Volatile);
    for good in [good(), noted(volatile), noted(SeenNote::Repeated), noted(SeenNote::Behaved("by state"))] {
        assert_eq!(misused(&good, ""), []);
    }
}

#[test]
fn a_happy_path_that_was_not_recorded_is_none_unless_it_is_allowed() {
    let noted = |note| Observed { seen: vec![Seen { note, ..seen(0, 501) }], ..good() };
    let strict = plan("requests: {to: list, at_most: 1000}");
    for (note, word) in
        [(SeenNote::Unmatched("why".into()), "unmatched"), (SeenNote::Exhausted("why".into()), "exhausted")]
    {
        let happy = noted(note);
        let why = replay::answered_as_recorded(&strict, &happy).unwrap_err();
        assert!(why.contains("GET /list: why"), "{why}");
        let lenient =
            plan_with("requests: {to: list, at_most: 1000}", &format!("allow: {{{word}: It is right}}"));
        assert_eq!(replay::answered_as_recorded(&lenient, &happy), Ok(()));
    }
    assert_eq!(replay::answered_as_recorded(&strict, &good()), Ok(()));
}

#[test]
fn without_a_probe_an_invariant_is_not_checked() {
    let (plan, mut subject, happy, observed) =
        (plan("{requests: {to: list, at_most: 1000}}"), subject(), good(), good());
    subject.probe.clear();
    let observed = Observed { seen_by_witness: Err("nothing to look at"), ..observed };
    let context = Context { plan: &plan, subject: &subject, observed: &observed, happy_path: Some(&happy) };
    let (outcomes, _) = invariant::judge(&context);
    let held: Vec<String> =
        outcomes.into_iter().filter(|one| one.status == InvariantStatus::Held).map(|one| one.name).collect();
    assert_eq!(held, ["polite"], "only what the stand-in saw itself can be judged");
}

/// A permission as a probe shows it; one without a name, where that is empty.
fn permission(name: &str) -> Value {
    if name.is_empty() { json!({ "scope": "repo" }) } else { json!({ "key": name }) }
}

/// How the credential is judged: what the subject says it holds, what the provider tells in its answer, and the profile.
fn privilege(by_subject: &[&str], by_provider: Option<(&str, &str)>, admin: &[&str]) -> Result<(), String> {
    let mut plan = plan("{requests: {to: list, at_most: 1000}}");
    plan.profile.permissions = Some(Permissions {
        held_in: Some("x-held".to_owned().try_into().unwrap()),
        accepted_in: Some("x-accepted".to_owned().try_into().unwrap()),
        admin: admin.iter().map(|name| (*name).to_owned()).collect(),
    });
    if let Some((held, accepted)) = by_provider {
        let response = plan.fixtures[0].exchanges[0].response.as_mut().unwrap();
        response.headers.set("x-held", held);
        response.headers.set("x-accepted", accepted);
    }
    let mut subject = subject();
    let mut observed = good();
    if !by_subject.is_empty() {
        subject.probe.insert(ProbeName::Permissions, subject.probe[&ProbeName::Audit].clone());
        observed
            .probes
            .insert(ProbeName::Permissions, by_subject.iter().map(|name| permission(name)).collect());
    }
    let context = Context { plan: &plan, subject: &subject, observed: &observed, happy_path: None };
    let (outcomes, broken) = invariant::judge(&context);
    match &outcomes.iter().find(|one| one.name == "least_privilege").unwrap().status {
        InvariantStatus::Held => Ok(()),
        InvariantStatus::NotChecked { reason } => Err(reason.clone()),
        _ => Err(broken.into_iter().map(|one| format!("{}; {}", one.message, one.expected)).collect()),
    }
}

#[test]
fn a_credential_that_may_do_more_than_is_needed_is_told() {
    assert_eq!(privilege(&[], Some(("repo", "repo, public_repo")), &["admin:org"]), Ok(()));
    assert_eq!(privilege(&["repo"], Some(("", "repo")), &[]), Ok(()));
    // An operation that takes nothing less.
    assert_eq!(privilege(&[], Some(("admin:org", "admin:org")), &["admin:org"]), Ok(()));
    let said = [
        privilege(&[], Some(("repo, gist", "repo")), &[]),
        privilege(&["user"], Some(("repo", "repo")), &[]),
        privilege(&[], Some(("admin:org", "read:org, admin:org")), &["admin:org"]),
        privilege(&["root"], None, &["root"]),
        privilege(&["reader"], None, &[]),
        privilege(&[], None, &["root"]),
        privilege(&["repo", ""], Some(("repo", "repo")), &[]),
    ];
    insta::assert_snapshot!(said.map(|one| one.unwrap_err()).join("\n"), @r##"
    the credential holds permissions that are not needed: gist; no more than repo
    the credential holds permissions that are not needed: user; no more than repo
    the credential holds permissions that are not needed: admin:org; no more than read:org
    the credential holds permissions that are not needed: root; no permission of an administrator
    the provider's profile does not tell which permissions are needed
    neither a probe `permissions` nor the provider's answers tell which permissions it holds
    a record of the probe `permissions` does not have the field that its `key` names
    "##);
}
