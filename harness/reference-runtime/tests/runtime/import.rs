//! The import on good days, and on days when single records or pages are bad.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::provider::{
    error, inject, message, mount_pages, ok, page, page_at, requests, three_pages, whole_history,
};
use crate::support::{ACCESS_TOKEN, start};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn a_rooms_history_is_imported_page_by_page() {
    let (subject, provider) = (start().await, three_pages().await);
    subject.import(&provider.uri()).await;

    let messages = "GET /_matrix/client/v3/rooms/%21room%3Aexample.org/messages?dir=b&limit=10";
    assert_eq!(
        requests(&provider).await,
        [messages.to_owned(), format!("{messages}&from=t1"), format!("{messages}&from=t2")]
    );
    let first = &subject.records().await[0];
    let expected = json!({ "event_id": "$e1", "room_id": "!room:example.org", "sender": "@ann:example.org",
                           "kind": "m.text", "body": "m1", "sent_at_ms": 1001 });
    assert_eq!(first, &expected);
    assert_eq!(subject.bodies().await, whole_history());
    let expected = json!({ "run": "run-1", "tenant": "acme", "connection": "chat", "kind": "import",
                           "room": "!room:example.org", "state": "succeeded", "imported": 6, "held_records": 0, "failed_attempts": 0,
                           "requested_at": crate::support::START, "finished_at": crate::support::START, "detail": null });
    assert_eq!(subject.run(1).await, expected);
    assert!(subject.alerts().await.is_empty());
    assert!(subject.list("/holds", "holds").await.is_empty());
}

#[tokio::test]
async fn each_call_leaves_an_audit_row() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, Some("t1"), 1, error(500, "M_UNKNOWN")).await;
    subject.import(&provider.uri()).await;

    let audit = subject.list("/audit", "entries").await;
    let expected = json!({ "at": crate::support::START, "run": "run-1", "tenant": "acme", "connection": "chat",
                           "operation": "messages", "method": "GET",
                           "path": "/_matrix/client/v3/rooms/%21room%3Aexample.org/messages",
                           "attempt": 1, "status": 200, "outcome": "ok", "detail": null });
    assert_eq!(audit[0], expected);
    let rest: Vec<_> = audit.iter().map(|row| (row["attempt"].clone(), row["outcome"].clone())).collect();
    let pair = |attempt: u32, outcome: &str| (json!(attempt), json!(outcome));
    assert_eq!(rest, [pair(1, "ok"), pair(1, "server_error"), pair(2, "ok"), pair(1, "ok")]);
}

#[tokio::test]
async fn an_alias_is_resolved_first() {
    let (subject, provider) = (start().await, three_pages().await);
    Mock::given(method("GET"))
        .and(path("/_matrix/client/v3/directory/room/%23town%3Aexample.org"))
        .respond_with(ok(json!({ "room_id": "!room:example.org", "servers": [] })))
        .mount(&provider)
        .await;
    subject.connect(&provider.uri()).await;
    subject.trigger_room("#town:example.org").await;
    subject.settle().await;
    assert_eq!(subject.bodies().await, whole_history());
    let operations = subject.column("/audit", "entries", "operation").await;
    assert_eq!(operations, ["resolve_alias", "messages", "messages", "messages"]);
    assert_eq!(subject.records().await[0]["room_id"], "!room:example.org");
}

#[tokio::test]
async fn importing_again_writes_nothing_twice_and_takes_over_what_changed() {
    let (subject, provider) = (start().await, three_pages().await);
    subject.import(&provider.uri()).await;
    provider.reset().await;
    let mut edited = message(3);
    edited["content"]["body"] = json!("edited");
    page_at(None).respond_with(ok(json!({ "chunk": [message(7), edited] }))).mount(&provider).await;
    subject.trigger().await;
    subject.settle().await;
    assert_eq!(subject.bodies().await, ["m1", "m2", "edited", "m4", "m5", "m6", "m7"]);
    assert_eq!(subject.run(2).await["imported"], 2);
}

