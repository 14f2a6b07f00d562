//! When what is sent on is tried again, when a person is called, and when a provider is left in peace.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::hooks::{connect_orders, numbers, orders, put_orders, send_order};
use crate::support::raw::{RawProvider, Script};
use crate::support::{Subject, start};
use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A provider that answers the first `times` requests with `answer`, and takes all others.
async fn failing(times: u64, answer: ResponseTemplate) -> MockServer {
    let provider = MockServer::start().await;
    let post = || Mock::given(method("POST"));
    if times > 0 {
        post().respond_with(answer).up_to_n_times(times).with_priority(1).mount(&provider).await;
    }
    post().respond_with(ResponseTemplate::new(204)).mount(&provider).await;
    provider
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

async fn alerts_of(subject: &Subject, kind: &str) -> Vec<Value> {
    subject.list("/alerts", "alerts").await.into_iter().filter(|alert| alert["kind"] == kind).collect()
}

#[tokio::test]
async fn a_person_is_told_after_as_many_failures_as_the_connection_says() {
    for (said, failures, told) in
        [(json!(1), 1, 1), (json!(4), 3, 0), (json!(4), 4, 1), (json!(null), 2, 0), (json!(null), 3, 1)]
    {
        let (subject, provider) = (start().await, failing(failures, status(500)).await);
        connect_orders(&subject, &provider.uri(), json!({ "alert_after_failures": said })).await;
        send_order(&subject, "msg_1", &json!({ "n": 1 })).await;
        subject.settle().await;
        let alerts = alerts_of(&subject, "repeated_failures").await;
        assert_eq!(alerts.len(), told, "{said} {failures}");
        assert_eq!(subject.state(1).await, "succeeded");
    }
}

#[tokio::test]
async fn retry_after_is_kept_to_in_both_forms() {
    for (status_code, field, expected_s, attempts) in [
        (429, "90", 90, 0),
        (429, "Mon, 05 Jan 2026 00:02:00 GMT", 120, 0),
        (503, "600", 600, 1),
        (503, "Mon, 05 Jan 2026 00:03:00 GMT", 180, 1),
    ] {
        let answer = status(status_code).insert_header("retry-after", field);
        let (subject, provider) = (start().await, failing(1, answer).await);
        connect_orders(&subject, &provider.uri(), json!({})).await;
        send_order(&subject, "msg_1", &json!({ "n": 1 })).await;
        subject.settle().await;
        assert_eq!(subject.elapsed().await, seconds(expected_s), "{status_code} {field}");
        let run = subject.run(1).await;
        assert_eq!((&run["state"], &run["failed_attempts"]), (&json!("succeeded"), &json!(attempts)));
    }
}

#[tokio::test]
async fn a_wait_for_a_rate_limit_uses_no_attempt_and_holds_for_all() {
    let (subject, provider) =
        (start().await, failing(20, status(429).insert_header("retry-after", "60")).await);
    connect_orders(&subject, &provider.uri(), json!({})).await;
    send_order(&subject, "msg_1", &json!({ "n": 1 })).await;
    send_order(&subject, "msg_2", &json!({ "n": 2 })).await;
    assert_eq!(numbers(&provider).await, [1], "the other one does not ask before the minute is over");
    subject.settle().await;
    assert_eq!(subject.column("/runs", "runs", "failed_attempts").await, [0, 0]);
    assert_eq!(subject.column("/runs", "runs", "state").await, ["succeeded", "succeeded"]);
    assert!(subject.alerts().await.is_empty(), "twice as many as there are attempts, and nobody is called");
    assert!(subject.elapsed().await >= seconds(600));
}

#[tokio::test]
async fn a_missed_deadline_is_told_once_and_the_run_goes_on() {
    let (subject, provider) = (start().await, failing(4, status(500)).await);
    connect_orders(&subject, &provider.uri(), json!({ "outcome_deadline_s": 60 })).await;
    send_order(&subject, "msg_1", &json!({ "n": 1 })).await;
    subject.settle_for(seconds(59)).await;
    assert!(alerts_of(&subject, "deadline_missed").await.is_empty());
    let subject = subject.restart().await;
    subject.settle_for(seconds(1)).await;
    subject.quiet(0).await;
    let alerts = alerts_of(&subject, "deadline_missed").await;
    assert_eq!((alerts.len(), &alerts[0]["run"]), (1, &json!("run-1")));
    assert_eq!(alerts[0]["at"], "2026-01-05T00:01:00Z", "at once, not with the next attempt");
    subject.settle().await;
    assert_eq!(subject.state(1).await, "succeeded");
    assert_eq!(alerts_of(&subject, "deadline_missed").await.len(), 1);
    assert_eq!(subject.lines(&["deadline_missed"]).await.len(), 1);
}

#[tokio::test]
async fn what_is_done_in_time_misses_no_deadline() {
    let (subject, provider) = (start().await, failing(1, status(500)).await);
    connect_orders(&subject, &provider.uri(), json!({ "outcome_deadline_s": 60 })).await;
    send_order(&subject, "msg_1", &json!({ "n": 1 })).await;
    subject.settle().await;
    subject.advance("2026-01-06T00:00:00Z".parse().unwrap()).await;
    send_order(&subject, "msg_2", &json!({ "n": 2 })).await;
    assert!(subject.alerts().await.is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_is_left_in_peace_and_tried_with_one_call() {
    let (subject, provider) = (start().await, failing(6, status(500)).await);
    let healthy = failing(0, status(500)).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    put_orders(&subject, "bolt", &healthy.uri(), json!({})).await;
    for n in 1..=5 {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    for n in 6..=8 {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    assert_eq!(numbers(&provider).await, [1, 2, 3, 4, 5], "five runs failed, the others do not ask");
    assert_eq!(subject.column("/runs", "runs", "failed_attempts").await, [1, 1, 1, 1, 1, 0, 0, 0]);
    orders("/hooks/bolt/orders").send(&subject, "msg_1", br#"{"n": 1}"#).await;
    assert_eq!(numbers(&healthy).await, [1], "another tenant's is none of its business");
    subject.settle_for(seconds(29)).await;
    assert_eq!(numbers(&provider).await.len(), 5);
    subject.settle_for(seconds(1)).await;
    subject.quiet(0).await;
    assert_eq!(numbers(&provider).await.len(), 6, "one goes, and fails");
    subject.settle_for(seconds(59)).await;
    assert_eq!(numbers(&provider).await.len(), 6, "now it is left in peace for twice as long");
    subject.settle_for(seconds(1)).await;
    subject.quiet(0).await;
    assert_eq!(numbers(&provider).await.len(), 7, "one goes, and is taken");
    subject.settle().await;
    let lines = subject.lines(&["circuit_opened", "circuit_closed"]).await;
    let told: Vec<_> =
        lines.iter().map(|line| (line["event"].as_str().unwrap(), line["until"].as_str())).collect();
    assert_eq!(
        told,
        [
            ("circuit_opened", Some("2026-01-05T00:00:30Z")),
            ("circuit_opened", Some("2026-01-05T00:01:30Z")),
            ("circuit_closed", None)
        ]
    );
    let mut taken = numbers(&provider).await.split_off(6);
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_fails_at_one_address_does_not_keep_calls_from_another() {
    let (subject, provider) = (start().await, failing(5, status(500)).await);
    let healthy = failing(0, status(500)).await;
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for n in 1..=5 {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    assert_eq!(subject.lines(&["circuit_opened"]).await.len(), 1);
    let document = json!({ "tenant": "acme", "connection": "other", "reference": "order-1", "protocol": "rest",
                           "method": "POST", "path": "/", "content_type": "application/json", "body": "{\"n\": 9}" });
    let other = json!({ "provider": "http", "base_url": healthy.uri(), "access_token": "a" });
    subject.call("PUT", "/connections/acme/other", Some(other)).await;
    let handed_over = subject.call("POST", "/integrations/relay/documents", Some(document)).await;
    assert_eq!(handed_over.0, 202);
    subject.quiet(0).await;
    assert_eq!(numbers(&healthy).await, [9]);
}

#[tokio::test]
async fn refusals_open_no_circuit() {
    let (subject, provider) = (start().await, failing(7, status(400)).await);
    connect_orders(&subject, &provider.uri(), json!({})).await;
    for n in 1..=8 {
        send_order(&subject, &format!("msg_{n}"), &json!({ "n": n })).await;
    }
    assert_eq!(numbers(&provider).await.len(), 8);
    assert!(subject.lines(&["circuit_opened"]).await.is_empty());
}

#[tokio::test]
async fn a_run_whose_process_dies_three_times_over_it_is_held_until_it_is_released() {
    let scripts = [vec![Script::Hang; 3], vec![Script::Answer(String::new()); 2]].concat();
    let provider = RawProvider::start(scripts).await;
    let mut subject = start().await;
    connect_orders(&subject, &provider.url(), json!({ "order_by": "/customer" })).await;
    orders("/hooks/acme/orders").send_only(&subject, "msg", br#"[{"customer": 7}, {"customer": 7}]"#).await;
    for _ in 0..3 {
        subject.quiet(1).await;
        assert!(subject.holds().await.is_empty());
        subject = subject.crash().await;
    }
    subject.quiet(0).await;
    let hold = &subject.list("/holds", "holds").await[0];
    assert_eq!((&hold["reason"], &hold["run"]), (&json!("poisoned"), &json!("run-1")));
    assert_eq!(subject.alerts().await, ["poisoned"]);
    assert_eq!((subject.state(1).await.as_str(), subject.state(2).await.as_str()), ("held", "queued"));
    subject.post("/holds/hold-1/release", json!({ "tenant": "acme" })).await;
    subject.settle().await;
    assert_eq!(
        (subject.state(1).await.as_str(), subject.state(2).await.as_str()),
        ("succeeded", "succeeded")
    );
    let keys = provider.headers("idempotency-key");
    assert!(keys[0] == keys[1] && keys[0] == keys[3] && keys[0] != keys[4], "{keys:?}");
}

#[tokio::test]
async fn a_process_that_is_stopped_is_not_taken_for_dead() {
    let scripts = [vec![Script::Hang; 6], vec![Script::Answer(String::new())]].concat();
    let provider = RawProvider::start(scripts).await;
    let mut subject = start().await;
    connect_orders(&subject, &provider.url(), json!({})).await;
    orders("/hooks/acme/orders").send_only(&subject, "msg", b"{}").await;
    for is_crash in [false, true, false, false, true, false] {
        subject.quiet(1).await;
        subject = if is_crash { subject.crash().await } else { subject.restart().await };
    }
    subject.settle().await;
    assert_eq!((subject.state(1).await.as_str(), subject.holds().await.len()), ("succeeded", 0));
}
