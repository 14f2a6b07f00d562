//! The HTTP API at its edges: what it refuses and how, bounds, tenants, and several runtimes at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::provider::{ok, page, page_at, three_pages, whole_history};
use crate::support::raw::{RawProvider, Script};
use crate::support::{ACCESS_TOKEN, Subject, start};
use serde_json::{Value, json};
use wiremock::MockServer;

async fn refusal(subject: &Subject, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
    let (status, body) = subject.call(method, path, body).await;
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

fn told(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn it_says_how_it_is() {
    let health = start().await.get("/health").await;
    assert_eq!(health, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_json() {
    let subject = start().await;
    assert_eq!(refusal(&subject, "GET", "/nowhere", None).await, told(404, "not_found"));
    assert_eq!(refusal(&subject, "DELETE", "/runs", None).await, told(405, "method_not_allowed"));
    assert_eq!(refusal(&subject, "GET", "/connections/acme/chat", None).await, told(404, "not_found"));
    let trigger = json!({ "tenant": "acme", "connection": "chat", "room": "!r" });
    let runs = "/integrations/chat-import/runs";
    assert_eq!(refusal(&subject, "POST", runs, Some(trigger)).await, told(404, "not_found"));
    for query in ["", "?tenant=", "?tenant=A", "?tenant=acme&more=1"] {
        assert_eq!(
            refusal(&subject, "GET", &format!("/runs{query}"), None).await,
            told(422, "invalid"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_created_replaced_and_never_echoed() {
    let subject = start().await;
    let body =
        json!({ "provider": "matrix", "base_url": "http://127.0.0.1:9/", "access_token": ACCESS_TOKEN });
    for expected in [201, 200] {
        let (status, answer) = subject.call("PUT", "/connections/acme/chat", Some(body.clone())).await;
        assert_eq!((status, answer.to_string().contains("syt_")), (expected, false));
    }
    let expected = json!({ "tenant": "acme", "connection": "chat", "provider": "matrix",
                           "base_url": "http://127.0.0.1:9", "state": "active", "access_token_expires_at": null });
    assert_eq!(subject.get("/connections/acme/chat").await, expected);
}

#[tokio::test]
async fn a_connection_that_makes_no_sense_is_refused() {
    let subject = start().await;
    let good = json!({ "provider": "matrix", "base_url": "http://127.0.0.1:9", "access_token": "a" });
    let changes = [
        ("provider", json!("Slack!")),
        ("webhook", json!({ "scheme": "slack", "secret": "s", "account": "T1" })),
        ("webhook", json!({ "scheme": "slack" })),
        ("ca_pem", json!("no certificate")),
        ("ca_pem", json!("")),
        ("base_url", json!("127.0.0.1")),
        ("base_url", json!("ftp://host/")),
        ("base_url", json!("http://user:pass@host/")),
        ("base_url", json!("http://host/?token=1")),
        ("access_token", json!("two words")),
        ("access_token", json!(null)),
        ("refresh_token", json!("")),
        ("max_requests_per_second", json!(0)),
        ("surplus", json!(1)),
    ];
    for (key, value) in changes {
        let mut body = good.clone();
        body[key] = value;
        let answer = refusal(&subject, "PUT", "/connections/acme/chat", Some(body)).await;
        assert_eq!(answer, told(422, "invalid"), "{key}");
    }
    let answer = refusal(&subject, "PUT", "/connections/Acme/chat", Some(good)).await;
    assert_eq!(answer, told(422, "invalid"));
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_json() {
    let subject = start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/connections/acme/chat", subject.url());
    let status = |body: String| {
        let request = http.put(&url).body(body);
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status("{\"provider\": ".to_owned()).await, 400);
    assert_eq!(status(" ".repeat(1024 * 1024 + 1)).await, 413);
}

#[tokio::test]
async fn the_clock_goes_forward_only() {
    let subject = start().await;
    let expected =
        json!({ "now": crate::support::START, "next_timer": null, "busy": 0, "started": 0, "finished": 0 });
    assert_eq!(subject.quiet(0).await, expected);
    let state = subject.advance("2026-01-06T00:00:00Z".parse().unwrap()).await;
    assert_eq!(state["now"], "2026-01-06T00:00:00Z");
    for body in [
        json!({ "to": crate::support::START }),
        json!({ "to": 7 }),
        json!({}),
        json!({ "to": crate::support::START, "x": 1 }),
    ] {
        let answer = refusal(&subject, "POST", "/clock/advance", Some(body)).await;
        assert_eq!(answer, told(422, "invalid"));
    }
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let provider = RawProvider::start(vec![Script::Hang]).await;
    let subject = crate::support::start_bounded(20).await;
    subject.connect(&provider.url()).await;
    for _ in 0..20 {
        subject.trigger().await;
    }
    let trigger = json!({ "tenant": "acme", "connection": "chat", "room": "!r" });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/integrations/chat-import/runs", subject.url());
    let answer = http.post(url).json(&trigger).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "5"));
}

#[tokio::test]
async fn no_tenant_sees_anothers() {
    let (subject, provider) = (start().await, three_pages().await);
    subject.import(&provider.uri()).await;
    for (probe, key) in [
        ("runs", "runs"),
        ("audit", "entries"),
        ("alerts", "alerts"),
        ("holds", "holds"),
        ("destination/messages", "records"),
    ] {
        assert_eq!(subject.get(&format!("/{probe}?tenant=bolt")).await, json!({ key: [] }));
    }
}

#[tokio::test]
async fn connections_work_side_by_side_sixteen_at_a_time() {
    let provider = RawProvider::start(vec![Script::Hang; 20]).await;
    let subject = start().await;
    for number in 0..20 {
        let body = json!({ "provider": "matrix", "base_url": provider.url(), "access_token": "a" });
        subject.call("PUT", &format!("/connections/acme/c{number}"), Some(body)).await;
        let trigger = json!({ "tenant": "acme", "connection": format!("c{number}"), "room": "!r" });
        subject.call("POST", "/integrations/chat-import/runs", Some(trigger)).await;
    }
    let state = subject.quiet(16).await;
    assert_eq!(state["started"], 16);
    // The first that times out makes room for the seventeenth.
    subject.advance("2026-01-05T00:00:10Z".parse().unwrap()).await;
    let state = subject.quiet(16).await;
    assert_eq!((&state["started"], &state["finished"]), (&json!(17), &json!(1)));
}

#[tokio::test]
async fn runtimes_in_one_process_keep_apart() {
    let provider = three_pages().await;
    let other = MockServer::start().await;
    page_at(None).respond_with(ok(page(&[9], None))).mount(&other).await;
    let (first, second) = (start().await, start().await);
    first.import(&provider.uri()).await;
    second.import(&other.uri()).await;
    assert_eq!(first.bodies().await, whole_history());
    assert_eq!(second.bodies().await, ["m9"]);
    assert_eq!(second.run(1).await["run"], "run-1");
}
