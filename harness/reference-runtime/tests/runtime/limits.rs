//! How much may come in: of one connection in a second, of all of them together, and in one body.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::hooks::{Answered, connect_orders, orders, put_orders, send_order};
use crate::support::{Subject, start, start_bounded};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Where nobody listens: what is accepted waits.
const NOBODY: &str = "http://127.0.0.1:9";

async fn send(subject: &Subject, tenant: &str, n: u32) -> Answered {
    let path = format!("/hooks/{tenant}/orders");
    orders(&path).send(subject, &format!("msg_{n}"), json!({ "n": n }).to_string().as_bytes()).await
}

async fn webhook_rows(subject: &Subject) -> usize {
    let audit = subject.list("/audit", "entries").await;
    audit.iter().filter(|row| row["operation"] == "webhook").count()
}

#[tokio::test]
async fn what_is_over_the_limit_is_put_off_and_told_once() {
    let subject = start().await;
    connect_orders(&subject, NOBODY, json!({ "max_per_second": 0.25, "burst": 3 })).await;
    assert_eq!(put_orders(&subject, "bolt", NOBODY, json!({})).await.0, 201);
    for n in 1..=3 {
        assert_eq!(send(&subject, "acme", n).await.status, 200);
    }
    for _ in 0..5 {
        let answer = send(&subject, "acme", 4).await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("4")));
        assert_eq!(answer.body["error"]["code"], "too_many");
    }
    assert_eq!(send(&subject, "bolt", 1).await.status, 200, "another connection is not affected");
    assert_eq!(subject.alerts().await, ["inbound_flood"]);
    assert_eq!((webhook_rows(&subject).await, subject.list("/runs", "runs").await.len()), (3, 3));
    for (after_s, status) in [(3, 429), (1, 200), (0, 429)] {
        subject.settle_for(SignedDuration::from_secs(after_s)).await;
        assert_eq!(send(&subject, "acme", 4).await.status, status);
    }
    assert_eq!(subject.alerts().await, ["inbound_flood"]);
    subject.settle_for(SignedDuration::from_secs(120)).await;
    for n in 5..=7 {
        assert_eq!(send(&subject, "acme", n).await.status, 200, "the burst is full again, and no fuller");
    }
    assert_eq!(send(&subject, "acme", 8).await.status, 429);
    assert_eq!(subject.alerts().await.iter().filter(|kind| *kind == "inbound_flood").count(), 2);
}

#[tokio::test]
async fn forgeries_use_nothing_up_and_fill_no_disk() {
    let subject = start().await;
    connect_orders(&subject, NOBODY, json!({ "max_per_second": 1, "burst": 1 })).await;
    let forger = crate::support::hooks::Sender { secret: "Zm9yZ2Vk", ..orders("/hooks/acme/orders") };
    for _ in 0..260 {
        assert_eq!(forger.send_only(&subject, "msg_1", b"{}").await.status, 401);
    }
    assert_eq!(webhook_rows(&subject).await, 200, "the rest is only refused");
    assert_eq!(subject.lines(&["webhook_refused"]).await.len(), 200);
    assert_eq!(send(&subject, "acme", 1).await.status, 200);
    assert!(subject.alerts().await.is_empty());
}

#[tokio::test]
async fn a_full_queue_puts_deliveries_off() {
    let subject = start_bounded(3).await;
    connect_orders(&subject, NOBODY, json!({})).await;
    let batch: Value = (1..=4).map(|n| json!({ "n": n })).collect();
    assert_eq!(send_order(&subject, "msg", &batch).await.status, 503, "all or nothing");
    for n in 1..=3 {
        assert_eq!(send(&subject, "acme", n).await.status, 200);
    }
    let answer = send(&subject, "acme", 4).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")));
    assert_eq!(answer.body["error"]["code"], "queue_full");
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 3, "held": 0 }));
    // Those that are there fail and are held, and there is room again.
    subject.settle().await;
    assert_eq!(subject.get("/queue").await, json!({ "unfinished": 0, "held": 3 }));
    assert_eq!(send(&subject, "acme", 4).await.body["accepted"], 1, "it was not taken for known");
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_taken_and_a_longer_one_is_not() {
    let subject = start().await;
    connect_orders(&subject, NOBODY, json!({})).await;
    let mut body = vec![b' '; 1024 * 1024];
    body[0] = b'7';
    assert_eq!(orders("/hooks/acme/orders").send(&subject, "msg_1", &body).await.status, 200);
    body.push(b' ');
    let answer = orders("/hooks/acme/orders").send(&subject, "msg_2", &body).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (413, &json!("too_large")));
    assert_eq!(subject.list("/runs", "runs").await.len(), 1);
}

#[tokio::test]
async fn whoever_says_much_and_sends_nothing_keeps_nobody_out() {
    use tokio::io::AsyncWriteExt;
    let subject = start().await;
    connect_orders(&subject, "http://127.0.0.1:9", json!({})).await;
    let address = subject.url().strip_prefix("http://").unwrap().to_owned();
    let mut idle = Vec::new();
    for _ in 0..80 {
        let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = "POST /hooks/acme/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{";
        connection.write_all(head.as_bytes()).await.unwrap();
        idle.push(connection);
    }
    // 64 of them would fill the room for bodies, and are under way when this comes.
    while subject.clock().await["busy"].as_u64() < Some(64) {}
    let answer = orders("/hooks/acme/orders").send_only(&subject, "msg_1", b"{}").await;
    assert_eq!((answer.status, &answer.body["accepted"]), (200, &json!(1)));
}
