//! Starting, stopping, and taking up what was left.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use crate::support::provider::{error, inject, page, requests, three_pages, whole_history};
use crate::support::raw::{RawProvider, Script};
use crate::support::{START, config, install_tls, start};
use counterpart_reference_runtime::{ClockMode, Plant, Runtime, StartError};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_run_goes_on_from_its_cursor_after_a_restart() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, Some("t1"), 1, error(500, "M_UNKNOWN")).await;
    subject.connect(&provider.uri()).await;
    subject.trigger().await;
    subject.quiet(0).await;
    let subject = subject.restart().await;
    subject.settle().await;
    assert_eq!(subject.bodies().await, whole_history());
    let newest = requests(&provider).await.iter().filter(|request| !request.contains("from=")).count();
    assert_eq!(newest, 1);
}

#[tokio::test]
async fn a_restart_does_not_shorten_a_wait() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, None, 1, ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    subject.connect(&provider.uri()).await;
    subject.trigger().await;
    subject.settle_for(SignedDuration::from_mins(20)).await;
    let subject = subject.restart().await;
    assert_eq!(subject.quiet(0).await["next_timer"], "2026-01-05T01:00:00Z");
    assert_eq!(subject.state(1).await, "waiting");
    subject.settle().await;
    assert_eq!(
        (subject.state(1).await.as_str(), subject.now().await.to_string()),
        ("succeeded", "2026-01-05T01:00:00Z".to_owned())
    );
}

#[tokio::test]
async fn a_call_that_was_under_way_is_made_again() {
    let scripts = vec![Script::Hang, Script::Answer(page(&[2, 1], None).to_string())];
    let provider = RawProvider::start(scripts).await;
    let subject = start().await;
    subject.connect(&provider.url()).await;
    subject.trigger().await;
    subject.quiet(1).await;
    let subject = subject.restart().await;
    subject.settle().await;
    assert_eq!(subject.bodies().await, ["m1", "m2"]);
    assert_eq!(subject.now().await.to_string(), START);
}

/// As of a process that died: no word, where one that stops in good order refuses.
#[tokio::test]
async fn who_asked_before_a_crash_is_not_answered_after_it() {
    let subject = start().await;
    let mut asked =
        tokio::net::TcpStream::connect(subject.url().trim_start_matches("http://")).await.unwrap();
    asked.write_all(b"GET /tenants/t-1/runs HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    subject.quiet(0).await;
    let subject = subject.crash().await;
    // It may notice before the rest of the question is out.
    let _ = asked.write_all(b"\r\n").await;
    let mut answer = Vec::new();
    let _ = asked.read_to_end(&mut answer).await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    subject.quiet(0).await;
}

#[tokio::test]
async fn queued_runs_are_taken_up_in_their_order() {
    let (subject, provider) = (start().await, three_pages().await);
    inject(&provider, None, 1, error(500, "M_UNKNOWN")).await;
    subject.connect(&provider.uri()).await;
    for _ in 0..3 {
        subject.trigger().await;
    }
    subject.quiet(0).await;
    let subject = subject.restart().await;
    subject.settle().await;
    let mut runs = subject.column("/audit", "entries", "run").await;
    runs.dedup();
    assert_eq!(runs, ["run-1", "run-2", "run-3"]);
    assert_eq!(subject.state(3).await, "succeeded");
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_address() {
    install_tls();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path(), START.parse().unwrap(), BTreeSet::new());
    config.listen = address;
    match Runtime::start(config).await {
        Err(StartError::AddressInUse { address: told }) => assert_eq!(told, address),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_data_directory_has_one_runtime_at_a_time() {
    let subject = start().await;
    let config = config(subject.directory.path(), START.parse().unwrap(), BTreeSet::new());
    let error = Runtime::start(config).await.unwrap_err().to_string();
    assert!(error.contains("another runtime is using it"), "{error}");
    subject.restart().await;
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_told_and_never_made_anew() {
    let (subject, provider) = (start().await, three_pages().await);
    subject.connect(&provider.uri()).await;
    let directory = subject.shutdown().await;
    let key = directory.path().join("key");
    std::fs::remove_file(&key).unwrap();
    let config = config(directory.path(), START.parse().unwrap(), BTreeSet::new());
    let error = Runtime::start(config.clone()).await.unwrap_err().to_string();
    assert!(error.contains("is missing, but encrypted credentials exist"), "{error}");
    assert!(!key.exists());
    std::fs::write(&key, [7; 32]).unwrap();
    let error = Runtime::start(config).await.unwrap_err().to_string();
    assert!(error.contains("is not the one that"), "{error}");
}

#[tokio::test]
async fn plants_need_the_test_clock() {
    install_tls();
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path(), START.parse().unwrap(), BTreeSet::from([Plant::NoTimeout]));
    config.clock = ClockMode::Real;
    let error = Runtime::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::PlantNeedsTestClock { plant: Plant::NoTimeout }), "{error}");
}

#[tokio::test]
async fn on_real_time_it_imports_too_and_has_no_clock_to_set() {
    install_tls();
    let directory = tempfile::tempdir().unwrap();
    let provider = RawProvider::start(vec![Script::Answer(page(&[1], None).to_string())]).await;
    let mut config = config(directory.path(), START.parse().unwrap(), BTreeSet::new());
    config.clock = ClockMode::Real;
    let runtime = Runtime::start(config).await.unwrap();
    let url = |path: &str| format!("http://{}{path}", runtime.address());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(http.get(url("/clock")).send().await.unwrap().status(), 404);
    let connection =
        serde_json::json!({ "provider": "matrix", "base_url": provider.url(), "access_token": "a" });
    http.put(url("/connections/acme/chat")).json(&connection).send().await.unwrap();
    let trigger = serde_json::json!({ "tenant": "acme", "connection": "chat", "room": "!r" });
    http.post(url("/integrations/chat-import/runs")).json(&trigger).send().await.unwrap();
    for _ in 0..20_000 {
        let runs: Value = http.get(url("/runs?tenant=acme")).send().await.unwrap().json().await.unwrap();
        if runs["runs"][0]["state"] == "succeeded" {
            runtime.shutdown().await;
            return;
        }
    }
    panic!("the run did not succeed");
}

#[tokio::test]
async fn a_stopped_runtime_leaves_its_port_and_a_dropped_one_its_work() {
    let subject = start().await;
    let url = subject.url();
    subject.shutdown().await;
    assert!(reqwest::get(format!("{url}/health")).await.unwrap_err().is_connect());

    let (subject, provider) = (start().await, RawProvider::start(vec![Script::Hang]).await);
    subject.connect(&provider.url()).await;
    subject.trigger().await;
    subject.quiet(1).await;
    drop(subject);
}
