//! Connections that fail, as a client of bytes sees them. Slowness passes on a virtual clock: nothing is waited for.

use crate::faults::{PAGE_1, comes_whole, history_with, page_1, page_2, struck};
use crate::wire::{Client, End, until};
use counterpart_stand_in::{StandIn, Traffic};
use jiff::{SignedDuration, Timestamp};
use std::io::ErrorKind;
use tokio::net::TcpStream;

cases! {
    bandwidth: the_body_comes_over_a_narrow_line,
    garbage: bytes_come_that_are_no_http,
    garbage: a_connection_begins_with_bytes_that_are_no_http,
    half_closed: the_provider_closes_its_half_and_reads_on,
    half_closed: a_connection_is_half_closed_from_the_start,
    latency: the_answer_comes_late,
    latency: the_delays_of_a_seed_are_always_the_same,
    refused: nobody_listens_after_a_request_for_a_while,
    refused: nobody_listens_from_the_start,
    reset: a_connection_is_reset_as_soon_as_it_stands,
    slow_drip: the_body_comes_drop_by_drop,
    timeout: a_connection_hangs_before_there_is_a_request,
}

fn now(stand_in: &StandIn) -> Timestamp {
    stand_in.clock().now()
}

/// Lets the time pass that the stand-in waits for next, and says how long that was.
async fn next_wait(stand_in: &StandIn) -> i64 {
    until("a wait to begin", || stand_in.clock().next_timer().is_some()).await;
    let before = now(stand_in);
    let next = stand_in.clock().next_timer().unwrap();
    assert_eq!(stand_in.traffic().held, 1, "it is held on purpose");
    stand_in.clock().advance_to(next);
    assert_eq!(stand_in.traffic().held, 0, "the wait is over at that very instant");
    next.duration_since(before).as_millis().try_into().unwrap()
}

async fn the_answer_comes_late(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"by":{{"fixed":{{"ms":2500}}}}}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(next_wait(&stand_in).await, 2_500);
    assert_eq!(client.answer().await.text(), PAGE_1);
    struck(&stand_in, fault, &[0]);
    assert_eq!(client.ask(&page_2().of_user(&stand_in)).await.status(), 200, "once, and then no more");
}

async fn the_delays_of_a_seed_are_always_the_same(fault: &str) {
    let mut drawn = Vec::new();
    for seed in [1, 1, 2] {
        let by = r#"{"uniform":{"from_ms":100,"to_ms":900}}"#;
        let stand_in = history_with(&format!(r#"{fault}{{"by":{by},"seed":{seed}}}@messages*4"#)).await;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let mut client = Client::connect(&stand_in).await;
            client.send(&page_1().of_user(&stand_in).bytes()).await;
            waits.push(next_wait(&stand_in).await);
            client.answer().await;
        }
        assert!(waits.iter().all(|wait| (100..=900).contains(wait)), "{waits:?}");
        drawn.push(waits);
    }
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0], drawn[2]);
    assert!(drawn[0].iter().any(|wait| *wait != drawn[0][0]), "{:?}", drawn[0]);
}

async fn the_body_comes_drop_by_drop(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"bytes":50,"every_ms":200}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(client.head().await.promised(), PAGE_1.len());
    for _ in 0..PAGE_1.len().div_ceil(50) {
        assert!(client.is_silent());
        assert_eq!(next_wait(&stand_in).await, 200);
        let length = client.some().await.len();
        assert!(length <= 50, "{length} bytes at once");
    }
    until("the answer to be over", || stand_in.traffic().answered == 1).await;
    comes_whole(&mut client, &stand_in, &page_2(), crate::faults::PAGE_2).await;
    struck(&stand_in, fault, &[0]);
}

