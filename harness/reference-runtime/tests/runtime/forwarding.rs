//! Events that are sent on: each to its provider once, in the order that was asked for, whatever comes between.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::hooks::{SECRET, connect_orders, numbers, orders, put_orders, send_order, sent};
use crate::support::raw::{RawProvider, Script};
use crate::support::{Subject, start};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A provider that takes all that it is sent.
async fn taking() -> MockServer {
    let provider = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/orders"))
        .and(header("authorization", "Bearer a"))
        .and(header("content-type", "application/json"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&provider)
        .await;
    provider
}

/// Answers what has `n` in it with `status`, once.
async fn refuse_once(provider: &MockServer, n: u64, status: u16) {
    Mock::given(body_partial_json(json!({ "n": n })))
        .respond_with(ResponseTemplate::new(status))
        .up_to_n_times(1)
        .with_priority(1)
        .mount(provider)
        .await;
}

async fn deliveries(subject: &Subject) -> Vec<Value> {
    let audit = subject.list("/audit", "entries").await;
    audit.into_iter().filter(|row| row["operation"] == "deliver").map(|row| row["outcome"].clone()).collect()
}

#[tokio::test]
async fn an_event_arrives_as_it_came_and_once_however_often_it_comes() {
    let (subject, provider) = (start().await, taking().await);
    connect_orders(&subject, &provider.uri(), json!({})).await;
    let body = br#"{"n": 1.0,  "text": "\u00e9"}"#;
    let first = orders("/hooks/acme/orders").send(&subject, "msg_1", body).await;
    assert_eq!((first.status, first.body), (200, json!({ "accepted": 1, "duplicates": 0, "refused": 0 })));
    let again = orders("/hooks/acme/orders").send(&subject, "msg_1", body).await;
    assert_eq!((again.status, again.body), (200, json!({ "accepted": 0, "duplicates": 1, "refused": 0 })));
    let subject = subject.restart().await;
    orders("/hooks/acme/orders").send(&subject, "msg_1", body).await;
    subject.settle().await;
    let sent = sent(&provider).await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.len(), sent[0].1.as_bytes()), (32, &body[..]));
    let delivered = json!({ "key": "msg_1", "connection": "orders", "protocol": "http", "method": "POST",
                            "path": "/orders" });
    assert_eq!(subject.list("/destination/deliveries", "records").await, [delivered]);
}

#[tokio::test]
async fn all_attempts_have_one_key_over_a_stop_a_crash_and_a_lost_answer() {
    let scripts = vec![Script::Hang, Script::Hang, Script::Close, Script::Answer(String::new())];
    let provider = RawProvider::start(scripts).await;
    let subject = start().await;
    connect_orders(&subject, &provider.url(), json!({})).await;
    let body = json!({ "n": 1 }).to_string();
    orders("/hooks/acme/orders").send_only(&subject, "msg_1", body.as_bytes()).await;
    subject.quiet(1).await;
    let subject = subject.restart().await;
    subject.quiet(1).await;
    let subject = subject.crash().await;
    subject.settle().await;
    let keys = provider.headers("idempotency-key");
    assert!(keys.len() == 4 && keys.iter().all(|key| *key == keys[0] && key.len() == 32), "{keys:?}");
    assert_eq!(deliveries(&subject).await, ["unknown", "unknown", "connection_failed", "ok"]);
    assert_eq!(
        (subject.state(1).await.as_str(), subject.list("/runs", "runs").await.len()),
        ("succeeded", 1)
    );
}

#[tokio::test]
async fn a_call_that_may_have_been_made_is_in_the_trail_even_when_it_is_not_made_again() {
    let provider = RawProvider::start(vec![Script::Hang; 3]).await;
    let mut subject = start().await;
    connect_orders(&subject, &provider.url(), json!({})).await;
    orders("/hooks/acme/orders").send_only(&subject, "msg_1", b"{}").await;
    for _ in 0..3 {
        subject.quiet(1).await;
        subject = subject.crash().await;
    }
    subject.quiet(0).await;
    assert_eq!(deliveries(&subject).await, ["unknown"; 3]);
    let audit = subject.list("/audit", "entries").await;
    assert_eq!((&audit[1]["method"], &audit[1]["path"]), (&json!("POST"), &json!("/orders")));
    assert_eq!(audit[1]["detail"], "the worker was lost: it may have been made");
}

