//! Tokens that expire, rotate and are rejected; and that no secret gets out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::provider::{
    error, inject, mount_pages, mount_refresh, ok, page_at, requests, soft_logout, three_pages, whole_history,
};
use crate::support::{ACCESS_TOKEN, REFRESH_TOKEN, START, Subject, start};
use counterpart_testing::{ClockEndpoint, fixture, stand_in};
use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECOND_ACCESS: &str = "syt_second_access";
const SECOND_REFRESH: &str = "syr_second_refresh";

fn second_pair() -> ResponseTemplate {
    ok(json!({ "access_token": SECOND_ACCESS, "refresh_token": SECOND_REFRESH, "expires_in_ms": 3_600_000 }))
}

/// A provider on which the first access token is good for `pages` pages, and the second for all.
async fn expiring_after(pages: u64) -> MockServer {
    let server = three_pages().await;
    mount_pages(&server, SECOND_ACCESS).await;
    let cursor = [None, Some("t1"), Some("t2")][usize::try_from(pages).unwrap()];
    inject(&server, cursor, 1, soft_logout()).await;
    server
}

async fn operations(subject: &Subject) -> Vec<Value> {
    subject.column("/audit", "entries", "operation").await
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_no_page_is_lost() {
    let subject = start().await;
    // It knows which token is good: a request with another one is refused.
    let provider = stand_in(fixture!("matrix/room-history"))
        .virtual_clock_from(START.parse().unwrap())
        .with_fault("expired_token@messages-2")
        .await;
    let clock = ClockEndpoint::join(&subject.url(), &provider).await.unwrap();
    let refresh_token = provider.credentials().refresh_token.unwrap();
    subject.connect_with(provider.base_url(), &provider.access_token(), &refresh_token).await;
    subject.trigger_room("#history:test.local").await;
    provider.settle_with(&clock).await;

    provider.assert_order(&["messages", "messages", "refresh", "messages"]);
    provider.assert_requests("messages", 11);
    provider.assert_requests("refresh", 1);
    assert_eq!(subject.bodies().await.len(), 72);
    let resolved_and_paged = ["resolve_alias", "messages", "messages", "refresh", "messages", "messages"];
    assert_eq!(operations(&subject).await[..6], resolved_and_paged);
    assert_eq!(subject.outcomes().await[..5], ["ok", "ok", "refused", "ok", "ok"]);
    assert!(subject.alerts().await.is_empty());
    let connection = subject.get("/connections/acme/chat").await;
    let base_url = provider.base_url();
    let good_until = connection["access_token_expires_at"].clone();
    assert!(good_until.as_str().is_some_and(|at| at > START), "{connection}");
    let expected = json!({ "tenant": "acme", "connection": "chat", "provider": "matrix", "base_url": base_url,
                           "state": "active", "access_token_expires_at": good_until });
    assert_eq!(connection, expected);
}

#[tokio::test]
async fn refreshed_tokens_are_stored_before_they_are_used() {
    let (subject, provider) = (start().await, expiring_after(0).await);
    mount_refresh(&provider, second_pair()).await;
    inject(&provider, None, 1, soft_logout()).await;
    subject.import(&provider.uri()).await;
    // Each refresh presented the token that the one before brought.
    let sent: Vec<Value> = provider
        .received_requests()
        .await
        .unwrap()
        .iter()
        .filter(|request| request.url.path().ends_with("/refresh"))
        .map(|request| request.body_json::<Value>().unwrap()["refresh_token"].clone())
        .collect();
    assert_eq!(sent, [REFRESH_TOKEN, SECOND_REFRESH]);
    let subject = subject.restart().await;
    provider.reset().await;
    mount_pages(&provider, SECOND_ACCESS).await;
    subject.trigger().await;
    subject.settle().await;
    assert_eq!(subject.bodies().await, whole_history());
}

#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_stays() {
    let (subject, provider) = (start().await, expiring_after(0).await);
    inject(&provider, Some("t1"), 1, soft_logout()).await;
    mount_refresh(&provider, ok(json!({ "access_token": SECOND_ACCESS }))).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.bodies().await, whole_history());
    assert_eq!(subject.get("/connections/acme/chat").await["access_token_expires_at"], Value::Null);
    let refreshes = provider.received_requests().await.unwrap();
    let refreshes = refreshes.iter().filter(|request| request.url.path().ends_with("/refresh"));
    assert!(
        refreshes
            .map(|request| request.body_json::<Value>().unwrap())
            .all(|body| body["refresh_token"] == REFRESH_TOKEN)
    );
}

