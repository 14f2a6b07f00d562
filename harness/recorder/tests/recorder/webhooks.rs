//! The provider's webhooks pass to the integration as they came, and stand in the fixture beside the calls.

use crate::wire::{Provider, Session, Wire, config, nowhere};
use bytes::Bytes;
use counterpart_exchange::{Body, Direction, Ended, Exchange, ExchangeId, Provenance};
use counterpart_recorder::{Limits, Recorder, RecorderError};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use wiremock::matchers::{body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A recording of webhooks at `/hooks`, which go on to a URL, and of calls where there is an upstream.
async fn record(upstream: Option<&str>, integration: &str) -> Session {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://127.0.0.1:9", &folder);
    config.upstream = upstream.map(|upstream| upstream.parse().unwrap());
    config.webhooks = vec![format!("/hooks={integration}").parse().unwrap()];
    let recorder = Recorder::start_within(config, Limits::default()).await.unwrap();
    Session { folder, recorder }
}

fn post(target: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: hooks.example\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Id, direction, end, status and cause.
type Told<'a> = (&'a str, Direction, Ended, Option<u16>, Option<&'a str>);

fn summary(exchanges: &[Exchange]) -> Vec<Told<'_>> {
    exchanges
        .iter()
        .map(|one| {
            let status = one.response.as_ref().map(|response| response.status);
            (
                one.id.as_str(),
                one.direction,
                one.ended,
                status,
                one.caused_by.as_ref().map(ExchangeId::as_str),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_webhook_reaches_the_integration_byte_for_byte() {
    let integration = Provider::start().await;
    let session = record(Some("http://127.0.0.1:9"), &format!("{}/in", integration.url)).await;
    // White space and escapes are part of what was signed.
    let body = "{ \"id\" : 7.50,\n\t\"text\":\"\\u00e9\" }";
    let head = "POST /hooks/a%2Fb?x=1&x=%20 HTTP/1.1\r\nX-Signature: v1=aB+/==\r\nHost: hooks.example\r\nX-Many: b\r\n\
                X-Many: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\nContent-Length: 33\r\n\r\n";
    assert_eq!(body.len(), 33);
    let request = format!("{head}{body}");
    let answer = "HTTP/1.1 202 Taken\r\nX-Mine: 1\r\nLocation: /elsewhere\r\nContent-Length: 4\r\n\r\ndone";
    let receive = async {
        let mut wire = integration.accept().await;
        let head = wire.until("\r\n\r\n").await;
        let body = wire.until("\" }").await;
        wire.send(answer).await;
        (head, body)
    };
    let ((seen_head, seen_body), seen) = tokio::join!(receive, session.ask(&request));
    assert_eq!(
        seen_head,
        "POST /in/a%2Fb?x=1&x=%20 HTTP/1.1\r\nX-Signature: v1=aB+/==\r\nHost: hooks.example\r\nX-Many: b\r\nX-Many: a\r\n\
         Accept-Encoding: gzip\r\nContent-Length: 33\r\nx-forwarded-host: hooks.example\r\nx-forwarded-proto: http\r\n\r\n"
    );
    assert_eq!(seen_body, body);
    assert_eq!(
        seen,
        "HTTP/1.1 202 Taken\r\nX-Mine: 1\r\nLocation: /elsewhere\r\nContent-Length: 4\r\nconnection: close\r\n\r\ndone"
    );
    let kept = session.finish().await;
    let webhook = kept.only();
    assert_eq!(webhook.direction, Direction::Inbound);
    assert_eq!(webhook.request.target, "/in/a%2Fb?x=1&x=%20", "as the integration saw it");
    let names: Vec<&str> = webhook.request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["x-signature", "host", "x-many", "accept-encoding", "content-length"],
        "as it was sent"
    );
    assert_eq!(webhook.request.headers.text("host"), Some("hooks.example"));
    assert_eq!(webhook.response.as_ref().unwrap().body, Body::Text("done".into()));
}

#[tokio::test]
async fn calls_and_webhooks_stand_in_one_order_and_a_webhook_names_its_cause() {
    let (provider, integration) = (MockServer::start().await, MockServer::start().await);
    for n in [1, 2] {
        Mock::given(method("POST"))
            .and(path("/orders"))
            .and(body_string(format!("{{\"n\":{n}}}")))
            .respond_with(
                ResponseTemplate::new(201).set_body_json(serde_json::json!({"id": format!("ord_00000{n}")})),
            )
            .mount(&provider)
            .await;
    }
    // What is below the webhooks' path never reaches the provider, and nothing else reaches the integration.
    Mock::given(path("/hooks")).respond_with(ResponseTemplate::new(500)).expect(0).mount(&provider).await;
    Mock::given(path("/in"))
        .and(query_param("kind", "order"))
        .and(header("host", "hooks.example"))
        .respond_with(ResponseTemplate::new(204))
        .expect(3)
        .mount(&integration)
        .await;
    let session = record(Some(&provider.uri()), &format!("{}/in", integration.uri())).await;
    let told = |n: u32| post("/hooks?kind=order", &format!("{{\"order\":\"ord_00000{n}\"}}"));
    assert!(session.ask(&post("/orders", "{\"n\":1}")).await.starts_with("HTTP/1.1 201"));
    assert!(session.ask(&post("/orders", "{\"n\":2}")).await.starts_with("HTTP/1.1 201"));
    for n in [2, 1, 7] {
        assert!(session.ask(&told(n)).await.starts_with("HTTP/1.1 204"));
    }
    let kept = session.finish().await;
    use Direction::{Inbound, Outbound};
    assert_eq!(
        summary(&kept.fixture.exchanges),
        [
            ("post-orders-1", Outbound, Ended::Complete, Some(201), None),
            ("post-orders-2", Outbound, Ended::Complete, Some(201), None),
            ("post-in-1", Inbound, Ended::Complete, Some(204), Some("post-orders-2")),
            ("post-in-2", Inbound, Ended::Complete, Some(204), Some("post-orders-1")),
            ("post-in-3", Inbound, Ended::Complete, Some(204), None),
        ]
    );
    assert!(
        kept.text().contains("  direction: inbound\n")
            && kept.text().contains("  caused_by: post-orders-2\n")
    );
}

#[tokio::test]
async fn a_webhook_may_come_before_the_call_that_caused_it_is_answered() {
    let (provider, integration) = (Provider::start().await, Provider::start().await);
    let session = record(Some(&provider.url), &integration.url).await;
    let mut client = session.client().await;
    client.send(&post("/orders", "{}")).await;
    let mut called = provider.accept().await;
    called.until("{}").await;
    // The provider tells of the order, and waits until that is taken, before it answers.
    let webhook = post("/hooks", "{\"order\":\"ord_000001\"}");
    let taken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (_, seen) = tokio::join!(integration.answer(taken), session.ask(&webhook));
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    called.send("HTTP/1.1 201 Created\r\nContent-Length: 19\r\n\r\n{\"id\":\"ord_000001\"}").await;
    assert!(client.rest().await.ends_with("{\"id\":\"ord_000001\"}"));
    let kept = session.finish().await;
    let [call, webhook] = kept.fixture.exchanges.as_slice() else { panic!() };
    assert_eq!((call.id.as_str(), webhook.direction), ("post-orders-1", Direction::Inbound));
    assert_eq!(webhook.caused_by.as_ref(), Some(&call.id));
}

#[tokio::test]
async fn an_integration_that_gives_no_answer_makes_the_provider_try_again() {
    let provider = MockServer::start().await;
    let made = ResponseTemplate::new(201).set_body_json(serde_json::json!({"id": "ord_000001"}));
    Mock::given(path("/orders")).respond_with(made).mount(&provider).await;
    let integration = Provider::start().await;
    let session = record(Some(&provider.uri()), &integration.url).await;
    session.ask(&post("/orders", "{}")).await;
    let webhook = post("/hooks/tx-1", "{\"order\":\"ord_000001\"}");

    let closed = async { drop(integration.accept().await) };
    let (seen, ()) = tokio::join!(session.ask(&webhook), closed);
    assert!(seen.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{seen}");
    assert!(seen.ends_with("{\"error\":\"the integration behind the recorder gave no answer\"}"), "{seen}");
    let half = integration.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let (seen, _) = tokio::join!(session.ask(&webhook), half);
    assert!(seen.ends_with("\r\n\r\nhalf"), "cut short, and never ended as if whole: {seen}");
    let (seen, _) = tokio::join!(
        session.ask(&webhook),
        integration.answer("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
    );
    assert!(seen.starts_with("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n"), "{seen}");
    let (seen, _) = tokio::join!(
        session.ask(&webhook),
        integration.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    );
    assert!(seen.ends_with("\r\n\r\nok"), "{seen}");

    let kept = session.finish().await;
    use Direction::Inbound;
    let cause = Some("post-orders-1");
    assert_eq!(
        summary(&kept.fixture.exchanges)[1..],
        [
            ("post-tx1-1", Inbound, Ended::AnswerCutShort, None, cause),
            ("post-tx1-2", Inbound, Ended::AnswerCutShort, Some(200), cause),
            ("post-tx1-3", Inbound, Ended::Complete, Some(503), cause),
            ("post-tx1-4", Inbound, Ended::Complete, Some(200), cause),
        ]
    );
}

#[tokio::test]
async fn an_integration_that_is_not_there_is_told_without_its_address() {
    let integration = nowhere();
    let session = record(None, &integration.url).await;
    let seen = session.ask(&post("/hooks", "{}")).await;
    assert!(seen.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{seen}");
    assert!(!seen.contains(integration.url.trim_start_matches("http://")), "{seen}");
    let kept = session.finish().await;
    assert_eq!((kept.only().ended, &kept.only().response), (Ended::Unreachable, &None));
}

#[tokio::test]
async fn a_provider_that_waits_no_longer_is_recorded_as_having_gone() {
    let integration = Provider::start().await;
    let session = record(None, &integration.url).await;
    let mut provider = session.client().await;
    provider.send(&post("/hooks", "{\"a\":1}")).await;
    let mut slow = integration.accept().await;
    slow.until("{\"a\":1}").await;
    drop(provider);
    session.captured(1).await;
    let kept = session.finish().await;
    assert_eq!((kept.only().ended, &kept.only().response), (Ended::ClientWentAway, &None));
    drop(slow);
}

#[tokio::test]
async fn webhooks_alone_need_no_upstream() {
    let integration = MockServer::start().await;
    Mock::given(path("/in/a")).respond_with(ResponseTemplate::new(200)).expect(1).mount(&integration).await;
    let session = record(None, &format!("{}/in", integration.uri())).await;
    let lost = session.ask(&post("/orders", "{}")).await;
    assert!(lost.starts_with("HTTP/1.1 404 Not Found\r\n"), "{lost}");
    assert!(lost.contains("webhooks alone, at /hooks; ") && lost.contains("--upstream"), "{lost}");
    assert!(session.ask(&post("/hooks/a", "{}")).await.starts_with("HTTP/1.1 200"));
    let kept = session.finish().await;
    assert_eq!(kept.only().request.target, "/in/a");
    let Provenance::Recorded(recorded) = &kept.fixture.provenance else { panic!() };
    assert_eq!(recorded.upstream, "none: webhooks alone were recorded");
}

#[tokio::test]
async fn a_request_in_absolute_form_was_meant_for_the_provider() {
    let (provider, integration) = (Provider::start().await, nowhere());
    let session = record(Some(&provider.url), &integration.url).await;
    let request = "GET http://api.example/hooks HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (head, _) = tokio::join!(provider.answer(answer), session.ask(request));
    assert!(head.starts_with("GET /hooks HTTP/1.1\r\n"), "{head}");
    assert_eq!(session.finish().await.only().direction, Direction::Outbound);
}

#[tokio::test]
async fn a_large_webhook_passes_and_is_recorded_as_omitted() {
    let integration = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("http://127.0.0.1:9", &folder);
    config.webhooks = vec![format!("/hooks={}", integration.url).parse().unwrap()];
    let limits = Limits { body_bytes: 1_000, ..Limits::default() };
    let session = Session { recorder: Recorder::start_within(config, limits).await.unwrap(), folder };
    let request = post("/hooks", &format!("[{}1]", "0,".repeat(2_000)));
    let mut provider = Wire::connect(session.recorder.address()).await;
    provider.send(&request).await;
    let mut wire = integration.accept().await;
    assert_eq!(wire.until("1]").await.split_once("\r\n\r\n").unwrap().1.len(), 4_003);
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert!(provider.rest().await.starts_with("HTTP/1.1 200"));
    assert_eq!(session.finish().await.only().request.body, Body::Omitted { size_bytes: 4_003 });
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_refused_before_anything_listens() {
    let start = async |upstream: Option<&str>, webhooks: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config("http://127.0.0.1:9", &folder);
        config.upstream = upstream.map(|upstream| upstream.parse().unwrap());
        config.webhooks = webhooks.iter().map(|text| text.parse().unwrap()).collect();
        Recorder::start(config).await.unwrap_err()
    };
    let error = start(Some("http://127.0.0.1:9"), &["/a=http://h", "/a/b=http://h"]).await;
    assert!(matches!(&error, RecorderError::Webhooks(told) if told.contains("/a and /a/b")), "{error}");
    let error = start(Some("http://127.0.0.1:9"), &["/=http://h"]).await;
    assert!(error.to_string().contains("leave the upstream out"), "{error}");
    assert!(matches!(start(None, &[]).await, RecorderError::NothingToRecord));
}

#[tokio::test]
async fn a_webhook_may_come_in_http_2() {
    let integration = Provider::start().await;
    let session = record(Some("http://127.0.0.1:9"), &integration.url).await;
    let stream = tokio::net::TcpStream::connect(session.recorder.address()).await.unwrap();
    let (mut provider, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request =
        http::Request::post("http://hooks.example/hooks/a?x=1").body(Empty::<Bytes>::new()).unwrap();
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let (head, seen) = tokio::join!(integration.answer(answer), provider.send_request(request));
    assert!(head.starts_with("POST /a?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("\r\nhost: hooks.example\r\n"), "{head}");
    assert_eq!(seen.unwrap().status(), 204);
    drop(provider);
    let _ = connection.await;
    let kept = session.finish().await;
    assert_eq!(kept.only().direction, Direction::Inbound);
    assert_eq!(kept.only().request.headers.text("host"), Some("hooks.example"));
}
