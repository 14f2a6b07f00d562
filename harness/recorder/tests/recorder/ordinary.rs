//! Ordinary traffic passes unchanged but for what a proxy must change, and is recorded as the upstream saw it.

use crate::wire::{Provider, Wire, record, record_within};
use counterpart_exchange::{Body, Ended, HeaderValue};
use counterpart_recorder::Limits;
use wiremock::matchers::{body_string, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn heads_are_recorded_as_the_upstream_saw_them() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let request = "GET /v1/items?b=2&a=1&a=0 HTTP/1.1\r\nHost: recorder.example\r\nX-Trace: one\r\nConnection: close, X-Hop\r\n\
                   X-Hop: 1\r\nX-Trace: two\r\n\r\n";
    let answer = "HTTP/1.1 203 Fine by me\r\nX-Many: a\r\nKeep-Alive: timeout=1\r\nX-Many: b\r\nServer: acme/1\r\n\
                  Content-Length: 2\r\n\r\n[]";
    let (head, seen) = tokio::join!(provider.answer(answer), session.ask(request));

    let expected = format!(
        "GET /v1/items?b=2&a=1&a=0 HTTP/1.1\r\nHost: {}\r\nX-Trace: one\r\nX-Trace: two\r\n\r\n",
        provider.authority()
    );
    assert_eq!(head, expected);
    assert_eq!(
        seen,
        "HTTP/1.1 203 Fine by me\r\nX-Many: a\r\nX-Many: b\r\nServer: acme/1\r\nContent-Length: 2\r\n\
         connection: close\r\n\r\n[]"
    );
    let kept = session.finish().await;
    let exchange = kept.only();
    assert_eq!(exchange.request.target, "/v1/items?b=2&a=1&a=0");
    assert_eq!(exchange.request.headers.text("host"), Some(provider.authority()));
    let names: Vec<&str> = exchange.request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["host", "x-trace"]);
    let text = |value: &str| HeaderValue::Text(value.to_owned());
    assert_eq!(exchange.request.headers.values("x-trace"), [text("one"), text("two")]);
    let response = exchange.response.as_ref().unwrap();
    assert_eq!(response.headers.values("x-many"), [text("a"), text("b")]);
    assert_eq!((response.status, exchange.ended), (203, Ended::Complete));
    let counterpart_exchange::Provenance::Recorded(recorded) = &kept.fixture.provenance else { panic!() };
    assert_eq!(recorded.server.as_deref(), Some("acme/1"));
    assert_eq!(recorded.upstream, provider.url);
}

