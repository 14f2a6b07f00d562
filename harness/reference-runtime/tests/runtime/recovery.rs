//! What the provider can do wrong, and how a run comes through it or stops loudly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::provider::{
    error, inject, message, ok, page, page_at, requests, three_pages, whole_history,
};
use crate::support::raw::{RawProvider, Script};
use crate::support::tls::within_tls;
use crate::support::{ACCESS_TOKEN, start};
use jiff::SignedDuration;
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn an_outage_is_waited_out_by_the_schedule_and_told_once() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, Some("t1"), 5, error(502, "M_UNKNOWN")).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.bodies().await, whole_history());
    assert_eq!(subject.alerts().await, ["repeated_failures"]);
    assert_eq!(subject.run(1).await["failed_attempts"], 5);
    let least = seconds(5 + 5 * 60 + 30 * 60 + 2 * 3600 + 5 * 3600);
    let elapsed = subject.elapsed().await;
    assert!(elapsed >= least && elapsed <= least + least / 5, "{elapsed}");
}

#[tokio::test]
async fn an_outage_without_end_ends_in_a_hold() {
    let (subject, provider) = (start().await, MockServer::start().await);
    page_at(None).respond_with(error(500, "M_UNKNOWN")).mount(&provider).await;
    subject.import(&provider.uri()).await;
    assert_eq!(requests(&provider).await.len(), 10);
    assert_eq!(subject.alerts().await, ["repeated_failures", "run_held"]);
    let run = subject.run(1).await;
    assert_eq!((run["state"].as_str(), run["failed_attempts"].as_u64()), (Some("held"), Some(10)));
    assert_eq!(run["detail"], "10 attempts in a row failed, the last: answered 500");
    let hold = &subject.list("/holds", "holds").await[0];
    assert_eq!((&hold["reason"], &hold["payload"]), (&json!("retries_exhausted"), &json!(null)));
    assert!(subject.elapsed().await >= SignedDuration::from_hours(75));
}

#[tokio::test]
async fn retry_after_is_kept_to_and_costs_no_attempt() {
    let cases = [
        (ResponseTemplate::new(429).insert_header("retry-after", "90"), 90),
        (ResponseTemplate::new(429).insert_header("retry-after", "Mon, 05 Jan 2026 00:02:00 GMT"), 120),
        (ResponseTemplate::new(429).set_body_json(json!({ "retry_after_ms": 1_500 })), 1),
        (ResponseTemplate::new(429).insert_header("retry-after", "999999999"), 24 * 3600),
    ];
    for (answer, expected_s) in cases {
        let (subject, provider) = (start().await, three_pages().await);
        inject(&provider, None, 1, answer).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.elapsed().await.as_secs(), expected_s);
        assert_eq!(subject.outcomes().await[0], "rate_limited");
        let run = subject.run(1).await;
        assert_eq!((&run["state"], &run["failed_attempts"]), (&json!("succeeded"), &json!(0)));
    }
}

#[tokio::test]
async fn retry_after_wins_over_the_body_and_a_bare_429_is_a_failed_attempt() {
    let (subject, provider) = (start().await, three_pages().await);
    let both = ResponseTemplate::new(429).insert_header("retry-after", "7");
    inject(&provider, None, 1, both.set_body_json(json!({ "retry_after_ms": 90_000 }))).await;
    inject(&provider, Some("t1"), 1, ResponseTemplate::new(429)).await;
    subject.import(&provider.uri()).await;
    let elapsed = subject.elapsed().await;
    assert!(elapsed >= seconds(12) && elapsed <= seconds(13), "{elapsed}");
    assert_eq!(subject.run(1).await["failed_attempts"], 1);
}

#[tokio::test]
async fn a_provider_that_puts_off_for_ever_ends_in_a_hold() {
    let (subject, provider) = (start().await, MockServer::start().await);
    let answer = ResponseTemplate::new(429).insert_header("retry-after", "1");
    page_at(None).respond_with(answer).mount(&provider).await;
    subject.import(&provider.uri()).await;
    assert_eq!(requests(&provider).await.len(), 51);
    assert_eq!(subject.alerts().await, ["run_held"]);
    let run = subject.run(1).await;
    assert_eq!((&run["state"], &run["failed_attempts"]), (&json!("held"), &json!(0)));
}