async fn the_body_comes_over_a_narrow_line(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"bytes_per_s":100}}@messages-1"#)).await;
    let began = now(&stand_in);
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    client.head().await;
    let mut came = 0;
    while came < PAGE_1.len() {
        next_wait(&stand_in).await;
        came += client.some().await.len();
    }
    let took = now(&stand_in).duration_since(began).as_millis();
    let expected = i128::try_from(PAGE_1.len()).unwrap() * 10;
    assert!((expected..expected + 100).contains(&took), "{took} ms for {} bytes", PAGE_1.len());
    struck(&stand_in, fault, &[0]);
}

async fn bytes_come_that_are_no_http(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    client.finish_sending().await;
    let (bytes, end) = client.rest().await;
    assert!(!bytes.starts_with(b"HTTP") && bytes.len() > 10, "{bytes:?}");
    assert_eq!(end, End::Fin);
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn a_connection_begins_with_bytes_that_are_no_http(fault: &str) {
    let stand_in = history_with(&format!("{fault}@connection:1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    client.finish_sending().await;
    let (bytes, end) = client.rest().await;
    assert!(!bytes.starts_with(b"HTTP") && bytes.len() > 10, "{bytes:?}");
    assert_eq!(end, End::Fin);
    the_next_connection_is_sound(&stand_in).await;
}

async fn the_provider_closes_its_half_and_reads_on(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    // The other half stands: what is sent is read, so nothing is answered with RST.
    for _ in 0..20 {
        client.send(&[b'x'; 1_000]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn a_connection_is_half_closed_from_the_start(fault: &str) {
    let stand_in = history_with(&format!("{fault}@connection:1")).await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    the_next_connection_is_sound(&stand_in).await;
}

async fn a_connection_is_reset_as_soon_as_it_stands(fault: &str) {
    let stand_in = history_with(&format!("{fault}@connection:1*2")).await;
    for failed in 1..=2 {
        let mut client = Client::connect(&stand_in).await;
        assert_eq!(client.rest().await, (Vec::new(), End::Rst));
        assert_eq!(stand_in.traffic(), Traffic { connections_failed: failed, ..Traffic::default() });
    }
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    assert_eq!(stand_in.unused_faults(), []);
}

async fn a_connection_hangs_before_there_is_a_request(fault: &str) {
    let stand_in = history_with(&format!("{fault}@connection:1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    until("the connection to hang", || stand_in.traffic().connections_hung == 1).await;
    let mut other = Client::connect(&stand_in).await;
    comes_whole(&mut other, &stand_in, &page_1(), PAGE_1).await;
    assert!(client.is_silent());
    drop(client);
    until("the client to be gone", || stand_in.traffic().connections_hung == 0).await;
    assert_eq!(stand_in.unused_faults(), []);
}

async fn the_next_connection_is_sound(stand_in: &StandIn) {
    assert_eq!(stand_in.traffic(), Traffic { connections_failed: 1, ..Traffic::default() });
    let mut client = Client::connect(stand_in).await;
    comes_whole(&mut client, stand_in, &page_1(), PAGE_1).await;
    assert_eq!(stand_in.unused_faults(), []);
}

async fn is_refused(stand_in: &StandIn) {
    let error = TcpStream::connect(stand_in.address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

async fn nobody_listens_after_a_request_for_a_while(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"for_s":30}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Rst));
    until("the door to be shut", || stand_in.clock().next_timer().is_some()).await;
    is_refused(&stand_in).await;
    stand_in.clock().advance_to(now(&stand_in) + SignedDuration::from_secs(29));
    is_refused(&stand_in).await;
    stand_in.clock().advance_to(now(&stand_in) + SignedDuration::from_secs(1));
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn nobody_listens_from_the_start(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"for_s":10}}@connection:1"#)).await;
    until("the door to be shut", || stand_in.clock().next_timer().is_some()).await;
    is_refused(&stand_in).await;
    is_refused(&stand_in).await;
    stand_in.clock().advance_to(now(&stand_in) + SignedDuration::from_secs(10));
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    assert_eq!(stand_in.unused_faults().len(), 1, "who is refused, the stand-in cannot see");
    stand_in.somebody_was_refused();
    assert_eq!(stand_in.unused_faults(), []);
}
