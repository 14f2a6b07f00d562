//! What is held: listed, let go one by one or by its cause, discarded, and when a whole connection is halted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use crate::support::hooks::{connect_orders, numbers, orders, put_orders, send_order};
use crate::support::provider::{message, ok, page_at};
use crate::support::raw::{RawProvider, Script};
use crate::support::{START, Subject, start, start_bounded, start_with};
use counterpart_reference_runtime::Plant;
use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Has `provider` answer everything with `status` from now on.
async fn answer(provider: &MockServer, status: u16) {
    provider.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(status)).mount(provider).await;
}

/// So many events for a provider that refuses them, each held.
async fn held(events: u32) -> (Subject, MockServer) {
    let (subject, provider) = (start().await, MockServer::start().await);
    answer(&provider, 400).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for n in 1..=events {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    subject.settle().await;
    answer(&provider, 204).await;
    (subject, provider)
}

async fn release(subject: &Subject, how: &str) -> Value {
    let answer = subject.post("/holds/release", json!({ "tenant": "acme", "how": how })).await;
    subject.quiet(0).await;
    answer
}

/// How each hold that there ever was was settled, and by whom.
async fn settled(subject: &Subject) -> Vec<(String, Value)> {
    let answer = subject.get("/holds?tenant=acme&state=all").await;
    let holds = answer["holds"].as_array().unwrap().iter();
    holds.map(|hold| (hold["state"].as_str().unwrap().to_owned(), hold["settled_by"].clone())).collect()
}

async fn operations(subject: &Subject, operation: &str) -> Vec<Value> {
    let audit = subject.list("/audit", "entries").await;
    audit.into_iter().filter(|row| row["operation"] == operation).collect()
}

#[tokio::test]
async fn a_hold_is_listed_shown_and_let_go() {
    let (subject, provider) = held(2).await;
    let holds = subject.list("/holds", "holds").await;
    let expected = json!({ "id": "hold-1", "at": START, "tenant": "acme", "connection": "orders", "run": "run-1",
                           "reason": "refused", "fingerprint": holds[1]["fingerprint"], "state": "open",
                           "key": null, "detail": "answered 400", "payload": null });
    assert_eq!((holds.len(), &holds[0]), (2, &expected));
    assert_eq!(subject.get("/holds/hold-1?tenant=acme").await, expected);
    let released = subject.post("/holds/hold-1/release", json!({ "tenant": "acme", "by": "Ann" })).await;
    assert_eq!(released, json!({ "released": 1 }));
    subject.settle().await;
    assert_eq!((subject.holds().await, numbers(&provider).await), (vec!["hold-2".to_owned()], vec![1]));
    assert_eq!((subject.state(1).await.as_str(), subject.state(2).await.as_str()), ("succeeded", "held"));
    assert_eq!(
        settled(&subject).await,
        [("released".to_owned(), json!("Ann")), ("open".to_owned(), json!(null))]
    );
    let audit = &operations(&subject, "release").await[0];
    assert_eq!((&audit["run"], &audit["detail"]), (&json!("run-1"), &json!("by Ann")));
}

#[tokio::test]
async fn all_are_let_go_at_once_or_those_of_one_cause() {
    let (subject, provider) = held(2).await;
    answer(&provider, 404).await;
    send_order(&subject, "msg_3", &json!({ "n": 3 })).await;
    answer(&provider, 204).await;
    let cause = subject.list("/holds", "holds").await[2]["fingerprint"].clone();
    let one = json!({ "tenant": "acme", "how": "all", "fingerprint": cause });
    assert_eq!(subject.post("/holds/release", one).await, json!({ "released": 1 }));
    subject.quiet(0).await;
    assert_eq!((numbers(&provider).await, subject.holds().await.len()), (vec![3], 2));
    assert_eq!(release(&subject, "all").await, json!({ "released": 2 }));
    assert_eq!((numbers(&provider).await.len(), subject.holds().await.len()), (3, 0));
    assert_eq!(release(&subject, "all").await, json!({ "released": 0 }));
}

#[tokio::test]
async fn a_canary_goes_first_and_its_success_brings_the_others() {
    let (subject, provider) = held(3).await;
    assert_eq!(release(&subject, "canary").await, json!({ "released": 1 }));
    assert_eq!((numbers(&provider).await[0], subject.holds().await.len()), (1, 0));
    assert_eq!(numbers(&provider).await.len(), 3);
    let follows = ("released".to_owned(), json!("the canary's success"));
    assert_eq!(
        settled(&subject).await,
        [("released".to_owned(), json!("the API")), follows.clone(), follows]
    );
}

#[tokio::test]
async fn a_canary_that_is_held_again_leaves_the_others_where_they_are() {
    let (subject, provider) = held(3).await;
    answer(&provider, 422).await;
    release(&subject, "canary").await;
    assert_eq!(numbers(&provider).await, [1], "one call and no other");
    assert_eq!(subject.holds().await, ["hold-2", "hold-3", "hold-4"]);
    let causes = subject.column("/holds", "holds", "fingerprint").await;
    assert!(causes.iter().all(|cause| *cause == causes[0]), "of one cause, whatever the numbers: {causes:?}");
    answer(&provider, 204).await;
    release(&subject, "canary").await;
    assert_eq!((subject.holds().await.len(), numbers(&provider).await.len()), (0, 3));
}

#[tokio::test]
async fn the_others_wait_for_as_long_as_the_canary_is_under_way() {
    let (subject, provider) = held(3).await;
    let hanging = RawProvider::start(vec![Script::Hang]).await;
    connect_orders(&subject, &hanging.url(), json!({})).await;
    subject.post("/holds/release", json!({ "tenant": "acme", "how": "canary" })).await;
    subject.quiet(1).await;
    let subject = subject.crash().await;
    assert_eq!(subject.holds().await, ["hold-2", "hold-3"]);
    connect_orders(&subject, &provider.uri(), json!({})).await;
    subject.settle().await;
    assert_eq!((subject.holds().await.len(), numbers(&provider).await.len()), (0, 3), "over a crash too");
}

#[tokio::test]
async fn a_record_that_was_held_out_of_a_page_is_looked_at_again() {
    let (subject, provider) = (start_with(&[Plant::UnknownRefused]).await, MockServer::start().await);
    let mut new = message(2);
    new["content"]["msgtype"] = json!("org.example.new");
    let mut broken = message(3);
    broken["sender"] = json!("");
    page_at(None).respond_with(ok(json!({ "chunk": [message(1), new, broken] }))).mount(&provider).await;
    subject.import(&provider.uri()).await;
    assert_eq!((subject.bodies().await, subject.holds().await.len()), (vec![json!("m1")], 2));
    let subject = subject.mend().await;
    assert_eq!(release(&subject, "all").await, json!({ "released": 2 }));
    assert_eq!(subject.bodies().await, ["m1", "m2"]);
    let holds = subject.list("/holds", "holds").await;
    assert_eq!((holds.len(), &holds[0]["id"], &holds[0]["payload"]), (1, &json!("hold-3"), &broken));
    assert_eq!(subject.column("/runs", "runs", "kind").await, ["import", "record", "record"]);
    // And once more: what is held by itself now has a run to go on with.
    release(&subject, "all").await;
    assert_eq!(subject.holds().await, ["hold-4"]);
    assert_eq!(subject.list("/runs", "runs").await.len(), 3);
}

#[tokio::test]
async fn nothing_is_discarded_without_a_name_and_a_reason_and_the_trail_has_both() {
    let (subject, provider) = held(2).await;
    for body in [
        json!({ "tenant": "acme" }),
        json!({ "tenant": "acme", "by": "Ann" }),
        json!({ "tenant": "acme", "reason": "a test order" }),
        json!({ "tenant": "acme", "by": "Ann", "reason": " " }),
        json!({ "tenant": "acme", "by": "Ann\n", "reason": "a test order" }),
        json!({ "tenant": "acme", "by": "Ann", "reason": "x".repeat(501) }),
    ] {
        assert_eq!(subject.call("POST", "/holds/hold-1/discard", Some(body.clone())).await.0, 422, "{body}");
    }
    assert_eq!(subject.holds().await.len(), 2);
    let body = json!({ "tenant": "acme", "by": "Ann", "reason": "a test order" });
    assert_eq!(subject.post("/holds/hold-1/discard", body).await, json!({ "discarded": 1 }));
    assert_eq!(subject.state(1).await, "discarded");
    let audit = &operations(&subject, "discard").await[0];
    let told = (&audit["run"], &audit["path"], &audit["detail"]);
    assert_eq!(told, (&json!("run-1"), &json!("/holds/hold-1/discard"), &json!("by Ann: a test order")));
    assert_eq!(release(&subject, "all").await, json!({ "released": 1 }));
    assert_eq!(numbers(&provider).await, [2]);
    assert_eq!(settled(&subject).await[0], ("discarded".to_owned(), json!("Ann")));
}

#[tokio::test]
async fn what_is_settled_or_another_s_is_not_settled_again() {
    let (subject, provider) = held(2).await;
    let discard = |tenant: &str| json!({ "tenant": tenant, "by": "Ann", "reason": "why not" });
    put_orders(&subject, "bolt", &provider.uri(), json!({})).await;
    for hold in ["hold-1", "hold-9", "1", "hold-x"] {
        let path = |what: &str| format!("/holds/{hold}{what}");
        assert_eq!(subject.call("GET", &path("?tenant=bolt"), None).await.0, 404, "{hold}");
        let release = json!({ "tenant": "bolt" });
        assert_eq!(subject.call("POST", &path("/release"), Some(release)).await.0, 404, "{hold}");
        assert_eq!(subject.call("POST", &path("/discard"), Some(discard("bolt"))).await.0, 404, "{hold}");
    }
    assert_eq!(
        subject.post("/holds/release", json!({ "tenant": "bolt", "how": "all" })).await["released"],
        0
    );
    assert_eq!(subject.holds().await.len(), 2, "nothing of that did anything");
    subject.post("/holds/hold-1/release", json!({ "tenant": "acme" })).await;
    subject.post("/holds/hold-2/discard", discard("acme")).await;
    subject.settle().await;
    for hold in ["hold-1", "hold-2"] {
        let release = json!({ "tenant": "acme" });
        let path = format!("/holds/{hold}/release");
        assert_eq!(subject.call("POST", &path, Some(release)).await.0, 409, "{hold}");
        let path = format!("/holds/{hold}/discard");
        assert_eq!(subject.call("POST", &path, Some(discard("acme"))).await.0, 409, "{hold}");
    }
    assert_eq!(numbers(&provider).await, [1]);
}

#[tokio::test]
async fn a_question_about_holds_that_makes_no_sense_is_refused() {
    let subject = start().await;
    for query in ["", "?tenant=acme&state=closed", "?state=all", "?tenant=acme&more=1"] {
        assert_eq!(subject.call("GET", &format!("/holds{query}"), None).await.0, 422, "{query}");
    }
    assert_eq!(subject.call("GET", "/holds/hold-1", None).await.0, 422, "whose?");
    for body in [
        json!({ "how": "all" }),
        json!({ "tenant": "acme" }),
        json!({ "tenant": "acme", "how": "some" }),
        json!({ "tenant": "acme", "how": "all", "surplus": 1 }),
    ] {
        assert_eq!(subject.call("POST", "/holds/release", Some(body.clone())).await.0, 422, "{body}");
    }
    let body = json!({ "tenant": "acme", "how": "all" });
    assert_eq!(subject.call("POST", "/holds/hold-1/release", Some(body)).await.0, 422);
}

/// Delivers events one after the other, each once the one before has come to rest.
async fn send_orders(subject: &Subject, id: &str, numbers: std::ops::RangeInclusive<u32>) {
    for n in numbers {
        send_order(subject, &format!("{id}_{n}"), &json!({ "n": n })).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_held_again_and_again_is_halted_and_a_canary_resumes_it() {
    let (subject, provider) = (start().await, MockServer::start().await);
    answer(&provider, 400).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    send_orders(&subject, "msg", 1..=25).await;
    assert_eq!((numbers(&provider).await.len(), subject.holds().await.len()), (20, 20));
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "halted");
    let halts = |alerts: Vec<Value>| alerts.iter().filter(|kind| *kind == "connection_halted").count();
    assert_eq!(halts(subject.alerts().await), 1);
    let subject = subject.restart().await;
    assert_eq!(send_order(&subject, "late", &json!({ "n": 26 })).await.status, 200);
    subject.settle().await;
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 6, "held": 20 }));
    assert_eq!(numbers(&provider).await.len(), 20, "what is queued is not sent");

    release(&subject, "canary").await;
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "halted", "it failed");
    assert_eq!((numbers(&provider).await.len(), subject.holds().await.len()), (21, 20));
    answer(&provider, 204).await;
    release(&subject, "canary").await;
    subject.settle().await;
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "active");
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 0, "held": 0 }));
    let mut numbers = numbers(&provider).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=26).collect::<Vec<_>>(), "the held and the parked");
    assert_eq!(halts(subject.alerts().await), 1);
}