#[tokio::test]
async fn retry_after_on_503_is_kept_to_and_costs_an_attempt() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, None, 1, ResponseTemplate::new(503).insert_header("retry-after", "600")).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.elapsed().await, seconds(600));
    assert_eq!(subject.run(1).await["failed_attempts"], 1);
}

#[tokio::test]
async fn a_hanging_provider_times_out_on_the_clock() {
    for script in [Script::Hang, Script::HangInBody] {
        let provider = RawProvider::start(vec![script, Script::Answer(page(&[1], None).to_string())]).await;
        let subject = start().await;
        subject.connect(&provider.url()).await;
        subject.trigger().await;
        let state = subject.quiet(1).await;
        assert_eq!(state["next_timer"], "2026-01-05T00:00:10Z");
        let state = subject.advance("2026-01-06T00:00:00Z".parse().unwrap()).await;
        assert_eq!(state["now"], "2026-01-05T00:00:10Z");
        subject.settle().await;
        assert_eq!(subject.bodies().await, ["m1"]);
        assert_eq!(subject.outcomes().await, ["timed_out", "ok"]);
    }
}

#[tokio::test]
async fn broken_connections_and_bodies_are_failed_attempts() {
    let scripts = vec![Script::Close, Script::Truncate, Script::Answer("{".to_owned())];
    let provider = RawProvider::start(scripts).await;
    let subject = start().await;
    subject.connect(&provider.url()).await;
    subject.trigger().await;
    subject.settle_for(seconds(5 * 60 * 2)).await;
    assert_eq!(subject.outcomes().await, ["connection_failed", "invalid_body", "invalid_body"]);
    assert_eq!(subject.column("/audit", "entries", "status").await, [json!(null), json!(200), json!(200)]);

    drop(provider);
    subject.settle_for(SignedDuration::from_hours(1)).await;
    assert_eq!(subject.outcomes().await.last().unwrap(), "connection_failed");
}

#[tokio::test]
async fn a_body_without_bound_is_not_read() {
    let (subject, provider) = (start().await, three_pages().await);
    let flood = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 8 * 1024 * 1024 + 1]);
    inject(&provider, None, 1, flood).await;
    subject.import(&provider.uri()).await;
    let audit = subject.list("/audit", "entries").await;
    assert_eq!(audit[0]["detail"], "answered 200, but the body is longer than 8388608 bytes");
    assert_eq!(subject.bodies().await, whole_history());
}

#[tokio::test]
async fn a_refusal_is_held_and_told_at_once() {
    let cases = [
        (403, "permission_denied", "permission_denied"),
        (409, "refused", "run_held"),
        (400, "refused", "run_held"),
        (302, "refused", "run_held"),
    ];
    for (status, reason, alert) in cases {
        let (subject, provider) = (start().await, three_pages().await);
        let answer = error(status, "M_FORBIDDEN").insert_header("location", "/elsewhere");
        inject(&provider, Some("t1"), 1, answer).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.state(1).await, "held");
        assert_eq!(subject.alerts().await, [alert], "{status}");
        assert_eq!(subject.column("/holds", "holds", "reason").await, [reason], "{status}");
        assert_eq!(requests(&provider).await.len(), 2, "{status}: no retry, no redirect");
        assert_eq!(subject.bodies().await, ["m5", "m6"]);
    }
}

#[tokio::test]
async fn what_was_never_there_is_held_and_what_was_there_a_page_ago_is_asked_for_again() {
    for status in [404, 410] {
        let (subject, provider) = (start().await, three_pages().await);
        inject(&provider, None, 1, error(status, "M_NOT_FOUND")).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.state(1).await, "held");
        assert_eq!(subject.column("/holds", "holds", "reason").await, ["not_found"], "{status}");

        let (subject, provider) = (start().await, three_pages().await);
        inject(&provider, Some("t1"), 1, error(status, "M_NOT_FOUND")).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.bodies().await, whole_history(), "{status}");
        // A cursor that is gone begins anew; anything else is the same page once more.
        let asked = if status == 410 { 5 } else { 4 };
        assert_eq!(requests(&provider).await.len(), asked, "{status}");
    }
}

