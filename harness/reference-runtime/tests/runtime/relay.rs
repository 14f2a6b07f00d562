//! The relay over its HTTP API: what it takes, what it sends, and what it keeps.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use crate::support::raw::{RawProvider, Script};
use crate::support::{ACCESS_TOKEN, Subject, start};
use serde_json::{Value, json};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn handover(changes: &Value) -> Value {
    let mut body = json!({ "tenant": "acme", "connection": "chat", "reference": "order-1", "protocol": "rest",
                           "method": "POST", "path": "/orders?dry=0", "content_type": "text/csv", "body": "a;b" });
    let fields = changes.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

async fn deliver(subject: &Subject, changes: Value) -> (u16, Value) {
    subject.call("POST", "/integrations/relay/documents", Some(handover(&changes))).await
}

#[tokio::test]
async fn a_document_arrives_as_it_was_and_is_in_the_destination() {
    let (subject, provider) = (start().await, MockServer::start().await);
    Mock::given(method("POST"))
        .and(path("/orders"))
        .and(header("authorization", format!("Bearer {ACCESS_TOKEN}").as_str()))
        .and(header("content-type", "text/csv"))
        .and(body_string("a;b"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&provider)
        .await;
    subject.connect(&provider.uri()).await;
    assert_eq!(deliver(&subject, json!({})).await, (202, json!({ "run": "run-1" })));
    assert_eq!(deliver(&subject, json!({})).await, (200, json!({ "run": "run-1" })), "it has a run already");
    subject.settle().await;
    assert_eq!(deliver(&subject, json!({})).await, (200, json!({ "run": "run-1" })), "whatever became of it");
    subject.settle().await;
    let records = subject.list("/destination", "records").await;
    let expected = json!({ "key": "order-1", "connection": "chat", "protocol": "rest", "method": "POST",
                           "path": "/orders?dry=0" });
    assert_eq!(records, [expected], "handed over twice, there once");
    let requests = provider.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers["idempotency-key"].len(), 32);
    assert_eq!(subject.column("/audit", "entries", "operation").await, ["deliver"]);
    assert_eq!(subject.state(1).await, "succeeded");
}

#[tokio::test]
async fn what_differs_is_another_document_and_what_may_be_repeated_is_sent_as_often_as_it_comes() {
    let (subject, provider) = (start().await, answering(200).await);
    subject.connect(&provider.uri()).await;
    let mut made = 0;
    for (change, is_new) in [
        (json!({}), true),
        (json!({ "reference": "order-2" }), true),
        (json!({ "body": "a;c" }), true),
        (json!({ "path": "/orders" }), true),
        (json!({}), false),
        (json!({ "method": "PUT" }), true),
        (json!({ "method": "PUT" }), true),
    ] {
        assert_eq!(deliver(&subject, change.clone()).await.0, if is_new { 202 } else { 200 }, "{change}");
        subject.settle().await;
        made += usize::from(is_new);
        assert_eq!(calls(&provider).await, made, "{change}");
    }
}

#[tokio::test]
async fn what_was_discarded_may_be_handed_over_anew() {
    let (subject, provider) = (start().await, answering(400).await);
    subject.connect(&provider.uri()).await;
    deliver(&subject, json!({})).await;
    subject.settle().await;
    assert_eq!(deliver(&subject, json!({})).await.0, 200, "it is held, not gone");
    let why = json!({ "tenant": "acme", "by": "ann", "reason": "a test order" });
    subject.call("POST", "/holds/hold-1/discard", Some(why)).await;
    assert_eq!(deliver(&subject, json!({})).await, (202, json!({ "run": "run-2" })));
    subject.settle().await;
    assert_eq!(calls(&provider).await, 2);
}

#[tokio::test]
async fn a_handover_that_makes_no_sense_is_refused() {
    let (subject, provider) = (start().await, MockServer::start().await);
    assert_eq!(deliver(&subject, json!({})).await.0, 404, "there is no connection yet");
    subject.connect(&provider.uri()).await;
    for wrong in [
        json!({ "reference": "" }),
        json!({ "reference": "x".repeat(129) }),
        json!({ "protocol": "telepathy" }),
        json!({ "method": "GET" }),
        json!({ "path": "orders" }),
        json!({ "path": "/a b" }),
        json!({ "confirm": "http://elsewhere/" }),
        json!({ "content_type": "" }),
        json!({ "content_type": "a\nb" }),
        json!({ "what": 1 }),
    ] {
        let (status, answer) = deliver(&subject, wrong.clone()).await;
        assert_eq!(status, 422, "{wrong}: {answer}");
    }
    subject.settle().await;
    assert!(provider.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_held_and_an_import_needs_its_own_provider() {
    let (subject, provider) = (start().await, MockServer::start().await);
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(401)).mount(&provider).await;
    let body = json!({ "provider": "shop", "base_url": provider.uri(), "access_token": ACCESS_TOKEN });
    subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    deliver(&subject, json!({})).await;
    subject.settle().await;
    assert_eq!(subject.alerts().await, ["credential_rejected"]);
    let import = json!({ "tenant": "acme", "connection": "chat", "room": "#a:b" });
    assert_eq!(subject.call("POST", "/integrations/chat-import/runs", Some(import)).await.0, 422);
    assert!(subject.list("/destination", "records").await.is_empty());
}

/// A connection whose provider keeps idempotency keys for as long as `retention` says.
async fn connect_keeping(subject: &Subject, provider: &MockServer, retention: Option<&str>) {
    let body = json!({ "provider": "shop", "base_url": provider.uri(), "access_token": ACCESS_TOKEN,
                       "idempotency_retention": retention });
    let (status, answer) = subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    assert!(status < 300, "{answer}");
}

/// A provider that answers writes with `status` for ever.
async fn answering(status: u16) -> MockServer {
    let provider = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(status)).mount(&provider).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(status)).mount(&provider).await;
    provider
}