#[tokio::test]
async fn what_was_under_way_when_its_connection_was_halted_is_not_tried_again() {
    let (subject, provider) = (start().await, MockServer::start().await);
    answer(&provider, 400).await;
    let never = ResponseTemplate::new(204).set_delay(Duration::from_secs(3_600));
    Mock::given(body_partial_json(json!({ "n": 1 })))
        .respond_with(never)
        .with_priority(1)
        .mount(&provider)
        .await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for n in 1..=21 {
        let body = json!({ "n": n }).to_string();
        orders("/hooks/acme/orders").send_only(&subject, &format!("msg_{n}"), body.as_bytes()).await;
        subject.quiet(1).await;
    }
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "halted");
    let time_out = subject.now().await + SignedDuration::from_secs(10);
    subject.advance(time_out).await;
    subject.settle().await;
    assert_eq!(numbers(&provider).await.len(), 21, "one call each");
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 1, "held": 20 }));
    answer(&provider, 204).await;
    subject.post("/holds/release", json!({ "tenant": "acme", "how": "all" })).await;
    subject.settle().await;
    assert_eq!((numbers(&provider).await.len(), subject.holds().await.len()), (21, 0), "and none is lost");
}

#[tokio::test]
async fn a_halted_connection_goes_on_once_it_is_put_again_and_other_causes_do_not_halt_it() {
    let (subject, provider) = (start().await, MockServer::start().await);
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for status in [400, 404] {
        answer(&provider, status).await;
        send_orders(&subject, &format!("msg_{status}"), 1..=19).await;
    }
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "active", "19 of two causes each");
    send_orders(&subject, "more", 1..=3).await;
    assert_eq!(subject.get("/connections/acme/orders").await["state"], "halted");
    answer(&provider, 204).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    subject.settle().await;
    let mut numbers = numbers(&provider).await;
    numbers.sort_unstable();
    assert_eq!((numbers, subject.holds().await.len()), (vec![2, 3], 39), "in whatever order");
}

