//! The control API as a client of bytes sees it: what it tells, what it changes, whom it does not hear.

use crate::provider::{Played, fixture, got, playing, profile, profile_of, recorded, sending};
use crate::receiver::Receiver;
use crate::webhooks;
use crate::wire::{Ask, Client, ask};
use counterpart_exchange::Body;
use counterpart_stand_in::{Control, ControlConfig, ErrorForms, ProviderConfig, StandIn, StandInClock};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROOM: &str = "/rooms/a/member";

/// A stand-in of three exchanges, and its control API.
async fn controlled(played: Played) -> (StandIn, Control) {
    let stand_in = played.start().await;
    let config = ControlConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        names: Vec::new(),
        webhooks_to: None,
    };
    let control = Control::start(&stand_in, config).await.unwrap();
    (stand_in, control)
}

fn rooms() -> Played {
    let create = sending(recorded("create-1", "POST", "/rooms", 200, "[3]"), "{}");
    playing(vec![got("member-1", ROOM, "[1]"), got("member-2", ROOM, "[2]"), create])
}

/// Bytes to the control API; everything that came back.
async fn exchange(control: &Control, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(control.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks the control API; its status and what it says.
async fn control_says(control: &Control, method: &str, target: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{body}",
        control.address(),
        body.len()
    );
    let answer = exchange(control, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(head.contains("content-type: application/json"), "{head}");
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

async fn told(control: &Control, target: &str) -> Value {
    let (status, value) = control_says(control, "GET", target, "").await;
    assert_eq!(status, 200, "{value}");
    value
}

async fn room(stand_in: &StandIn) -> String {
    ask(stand_in, &Ask::get(ROOM).of_user(stand_in)).await.text().to_owned()
}

#[tokio::test]
async fn what_came_is_told_page_by_page() {
    let (stand_in, control) = controlled(rooms()).await;
    for target in [ROOM, ROOM, ROOM, "/rooms/b/member"] {
        ask(&stand_in, &Ask::get(target).of_user(&stand_in)).await;
    }
    for _ in 0..2 {
        ask(&stand_in, &Ask::new("POST", "/rooms").of_user(&stand_in).json("{}")).await;
    }
    let first = told(&control, "/requests?limit=4").await;
    let words = |page: &Value| -> Vec<String> {
        let all = page["requests"].as_array().unwrap().iter();
        all.map(|one| format!("{} {}", one["seq"], one["outcome"].as_str().unwrap())).collect()
    };
    assert_eq!(words(&first), ["1 replayed", "2 replayed", "3 repeated", "4 unmatched"]);
    assert_eq!((&first["has_more"], &first["next_after"]), (&json!(true), &json!(4)));
    let rest = told(&control, "/requests?after=4").await;
    assert_eq!(words(&rest), ["5 replayed", "6 exhausted"]);
    assert_eq!((&rest["has_more"], &rest["next_after"]), (&json!(false), &json!(6)));
    let end = told(&control, "/requests?after=6&provider=rooms").await;
    assert_eq!((words(&end), &end["next_after"]), (Vec::new(), &json!(6)));
    assert_eq!(words(&told(&control, "/unmatched").await), ["4 unmatched", "6 exhausted"]);
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&told(&control, "/unmatched?limit=1").await).unwrap()
    );
    let counts = told(&control, "/counts").await;
    assert_eq!(counts["all"], counts["providers"]["rooms"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&counts).unwrap());
}

#[tokio::test]
async fn a_stand_in_tells_that_it_is_ready_and_what_was_never_used() {
    let (stand_in, control) = controlled(rooms().fault("timeout@member-2")).await;
    let ready = told(&control, "/ready").await;
    assert_eq!(ready["providers"][0]["base_url"], stand_in.base_url());
    assert_eq!((&ready["ready"], &ready["clock"]), (&json!(true), &json!("virtual")));
    assert_eq!(room(&stand_in).await, "[1]");
    let unused = told(&control, "/unused").await;
    assert_eq!(unused["exchanges"], json!(["rooms/flow#member-2", "rooms/flow#create-1"]));
    assert_eq!(unused["faults"][0]["id"], "rooms-1");
    let cut = told(&control, "/unused?limit=1").await;
    assert_eq!((cut["exchanges"].as_array().unwrap().len(), &cut["exchanges_total"]), (1, &json!(2)));
}

#[tokio::test]
async fn a_fault_comes_and_goes_while_the_stand_in_runs() {
    let (stand_in, control) = controlled(rooms()).await;
    let (status, injected) =
        control_says(&control, "POST", "/faults", r#"{"spec":"server_error@member*2"}"#).await;
    assert_eq!((status, &injected["id"]), (201, &json!("rooms-1")));
    let body =
        r#"{"at":{"exchange":"create-1"},"times":"always","inject":{"rate_limited":{"retry_after_s":7}}}"#;
    assert_eq!(control_says(&control, "POST", "/faults", body).await.1["id"], "rooms-2");
    assert_eq!(ask(&stand_in, &Ask::get(ROOM).of_user(&stand_in)).await.status(), 500);
    let limited = ask(&stand_in, &Ask::new("POST", "/rooms").of_user(&stand_in).json("{}")).await;
    assert_eq!((limited.status(), limited.all("retry-after")), (429, vec!["7"]));
    let planned = told(&control, "/faults").await["planned"].clone();
    assert_eq!((&planned[0]["struck"], &planned[0]["unused"]), (&json!(1), &json!(true)));
    assert_eq!((&planned[1]["struck"], &planned[1]["unused"]), (&json!(1), &json!(false)));
    // The ids of the others stay, and none is given twice.
    assert_eq!(control_says(&control, "DELETE", "/faults/rooms-1", "").await.0, 200);
    assert_eq!(room(&stand_in).await, "[1]");
    let (_, again) = control_says(&control, "POST", "/faults", r#"{"spec":"timeout@member-2"}"#).await;
    assert_eq!(again["id"], "rooms-3");
    assert_eq!(told(&control, "/faults").await["planned"][0]["id"], "rooms-2");
    assert_eq!(control_says(&control, "DELETE", "/faults", "").await.1, json!({"removed": 2}));
    assert_eq!(room(&stand_in).await, "[2]");
}

#[tokio::test]
async fn a_reset_begins_anew_and_numbers_go_on() {
    let (stand_in, control) = controlled(rooms().fault("server_error@member-1")).await;
    let seen = async || {
        let status = ask(&stand_in, &Ask::get(ROOM).of_user(&stand_in)).await.status();
        (status, room(&stand_in).await, room(&stand_in).await)
    };
    let before = seen().await;
    assert_eq!(before, (500, "[1]".to_owned(), "[2]".to_owned()));
    control_says(&control, "POST", "/faults", r#"{"spec":"timeout@member*always"}"#).await;
    assert_eq!(control_says(&control, "POST", "/reset", "").await, (200, json!({"reset": ["rooms"]})));
    assert_eq!(told(&control, "/requests").await["requests"], json!([]));
    assert_eq!(told(&control, "/counts").await["all"]["requests"], 0);
    assert_eq!(seen().await, before, "and the injected fault is gone");
    assert_eq!(told(&control, "/requests").await["requests"][0]["seq"], 4);
    let body = r#"{"provider":"rooms","faults":"cleared"}"#;
    assert_eq!(control_says(&control, "POST", "/reset", body).await.0, 200);
    assert_eq!(seen().await, (200, "[2]".to_owned(), "[2]".to_owned()));
}

#[tokio::test]
async fn a_reset_forgets_tokens_keys_and_records() {
    let refresh = crate::provider::refreshed("refresh-1", 1, 200, &crate::provider::pair(2));
    let (stand_in, control) = controlled(playing(vec![got("member-1", ROOM, "[1]"), refresh])).await;
    let credentials = stand_in.credentials();
    let token = credentials.access_token.clone().unwrap();
    let refreshing = Ask::new("POST", "/refresh")
        .json(&format!(r#"{{"refresh_token":"{}"}}"#, credentials.refresh_token.unwrap()));
    let first = ask(&stand_in, &refreshing).await.text().to_owned();
    let member = Ask::get(ROOM).bearer(&token);
    control_says(&control, "POST", "/faults", r#"{"spec":"revoked_token@member"}"#).await;
    assert_eq!(ask(&stand_in, &member).await.status(), 401);
    assert_eq!(ask(&stand_in, &member).await.status(), 401);
    control_says(&control, "POST", "/reset", "").await;
    assert_eq!(ask(&stand_in, &member).await.text(), "[1]");
    assert_eq!(ask(&stand_in, &refreshing).await.text(), first, "the refresh token is good again");
}

#[tokio::test]
async fn what_was_held_before_a_reset_gives_nothing_back_afterwards() {
    let text = "
counterpart: provider/1
provider: rooms
operations: {list: GET /list}
quota:
  - kind: {concurrency: {limit: 1}}
";
    let played = Played::of(profile_of(text), vec![fixture("flow", vec![got("list-1", "/list", "[1]")])]);
    let (stand_in, control) = controlled(played.fault("timeout@list-1")).await;
    let mut held = Client::connect(&stand_in).await;
    held.send(&Ask::get("/list").bytes()).await;
    crate::wire::until("it to be held", || stand_in.traffic().held == 1).await;
    assert_eq!(ask(&stand_in, &Ask::get("/list")).await.status(), 429);
    control_says(&control, "POST", "/reset", r#"{"faults":"as_started"}"#).await;
    // The one place is free, and taken by a second request that is held.
    let mut second = Client::connect(&stand_in).await;
    second.send(&Ask::get("/list").bytes()).await;
    crate::wire::until("the second to be held", || stand_in.traffic().held == 2).await;
    drop(held);
    crate::wire::until("the first to be over", || stand_in.traffic().held == 1).await;
    assert_eq!(ask(&stand_in, &Ask::get("/list")).await.status(), 429, "the place is the second one's");
}

#[tokio::test]
async fn the_clock_is_told_and_moved_where_it_can_be() {
    let (_stand_in, control) = controlled(rooms()).await;
    assert_eq!(
        told(&control, "/clock").await,
        json!({"kind": "virtual", "now": "1970-01-01T00:00:00Z", "next_timer": null})
    );
    let (_, moved) = control_says(&control, "POST", "/clock/advance", r#"{"by":"1h 30m"}"#).await;
    assert_eq!(moved["now"], "1970-01-01T01:30:00Z");
    let back = r#"{"to":"1970-01-01T00:00:00Z"}"#;
    let (status, back) = control_says(&control, "POST", "/clock/advance", back).await;
    assert_eq!((status, &back["error"]["code"]), (409, &json!("clock_goes_forward_only")));
    let mut real = rooms();
    real.config.clock = StandInClock::Real;
    let (_stand_in, control) = controlled(real).await;
    let (status, refused) = control_says(&control, "POST", "/clock/advance", r#"{"by":"1h"}"#).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("clock_is_real")));
}

#[tokio::test]
async fn a_resource_grows_before_it_is_used() {
    let text = "
counterpart: provider/1
provider: rooms
operations: {orders: GET /orders}
pagination: {operations: [orders], items: orders, by: {offset: {query: offset}}, size: {query: limit, default: 2}}
resources:
  order: {id: id, list: orders}
";
    let page = r#"{"orders":[{"id":"1"},{"id":"2"}]}"#;
    let played = Played::of(profile_of(text), vec![fixture("flow", vec![got("orders-1", "/orders", page)])]);
    let (stand_in, control) = controlled(played).await;
    assert_eq!(told(&control, "/ready").await["providers"][0]["resources"], json!(["order"]));
    assert_eq!(control_says(&control, "POST", "/resources/order/grow", r#"{"to":500}"#).await.0, 200);
    let far = ask(&stand_in, &Ask::get("/orders?offset=498")).await.json();
    assert_eq!(far["orders"].as_array().unwrap().len(), 2);
    let (status, missing) = control_says(&control, "POST", "/resources/ordr/grow", r#"{"to":5}"#).await;
    assert_eq!((status, &missing["error"]["mend"]), (404, &json!("did you mean `order`?")));
    let (status, _) = control_says(&control, "POST", "/resources/order/grow", r#"{"to":99999999999}"#).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_with_its_place() {
    let mut played = rooms();
    let other = profile_of("counterpart: provider/1\nprovider: other\noperations: {member: GET /member}\n");
    played.config.providers.push(ProviderConfig {
        profile: other,
        fixtures: Vec::new(),
        forms: ErrorForms::default(),
        faults: Vec::new(),
    });
    let (_stand_in, control) = controlled(played).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut all = Vec::new();
    for (method, target, body) in [
        ("GET", "/nothing", ""),
        ("PUT", "/faults", ""),
        ("GET", "/requests?limit=0", ""),
        ("GET", "/requests?limit=1001", ""),
        ("GET", "/requests?aftr=1", ""),
        ("GET", "/requests?after=1&after=2", ""),
        ("GET", "/requests?provider=romms", ""),
        ("GET", "/requests?provider=%ff", ""),
        ("POST", "/faults", ""),
        ("POST", "/faults", "{\"spec\": 1}"),
        ("POST", "/faults", r#"{"spec":"timout@member-1"}"#),
        ("POST", "/faults", r#"{"spec":"timeout@member-9"}"#),
        ("POST", "/faults", r#"{"spec":"timeout@member"}"#),
        ("POST", "/faults", r#"{"provider":"other","spec":"timeout@member-1"}"#),
        ("POST", "/faults", r#"{"spec":"timeout@connection:1"}"#),
        ("POST", "/faults", r#"{"spec":"certificate_expired@connection:1"}"#),
        ("POST", "/faults", r#"{"at":{"exchnge":"member-1"},"inject":{"timeout":{}}}"#),
        ("POST", "/faults", r#"{"at":{"exchange":"member-1"},"times":0,"inject":{"timeout":{}}}"#),
        ("POST", "/faults", r#"{"at":{"exchange":"member-1"},"inject":{"timeout":{"x":1}}}"#),
        ("POST", "/faults", r#"{"at":{"exchange":"member-1"},"inject":{}}"#),
        ("POST", "/faults", r#"{"at":{"exchange":"member-1"}}"#),
        ("POST", "/faults", &deep),
        ("DELETE", "/faults/rooms-7", ""),
        ("POST", "/reset", r#"{"faults":"gone"}"#),
        ("POST", "/clock/advance", r#"{"by":"soon"}"#),
        ("POST", "/clock/advance", r#"{"to":"2026"}"#),
        ("POST", "/clock/advance", "{}"),
    ] {
        let (status, said) = control_says(&control, method, target, body).await;
        let shown: String = body.chars().take(80).collect();
        all.push(format!("{method} {target} {shown}\n  {status} {said}"));
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn a_browser_under_another_name_is_not_heard() {
    let (stand_in, control) = controlled(rooms()).await;
    for (head, expected) in [
        ("host: evil.example", "421"),
        ("host: 127.0.0.1\r\norigin: https://evil.example", "403"),
        ("x: y", "400"),
    ] {
        let body = r#"{"spec":"timeout@member-1"}"#;
        let request =
            format!("POST /faults HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let answer = exchange(&control, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{head}: {answer}");
    }
    assert_eq!(stand_in.providers()[0].faults(), []);
}

#[tokio::test]
async fn bad_input_is_bounded() {
    let (_stand_in, control) = controlled(rooms()).await;
    let host = control.address();
    let large = format!(
        "POST /reset HTTP/1.1\r\nhost: {host}\r\ncontent-length: 2000000\r\n\r\n{}",
        " ".repeat(2_000_000)
    );
    let answer = exchange(&control, large.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let head = format!("GET /ready HTTP/1.1\r\nhost: {host}\r\nx: {}\r\n\r\n", "y".repeat(1_000_000));
    let answer = exchange(&control, head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(exchange(&control, b"\x00\xff\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    assert_eq!(told(&control, "/ready").await["ready"], true);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let (stand_in, control) = controlled(rooms()).await;
    let token = stand_in.credentials().access_token.unwrap();
    for target in [format!("/rooms/{token}/member"), format!("/nowhere?access_token={token}")] {
        ask(&stand_in, &Ask::get(&target).of_user(&stand_in)).await;
    }
    for target in ["/requests", "/unmatched", "/ready", "/counts", "/unused", "/faults"] {
        let shown = told(&control, target).await.to_string();
        assert!(!shown.contains(&token), "{target}: {shown}");
    }
    let body = format!(r#"{{"provider":"{token}"}}"#);
    let (status, said) = control_says(&control, "POST", "/reset", &body).await;
    assert!(status == 404 && !said.to_string().contains(&token), "{said}");
}

#[tokio::test]
async fn what_fits_loosely_is_counted_apart() {
    let omitted = |mut exchange: counterpart_exchange::Exchange| {
        exchange.request.body = Body::Omitted { size_bytes: 70_000 };
        exchange
    };
    let exchanges = vec![
        got("member-1", "/rooms/a/member?trace=1", "[1]"),
        sending(recorded("send-1", "PUT", "/rooms/a/send/t1", 200, "[2]"), r#"{"a":1,"sent_at":5}"#),
        omitted(recorded("create-1", "POST", "/rooms", 200, "[3]")),
    ];
    let stand_in = Played::of(profile(), vec![fixture("flow", exchanges)]).start().await;
    for request in [
        Ask::get("/rooms/a/member?trace=2"),
        Ask::new("PUT", "/rooms/a/send/t1").json(r#"{"sent_at":6,"a":1}"#),
        Ask::new("POST", "/rooms").json(r#"{"any":"thing"}"#),
    ] {
        assert_eq!(ask(&stand_in, &request.of_user(&stand_in)).await.status(), 200);
    }
    let counts = stand_in.counts();
    assert_eq!((counts.volatile, counts.any_body, counts.replayed), (2, 1, 0));
    // In another order of fields and query it is the very same request.
    let exchanges = vec![sending(recorded("create-1", "POST", "/rooms", 200, "[1]"), r#"{"a":1,"b":2}"#)];
    let stand_in = playing(exchanges).start().await;
    ask(&stand_in, &Ask::new("POST", "/rooms").of_user(&stand_in).json(r#"{"b":2,"a":1}"#)).await;
    assert_eq!(stand_in.counts().replayed, 1);
}

#[tokio::test]
async fn webhooks_are_sent_when_asked_for_and_their_faults_strike() {
    let played = webhooks::playing(
        &webhooks::signed_by("github", ""),
        vec![webhooks::inbound("event-1", webhooks::EVENT)],
    );
    let (stand_in, control) = controlled(played).await;
    let receiver = Receiver::start().await;
    let to = receiver.url();
    let send = json!({ "exchange": "event-1", "to": to }).to_string();
    let (status, sent) = control_says(&control, "POST", "/webhooks", &send).await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!(sent["first_attempts"][0]["outcome"], "accepted");
    let fault = json!({ "spec": "webhook_bad_signature@webhook:event-1" }).to_string();
    assert_eq!(control_says(&control, "POST", "/faults", &fault).await.0, 201);
    let (_, sent) = control_says(&control, "POST", "/webhooks", &send).await;
    assert_eq!(sent["fault"], "webhook_bad_signature");
    let came = receiver.came();
    assert!(webhooks::verify(&stand_in, &receiver, &came[0]).is_ok());
    assert!(webhooks::verify(&stand_in, &receiver, &came[1]).is_err());
    let page = told(&control, "/webhooks?limit=1").await;
    assert_eq!(
        (&page["has_more"], &page["webhooks"][0]["exchange"]),
        (&json!(true), &json!("rooms/flow#event-1"))
    );
    let page = told(&control, "/webhooks?after=1").await;
    assert_eq!((&page["has_more"], &page["webhooks"][0]["number"]), (&json!(false), &json!(2)));
    assert_eq!(control_says(&control, "POST", "/reset", "").await.0, 200);
    assert_eq!(told(&control, "/webhooks").await["webhooks"], json!([]));
    for (body, status, code, mend) in [
        (r#"{"exchange": "event-1"}"#, 422, "no_receiver", "--webhooks-to"),
        (r#"{"exchange": "event-7", "to": "http://127.0.0.1:9"}"#, 422, "no_such_webhook", "event-1"),
        (r#"{"exchange": "event-1", "to": "ftp://x"}"#, 422, "receiver_not_understood", "http"),
        (
            r#"{"exchange": "event-1", "provider": "room", "to": "http://127.0.0.1:9"}"#,
            404,
            "no_such_provider",
            "rooms",
        ),
    ] {
        let (said, problem) = control_says(&control, "POST", "/webhooks", body).await;
        assert_eq!((said, &problem["error"]["code"]), (status, &json!(code)), "{problem}");
        assert!(problem["error"]["mend"].as_str().unwrap().contains(mend), "{problem}");
    }
    let (_, control) = controlled(rooms()).await;
    let (status, problem) = control_says(&control, "POST", "/webhooks", &send).await;
    assert_eq!((status, &problem["error"]["code"]), (422, &json!("nobody_sends_webhooks")));
}
