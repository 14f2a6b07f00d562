//! The relay over its HTTP API: what it takes, what it sends, and what it keeps.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use serde_json::{Value, json};
use support::{ACCESS_TOKEN, Subject, start};
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
    assert_eq!(deliver(&subject, json!({})).await.0, 202);
    subject.settle().await;
    let records = subject.list("/destination", "records").await;
    let expected = json!({ "key": "order-1", "connection": "chat", "protocol": "rest", "method": "POST",
                           "path": "/orders?dry=0" });
    assert_eq!(records, [expected], "handed over twice, there once");
    let keys: Vec<_> = provider
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| request.headers["idempotency-key"].to_str().unwrap().to_owned())
        .collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    assert_eq!(subject.column("/audit", "entries", "operation").await, ["deliver", "deliver"]);
    assert_eq!(subject.state(2).await, "succeeded");
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
