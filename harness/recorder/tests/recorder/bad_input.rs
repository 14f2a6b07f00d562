//! What clients and upstreams do that they should not: refused loudly, in bounded time and memory.

use crate::origin::{Origin, proxy, proxy_within, recorded};
use crate::wire::{Provider, bounded, record, record_within};
use counterpart_exchange::Ended;
use counterpart_recorder::{Limits, Others};
use std::time::Duration;

#[tokio::test]
async fn what_is_no_http_is_refused_and_counted() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    for bad in
        ["THIS IS NOT HTTP\r\n\r\n", "\x00\x01\x02\x03\r\n\r\n", "GET / HTTP/1.1\r\nBad Header\r\n\r\n"]
    {
        let seen = session.ask(bad).await;
        assert!(seen.starts_with("HTTP/1.1 400 "), "{bad:?}: {seen}");
    }
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let mut client = session.client().await;
    // It is refused before all of it is sent.
    let sent = tokio::io::AsyncWriteExt::write_all(&mut client.0, long.as_bytes()).await;
    let seen = client.rest().await;
    assert!(sent.is_err() || seen.is_empty() || seen.starts_with("HTTP/1.1 431 "), "{seen}");
    bounded(async {
        while session.recorder.traffic().invalid < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(session.recorder.captured(), 0);
}

#[tokio::test]
async fn an_upstream_that_speaks_no_http_is_told() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let request = "GET /a HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n";
    let (_, seen) = tokio::join!(provider.answer("this is no HTTP\r\n\r\n"), session.ask(request));
    assert!(seen.starts_with("HTTP/1.1 502 ") && seen.contains("no HTTP"), "{seen}");
    let kept = session.finish().await;
    assert_eq!((kept.only().ended, &kept.only().response), (Ended::AnswerCutShort, &None));
}

#[tokio::test]
async fn chunks_that_end_early_end_the_request() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client
        .send("POST /a HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nzz\r\n")
        .await;
    let mut upstream = provider.accept().await;
    upstream.until("first").await;
    assert!(!upstream.rest().await.contains("0\r\n\r\n"), "it never looks whole");
    session.captured(1).await;
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
}

#[tokio::test]
async fn who_takes_too_long_for_a_head_or_a_handshake_is_let_go() {
    let origin = Origin::start(&[]).await;
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let proxied = proxy_within(recorded(&[("localhost", "acme")]), Others::Tunnel, &[&origin], limits).await;
    let mut silent = proxied.session.client().await;
    let mut slow = proxied.session.client().await;
    slow.send("GET http://localhost/ HTTP/1.1\r\nHost: loc").await;
    let mut quiet = proxied.tunnel(&origin.authority()).await.unwrap();
    let mut halting = proxied.tunnel(&origin.authority()).await.unwrap();
    halting.send("\x16\x03\x01").await;
    for wire in [&mut silent, &mut slow, &mut quiet, &mut halting] {
        assert!(!wire.rest().await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_connection_over_which_nothing_goes_is_closed() {
    let provider = Provider::start().await;
    let limits = Limits { silence: Duration::from_millis(50), ..Limits::default() };
    let session = record_within(&provider.url, limits).await;
    let mut client = session.client().await;
    client.send("GET /never HTTP/1.1\r\nHost: r\r\n\r\n").await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    assert_eq!(client.rest().await, "", "the client is not left hanging");
    session.captured(1).await;
    assert_eq!(session.finish().await.only().ended, Ended::ClientWentAway);

    let other = Origin::start(&[]).await;
    let limits = Limits { silence: Duration::from_millis(50), ..Limits::default() };
    let proxied = proxy_within(Vec::new(), Others::Tunnel, &[], limits).await;
    let mut tunnel = proxied.tunnel(&other.authority()).await.unwrap();
    assert_eq!(tunnel.rest().await, "");
}

#[tokio::test]
async fn an_upstream_that_never_agrees_on_tls_is_given_up() {
    let provider = Provider::start().await;
    let limits = Limits { connect: Duration::from_millis(50), ..Limits::default() };
    let proxied = proxy_within(recorded(&[("127.0.0.1", "acme")]), Others::Tunnel, &[], limits).await;
    let target = provider.authority();
    let accept = async {
        let wire = provider.accept().await;
        std::future::pending::<()>().await;
        drop(wire);
    };
    let seen = tokio::select! { seen = proxied.get(target, "/a") => seen, () = accept => unreachable!() };
    assert!(
        seen.starts_with("HTTP/1.1 502 ") && seen.contains("no connection came about within 0.05 s"),
        "{seen}"
    );
    assert_eq!(proxied.session.finish().await.only().ended, Ended::Unreachable);
}

#[tokio::test]
async fn no_tunnel_to_nowhere() {
    let nowhere = crate::wire::nowhere();
    let proxied = proxy(Vec::new(), &[]).await;
    let target = nowhere.url.trim_start_matches("http://");
    let refused = proxied.tunnel(target).await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("refused"), "{refused}");
    for bad in ["localhost", "jo:pw@localhost:443", "/"] {
        let seen = proxied.session.ask(&format!("CONNECT {bad} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(seen.starts_with("HTTP/1.1 400 ") && !seen.contains("jo:pw"), "{bad}: {seen}");
    }
}

/// Requests of a burst; a run by hand takes ten times as many.
const BURST: usize = 5_000;
const CLIENTS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_passed_on_whole_and_kept_within_the_bounds() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request| async {
                Ok::<_, std::convert::Infallible>(crate::origin::echo(request).await)
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let session = record_within(&upstream, Limits { exchanges: 100, ..Limits::default() }).await;
    let address = session.recorder.address();
    let ask = move || async move {
        let mut client = crate::wire::Wire::connect(address).await;
        for _ in 0..BURST / CLIENTS {
            client.send("GET /burst HTTP/1.1\r\nHost: r\r\n\r\n").await;
            client.until("HTTP/1.1 /burst ").await;
        }
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(ask())).collect();
    for client in clients {
        client.await.unwrap();
    }
    let kept = session.finish().await;
    assert_eq!((kept.recording.kept.exchanges, kept.recording.not_kept), (100, BURST - 100));
}