#[tokio::test]
async fn an_empty_chunk_ends_the_history_only_where_it_leads_no_further() {
    let (subject, provider) = (start().await, MockServer::start().await);
    page_at(None).respond_with(ok(page(&[3], Some("t1")))).mount(&provider).await;
    page_at(Some("t1")).respond_with(ok(page(&[], Some("t2")))).mount(&provider).await;
    page_at(Some("t2")).respond_with(ok(page(&[1], Some("t3")))).mount(&provider).await;
    page_at(Some("t3")).respond_with(ok(page(&[], Some("t3")))).mount(&provider).await;
    subject.import(&provider.uri()).await;
    assert_eq!((subject.state(1).await.as_str(), requests(&provider).await.len()), ("succeeded", 4));
    assert_eq!(subject.bodies().await, ["m1", "m3"]);
    assert!(subject.alerts().await.is_empty());
}

#[tokio::test]
async fn an_invalid_record_is_held_and_the_others_are_written() {
    let (subject, provider) = (start().await, MockServer::start().await);
    let mut nameless = message(2);
    nameless["sender"] = json!("");
    let joined = json!({ "type": "m.room.member", "event_id": "$j" });
    let chunk = json!([message(3), nameless, joined, { "no": "type" }, message(1)]);
    page_at(None).respond_with(ok(json!({ "chunk": chunk }))).mount(&provider).await;
    subject.import(&provider.uri()).await;

    assert_eq!(subject.bodies().await, ["m1", "m3"]);
    assert_eq!(subject.alerts().await, ["record_held", "record_held"]);
    let holds = subject.list("/holds", "holds").await;
    let expected = json!({ "id": "hold-1", "at": crate::support::START, "tenant": "acme", "connection": "chat",
                           "run": "run-1", "reason": "invalid_record", "fingerprint": holds[0]["fingerprint"],
                           "state": "open", "key": "$e2", "detail": "sender is not a text of at least one character",
                           "payload": nameless });
    assert_eq!(holds[0], expected);
    assert_eq!((&holds[1]["key"], &holds[1]["payload"]), (&Value::Null, &json!({ "no": "type" })));
    let run = subject.run(1).await;
    assert_eq!(
        (&run["state"], &run["imported"], &run["held_records"]),
        (&json!("succeeded"), &json!(2), &json!(2))
    );
}

#[tokio::test]
async fn a_payload_that_no_value_can_hold_is_listed_as_text_and_spoils_no_list() {
    let (subject, provider) = (start().await, MockServer::start().await);
    let body = r#"{"chunk": [{"type": "m.room.message", "event_id": "\ud800"}]}"#;
    page_at(None)
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .mount(&provider)
        .await;
    subject.import(&provider.uri()).await;
    let payloads = subject.column("/holds", "holds", "payload").await;
    assert_eq!(payloads, [r#"{"type": "m.room.message", "event_id": "\ud800"}"#]);
}

#[tokio::test]
async fn an_invalid_page_is_asked_for_again_and_none_is_lost() {
    for bad in [json!({ "start": "t0", "end": "t2" }), json!({ "chunk": {}, "end": "t2" }), json!([])] {
        let (subject, provider) = (start().await, three_pages().await);
        inject(&provider, Some("t1"), 1, ok(bad)).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.bodies().await, whole_history());
        assert_eq!(subject.outcomes().await, ["ok", "invalid_body", "ok", "ok"]);
    }
}

#[tokio::test]
async fn runs_of_one_connection_go_one_after_the_other() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, None, 1, error(500, "M_UNKNOWN")).await;
    subject.connect(&provider.uri()).await;
    subject.trigger().await;
    subject.trigger().await;
    subject.quiet(0).await;
    assert_eq!((subject.state(1).await.as_str(), subject.state(2).await.as_str()), ("waiting", "queued"));
    subject.settle().await;
    let runs = subject.column("/audit", "entries", "run").await;
    assert_eq!(runs, ["run-1", "run-1", "run-1", "run-1", "run-2", "run-2", "run-2"]);
}

#[tokio::test]
async fn a_set_pace_spaces_the_requests() {
    let (subject, provider) = (start().await, MockServer::start().await);
    mount_pages(&provider, ACCESS_TOKEN).await;
    let body = json!({ "provider": "matrix", "base_url": provider.uri(), "access_token": ACCESS_TOKEN,
                       "max_requests_per_second": 0.5 });
    subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    subject.trigger().await;
    subject.settle().await;
    let at = subject.column("/audit", "entries", "at").await;
    assert_eq!(at, ["2026-01-05T00:00:00Z", "2026-01-05T00:00:02Z", "2026-01-05T00:00:04Z"]);
}