#[tokio::test]
async fn bodies_are_recorded_in_their_richest_form() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/json"))
        .and(body_string(r#"{"b": 1.50, "a": []}"#))
        .respond_with(ResponseTemplate::new(201).set_body_raw(r#"{"id": 7}"#, "application/json"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/form"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    Mock::given(method("HEAD"))
        .and(path("/head"))
        .respond_with(ResponseTemplate::new(200).insert_header("x-total", "3"))
        .mount(&server)
        .await;
    let session = record(&server.uri()).await;
    let json = "POST /json HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"b\": 1.50, \"a\": []}";
    assert!(session.ask(json).await.ends_with("\r\n\r\n{\"id\": 7}"));
    let form = "POST /form HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 9\r\n\r\nq=a+b&n=1";
    assert!(session.ask(form).await.starts_with("HTTP/1.1 204 No Content\r\n"));
    assert!(
        session
            .ask("HEAD /head HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n")
            .await
            .contains("x-total: 3")
    );

    let kept = session.finish().await;
    let ids: Vec<_> = kept.fixture.exchanges.iter().map(|one| one.id.as_str().to_owned()).collect();
    assert_eq!(ids, ["post-json-1", "post-form-1", "head-head-1"]);
    let [json, form, head] = kept.fixture.exchanges.as_slice() else { panic!() };
    assert_eq!(json.request.body.json().unwrap().as_str(), r#"{"b":1.50,"a":[]}"#);
    assert_eq!(json.response.as_ref().unwrap().body.json().unwrap().as_str(), r#"{"id":7}"#);
    let fields = [("q", "a b"), ("n", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form.request.body, Body::Form(fields.to_vec()));
    assert_eq!(form.response.as_ref().unwrap().body, Body::None);
    assert_eq!(head.response.as_ref().unwrap().body, Body::None);
    assert!(kept.fixture.exchanges.iter().all(|one| one.ended == Ended::Complete));
}

#[tokio::test]
async fn large_bodies_pass_whole_and_are_kept_up_to_their_bound() {
    let server = MockServer::start().await;
    let (kept_text, omitted_text) = ("ab ".repeat(50_000), "ab ".repeat(200_000));
    for (at, text) in [("/kept", &kept_text), ("/omitted", &omitted_text)] {
        Mock::given(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_string(text))
            .mount(&server)
            .await;
    }
    let session = record_within(&server.uri(), Limits { body_bytes: 200_000, ..Limits::default() }).await;
    for (at, text) in [("/kept", &kept_text), ("/omitted", &omitted_text)] {
        let request = format!(
            "POST {at} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        let seen = session.ask(&request).await;
        assert_eq!(seen.split_once("\r\n\r\n").unwrap().1, text.as_str());
    }
    let kept = session.finish().await;
    let [small, large] = kept.fixture.exchanges.as_slice() else { panic!() };
    assert_eq!(small.request.body, Body::Text(kept_text.clone()));
    assert_eq!(small.response.as_ref().unwrap().body, Body::Text(kept_text));
    assert_eq!(large.request.body, Body::Omitted { size_bytes: 600_000 });
    assert_eq!(large.response.as_ref().unwrap().body, Body::Omitted { size_bytes: 600_000 });
    assert_eq!(kept.recording.kept.omitted, 2);
}

#[tokio::test]
async fn answers_are_asked_for_without_encoding_and_omitted_if_they_have_one() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1}\u{2}\u{3}\u{4}";
    let request = "GET / HTTP/1.1\r\nHost: r\r\nConnection: close\r\nAccept-Encoding: gzip, br\r\n\r\n";
    let (head, seen) = tokio::join!(provider.answer(answer), session.ask(request));
    assert!(head.contains("Accept-Encoding: identity\r\n"), "{head}");
    assert!(seen.ends_with("\u{1}\u{2}\u{3}\u{4}"));
    let kept = session.finish().await;
    assert_eq!(kept.only().request.headers.text("accept-encoding"), Some("identity"));
    assert_eq!(kept.only().response.as_ref().unwrap().body, Body::Omitted { size_bytes: 4 });
}

#[tokio::test]
async fn redirects_are_passed_on_and_lead_back_to_the_recorder() {
    let provider = Provider::start().await;
    let session = record(&format!("{}/base", provider.url)).await;
    let location = format!("{}/base/next?page=2", provider.url);
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let request = "GET /first HTTP/1.1\r\nHost: my.alias:99\r\nConnection: close\r\n\r\n";
    let (head, seen) = tokio::join!(provider.answer(&answer), session.ask(request));
    assert!(head.starts_with("GET /base/first HTTP/1.1\r\n"), "{head}");
    assert!(seen.contains("Location: http://my.alias:99/next?page=2\r\n"), "{seen}");
    let kept = session.finish().await;
    assert_eq!(kept.only().request.target, "/base/first");
    assert_eq!(kept.only().response.as_ref().unwrap().headers.text("location"), Some(location.as_str()));
}

#[tokio::test]
async fn connections_are_kept_alive_on_both_sides() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    let upstream = async {
        let mut wire = provider.accept().await;
        for _ in 0..2 {
            wire.until("\r\n\r\n").await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
        wire
    };
    let calls = async {
        for _ in 0..2 {
            client.send("GET / HTTP/1.1\r\nHost: r\r\n\r\n").await;
            client.until("\r\n\r\nok").await;
        }
    };
    let (wire, ()) = tokio::join!(upstream, calls);
    drop((wire, client));
    assert_eq!(session.finish().await.recording.kept.exchanges, 2);
}

#[tokio::test]
async fn an_upstream_that_closes_after_each_answer_is_called_anew() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: r\r\n\r\n").await;
        provider.answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end").await;
        // Without a length upstream, the client gets the answer in chunks.
        let seen = client.until("\r\n0\r\n\r\n").await;
        assert!(seen.contains("to the end") && !seen.contains("close"), "{seen}");
    }
    let kept = session.finish().await;
    assert!(kept.fixture.exchanges.iter().all(|one| one.ended == Ended::Complete));
    assert_eq!(kept.fixture.exchanges[1].response.as_ref().unwrap().body, Body::Text("to the end".into()));
}

#[tokio::test]
async fn a_client_that_expects_100_continue_is_told_to() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let mut client = session.client().await;
    client.send("PUT / HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    let upstream = async {
        let mut wire = provider.accept().await;
        let head = wire.until("body").await;
        wire.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        head
    };
    let calls = async {
        assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("body").await;
        client.until("\r\n\r\n").await
    };
    let (head, seen) = tokio::join!(upstream, calls);
    assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
    assert!(seen.starts_with("HTTP/1.1 200 OK"), "{seen}");
    assert_eq!(session.finish().await.only().request.body, Body::Text("body".into()));
}

#[tokio::test]
async fn a_request_in_chunks_stays_one_even_with_get() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let request = "GET /search HTTP/1.1\r\nHost: r\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                   4\r\nhalf\r\n4\r\nhalf\r\n0\r\n\r\n";
    let upstream = async {
        let mut wire = provider.accept().await;
        let head = wire.until("\r\n0\r\n\r\n").await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        head
    };
    let (head, _) = tokio::join!(upstream, session.ask(request));
    assert!(head.contains("chunked"), "{head}");
    let kept = session.finish().await;
    assert_eq!(kept.only().request.body, Body::Text("halfhalf".into()));
    assert_eq!(kept.only().request.headers.text("transfer-encoding"), None);
}

#[tokio::test]
async fn a_client_that_takes_the_recorder_for_a_forward_proxy_is_told_so() {
    let session = record("http://127.0.0.1:1").await;
    let seen = session
        .ask("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n")
        .await;
    assert!(seen.starts_with("HTTP/1.1 501 ") && seen.contains("base URL"), "{seen}");
    assert_eq!(session.recorder.captured(), 0);
}

#[tokio::test]
async fn no_more_clients_are_served_at_a_time_than_allowed() {
    let provider = Provider::start().await;
    let session = record_within(&provider.url, Limits { connections: 1, ..Limits::default() }).await;
    let first = session.client().await;
    let mut second = session.client().await;
    second.send("GET / HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").await;
    // The first holds the only place until it goes; only then the second reaches the provider.
    let upstream = async {
        let mut wire = provider.accept().await;
        wire.until("\r\n\r\n").await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    };
    let released = async {
        let mut peek = [0];
        tokio::select! {
            biased;
            _ = second.0.peek(&mut peek) => panic!("served beyond the bound"),
            () = async { for _ in 0..100 { tokio::task::yield_now().await } } => {}
        }
        drop(first);
        Wire::rest(&mut second).await
    };
    let ((), seen) = tokio::join!(upstream, released);
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
}
