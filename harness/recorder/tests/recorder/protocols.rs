//! What is more than a request and its answer: HTTP/2, server-sent events, gRPC, WebSockets.

use crate::origin::{Origin, Said, echo, proxy, proxy_within, recorded, said};
use crate::wire::{Provider, Session, bounded, record, record_within};
use bytes::Bytes;
use counterpart_exchange::{Body, Ended};
use counterpart_recorder::{Limits, Others};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use std::convert::Infallible;
use std::pin::Pin;

#[tokio::test]
async fn each_side_speaks_the_version_that_it_agrees_to() {
    for (protocols, expected) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1")] {
        let origin = Origin::start(protocols).await;
        let target = origin.authority();
        let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
        origin.serve(echo);
        let mut client = proxied.http2(&target).await;
        let request = Request::post(format!("https://{target}/two"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(said("body"))
            .unwrap();
        let answer = bounded(client.send_request(request)).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("{expected} /two body"));
        assert!(proxied.get(&target, "/one").await.ends_with(&format!("{expected} /one ")));
        let kept = proxied.session.finish().await;
        let [two, one] = &kept.fixture.exchanges[..] else { panic!() };
        assert_eq!((two.request.target.as_str(), one.request.target.as_str()), ("/two", "/one"));
        assert_eq!(two.request.headers.text("host"), Some(target.as_str()));
        assert_eq!(two.request.body, Body::Text("body".into()));
        assert_eq!(two.request.headers.text("cookie"), Some("a=«cookie:1»; b=«cookie:2»"));
    }
}

#[tokio::test]
async fn a_stream_of_http2_that_its_client_drops_is_kept_as_far_as_it_came() {
    let origin = Origin::start(&["http/1.1"]).await;
    let target = origin.authority();
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    let mut client = proxied.http2(&target).await;
    let request = Request::get(format!("https://{target}/events")).body(said("")).unwrap();
    let serve = async {
        let mut wire = origin.accept().await;
        wire.until("\r\n\r\n").await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n").await;
        wire
    };
    let (answer, wire) = tokio::join!(client.send_request(request), serve);
    let mut body = answer.unwrap().into_body();
    let first = bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: first\n\n", "it passes at once");
    drop(body);
    proxied.session.captured(1).await;
    drop(wire);
    let kept = proxied.session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("data: first\n\n".into()));
}

#[tokio::test]
async fn a_stream_of_http2_that_does_not_end_in_time_is_kept_as_far_as_it_came() {
    let origin = Origin::start(&["http/1.1"]).await;
    let target = origin.authority();
    let limits = Limits { drain: std::time::Duration::from_millis(20), ..Limits::default() };
    let hosts = recorded(&[("localhost", "acme")]);
    let proxied = proxy_within(hosts, Others::Tunnel, &[&origin], limits).await;
    let mut client = proxied.http2(&target).await;
    let request = Request::get(format!("https://{target}/events")).body(said("")).unwrap();
    let serve = async {
        let mut wire = origin.accept().await;
        wire.until("\r\n\r\n").await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n").await;
        wire
    };
    let (answer, wire) = tokio::join!(client.send_request(request), serve);
    let mut body = answer.unwrap().into_body();
    bounded(body.frame()).await.unwrap().unwrap();
    let kept = proxied.session.finish().await;
    drop(wire);
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Text("data: first\n\n".into()));
}

fn greet(request: Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Said>> + Send>> {
    Box::pin(async move {
        assert_eq!(request.headers()["te"], "trailers");
        let asked = request.into_body().collect().await.unwrap().to_bytes();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", "5".parse().unwrap());
        trailers.insert("grpc-message", "no such greeting".parse().unwrap());
        let frames = vec![Ok::<_, Infallible>(Frame::data(asked)), Ok(Frame::trailers(trailers))];
        let body: Said = StreamBody::new(futures_util::stream::iter(frames)).boxed();
        Response::builder().header("content-type", "application/grpc").body(body).unwrap()
    })
}

#[tokio::test]
async fn grpc_passes_with_its_trailers() {
    let origin = Origin::start(&["h2"]).await;
    let target = origin.authority();
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    origin.serve(greet);
    let mut client = proxied.http2(&target).await;
    let message = Bytes::from_static(b"\0\0\0\0\x05hello");
    let request = Request::post(format!("https://{target}/greet.Greeter/SayHello"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(said(message.clone()))
        .unwrap();
    let answer = bounded(client.send_request(request)).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["grpc-status"], "5");
    assert_eq!(answer.to_bytes(), message);
    let kept = proxied.session.finish().await;
    let one = kept.only();
    assert_eq!(one.ended, Ended::Complete);
    assert_eq!(one.request.body, Body::Omitted { size_bytes: 10 });
    let response = one.response.as_ref().unwrap();
    assert_eq!(response.body, Body::Omitted { size_bytes: 10 });
    assert_eq!(response.headers.text("grpc-status"), Some("5"));
    assert_eq!(response.headers.text("grpc-message"), Some("no such greeting"));
}

#[tokio::test]
async fn http2_without_tls_reaches_an_upstream_that_speaks_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service =
            hyper::service::service_fn(|request| async { Ok::<_, Infallible>(echo(request).await) });
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await;
    });
    let session = record(&upstream).await;
    let io = hyper_util::rt::TokioIo::new(session.client().await.0);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://{}/a", session.recorder.address())).body(said("")).unwrap();
    let answer = bounded(client.send_request(request)).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "HTTP/2.0 /a ");
    drop(client);
    assert_eq!(session.finish().await.only().request.target, "/a");
}