#[tokio::test]
async fn a_cursor_that_is_never_good_is_held_in_the_end() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, Some("t1"), 100, error(410, "M_UNKNOWN")).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.alerts().await, ["run_held"]);
    assert_eq!(requests(&provider).await.len(), 8, "begun anew three times");
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_failed_attempts() {
    let (subject, provider) = (start().await, three_pages().await);
    let circle = ok(json!({ "chunk": [message(3)], "end": "t1" }));
    inject(&provider, Some("t2"), 100, circle).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.alerts().await, ["repeated_failures", "run_held"]);
    assert_eq!(requests(&provider).await.len(), 12, "ten attempts at the third page");
    assert_eq!(subject.bodies().await, ["m3", "m4", "m5", "m6"]);
}

#[tokio::test]
async fn a_certificate_is_trusted_by_the_authority_that_the_connection_names() {
    let (address, ca_pem) = within_tls("localhost").await;
    // Another server's name, then nobody's authority, then both right: the server ends the connection then.
    let cases = [
        (format!("https://{address}"), Some(&ca_pem), "the provider's certificate is another server's"),
        (
            format!("https://localhost:{}", address.port()),
            None,
            "the provider's certificate is of an authority that is not trusted",
        ),
    ];
    for (base_url, ca_pem, detail) in cases {
        let subject = start().await;
        let body = json!({ "provider": "matrix", "base_url": base_url, "access_token": ACCESS_TOKEN, "ca_pem": ca_pem });
        subject.call("PUT", "/connections/acme/chat", Some(body)).await;
        subject.trigger().await;
        subject.settle().await;
        assert_eq!(subject.state(1).await, "held");
        assert_eq!(subject.alerts().await, ["certificate_rejected"]);
        assert_eq!(subject.column("/holds", "holds", "detail").await, [detail]);
    }
    let subject = start().await;
    let base_url = format!("https://localhost:{}", address.port());
    let body =
        json!({ "provider": "matrix", "base_url": base_url, "access_token": ACCESS_TOKEN, "ca_pem": ca_pem });
    subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    subject.trigger().await;
    subject.quiet(0).await;
    assert_eq!(subject.outcomes().await, ["connection_failed"]);
}

#[tokio::test]
async fn the_log_has_a_line_for_each_failure_wait_and_hold() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, None, 1, error(500, "M_UNKNOWN")).await;
    inject(&provider, Some("t1"), 1, error(403, "M_FORBIDDEN")).await;
    subject.import(&provider.uri()).await;
    let events = subject.column("/log", "lines", "event").await;
    assert_eq!(
        events,
        [
            "started",
            "connection_stored",
            "run_accepted",
            "attempt_failed",
            "waiting",
            "page_committed",
            "run_held"
        ]
    );
    let held = subject.list("/log", "lines").await.pop().unwrap();
    assert_eq!(
        (&held["level"], &held["tenant"], &held["run"]),
        (&json!("error"), &json!("acme"), &json!("run-1"))
    );
    assert_eq!(held["detail"], "answered 403 M_FORBIDDEN");
}

#[tokio::test]
async fn two_runs_of_the_same_seed_are_the_same() {
    let mut trails = Vec::new();
    for _ in 0..2 {
        let (subject, provider) = (start().await, MockServer::start().await);
        inject(&provider, None, 4, error(500, "M_UNKNOWN")).await;
        page_at(None).respond_with(ok(page(&[1], None))).mount(&provider).await;
        subject.import(&provider.uri()).await;
        trails.push((subject.list("/audit", "entries").await, subject.list("/log", "lines").await));
    }
    assert_eq!(trails[0], trails[1]);
}
