//! Clients that behave badly, or come in numbers: nothing panics, and the stand-in goes on serving.

use crate::provider::{Played, answered_with, fixture, got, playing, profile_with, recorded, sending};
use crate::wire::{Ask, Client, End, ask};
use counterpart_exchange::ProviderProfile;
use counterpart_stand_in::{SeenNote, StandIn, StandInError, Traffic};
use std::net::SocketAddr;

const MEMBER: &str = "/rooms/a/member";

async fn small() -> StandIn {
    playing(vec![
        got("member-1", MEMBER, "[1]"),
        sending(recorded("create-1", "POST", "/rooms", 200, "[2]"), "{}"),
    ])
    .start()
    .await
}

/// The stand-in serves as if nothing had happened, and counts what it took up alone.
async fn goes_on_serving(stand_in: &StandIn, received: u64) {
    let answer = ask(stand_in, &Ask::get(MEMBER).of_user(stand_in)).await;
    assert_eq!((answer.status(), answer.text()), (200, "[1]"));
    let received = received + 1;
    assert_eq!(stand_in.traffic(), Traffic { received, answered: received, held: 0, ..Traffic::default() });
}

#[tokio::test]
async fn garbage_is_refused() {
    let stand_in = small().await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS, or was\r\n\r\n"[..],
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /rooms HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /rooms HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /rooms HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n",
    ] {
        let mut client = Client::connect(&stand_in).await;
        client.send(garbage).await;
        let (bytes, _) = client.rest().await;
        let said = String::from_utf8_lossy(&bytes).into_owned();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{garbage:?}: {said}");
    }
    goes_on_serving(&stand_in, 0).await;
}

/// Heads that two readers take for two different requests: whatever is read, it is one request, and what stands behind
/// it is never taken for another one of the same client.
#[tokio::test]
async fn no_request_is_smuggled_in_behind_another() {
    let stand_in = small().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let body = format!("0\r\n\r\n{smuggled}");
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked", body.len()),
        format!("transfer-encoding: chunked\r\ncontent-length: {}", body.len()),
        format!("content-length: 0\r\ncontent-length: {}", body.len()),
        format!("content-length: 0, {}", body.len()),
        format!("content-length: +{}", body.len()),
        format!("content-length: 0x{:x}", body.len()),
        format!("content-length : {}", body.len()),
        format!("content-length:\r\n {}", body.len()),
        "transfer-encoding: chunked, identity".to_owned(),
        "transfer-encoding: xchunked".to_owned(),
        "transfer-encoding : chunked".to_owned(),
        "transfer-encoding:\u{b}chunked".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity".to_owned(),
        format!("x: 1\rcontent-length: {}", body.len()),
        format!("x: 1\ncontent-length: {}\n", body.len()),
        "content-length: 18446744073709551616".to_owned(),
    ] {
        let before = stand_in.traffic().received;
        let mut client = Client::connect(&stand_in).await;
        client.send(format!("POST /rooms HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n{body}").as_bytes()).await;
        client.finish_sending().await;
        let (bytes, _) = client.rest().await;
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let answers = said.matches("HTTP/1.1 ").count();
        let taken_up = stand_in.traffic().received - before;
        assert!(answers <= 1 && taken_up <= 1, "{framing:?}: {taken_up} requests, {said}");
        let seen = stand_in.seen();
        assert!(!seen.iter().any(|one| one.target.contains("smuggled")), "{framing:?}: {said}");
    }
}

/// Bytes that are no text where text is expected: refused, or told as unmatched, and never shown raw.
#[tokio::test]
async fn what_is_no_utf_8_is_no_reason_to_panic() {
    let stand_in = small().await;
    let token = stand_in.credentials().access_token.unwrap();
    for (bytes, status) in [
        (&b"GET /rooms/\xff/member HTTP/1.1\r\nhost: x\r\n\r\n"[..], 400),
        (b"GET /rooms/%ff%fe/member HTTP/1.1\r\nhost: x\r\n\r\n", 501),
        (b"GET /rooms/a/member?x=%ff&%80=1 HTTP/1.1\r\nhost: x\r\n\r\n", 501),
        (b"GET /rooms HTTP/1.1\r\nhost: \xff\xfe\r\nx: \xc3\x28\r\n\r\n", 501),
        (b"POST /rooms HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"\xff\":1}", 501),
        (b"POST /rooms HTTP/1.1\r\ncontent-type: text/\xff\r\ncontent-length: 2\r\n\r\n\xc0\x80", 501),
        (
            b"POST /rooms HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 5\r\n\r\n\xff=%ff",
            501,
        ),
        (b"GET /rooms HTTP/1.1\r\nauthorization: Bearer \xff\xff\r\n\r\n", 401),
    ] {
        let mut client = Client::connect(&stand_in).await;
        let mut bytes = bytes.to_vec();
        if status == 501 {
            let head = bytes.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
            bytes.splice(head..head, format!("authorization: Bearer {token}\r\n").into_bytes());
        }
        client.send(&bytes).await;
        let received = client.answer().await;
        assert_eq!(received.status(), status, "{}", String::from_utf8_lossy(&bytes));
        assert!(std::str::from_utf8(&received.body).is_ok());
    }
    goes_on_serving(&stand_in, 7).await;
}