#[tokio::test]
async fn tokens_that_expire_on_arrival_end_in_a_hold() {
    let (subject, provider) = (start().await, MockServer::start().await);
    page_at(None).respond_with(soft_logout()).mount(&provider).await;
    mount_refresh(&provider, second_pair()).await;
    subject.import(&provider.uri()).await;
    assert_eq!(operations(&subject).await, ["messages", "refresh", "messages", "refresh", "messages"]);
    assert_eq!(subject.alerts().await, ["credential_rejected"]);
    assert_eq!(subject.state(1).await, "held");
}

#[tokio::test]
async fn a_rejected_refresh_pauses_the_connection_until_it_is_put_again() {
    for status in [400, 401, 403] {
        let (subject, provider) = (start().await, three_pages().await);
        inject(&provider, None, 1, soft_logout()).await;
        mount_refresh(&provider, error(status, "M_UNKNOWN_TOKEN")).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.get("/connections/acme/chat").await["state"], "paused");
        assert_eq!(subject.alerts().await, ["credential_rejected"]);
        assert_eq!(subject.column("/holds", "holds", "reason").await, ["credential_rejected"]);
        assert_eq!(subject.now().await.to_string(), START, "told at once");

        let calls = requests(&provider).await.len();
        subject.trigger().await;
        subject.settle().await;
        assert_eq!((subject.state(2).await.as_str(), requests(&provider).await.len()), ("held", calls));
        assert_eq!(subject.alerts().await, ["credential_rejected", "credential_rejected"]);

        subject.import(&provider.uri()).await;
        assert_eq!(subject.state(3).await, "succeeded");
    }
}

#[tokio::test]
async fn another_401_is_a_rejected_credential() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, Some("t1"), 1, error(401, "M_UNKNOWN_TOKEN")).await;
    subject.import(&provider.uri()).await;
    assert_eq!(operations(&subject).await, ["messages", "messages"]);
    assert_eq!(subject.alerts().await, ["credential_rejected"]);
    assert_eq!(subject.get("/connections/acme/chat").await["state"], "paused");
}

#[tokio::test]
async fn a_refresh_that_fails_is_tried_again() {
    let (subject, provider) = (start().await, expiring_after(1).await);
    Mock::given(method("POST"))
        .and(path("/_matrix/client/v3/refresh"))
        .respond_with(error(500, "M_UNKNOWN"))
        .up_to_n_times(3)
        .with_priority(1)
        .mount(&provider)
        .await;
    mount_refresh(&provider, second_pair()).await;
    subject.import(&provider.uri()).await;
    assert_eq!(subject.bodies().await, whole_history());
    assert_eq!(subject.alerts().await, ["repeated_failures"]);
    assert!(subject.elapsed().await >= SignedDuration::from_secs(5 + 300 + 1800));
}

#[tokio::test]
async fn new_credentials_end_a_refresh_that_does_not_come_through() {
    let (subject, provider) = (start().await, expiring_after(1).await);
    mount_refresh(&provider, error(500, "M_UNKNOWN")).await;
    subject.connect(&provider.uri()).await;
    subject.trigger().await;
    subject.settle_for(SignedDuration::from_mins(10)).await;
    let new = json!({ "provider": "matrix", "base_url": provider.uri(), "access_token": SECOND_ACCESS });
    assert_eq!(subject.call("PUT", "/connections/acme/chat", Some(new)).await.0, 200);
    subject.settle().await;
    assert_eq!(subject.bodies().await, whole_history());
    assert_eq!(subject.state(1).await, "succeeded");
}

#[tokio::test]
async fn no_secret_gets_out() {
    let (subject, provider) = (start().await, expiring_after(1).await);
    mount_refresh(&provider, second_pair()).await;
    let talkative = json!({ "errcode": "M_FORBIDDEN", "error": format!("no access for {SECOND_ACCESS}") });
    inject(&provider, Some("t2"), 1, ResponseTemplate::new(403).set_body_json(talkative)).await;
    subject.import(&provider.uri()).await;
    let wrong = json!({ "provider": "matrix", "base_url": provider.uri(), "access_token": ACCESS_TOKEN,
                        "max_requests_per_second": "syt_misplaced" });
    let (status, refusal) = subject.call("PUT", "/connections/acme/chat", Some(wrong)).await;
    assert_eq!(status, 422);

    let mut seen = refusal.to_string();
    for path in ["/log", "/connections/acme/chat"] {
        seen += &subject.get(path).await.to_string();
    }
    for probe in ["runs", "audit", "alerts", "holds", "destination/messages"] {
        seen += &subject.get(&format!("/{probe}?tenant=acme")).await.to_string();
    }
    assert!(!seen.contains("syt_") && !seen.contains("syr_"), "{seen}");

    let directory = subject.shutdown().await;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"syt_" || window == b"syr_"));
    }
}