const OPENING: &str = "GET /chat HTTP/1.1\r\nHost: r\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const OPENED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A conversation up to where the client has heard the server.
async fn chat(session: &Session, provider: &Provider) -> (crate::wire::Wire, crate::wire::Wire) {
    let mut client = session.client().await;
    client.send(OPENING).await;
    let mut server = provider.accept().await;
    let head = server.until("\r\n\r\n").await;
    assert!(head.contains("Upgrade: websocket\r\n") && head.contains("Sec-WebSocket-Key: dGhl"), "{head}");
    assert!(!head.contains("Extensions"), "{head}");
    server.send(OPENED).await;
    let head = client.until("\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.to_lowercase().contains("upgrade: websocket"),
        "{head}"
    );
    (client, server)
}

/// A frame; zeros as its keys leave a masked one readable.
async fn send_frame<S: tokio::io::AsyncWrite + Unpin>(
    wire: &mut crate::wire::Wire<S>,
    first: u8,
    is_masked: bool,
    payload: &[u8],
) {
    use tokio::io::AsyncWriteExt;
    let mut frame = vec![first, u8::try_from(payload.len()).unwrap() | if is_masked { 0x80 } else { 0 }];
    if is_masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    wire.0.write_all(&frame).await.unwrap();
    wire.0.flush().await.unwrap();
}

#[tokio::test]
async fn a_websocket_is_passed_through_and_its_text_is_recorded() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let (mut client, mut server) = chat(&session, &provider).await;
    let secret = "q7Jx92KdLm3PzR8vTn0Ws4Ya";
    let hello = format!(r#"{{"type":"hello","access_token":"{secret}"}}"#);
    send_frame(&mut client, 0x81, true, hello.as_bytes()).await;
    server.until("}").await;
    send_frame(&mut server, 0x89, false, b"are you there?").await;
    send_frame(&mut server, 0x82, false, b"\x00\x01").await;
    send_frame(&mut server, 0x81, false, b"welcome.").await;
    client.until("welcome.").await;
    send_frame(&mut client, 0x88, true, b"\x03\xe8").await;
    drop(client);
    server.rest().await;
    drop(server);
    let kept = session.finish().await;
    let one = kept.only();
    assert_eq!((one.ended, one.response.as_ref().unwrap().status), (Ended::Complete, 101));
    assert!(!kept.text().contains(secret), "{}", kept.text());
    assert_eq!(
        one.response.as_ref().unwrap().body.json().unwrap().as_str(),
        r#"[{"from":"client","text":"{\"type\":\"hello\",\"access_token\":\"«access_token:1»\"}"},{"from":"server","size_bytes":2},{"from":"server","text":"welcome."}]"#
    );
}

#[tokio::test]
async fn a_websocket_that_breaks_off_is_kept_as_far_as_it_came() {
    for (who, ended) in [("server", Ended::AnswerCutShort), ("client", Ended::ClientWentAway)] {
        let provider = Provider::start().await;
        let session = record(&provider.url).await;
        let (mut client, mut server) = chat(&session, &provider).await;
        send_frame(&mut client, 0x81, true, b"one.").await;
        server.until("one.").await;
        if who == "server" {
            drop(server);
            assert_eq!(client.rest().await, "", "the other side learns of it");
        } else {
            drop(client);
            assert_eq!(server.rest().await, "");
        }
        session.captured(1).await;
        let kept = session.finish().await;
        assert_eq!(kept.only().ended, ended);
        let body = &kept.only().response.as_ref().unwrap().body;
        assert_eq!(body.json().unwrap().as_str(), r#"[{"from":"client","text":"one."}]"#);
    }
}

#[tokio::test]
async fn a_websocket_that_is_open_when_the_recording_ends_is_kept_as_far_as_it_came() {
    let provider = Provider::start().await;
    let limits = Limits { drain: std::time::Duration::from_millis(20), ..Limits::default() };
    let session = record_within(&provider.url, limits).await;
    let (mut client, mut server) = chat(&session, &provider).await;
    for text in ["one.", "two."] {
        send_frame(&mut client, 0x81, true, text.as_bytes()).await;
        server.until(text).await;
    }
    let kept = session.finish().await;
    assert_eq!(kept.only().ended, Ended::ClientWentAway);
    let body = &kept.only().response.as_ref().unwrap().body;
    let expected = r#"[{"from":"client","text":"one."},{"from":"client","text":"two."}]"#;
    assert_eq!(body.json().unwrap().as_str(), expected);
}

#[tokio::test]
async fn a_websocket_that_is_refused_is_an_answer_like_any() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let (_, seen) = tokio::join!(provider.answer(refusal), async {
        let mut client = session.client().await;
        client.send(OPENING).await;
        client.until("no").await
    });
    assert!(seen.starts_with("HTTP/1.1 403 "), "{seen}");
    assert_eq!(session.finish().await.only().response.as_ref().unwrap().status, 403);
}

#[tokio::test]
async fn a_websocket_within_tls_is_one_too() {
    let origin = Origin::start(&["h2", "http/1.1"]).await;
    let target = origin.authority();
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    let mut client = proxied.tls(&target, &["http/1.1"]).await;
    client.send(OPENING).await;
    let mut server = origin.accept().await;
    server.until("\r\n\r\n").await;
    server.send(OPENED).await;
    client.until("\r\n\r\n").await;
    send_frame(&mut client, 0x81, true, b"hi.").await;
    server.until("hi.").await;
    drop(client);
    assert_eq!(server.rest().await, "");
    let kept = proxied.session.finish().await;
    assert_eq!(kept.only().response.as_ref().unwrap().status, 101);
}
