//! Bodies pass while they arrive, in both directions.

use crate::wire::{Provider, record};
use counterpart_exchange::Body;

#[tokio::test]
async fn the_client_has_the_first_half_before_the_second_is_sent() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send("GET /stream HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n").await;
    client.until("\r\n\r\n").await;
    upstream.send("first").await;
    assert_eq!(client.until("first").await, "first");
    upstream.send("later").await;
    assert_eq!(client.rest().await, "later");
    let kept = session.finish().await;
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("firstlater".into()));
}

#[tokio::test]
async fn the_upstream_has_the_first_half_before_the_second_is_sent() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client
        .send("POST /stream HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: 10\r\n\r\nfirst")
        .await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\nfirst").await;
    client.send("later").await;
    upstream.until("later").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 200"));
    assert_eq!(session.finish().await.only().request.body, Body::Text("firstlater".into()));
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_whole() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send("POST /big HTTP/1.1\r\nHost: r\r\nContent-Length: 1000\r\n\r\nfirst").await;
    let mut upstream = provider.accept().await;
    upstream.until("first").await;
    upstream.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig").await;
    client.until("\r\n\r\nbig").await;
    session.captured(1).await;
    drop((client, upstream));
    let kept = session.finish().await;
    assert_eq!(kept.only().request.body, Body::Omitted { size_bytes: 1000 });
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("big".into()));
}