async fn calls(provider: &MockServer) -> usize {
    provider.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_write_in_doubt_is_repeated_only_as_long_as_its_key_is_known() {
    // By status, how long keys are kept and method: how many calls, and why it is held in the end. 503 says that nothing
    // was done, and a PUT may be repeated as it is.
    for (status, kept, verb, made, reason) in [
        (500, None, "POST", 7, "outcome_unknown"),
        (503, None, "POST", 10, "retries_exhausted"),
        (500, Some("2h"), "POST", 4, "outcome_unknown"),
        (500, Some("none"), "POST", 1, "outcome_unknown"),
        (503, Some("none"), "POST", 10, "retries_exhausted"),
        (500, Some("none"), "PUT", 10, "retries_exhausted"),
        (500, Some("unlimited"), "POST", 10, "retries_exhausted"),
    ] {
        let (subject, provider) = (start().await, answering(status).await);
        connect_keeping(&subject, &provider, kept).await;
        deliver(&subject, json!({ "method": verb })).await;
        subject.settle().await;
        let about = format!("{status} {kept:?} {verb}");
        assert_eq!(calls(&provider).await, made, "{about}");
        assert_eq!(subject.column("/holds", "holds", "reason").await, [reason], "{about}");
        if reason == "outcome_unknown" {
            assert_eq!(subject.alerts().await.last().unwrap(), "outcome_unknown", "{about}");
            let detail = subject.column("/holds", "holds", "detail").await.remove(0);
            assert!(detail.as_str().unwrap().contains("answered 500"), "{detail}");
        }
    }
}

#[tokio::test]
async fn what_was_not_repeated_is_sent_once_more_when_a_person_says_so() {
    let (subject, provider) = (start().await, MockServer::start().await);
    let broken = Mock::given(method("POST")).respond_with(ResponseTemplate::new(502));
    broken.up_to_n_times(2).with_priority(1).mount(&provider).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(201)).mount(&provider).await;
    connect_keeping(&subject, &provider, Some("none")).await;
    deliver(&subject, json!({})).await;
    for made in [1, 2] {
        subject.settle().await;
        assert_eq!((calls(&provider).await, subject.state(1).await), (made, "held".to_owned()));
        let all = json!({ "tenant": "acme", "how": "all" });
        let released = subject.call("POST", "/holds/release", Some(all)).await;
        assert_eq!(released, (200, json!({ "released": 0 })), "it is not let go with all the rest");
        let path = format!("/holds/hold-{made}/release");
        let by = json!({ "tenant": "acme", "by": "ann" });
        assert_eq!(subject.call("POST", &path, Some(by)).await.0, 200);
    }
    subject.settle().await;
    assert_eq!((calls(&provider).await, subject.state(1).await), (3, "succeeded".to_owned()));
}

