//! TLS on both sides of a recording proxy: what is trusted, and what is told where it is not.

use crate::origin::{Origin, echo, proxy, recorded, shake};
use crate::wire::{Provider, Session, bounded, config};
use counterpart_certificates::CertificateFlaw;
use counterpart_exchange::Ended;
use counterpart_recorder::Recorder;

#[tokio::test]
async fn a_name_and_an_address_are_certified_by_the_authority() {
    let origin = Origin::start(&[]).await;
    let proxied = proxy(recorded(&[("*", "acme")]), &[&origin]).await;
    for target in ["api.example.com:443", "127.0.0.1:443", "a-name-that-nobody-has.test:8443"] {
        let wire = proxied.tls(target, &["http/1.1"]).await;
        assert_eq!(wire.0.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]), "{target}");
    }
}

#[tokio::test]
async fn a_proxy_before_one_api_trusts_whom_it_is_told_to() {
    let origin = Origin::start(&["h2", "http/1.1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&format!("https://{}", origin.authority()), &folder);
    config.additional_roots = vec![origin.root.clone()];
    let recorder = Recorder::start(config).await.unwrap();
    origin.serve(echo);
    let session = Session { folder, recorder };
    let seen = session.ask("GET /a HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").await;
    assert!(seen.ends_with("HTTP/2.0 /a "), "{seen}");
    assert_eq!(session.finish().await.only().ended, Ended::Complete);
}

/// A large cookie or token fits into HTTP/2 as it does into HTTP/1.1.
#[tokio::test]
async fn a_large_head_passes_in_either_version() {
    let origin = Origin::start(&["h2"]).await;
    let target = origin.authority();
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    let large = "x".repeat(100 * 1024);
    let serve = async {
        let wire = origin.accept().await;
        let service =
            hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                Ok::<_, std::convert::Infallible>(echo(request).await)
            });
        let mut http = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        http.max_header_list_size(1024 * 1024);
        let _ = http.serve_connection(hyper_util::rt::TokioIo::new(wire.0), service).await;
    };
    let ask = async {
        let mut client = proxied.http2(&target).await;
        let request = http::Request::get(format!("https://{target}/a"))
            .header("x-large", &large)
            .body(crate::origin::said(""))
            .unwrap();
        bounded(client.send_request(request)).await.unwrap().status()
    };
    let status = tokio::select! { status = ask => status, () = serve => panic!("the origin ended") };
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_upstream_that_is_not_to_be_trusted_is_unreachable() {
    for (flaw, reason) in [
        (CertificateFlaw::Expired, "expired"),
        (CertificateFlaw::Untrusted, "UnknownIssuer"),
        (CertificateFlaw::WrongName, "not valid for name"),
    ] {
        let origin = Origin::flawed(&["h2", "http/1.1"], Some(flaw)).await;
        let target = origin.authority();
        let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
        origin.serve(echo);
        let seen = proxied.get(&target, "/a").await;
        assert!(seen.starts_with("HTTP/1.1 502 ") && seen.contains("cannot be reached"), "{seen}");
        assert!(seen.contains(reason), "{flaw:?}: {seen}");
        let kept = proxied.session.finish().await;
        assert_eq!((kept.only().ended, &kept.only().response), (Ended::Unreachable, &None));
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_is_counted() {
    let origin = Origin::start(&[]).await;
    let proxied = proxy(recorded(&[("localhost", "acme")]), &[&origin]).await;
    let target = origin.authority();
    let wire = proxied.tunnel(&target).await.unwrap();
    assert!(shake(wire, &target, &origin.root, &[]).await.is_err(), "it trusts the origin alone");
    bounded(async {
        while proxied.session.recorder.traffic().handshakes_failed.get(&target) != Some(&1) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn http_within_a_tunnel_needs_no_tls() {
    let provider = Provider::start().await;
    let proxied = proxy(recorded(&[("127.0.0.1", "acme")]), &[]).await;
    let mut wire = proxied.tunnel(provider.authority()).await.unwrap();
    wire.send("GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let (head, seen) =
        tokio::join!(provider.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), wire.rest());
    assert!(head.starts_with("GET /plain ") && seen.ends_with("ok"), "{head} {seen}");
    let kept = proxied.session.finish().await;
    assert_eq!(kept.only().request.target, "/plain");
    assert!(kept.text().contains(&provider.url));
}
