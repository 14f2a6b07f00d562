//! HTTP/2: many requests on one connection, and what becomes of the others where one of them fails.

use crate::faults::{PAGE_1, PAGE_2, history_with, page_1};
use crate::wire::{Client, until};
use bytes::Bytes;
use counterpart_stand_in::StandIn;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

type Sender = SendRequest<Empty<Bytes>>;

async fn connect(stand_in: &StandIn) -> Sender {
    let tcp = TcpStream::connect(stand_in.address()).await.unwrap();
    over(TokioIo::new(tcp)).await
}

async fn over<S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static>(io: S) -> Sender {
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(stand_in: &StandIn, target: &str) -> http::Request<Empty<Bytes>> {
    let token = stand_in.credentials().access_token.unwrap();
    http::Request::get(format!("http://{}{target}", stand_in.address()))
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::new())
        .unwrap()
}

async fn page(sender: &mut Sender, stand_in: &StandIn, target: &str) -> Result<String, hyper::Error> {
    let answer = sender.send_request(get(stand_in, target)).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

const PAGE_1_AT: &str = "/rooms/a/messages";
const PAGE_2_AT: &str = "/rooms/a/messages?from=p2";

#[tokio::test]
async fn both_versions_are_told_apart_by_their_first_bytes() {
    let stand_in = history_with("timeout@nothing-9*always").await;
    let mut sender = connect(&stand_in).await;
    assert_eq!(page(&mut sender, &stand_in, PAGE_1_AT).await.unwrap(), PAGE_1);
    let mut client = Client::connect(&stand_in).await;
    // A method that begins as the preface of HTTP/2 does, byte by byte.
    for byte in b"PRI" {
        client.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    client.send(b"NT /rooms HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 401);
}

#[tokio::test]
async fn tls_speaks_what_the_client_offers() {
    let (stand_in, trusted) = crate::tls::within_tls(None).await;
    let tls =
        crate::tls::connect(&stand_in, &trusted, "api.example.com", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = over(TokioIo::new(tls)).await;
    assert_eq!(page(&mut sender, &stand_in, PAGE_1_AT).await.unwrap(), PAGE_1);
}

#[tokio::test]
async fn a_reset_takes_one_request_and_leaves_the_others() {
    for at in ["before_answer", "mid_body"] {
        let stand_in = history_with(&format!(r#"reset{{"at":"{at}"}}@messages-1"#)).await;
        let mut sender = connect(&stand_in).await;
        let mut other = sender.clone();
        let failed = page(&mut sender, &stand_in, PAGE_1_AT).await.unwrap_err();
        assert!(format!("{failed:?}").contains("Reset"), "{at}: {failed:?}");
        assert_eq!(page(&mut other, &stand_in, PAGE_2_AT).await.unwrap(), PAGE_2, "{at}");
        assert_eq!(page(&mut other, &stand_in, PAGE_1_AT).await.unwrap(), PAGE_1, "{at}");
    }
}

#[tokio::test]
async fn a_reset_of_the_connection_takes_all_that_it_carries() {
    for at in ["before_answer", "mid_body"] {
        let spec = format!(r#"reset{{"at":"{at}","scope":"connection"}}@messages-2"#);
        let mut played = crate::provider::playing(crate::faults::history()).fault(&spec);
        played = played.fault("timeout@messages-1");
        let stand_in = played.start().await;
        let mut sender = connect(&stand_in).await;
        let mut other = sender.clone();
        let asked = get(&stand_in, PAGE_1_AT);
        let waiting = tokio::spawn(async move { other.send_request(asked).await.map(drop) });
        until("the first request to be held", || stand_in.traffic().held == 1).await;
        page(&mut sender, &stand_in, PAGE_2_AT).await.unwrap_err();
        waiting.await.unwrap().unwrap_err();
        assert!(page(&mut sender, &stand_in, PAGE_2_AT).await.is_err(), "{at}: the connection is gone");
        let mut sender = connect(&stand_in).await;
        assert_eq!(page(&mut sender, &stand_in, PAGE_2_AT).await.unwrap(), PAGE_2, "{at}");
        until("what was held to be over", || stand_in.traffic().held == 0).await;
    }
}

#[tokio::test]
async fn garbage_and_half_closing_end_the_connection() {
    for fault in ["garbage", "half_closed", r#"refused{"for_s":1}"#] {
        let stand_in = history_with(&format!("{fault}@messages-1")).await;
        let mut sender = connect(&stand_in).await;
        page(&mut sender, &stand_in, PAGE_1_AT).await.unwrap_err();
        assert!(page(&mut sender, &stand_in, PAGE_1_AT).await.is_err(), "{fault}");
        if fault.starts_with("refused") {
            until("the door to be shut", || stand_in.clock().next_timer().is_some()).await;
            let next = stand_in.clock().next_timer().unwrap();
            stand_in.clock().advance_to(next);
        }
        let answer = crate::wire::ask(&stand_in, &page_1().of_user(&stand_in)).await;
        assert_eq!(answer.text(), PAGE_1, "{fault}");
    }
}