#[tokio::test]
async fn what_a_canary_brings_counts_as_unfinished_like_anything_else() {
    let (subject, provider) = (start_bounded(3).await, MockServer::start().await);
    answer(&provider, 400).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for n in 1..=3 {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    answer(&provider, 204).await;
    release(&subject, "canary").await;
    subject.settle().await;
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 0, "held": 0 }));
    let batch = |size: u32| (1..=size).map(|n| json!({ "n": n })).collect::<Value>();
    assert_eq!(send_order(&subject, "many", &batch(4)).await.status, 503);
    assert_eq!(send_order(&subject, "few", &batch(3)).await.status, 200);
}

#[tokio::test]
async fn what_was_discarded_long_ago_is_put_away() {
    let (subject, provider) = held(2).await;
    subject.post("/holds/hold-1/discard", json!({ "tenant": "acme", "by": "Ann", "reason": "a test" })).await;
    let day = SignedDuration::from_hours(24);
    for days in [29, 2] {
        let until = subject.now().await + day * days;
        subject.advance(until).await;
        send_order(&subject, &format!("after_{days}"), &json!({ "n": days })).await;
        subject.settle().await;
        assert_eq!(subject.column("/runs", "runs", "run").await.contains(&json!("run-1")), days == 29);
    }
    assert_eq!(subject.column("/runs", "runs", "run").await[0], "run-2", "what is held stays");
    assert_eq!(numbers(&provider).await, [29, 2]);
}