#[tokio::test]
async fn heads_beyond_all_bounds_are_refused() {
    let stand_in = small().await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&Ask::get(MEMBER).header("x-large", &"x".repeat(300_000)).of_user(&stand_in).bytes()).await;
    assert_eq!(client.answer().await.status(), 200, "large, but within bounds");

    let fields: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many = format!("GET {MEMBER} HTTP/1.1\r\n{fields}\r\n");
    let endless = format!("GET {MEMBER} HTTP/1.1\r\nx-large: {}", "x".repeat(500_000));
    let far = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    for (head, status) in [(many, 431), (endless, 431), (far, 414)] {
        let mut client = Client::connect(&stand_in).await;
        client.send(head.as_bytes()).await;
        assert_eq!(client.head().await.status(), status, "{}", &head[..40]);
    }
    goes_on_serving(&stand_in, 1).await;
}

#[tokio::test]
async fn the_answer_to_a_request_of_any_size_is_short() {
    let others = (0..5_000).map(|n| got(&format!("get-{n}"), &format!("/{}/{n}", "y".repeat(50)), "[0]"));
    let stand_in = playing(others.collect()).start().await;
    let fields: Vec<String> = (0..8_000).map(|n| format!("f{n}=1")).collect();
    for target in [format!("/{}", "x".repeat(65_000)), format!("/x?{}", fields.join("&"))] {
        let unmatched = Ask::get(&target).json(&format!("[{}]", "7,".repeat(100_000) + "7"));
        let received = ask(&stand_in, &unmatched.of_user(&stand_in)).await;
        assert_eq!(received.status(), 501);
        assert!(received.body.len() < 8_000, "{} bytes", received.body.len());
    }
}

