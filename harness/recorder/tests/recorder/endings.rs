//! Every way in which an exchange can end badly is passed on as it was, and recorded for what it was.

use crate::wire::{Provider, config, free_again, nowhere, record, record_within};
use counterpart_exchange::{Body, Ended};
use counterpart_recorder::{Limits, Recorder, RecorderError};
use std::time::Duration;

const GET: &str = "GET /items HTTP/1.1\r\nHost: r\r\n\r\n";

#[tokio::test]
async fn an_unreachable_upstream_is_told_and_the_recording_goes_on() {
    let upstream = nowhere();
    let session = record(&upstream.url).await;
    for _ in 0..2 {
        let seen = session.ask("GET /items HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").await;
        assert!(seen.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{seen}");
        let told: serde_json::Value = serde_json::from_str(seen.split_once("\r\n\r\n").unwrap().1).unwrap();
        let told = told["error"].as_str().unwrap();
        assert!(told.contains(&upstream.url) && told.contains("refused"), "{told}");
    }
    let kept = session.finish().await;
    assert_eq!(kept.fixture.exchanges.len(), 2);
    for exchange in &kept.fixture.exchanges {
        assert_eq!((exchange.ended, &exchange.response), (Ended::Unreachable, &None));
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_speak_tls_is_unreachable_by_https() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let upstream = format!("https://{}", provider.authority());
    let recorder = match Recorder::start(config(&upstream, &folder)).await {
        Ok(recorder) => recorder,
        // A machine without root certificates cannot go further, and says so.
        Err(error) => {
            assert!(matches!(error, RecorderError::Certificates { .. }), "{error}");
            return;
        }
    };
    let session = crate::wire::Session { folder, recorder };
    let upstream = async {
        let mut wire = provider.accept().await;
        wire.send("this is not TLS\r\n").await;
        wire
    };
    let request = "GET /items HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n";
    let (_, seen) = tokio::join!(upstream, session.ask(request));
    assert!(seen.starts_with("HTTP/1.1 502"), "{seen}");
    assert_eq!(session.finish().await.only().ended, Ended::Unreachable);
}

#[tokio::test]
async fn an_answer_cut_short_is_cut_short_for_the_client_too() {
    for (head, framed) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst", "first"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "5\r\nfirst\r\n"),
    ] {
        let provider = Provider::start().await;
        let session = record(&provider.url).await;
        let mut client = session.client().await;
        client.send(GET).await;
        let mut upstream = provider.accept().await;
        upstream.until("\r\n\r\n").await;
        // Head, half a body and the end at once: what was given must still arrive.
        upstream.send(head).await;
        drop(upstream);
        let seen = client.rest().await;
        assert!(seen.ends_with(framed), "cut, and never ended as if whole: {seen}");
        let kept = session.finish().await;
        assert_eq!(kept.only().ended, Ended::AnswerCutShort);
        assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("first".into()));
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_an_answer_is_one_for_the_client_too() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send(GET).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").await;
    client.until("first").await;
    upstream.reset();
    assert_eq!(client.rest().await, "");
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::AnswerCutShort);
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("first".into()));
}

#[tokio::test]
async fn an_upstream_that_hangs_up_without_an_answer_gives_the_client_none() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let (_, seen) = tokio::join!(provider.answer(""), session.ask(GET));
    assert_eq!(seen, "");
    let kept = session.finish().await;
    assert_eq!((kept.only().ended, &kept.only().response), (Ended::AnswerCutShort, &None));
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_ends_the_exchange() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send(GET).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    drop(client);
    assert_eq!(upstream.rest().await, "", "the upstream learns of it as well");
    session.captured(1).await;
    let kept = session.finish().await;
    assert_eq!((kept.only().ended, &kept.only().response), (Ended::ClientWentAway, &None));
}

#[tokio::test]
async fn a_client_that_goes_away_within_the_answer_leaves_what_had_arrived() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send(GET).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").await;
    client.until("first").await;
    drop(client);
    session.captured(1).await;
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("first".into()));
}

#[tokio::test]
async fn a_client_that_goes_away_within_its_request_ends_the_exchange() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send("POST /items HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nfirst").await;
    let mut upstream = provider.accept().await;
    upstream.until("first").await;
    drop(client);
    assert_eq!(upstream.rest().await, "");
    session.captured(1).await;
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    assert_eq!(kept.only().request.body, Body::Omitted { size_bytes: 10 });
}

#[tokio::test]
async fn an_exchange_in_flight_may_end_while_the_recording_does() {
    let provider = Provider::start().await;
    // Long enough that what waits for it fails.
    let drain = Duration::from_secs(60);
    let session = record_within(&provider.url, Limits { drain, ..Limits::default() }).await;
    let mut client = session.client().await;
    client.send(GET).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    let address = session.recorder.address();
    let answer = async {
        // Nobody new is let in once it is ending, so the answer comes after the end began.
        free_again(address).await;
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        client.rest().await
    };
    let (kept, seen) = tokio::join!(session.finish(), answer);
    assert!(seen.ends_with("\r\n\r\nok"), "{seen}");
    assert_eq!(kept.only().ended, Ended::Complete);
}

#[tokio::test]
async fn an_exchange_that_does_not_end_in_time_is_kept_as_far_as_it_came() {
    let provider = Provider::start().await;
    let drain = Duration::from_millis(20);
    let session = record_within(&provider.url, Limits { drain, ..Limits::default() }).await;
    let mut client = session.client().await;
    client.send(GET).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").await;
    client.until("first").await;
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("first".into()));
}