#[tokio::test]
async fn what_is_to_stay_in_order_waits_for_what_came_before_and_nothing_else_does() {
    for (order_by, at_once) in [(json!("/customer"), vec![1, 3]), (json!(null), vec![1, 2, 3])] {
        let (subject, provider) = (start().await, taking().await);
        refuse_once(&provider, 1, 500).await;
        connect_orders(&subject, &provider.uri(), json!({ "order_by": order_by })).await;
        for (n, customer) in [(1, "ann"), (2, "ann"), (3, "bob")] {
            send_order(&subject, &format!("msg_{n}"), &json!({ "n": n, "customer": customer })).await;
        }
        assert_eq!(numbers(&provider).await, at_once, "{order_by}");
        let subject = subject.restart().await;
        subject.settle().await;
        let after = numbers(&provider).await.split_off(at_once.len());
        let expected = if order_by.is_null() { vec![1] } else { vec![1, 2] };
        assert_eq!(after, expected, "{order_by}");
    }
}

#[tokio::test]
async fn an_event_that_is_held_holds_those_of_its_order_up_until_it_is_settled() {
    for (settle, body, sent) in [
        ("release", json!({ "tenant": "acme" }), vec![1, 1, 2]),
        ("discard", json!({ "tenant": "acme", "by": "ann", "reason": "a test" }), vec![1, 2]),
    ] {
        let (subject, provider) = (start().await, taking().await);
        refuse_once(&provider, 1, 400).await;
        connect_orders(&subject, &provider.uri(), json!({ "order_by": "/customer" })).await;
        let batch: Value = (1..=2).map(|n| json!({ "n": n, "customer": 7 })).collect();
        send_order(&subject, "msg", &batch).await;
        assert_eq!((numbers(&provider).await, subject.holds().await.len()), (vec![1], 1));
        let (status, answer) = subject.call("POST", &format!("/holds/hold-1/{settle}"), Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        subject.settle().await;
        assert_eq!(numbers(&provider).await, sent, "{settle}");
    }
}

#[tokio::test]
async fn an_array_is_split_and_each_element_has_its_own_key() {
    let (subject, provider) = (start().await, taking().await);
    connect_orders(&subject, &provider.uri(), json!({ "order_by": "/customer" })).await;
    let batch: Value = (1..=3).map(|n| json!({ "n": n, "customer": "ann" })).collect();
    assert_eq!(send_order(&subject, "msg_1", &batch).await.body["accepted"], 3);
    assert_eq!(send_order(&subject, "msg_1", &batch).await.body["duplicates"], 3);
    subject.settle().await;
    assert_eq!(numbers(&provider).await, [1, 2, 3]);
    let mut keys: Vec<_> = sent(&provider).await.into_iter().map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    let references = subject.column("/destination/deliveries", "records", "key").await;
    assert_eq!(references, ["msg_1/0", "msg_1/1", "msg_1/2"]);
}

#[tokio::test]
async fn two_tenants_never_share_a_key() {
    let (subject, provider) = (start().await, taking().await);
    for tenant in ["acme", "bolt"] {
        assert_eq!(put_orders(&subject, tenant, &provider.uri(), json!({})).await.0, 201);
        orders(&format!("/hooks/{tenant}/orders")).send(&subject, "msg_1", b"{}").await;
    }
    let sent = sent(&provider).await;
    assert!(sent.len() == 2 && sent[0].0 != sent[1].0, "{sent:?}");
}

#[tokio::test]
async fn a_webhook_that_makes_no_sense_is_refused() {
    let subject = start().await;
    for changes in [
        json!({ "forward": null }),
        json!({ "forward": "orders" }),
        json!({ "forward": "/a b" }),
        json!({ "order_by": "customer" }),
        json!({ "scheme": null }),
        json!({ "secret": null }),
        json!({ "secret": " " }),
        json!({ "url": "orders" }),
        json!({ "app": "shared" }),
        json!({ "app": "Shared", "account": "T1" }),
        json!({ "max_per_second": 0 }),
        json!({ "burst": 0 }),
        json!({ "scheme": null, "secret": null, "app": "shared", "account": "1", "burst": 1 }),
        json!({ "surplus": 1 }),
        json!({ "alert_after_failures": 0 }),
        json!({ "outcome_deadline_s": 0 }),
    ] {
        let (status, answer) = put_orders(&subject, "acme", "http://127.0.0.1:9", changes.clone()).await;
        assert_eq!(status, 422, "{changes}: {answer}");
        assert!(!answer.to_string().contains(SECRET));
    }
}