#[tokio::test]
async fn a_request_body_that_is_cut_short_or_too_long_is_no_request() {
    let stand_in = small().await;
    let mut client = Client::connect(&stand_in).await;
    client.send(b"POST /rooms HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nfirst").await;
    client.finish_sending().await;
    let (bytes, _) = client.rest().await;
    let said = String::from_utf8_lossy(&bytes).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");

    let mut client = Client::connect(&stand_in).await;
    let megabyte = vec![b'x'; 1024 * 1024];
    client
        .send(
            format!("POST /rooms HTTP/1.1\r\ncontent-length: {}\r\n\r\n", 64 * megabyte.len() + 1).as_bytes(),
        )
        .await;
    for _ in 0..64 {
        client.send(&megabyte).await;
    }
    client.send(b"x").await;
    let refused = client.answer().await;
    assert_eq!(refused.status_line, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(refused.text(), r#"{"error":"the request body is over 67108864 bytes"}"#);
    goes_on_serving(&stand_in, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_at_once_are_served() {
    let exchanges =
        (0..200).map(|n| got(&format!("member-{n}"), &format!("/rooms/{n}/member"), &format!("[{n}]")));
    let stand_in = playing(exchanges.collect()).start().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::connect(&stand_in).await);
    }
    let mut asking = tokio::task::JoinSet::new();
    for (n, mut client) in clients.into_iter().enumerate() {
        let asked = Ask::get(&format!("/rooms/{n}/member")).of_user(&stand_in);
        asking.spawn(async move { (n, client.ask(&asked).await) });
    }
    while let Some(answered) = asking.join_next().await {
        let (n, received) = answered.unwrap();
        assert_eq!(received.text(), format!("[{n}]"));
    }
    let numbers: Vec<u64> = stand_in.seen().iter().map(|seen| seen.seq).collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn ten_thousand_exchanges_answer_each_its_own() {
    let exchanges =
        (0..10_000).map(|n| got(&format!("member-{n}"), &format!("/rooms/{n}/member"), &n.to_string()));
    let stand_in = playing(exchanges.collect()).start().await;
    let mut client = Client::connect(&stand_in).await;
    for hundred in 0..100 {
        let asked = |n: usize| Ask::get(&format!("/rooms/{n}/member")).of_user(&stand_in).bytes();
        let numbers = hundred * 100..(hundred + 1) * 100;
        client.send(&numbers.clone().flat_map(asked).collect::<Vec<_>>()).await;
        for n in numbers {
            assert_eq!(client.answer().await.text(), n.to_string());
        }
    }
    assert!(stand_in.seen().iter().all(|seen| seen.note == SeenNote::Replayed));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_heads_may_come_in_drops() {
    let stand_in = playing((1..=3).map(|n| got(&format!("member-{n}"), MEMBER, &format!("[{n}]"))).collect())
        .start()
        .await;
    let one = Ask::get(MEMBER).of_user(&stand_in).bytes();
    let mut client = Client::connect(&stand_in).await;
    client.send(&[one.clone(), one.clone()].concat()).await;
    assert_eq!([client.answer().await.text(), client.answer().await.text()], ["[1]", "[2]"]);
    for byte in one {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.text(), "[3]");
    assert!(client.is_silent());
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let stand_in = small().await;
    let token = stand_in.credentials().access_token.clone().unwrap();
    let mut client = Client::connect(&stand_in).await;
    client
        .send(format!("POST /rooms HTTP/1.1\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n").as_bytes())
        .await;
    assert_eq!(client.answer().await.text(), "[2]");
}

#[tokio::test]
async fn head_has_a_head_alone() {
    let with_length = answered_with(recorded("member-1", "HEAD", MEMBER, 200, ""), "content-length", "1234");
    let without = recorded("member-2", "HEAD", MEMBER, 200, "");
    let stand_in = playing(vec![with_length, without, got("member-3", MEMBER, "[3]")]).start().await;
    let mut client = Client::connect(&stand_in).await;
    for lengths in [vec!["1234"], vec![]] {
        client.send(&Ask::new("HEAD", MEMBER).of_user(&stand_in).bytes()).await;
        let head = client.head().await;
        assert_eq!(head.status_line, "HTTP/1.1 200 OK");
        assert_eq!(head.all("content-length"), lengths);
    }
    // Refusals and misses have no body here either: the next answer begins where it should.
    client.send(&Ask::new("HEAD", MEMBER).bytes()).await;
    assert_eq!(client.head().await.status(), 401);
    client.send(&Ask::new("HEAD", "/nowhere").of_user(&stand_in).bytes()).await;
    assert_eq!(client.head().await.status(), 501);
    assert_eq!(client.ask(&Ask::get(MEMBER).of_user(&stand_in)).await.text(), "[3]");
}

#[tokio::test]
async fn an_answer_without_a_body_ends_with_its_head() {
    let mut no_content = recorded("member-1", "GET", MEMBER, 204, "");
    no_content.response.as_mut().unwrap().headers.remove("content-type");
    let stand_in = playing(vec![no_content, got("member-2", MEMBER, "[2]")]).start().await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&Ask::get(MEMBER).of_user(&stand_in).bytes()).await;
    let head = client.head().await;
    assert_eq!((head.status_line.as_str(), head.all("content-length")), ("HTTP/1.1 204 No Content", vec![]));
    assert_eq!(client.ask(&Ask::get(MEMBER).of_user(&stand_in)).await.text(), "[2]");
}

#[tokio::test]
async fn a_client_may_leave_at_any_moment() {
    let stand_in = small().await;
    let asked = Ask::get(MEMBER).of_user(&stand_in).bytes();
    for length in [0, 1, asked.len() / 2, asked.len() - 1] {
        let mut client = Client::connect(&stand_in).await;
        client.send(&asked[..length]).await;
        client.finish_sending().await;
        assert_eq!(client.rest().await, (Vec::new(), End::Fin), "after {length} bytes");
    }
    goes_on_serving(&stand_in, 0).await;
}

#[tokio::test]
async fn the_end_of_a_stand_in_ends_its_connections() {
    let stand_in = playing(vec![got("member-1", MEMBER, "[1]")]).fault("timeout@member-1").start().await;
    let mut held = Client::connect(&stand_in).await;
    held.send(&Ask::get(MEMBER).of_user(&stand_in).bytes()).await;
    crate::wire::until("the request to be held", || stand_in.traffic().held == 1).await;
    drop(stand_in);
    assert_eq!(held.rest().await.0, Vec::<u8>::new());
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let stand_in = small().await;
    let address: SocketAddr = stand_in.address();
    assert_eq!(stand_in.base_url(), format!("http://{address}"));
    let mut second = Played::of(ProviderProfile::unknown("rooms"), vec![fixture("flow", Vec::new())]);
    second.config.listen = address;
    let Err(error) = second.try_start().await else { panic!("two listen on {address}") };
    assert!(matches!(error, StandInError::AddressInUse(told) if told == address));
    assert_eq!(
        error.to_string(),
        format!("{address} is in use; stop what listens there, or listen on port 0 to get a free one")
    );
    goes_on_serving(&stand_in, 0).await;
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_told() {
    let mut elsewhere = Played::of(profile_with(&[]), Vec::new());
    // TEST-NET-1 (RFC 5737): no machine has it.
    elsewhere.config.listen = "192.0.2.1:0".parse().unwrap();
    let Err(error) = elsewhere.try_start().await else { panic!("192.0.2.1 is ours") };
    assert!(matches!(error, StandInError::Listen { .. }), "{error}");
}
