//! A forward proxy: which hosts it records, where it sends them, and what it does with the others.

use crate::origin::{Origin, Proxied, echo, proxy, proxy_within, recorded, shake};
use crate::wire::{Provider, bounded};
use counterpart_exchange::{Body, Fixture};
use counterpart_recorder::{HostAction, Limits, Others, ProxyHost, RecorderError};

fn text(body: &str) -> Body {
    Body::Text(body.into())
}

#[tokio::test]
async fn hosts_share_a_fixture_or_have_one_each() {
    let (one, two) = (Origin::start(&["http/1.1"]).await, Origin::start(&["h2"]).await);
    let (first, second) = (one.authority(), two.authority());
    for providers in [["acme", "acme"], ["acme", "other"]] {
        let hosts = recorded(&[(&first, providers[0]), (&second, providers[1])]);
        let proxied = proxy(hosts, &[&one, &two]).await;
        let ask = async {
            assert!(proxied.get(&first, "/a").await.ends_with("from one"));
            assert!(proxied.get(&second, "/b").await.ends_with("from two"));
        };
        let answer = async {
            let mut wire = one.accept().await;
            let head = wire.until("\r\n\r\n").await;
            assert!(
                head.starts_with("GET /a HTTP/1.1\r\n") && head.contains(&format!("Host: {first}\r\n")),
                "{head}"
            );
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrom one").await;
            let two = two.accept().await;
            let io = hyper_util::rt::TokioIo::new(two.0);
            let service = hyper::service::service_fn(|_| async {
                Ok::<_, std::convert::Infallible>(http::Response::new(crate::origin::said("from two")))
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await;
        };
        tokio::select! { () = ask => {}, () = async { answer.await; std::future::pending().await } => {} }
        let Proxied { session, root } = proxied;
        let crate::wire::Session { folder, recorder } = session;
        let finished = bounded(recorder.finish()).await;
        assert!(finished.recordings.iter().all(Result::is_ok), "{finished:?}");
        let written = |name: &str| Fixture::read(&folder.path().join(name)).unwrap().exchanges.len();
        if providers[0] == providers[1] {
            assert_eq!((finished.recordings.len(), written("acme/flow.yaml")), (1, 2));
        } else {
            assert_eq!(finished.recordings.len(), 2);
            assert_eq!((written("acme/flow.yaml"), written("other/flow.yaml")), (1, 1));
        }
        drop(root);
    }
}

#[tokio::test]
async fn a_fixture_that_cannot_be_kept_takes_no_other_with_it() {
    let (one, two) = (Origin::start(&[]).await, Origin::start(&[]).await);
    let (first, second) = (one.authority(), two.authority());
    let hosts = recorded(&[(&first, "acme"), (&second, "other"), ("never.example", "unseen")]);
    let proxied = proxy(hosts, &[&one, &two]).await;
    one.serve(echo);
    two.serve(echo);
    proxied.get(&first, "/a").await;
    proxied.get(&second, "/b").await;
    // A file where a folder is to be.
    std::fs::write(proxied.session.folder.path().join("acme"), "").unwrap();
    let crate::wire::Session { folder, recorder } = proxied.session;
    let recordings = bounded(recorder.finish()).await.recordings;
    let [Err(RecorderError::Keep(_)), Ok(kept), Err(RecorderError::NothingCaptured { fixture })] =
        &recordings[..]
    else {
        panic!("{recordings:?}")
    };
    assert_eq!((kept.fixture.to_string().as_str(), fixture.as_str()), ("other/flow", "unseen/flow"));
    assert!(folder.path().join("other/flow.yaml").is_file());
}

#[tokio::test]
async fn another_host_is_tunnelled_untouched_and_counted() {
    let (named, other) = (Origin::start(&[]).await, Origin::start(&["http/1.1"]).await);
    let proxied = proxy(recorded(&[(&named.authority(), "acme")]), &[&named]).await;
    let target = other.authority();
    let wire = proxied.tunnel(&target).await.unwrap();
    let (client, server) = tokio::join!(shake(wire, &target, &other.root, &["http/1.1"]), other.accept());
    // It is the server's own certificate: the proxy's authority signed nothing.
    let (mut client, mut server) = (crate::wire::Wire(client.unwrap()), server);
    client.send("whatever this is").await;
    server.until("whatever this is").await;
    server.send("back").await;
    client.until("back").await;
    drop(client);
    assert_eq!(server.rest().await, "");
    let traffic = proxied.session.recorder.traffic();
    assert_eq!(traffic.tunnelled.get(&target), Some(&1));
    assert_eq!(proxied.session.recorder.captured(), 0);
}

#[tokio::test]
async fn a_tunnel_does_not_outlast_the_recording() {
    let other = Origin::start(&[]).await;
    // Long enough that what waits for it fails.
    let limits = Limits { drain: std::time::Duration::from_secs(60), ..Limits::default() };
    let proxied = proxy_within(Vec::new(), Others::Tunnel, &[], limits).await;
    let mut wire = proxied.tunnel(&other.authority()).await.unwrap();
    let finished = bounded(proxied.session.recorder.finish()).await;
    assert!(finished.recordings.is_empty());
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn other_hosts_are_refused_where_that_is_asked_for() {
    let other = Origin::start(&[]).await;
    let hosts = recorded(&[("api.example.com", "acme")]);
    let proxied = proxy_within(hosts, Others::Refuse, &[], Limits::default()).await;
    let target = other.authority();
    let refused = proxied.tunnel(&target).await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("--host localhost"), "{refused}");
    let request = format!("GET http://{target}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let refused = proxied.session.ask(&request).await;
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("was not named"), "{refused}");
    assert_eq!(proxied.session.recorder.traffic().refused[&target], 2);
}

#[tokio::test]
async fn the_proxy_asks_itself_for_nothing() {
    let proxied = proxy(recorded(&[("*", "acme")]), &[]).await;
    let address = proxied.session.recorder.address();
    for host in ["localhost", "127.0.0.1"] {
        let refused = proxied.tunnel(&format!("{host}:{}", address.port())).await.err().unwrap();
        assert!(
            refused.starts_with("HTTP/1.1 508 ") && refused.contains("is this proxy itself"),
            "{refused}"
        );
    }
    let asked = format!("GET http://{address}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(proxied.session.ask(&asked).await.starts_with("HTTP/1.1 508 "));
    let as_server = proxied.session.ask("GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(as_server.starts_with("HTTP/1.1 400 ") && as_server.contains("HTTPS_PROXY"), "{as_server}");
}

#[tokio::test]
async fn a_request_without_tls_is_recorded_or_passed_on_as_it_is() {
    let (named, other) = (Provider::start().await, Provider::start().await);
    let proxied = proxy(recorded(&[(named.authority(), "acme")]), &[]).await;
    let ask = async |provider: &Provider| {
        let request = format!(
            "GET {}/a?b=c HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\nProxy-Authorization: Basic eDp5\r\n\
             Proxy-Connection: close\r\nConnection: close\r\n\r\n",
            provider.url,
            provider.authority()
        );
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        tokio::join!(provider.answer(answer), proxied.session.ask(&request))
    };
    let (head, seen) = ask(&named).await;
    assert!(seen.ends_with("\r\n\r\nok"), "{seen}");
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n") && !head.to_lowercase().contains("proxy"), "{head}");
    assert!(head.contains("Accept-Encoding: identity\r\n"), "{head}");
    let (head, seen) = ask(&other).await;
    assert!(head.contains("Accept-Encoding: gzip\r\n") && seen.ends_with("ok"), "{head}");
    assert_eq!(proxied.session.recorder.traffic().passed_on[other.authority()], 1);
    let kept = proxied.session.finish().await;
    assert_eq!(kept.only().request.target, "/a?b=c");
    assert_eq!(kept.only().request.headers.text("host"), Some(named.authority()));
    assert!(kept.text().contains(&format!("upstream: {}", named.url)), "{}", kept.text());
}

#[tokio::test]
async fn a_host_can_be_answered_by_another_server() {
    let stand_in = Provider::start().await;
    let base = format!("{}/acme", stand_in.url).parse().unwrap();
    let hosts = vec![ProxyHost {
        pattern: "api.example.com".parse().unwrap(),
        action: HostAction::ForwardTo { base },
    }];
    let proxied = proxy_within(hosts, Others::Refuse, &[], Limits::default()).await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nLocation: {}/acme/next\r\nContent-Length: 0\r\n\r\n", stand_in.url);
    let (head, seen) =
        tokio::join!(stand_in.answer(&answer), proxied.get("api.example.com:443", "/v1/items?a=1"));
    assert!(head.starts_with("GET /acme/v1/items?a=1 HTTP/1.1\r\n"), "{head}");
    assert!(seen.to_lowercase().contains("location: https://api.example.com/next\r\n"), "{seen}");
    assert!(bounded(proxied.session.recorder.finish()).await.recordings.is_empty());
}

#[tokio::test]
async fn what_passes_a_proxy_is_redacted_like_anything() {
    let origin = Origin::start(&["h2", "http/1.1"]).await;
    let target = origin.authority();
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    origin.serve(echo);
    let token = "q7Jx92KdLm3PzR8vTn0Ws4Ya";
    let mut wire = proxied.tls(&target, &["http/1.1"]).await;
    wire.send(&format!(
        "GET /me HTTP/1.1\r\nHost: {target}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    ))
    .await;
    assert!(wire.rest().await.ends_with("HTTP/2.0 /me "));
    let kept = proxied.session.finish().await;
    assert_eq!(kept.only().response.as_ref().unwrap().body, text("HTTP/2.0 /me "));
    assert!(!kept.text().contains(token));
}