#[tokio::test]
async fn what_can_be_read_back_is_looked_for_instead_of_being_held() {
    for (shown, posts, state) in [(true, 1, "succeeded"), (false, 1, "held")] {
        let (subject, provider) = (start().await, answering(504).await);
        let get = |answer| Mock::given(method("GET")).and(path("/orders/1")).respond_with(answer);
        let absent = get(ResponseTemplate::new(404));
        if shown { absent.up_to_n_times(2).with_priority(1) } else { absent }.mount(&provider).await;
        get(ResponseTemplate::new(200).set_body_json(json!({ "state": "new" }))).mount(&provider).await;
        connect_keeping(&subject, &provider, Some("none")).await;
        let change = json!({ "body": "{\"state\": \"new\"}", "confirm": "/orders/1" });
        deliver(&subject, change).await;
        subject.settle().await;
        let operations = subject.column("/audit", "entries", "operation").await;
        assert_eq!(operations.iter().filter(|one| **one == "deliver").count(), posts, "{operations:?}");
        assert_eq!(subject.state(1).await, state);
        assert_eq!(subject.list("/destination", "records").await.len(), usize::from(shown));
        if !shown {
            // Nobody found it: let go, it is sent again.
            subject
                .call("POST", "/holds/hold-1/release", Some(json!({ "tenant": "acme", "by": "ann" })))
                .await;
            subject.settle().await;
            let operations = subject.column("/audit", "entries", "operation").await;
            assert_eq!(operations.iter().filter(|one| **one == "deliver").count(), 2, "{operations:?}");
        }
    }
}

#[tokio::test]
async fn how_long_keys_are_kept_is_a_duration_or_none_or_unlimited() {
    let (subject, provider) = (start().await, MockServer::start().await);
    for good in ["none", "unlimited", "24h", "90m", "3600s", "PT2H"] {
        connect_keeping(&subject, &provider, Some(good)).await;
    }
    for bad in ["", "0s", "59m", "-1h", "ever", "24", "1000000h"] {
        let body = json!({ "provider": "shop", "base_url": provider.uri(), "access_token": ACCESS_TOKEN,
                           "idempotency_retention": bad });
        let (status, answer) = subject.call("PUT", "/connections/acme/chat", Some(body)).await;
        assert_eq!(status, 422, "{bad:?}: {answer}");
        assert!(answer.to_string().contains("idempotency_retention must be a duration"), "{answer}");
    }
}

/// What a process that died had under way may have been done: where no key tells, nobody repeats it.
#[tokio::test]
async fn a_write_that_was_under_way_when_the_process_died_is_not_repeated_without_a_key() {
    for (kept, made, state) in [("none", 1, "held"), ("24h", 2, "succeeded")] {
        let provider = RawProvider::start(vec![Script::Hang, Script::Answer("{}".to_owned())]).await;
        let subject = start().await;
        let body = json!({ "provider": "shop", "base_url": provider.url(), "access_token": ACCESS_TOKEN,
                           "idempotency_retention": kept });
        subject.call("PUT", "/connections/acme/chat", Some(body)).await;
        deliver(&subject, json!({})).await;
        subject.quiet(1).await;
        let subject = subject.crash().await;
        subject.settle().await;
        assert_eq!(provider.headers("idempotency-key").len(), made, "{kept}");
        assert_eq!(subject.state(1).await, state, "{kept}");
        if state == "held" {
            assert_eq!(subject.column("/holds", "holds", "reason").await, ["outcome_unknown"]);
        }
    }
}

/// Once the provider has said that it took a document, nothing of it is in doubt, whatever came before.
#[tokio::test]
async fn what_was_taken_in_the_end_is_read_back_and_never_sent_again() {
    let (subject, provider) = (start().await, MockServer::start().await);
    let post = |status| Mock::given(method("POST")).respond_with(ResponseTemplate::new(status));
    post(500).up_to_n_times(1).with_priority(1).mount(&provider).await;
    post(201).mount(&provider).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(404)).mount(&provider).await;
    connect_keeping(&subject, &provider, None).await;
    deliver(&subject, json!({ "confirm": "/orders/1" })).await;
    for hold in 1..=2 {
        subject.settle().await;
        assert_eq!(subject.column("/holds", "holds", "reason").await, ["not_found"]);
        let operations = subject.column("/audit", "entries", "operation").await;
        assert_eq!(operations.iter().filter(|one| **one == "deliver").count(), 2, "{operations:?}");
        let path = format!("/holds/hold-{hold}/release");
        subject.call("POST", &path, Some(json!({ "tenant": "acme", "by": "ann" }))).await;
    }
}
