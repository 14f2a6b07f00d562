//! Two servers behind one front: the second is asked where the first declines.

use crate::wire::{Provider, bounded};
use counterpart_recorder::{AskFirst, AskFirstConfig};
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn front(first: &Provider, second: &Provider) -> AskFirst {
    let address = |provider: &Provider| provider.authority().parse::<SocketAddr>().unwrap();
    let config = AskFirstConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        first: address(first),
        declined: (HeaderName::from_static("x-declined"), HeaderValue::from_static("17")),
        second: address(second),
    };
    AskFirst::start(config).await.unwrap()
}

async fn ask(front: &AskFirst, request: &str) -> String {
    let mut stream = TcpStream::connect(front.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    bounded(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

const POST: &str =
    "POST /a?b=c HTTP/1.1\r\nHost: api.example\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";
const DECLINED: &str = "HTTP/1.1 501 No\r\nX-Declined: 17\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn what_the_first_one_answers_is_the_answer() {
    let (first, second) = (Provider::start().await, Provider::start().await);
    let front = front(&first, &second).await;
    // A field of the name whose value somebody guessed is no sign of anything.
    let answer = "HTTP/1.1 501 No\r\nX-Declined: 18\r\nContent-Length: 2\r\n\r\nok";
    let (head, seen) = tokio::join!(first.answer(answer), ask(&front, POST));
    assert!(head.starts_with("POST /a?b=c HTTP/1.1\r\n") && head.contains("Host: api.example\r\n"), "{head}");
    assert!(seen.starts_with("HTTP/1.1 501") && seen.ends_with("\r\n\r\nok"), "{seen}");
    front.finish().await;
}

#[tokio::test]
async fn what_the_first_one_declines_is_asked_of_the_second() {
    let (first, second) = (Provider::start().await, Provider::start().await);
    let front = front(&first, &second).await;
    let answer = "HTTP/1.1 201 Made\r\nContent-Length: 3\r\n\r\ntwo";
    let (at_first, at_second, seen) =
        tokio::join!(first.answer(DECLINED), second.answer(answer), ask(&front, POST));
    assert_eq!(at_first, at_second, "the same request, in the same words");
    assert!(seen.starts_with("HTTP/1.1 201 Made") && seen.ends_with("\r\n\r\ntwo"), "{seen}");
    assert!(!seen.to_ascii_lowercase().contains("x-declined"), "{seen}");
    front.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_held_is_refused() {
    let (first, second) = (Provider::start().await, Provider::start().await);
    let front = front(&first, &second).await;
    let length = 8 * 1024 * 1024 + 1;
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    let mut stream = TcpStream::connect(front.address()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let sending = async {
        write.write_all(head.as_bytes()).await.unwrap();
        // The answer may come before all is sent.
        let _ = write.write_all(&vec![b'x'; length]).await;
    };
    let mut answer = vec![0; 12];
    let (_, got) = bounded(async { tokio::join!(sending, read.read_exact(&mut answer)) }).await;
    got.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 413");
}
