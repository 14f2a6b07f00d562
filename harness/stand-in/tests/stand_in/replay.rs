//! Which recorded answer a request gets, how often, and what is said where there is none.

use crate::provider::{
    Played, answered_with, ending, fixture, got, json, playing, profile, profile_with, recorded, sending,
};
use crate::wire::{Ask, Client, End, ask};
use counterpart_exchange::{Body, Direction, Ended, Exchange, Provenance, Recorded};
use counterpart_stand_in::{
    Counts, Fault, FaultSite, PlannedFault, RequestSelector, SeenNote, StandIn, Times,
};
use serde_json::json;
use std::num::NonZeroU64;

const SEND: &str = "/rooms/a/send/t1";
const MEMBER: &str = "/rooms/a/member";

fn member() -> Ask {
    Ask::get(MEMBER)
}

fn create(body: &str) -> Ask {
    Ask::new("POST", "/rooms").json(body)
}

fn created(id: &str, body: &str, answer: &str) -> Exchange {
    sending(recorded(id, "POST", "/rooms", 200, answer), body)
}

fn sent(id: &str, txn: &str, status: u16, answer: &str) -> Exchange {
    sending(recorded(id, "PUT", &format!("/rooms/a/send/{txn}"), status, answer), r#"{"body":"hi"}"#)
}

fn send(txn: &str) -> Ask {
    Ask::new("PUT", &format!("/rooms/a/send/{txn}")).json(r#"{"body":"hi"}"#)
}

/// The answers to one request after another, over one connection: status and body.
async fn answers(stand_in: &StandIn, asks: &[Ask]) -> Vec<(u16, String)> {
    let mut client = Client::connect(stand_in).await;
    let mut all = Vec::new();
    for ask in asks {
        let received = client.ask(&ask.clone().of_user(stand_in)).await;
        all.push((received.status(), received.text().to_owned()));
    }
    all
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

/// What the 501 to a request says.
async fn why_unmatched(stand_in: &StandIn, unmatched: &Ask) -> String {
    why_501(stand_in, unmatched, "unmatched", SeenNote::Unmatched).await
}

async fn why_501(
    stand_in: &StandIn,
    unanswered: &Ask,
    error: &str,
    note: impl Fn(String) -> SeenNote,
) -> String {
    let received = ask(stand_in, &unanswered.clone().of_user(stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 501 Not Implemented");
    let said = received.json();
    assert_eq!(said["counterpart"]["error"], error);
    let why = said["counterpart"]["why"].as_str().unwrap().to_owned();
    assert_eq!(stand_in.seen().last().unwrap().note, note(why.clone()));
    why
}

#[tokio::test]
async fn what_means_the_same_is_the_same() {
    let recorded_target = "/rooms/a/messages?dir=b&from=x%20y&limit=2";
    let body = r#"{"name":"n","tags":[{"a":1,"b":2}],"sent_at":"then"}"#;
    let stand_in = playing(vec![
        got("messages-1", recorded_target, "[1]"),
        created("create-1", body, "[2]"),
        sent("send-1", "t1", 200, "[3]"),
        sending(recorded("post-forms-1", "POST", "/forms", 200, "[4]"), "{}"),
    ])
    .start()
    .await;
    let mut form = recorded("post-forms-1", "POST", "/forms", 200, "[5]");
    form.request.body = Body::Form(vec![("a".into(), "1".into()), ("sent_at".into(), "then".into())]);
    let of_form = playing(vec![form]).start().await;
    for same in [
        "/rooms/a/messages?limit=2&from=x%20y&dir=b",
        "/rooms/a/messages?dir=b&from=x+y&limit=2",
        "/rooms/%61/messages?dir=b&trace=77&from=x%20y&limit=2",
        "http://other/rooms/a/messages?dir=b&from=x%20y&limit=2",
    ] {
        assert_eq!(answers(&stand_in, &[Ask::get(same)]).await, [ok("[1]")], "{same}");
    }
    let same = create(r#" {"sent_at": "now", "tags": [ {"b": 2, "a": 1} ], "name": "n"} "#);
    assert_eq!(answers(&stand_in, &[same]).await, [ok("[2]")]);
    assert_eq!(answers(&stand_in, &[send("another")]).await, [ok("[3]")]);
    let same = Ask::new("POST", "/forms").body("application/x-www-form-urlencoded", "sent_at=now&a=1");
    assert_eq!(answers(&of_form, &[same]).await, [ok("[5]")]);
}

#[tokio::test]
async fn what_differs_in_meaning_is_not_the_same() {
    let stand_in = playing(vec![
        got("messages-1", "/rooms/a/messages?dir=b&tag=1&tag=2", "[1]"),
        created("create-1", r#"{"a":[1,2]}"#, "[2]"),
        created("create-2", r#"{"a:1,b":2}"#, "[3]"),
        sending(recorded("get-rooms-1", "GET", "/rooms", 200, "[4]"), "{}"),
    ])
    .start()
    .await;
    for other in [
        Ask::get("/rooms/a/messages?dir=f&tag=1&tag=2"),
        Ask::get("/rooms/a/messages?dir=b&tag=1"),
        Ask::get("/rooms/a/messages?dir=b&tag=1&tag=2&tag=2"),
        Ask::get("/rooms/a%2Fmessages?dir=b&tag=1&tag=2"),
        Ask::new("POST", "/rooms/a/messages?dir=b&tag=1&tag=2"),
        Ask::new("POST", "/rooms"),
        create(r#"{"a":[2,1]}"#),
        create(r#"{"a":["1","2"]}"#),
        create(r#"{"a":1,"b":2}"#),
    ] {
        why_unmatched(&stand_in, &other).await;
    }
}

#[tokio::test]
async fn what_the_profile_calls_a_read_is_given_again_whatever_its_method() {
    let profile = profile_with(&[("operations:\n", "reads: [create]\noperations:\n")]);
    let exchanges = vec![created("create-1", "{}", "[1]"), created("create-2", "{}", "[2]")];
    let stand_in = Played::of(profile, vec![fixture("flow", exchanges)]).start().await;
    let all = answers(&stand_in, &[create("{}"), create("{}"), create("{}")]).await;
    assert_eq!(all, [ok("[1]"), ok("[2]"), ok("[2]")]);
    assert_eq!(stand_in.seen()[2].note, SeenNote::Repeated);
}

#[tokio::test]
async fn identical_requests_are_answered_in_recorded_order_and_the_last_safe_one_again() {
    let stand_in =
        playing(vec![got("member-1", MEMBER, "[1]"), got("member-2", MEMBER, "[2]")]).start().await;
    let all = answers(&stand_in, &[member(), member(), member(), member()]).await;
    assert_eq!(all, [ok("[1]"), ok("[2]"), ok("[2]"), ok("[2]")]);
    let notes: Vec<_> =
        stand_in.seen().into_iter().map(|seen| (seen.exchange.unwrap().to_string(), seen.note)).collect();
    assert_eq!(
        notes,
        [
            ("rooms/flow#member-1".to_owned(), SeenNote::Replayed),
            ("rooms/flow#member-2".to_owned(), SeenNote::Replayed),
            ("rooms/flow#member-2".to_owned(), SeenNote::Repeated),
            ("rooms/flow#member-2".to_owned(), SeenNote::Repeated),
        ]
    );
}

#[tokio::test]
async fn an_unsafe_request_beyond_the_recording_fails_and_names_the_last() {
    // However many others come before it in the fixture.
    let others = (0..2_500).map(|n| got(&format!("member-{n}"), &format!("/rooms/{n}/member"), "[0]"));
    let mut exchanges: Vec<_> = others.collect();
    exchanges.push(created("create-1", "{}", "[1]"));
    exchanges.push(created("create-2", "{}", "[2]"));
    let stand_in = playing(exchanges).start().await;
    assert_eq!(answers(&stand_in, &[create("{}"), create("{}")]).await, [ok("[1]"), ok("[2]")]);
    let why = why_501(&stand_in, &create("{}"), "exhausted", SeenNote::Exhausted).await;
    assert_eq!(stand_in.counts(), Counts { replayed: 2, exhausted: 1, ..Counts::default() });
    assert_eq!(
        why,
        "nearest is rooms/flow#create-2: it is the same, but every recorded answer was given already, and POST is not safe to repeat (if it only reads, name its operation under `reads` in the provider profile)"
    );
}

#[tokio::test]
async fn the_nearest_miss_is_named_with_its_difference() {
    let long = "x".repeat(300);
    let mut exchanges: Vec<_> =
        (0..2_500).map(|n| got(&format!("get-{n}"), &format!("/other/{n}"), "[0]")).collect();
    exchanges.extend([
        got("member-1", "/rooms/abc/member", "[1]"),
        got("messages-1", "/rooms/abc/messages?dir=b&limit=10", "[2]"),
        created("create-1", r#"{"name":"one"}"#, "[3]"),
        created("create-2", &format!(r#"{{"long":"{long}","end":1}}"#), "[4]"),
    ]);
    let stand_in = playing(exchanges).start().await;
    let cases = [
        (
            Ask::get("/rooms/abd/member"),
            "nearest is rooms/flow#member-1: the path is /rooms/abd/member, recorded /rooms/abc/member".to_owned(),
        ),
        (
            Ask::get("/rooms/abc/messages?dir=f&from=p9"),
            r#"nearest is rooms/flow#messages-1: the query field dir is "f", recorded "b"; the query field from was not recorded; the query field limit is missing, recorded "10""#
                .to_owned(),
        ),
        (
            create(r#"{"name":"two"}"#),
            r#"nearest is rooms/flow#create-1: the body is {"name":"two"}, recorded {"name":"one"}"#.to_owned(),
        ),
        (
            Ask::get("/rooms/abc/messages?dir=b&limit=10&limit=10"),
            "nearest is rooms/flow#messages-1: a query field comes more often in the one than in the other"
                .to_owned(),
        ),
        (
            // The difference is shown, however far behind it is.
            create(&format!(r#"{{"end":1,"long":"{long}","z":1}}"#)),
            r#"nearest is rooms/flow#create-2: the body is …"#.to_owned()
                + &"x".repeat(79)
                + r#"","z":1}, recorded …"#
                + &"x".repeat(79)
                + r#""}"#,
        ),
    ];
    for (unmatched, expected) in cases {
        assert_eq!(why_unmatched(&stand_in, &unmatched).await, expected);
    }
    assert_eq!(
        why_unmatched(&stand_in, &Ask::new("DELETE", "/rooms/abc/member")).await,
        "nearest is rooms/flow#member-1: the method is DELETE, recorded GET"
    );
    let far = created("create-1", &format!(r#"{{"a":"{long}1"}}"#), "[1]");
    let stand_in = playing(vec![far]).start().await;
    let why = why_unmatched(&stand_in, &create(&format!(r#"{{"a":"{long}2"}}"#))).await;
    let alike = "x".repeat(80);
    assert_eq!(
        why,
        format!(r#"nearest is rooms/flow#create-1: the body is …{alike}2"}}, recorded …{alike}1"}}"#)
    );
    let nothing = Played::of(profile(), Vec::new()).start().await;
    let received = ask(&nothing, &Ask::get("/find/x")).await;
    assert_eq!(received.json()["counterpart"]["why"], "the fixture holds no exchange at all");
}

#[tokio::test]
async fn what_is_said_of_an_unmatched_request_holds_no_secret() {
    let stand_in = playing(vec![created("create-1", r#"{"key":"«api_key:1»"}"#, "[1]")]).start().await;
    let key =
        stand_in.secret_values().find(|value| stand_in.hide(value) == "«api_key:1»").unwrap().to_owned();
    assert_eq!(answers(&stand_in, &[create(&format!(r#"{{"key":"{key}"}}"#))]).await, [ok("[1]")]);
    let why = why_unmatched(&stand_in, &create(&format!(r#"{{"key":"{key}","more":1}}"#))).await;
    assert!(why.contains("«api_key:1»") && !why.contains(&key), "{why}");
    // Nor one that no fixture knows: a client that is set up wrongly sends a real one.
    let real = "Zk3vQ8mT1xLw9RbYc6Hn2JpS7dFg4AeU";
    for (name, secret) in [("key", key.as_str()), ("access_token", real)] {
        let why = why_unmatched(&stand_in, &Ask::get(&format!("/rooms/a/member?{name}={secret}"))).await;
        let target = stand_in.seen().pop().unwrap().target;
        assert!(!why.contains(secret) && !target.contains(secret), "{why}, {target}");
        assert!(target.starts_with(&format!("/rooms/a/member?{name}=«")), "{target}");
    }
}

#[tokio::test]
async fn a_key_in_the_path_makes_a_write_idempotent() {
    let stand_in = playing(vec![
        sent("send-1", "t1", 500, r#"{"error":"once"}"#),
        sent("send-2", "t1", 200, "[1]"),
        // The same key accepted again shows the behaviour: it is no further answer.
        sent("send-3", "t1", 200, "[1]"),
        sent("send-4", "t2", 200, "[2]"),
    ])
    .start()
    .await;
    let all = answers(
        &stand_in,
        &[send("k1"), send("k1"), send("k1"), send("k2"), send("k1"), send("k2"), send("k3")],
    )
    .await;
    let failed = (500, r#"{"error":"once"}"#.to_owned());
    assert_eq!(all[..6], [failed, ok("[1]"), ok("[1]"), ok("[2]"), ok("[1]"), ok("[2]")]);
    assert_eq!(all[6].0, 501, "a third write was never recorded: {all:?}");
    let exchanges: Vec<_> =
        stand_in.seen().into_iter().take(6).map(|seen| seen.exchange.unwrap().to_string()).collect();
    assert_eq!(
        exchanges,
        ["send-1", "send-2", "send-2", "send-4", "send-2", "send-4"].map(|id| format!("rooms/flow#{id}"))
    );
    assert!(matches!(stand_in.seen()[2].note, SeenNote::Behaved(_)));
}

#[tokio::test]
async fn a_key_in_a_header_makes_a_write_idempotent() {
    let profile = profile_with(&[(
        "  path_variable: {operations: [send], name: txn}",
        "  header: {name: idempotency-key}",
    )]);
    let recorded = |id: &str, key: &str, answer: &str| {
        let mut exchange = created(id, "{}", answer);
        exchange.request.headers.set("idempotency-key", key);
        exchange
    };
    let exchanges = vec![recorded("create-1", "a", "[1]"), recorded("create-2", "b", "[2]")];
    let stand_in = Played::of(profile, vec![fixture("flow", exchanges)]).start().await;
    let keyed = |key: &str| create("{}").header("Idempotency-Key", key);
    let all =
        answers(&stand_in, &[keyed("x"), keyed("x"), keyed("y"), keyed("x"), keyed("z"), create("{}")]).await;
    assert_eq!(all[..4], [ok("[1]"), ok("[1]"), ok("[2]"), ok("[1]")]);
    assert_eq!([all[4].0, all[5].0], [501, 501], "a new key, and none, ask for more than was recorded");
}

#[tokio::test]
async fn a_fault_does_not_change_what_the_provider_keeps_for_a_key() {
    let played = playing(vec![sent("send-1", "t1", 200, r#"{"id":1}"#)]);
    let stand_in = played.fault(r#"missing_field{"field":"id"}@send-1"#).start().await;
    assert_eq!(answers(&stand_in, &[send("k"), send("k")]).await, [ok("{}"), ok(r#"{"id":1}"#)]);
    let played = playing(vec![sent("send-1", "t1", 200, "[1]"), sent("send-2", "t2", 200, "[2]")]);
    let stand_in = played.fault("server_error@send-2").start().await;
    let all = answers(&stand_in, &[send("k"), send("k"), send("l"), send("l")]).await;
    assert_eq!(all.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 200, 500, 200]);
    assert_eq!([&all[1], &all[3]], [&ok("[1]"), &ok("[2]")], "the fault met its exchange, not a repetition");
}

#[tokio::test]
async fn an_answer_keeps_its_header_fields() {
    let exchange = got("member-1", MEMBER, r#"{ "b": 1.0, "a": "\u00e9", "b": 2 }"#);
    let exchange = answered_with(answered_with(exchange, "Set-Cookie", "a=1"), "set-cookie", "b=2");
    let exchange = answered_with(answered_with(exchange, "x-limit", "7"), "content-length", "999");
    let exchange =
        answered_with(answered_with(exchange, "transfer-encoding", "chunked"), "connection", "close");
    let stand_in = playing(vec![exchange]).start().await;
    let received = ask(&stand_in, &member().of_user(&stand_in)).await;
    assert_eq!(received.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(received.all("x-limit"), ["7"]);
    assert_eq!(received.all("content-type"), ["application/json"]);
    // The connection is the stand-in's own, and so is its framing.
    assert_eq!([received.all("transfer-encoding"), received.all("connection")], [[""; 0], [""; 0]]);
    assert_eq!(received.text(), r#"{"b":1.0,"a":"\u00e9","b":2}"#, "as spelled, duplicate keys and all");
}

#[tokio::test]
async fn what_was_cut_short_is_cut_short_again() {
    for (length, promised) in [(Some("40"), 40), (None, 6), (Some("3"), 6)] {
        for ended in [Ended::AnswerCutShort, Ended::ClientWentAway] {
            let mut exchange = ending(got("member-1", MEMBER, ""), ended);
            if let Some(length) = length {
                exchange = answered_with(exchange, "content-length", length);
            }
            exchange.response.as_mut().unwrap().body = Body::Text("first".to_owned());
            let stand_in = playing(vec![exchange, got("member-2", MEMBER, "[2]")]).start().await;
            let mut client = Client::connect(&stand_in).await;
            let (received, end) = client.ask_to_the_end(&member().of_user(&stand_in)).await;
            assert_eq!((received.promised(), received.text(), end), (promised, "first", End::Fin));
            assert_eq!(answers(&stand_in, &[member()]).await, [ok("[2]")], "it was consumed");
        }
    }
}

#[tokio::test]
async fn a_provider_that_hung_up_without_an_answer_does_so_again() {
    let hung_up = Exchange { response: None, ..ending(got("member-1", MEMBER, ""), Ended::AnswerCutShort) };
    let unreachable = Exchange { response: None, ..ending(got("member-2", MEMBER, ""), Ended::Unreachable) };
    let stand_in = playing(vec![hung_up, unreachable, got("member-3", MEMBER, "[3]")]).start().await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&member().of_user(&stand_in).bytes()).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    assert_eq!(answers(&stand_in, &[member()]).await, [ok("[3]")], "nobody answers for an unreachable one");
}

#[tokio::test]
async fn a_request_body_that_was_not_kept_fits_any() {
    let mut exchange = created("create-1", "{}", "[1]");
    exchange.request.body = Body::Omitted { size_bytes: 600_000 };
    let stand_in = playing(vec![exchange, created("create-2", r#"{"a":1}"#, "[2]")]).start().await;
    let all = answers(&stand_in, &[create(r#"{"a":1}"#), create(r#"{"b":1}"#), create(r#"{"b":1}"#)]).await;
    assert_eq!(all[..2], [ok("[2]"), ok("[1]")], "one that was kept goes before");
    assert_eq!(all[2].0, 501);
}

#[tokio::test]
async fn a_webhook_is_no_answer() {
    let inbound = Exchange { direction: Direction::Inbound, ..got("member-1", MEMBER, "[1]") };
    let stand_in = playing(vec![inbound, got("member-2", MEMBER, "[2]")]).start().await;
    assert_eq!(answers(&stand_in, &[member()]).await, [ok("[2]")]);
}

#[tokio::test]
async fn placeholders_become_values_on_the_wire_and_are_put_back_in_what_is_shown() {
    let exchanges = || {
        let mut exchange = answered_with(
            got("member-1", "/rooms/a/member?mail=«email:1»", r#"{"mail":"«email:1»","key":"«api_key:1»"}"#),
            "x-key",
            "«api_key:1»",
        );
        exchange.request.body = json(r#"{"key":"«api_key:1»"}"#);
        vec![exchange]
    };
    let stand_in = playing(exchanges()).start().await;
    let again = playing(exchanges()).start().await;
    let values: Vec<_> = stand_in.secret_values().map(str::to_owned).collect();
    assert_eq!(values, again.secret_values().collect::<Vec<_>>(), "the same on each start");
    assert!(stand_in.credentials() == again.credentials());
    let token = stand_in.credentials().access_token.clone().unwrap();
    let key = values.iter().find(|value| stand_in.hide(value) == "«api_key:1»").unwrap();
    assert_eq!(values.len(), 3);
    assert!(values.iter().all(|value| value.is_ascii()) && values.contains(&token));

    let asked =
        Ask::get("/rooms/a/member?mail=person-1@example.invalid").json(&json!({ "key": key }).to_string());
    let received = ask(&stand_in, &asked.of_user(&stand_in)).await;
    assert_eq!(received.json(), json!({ "mail": "person-1@example.invalid", "key": key }));
    assert_eq!(received.all("x-key"), [key]);
    assert_eq!(&*stand_in.seen()[0].target, "/rooms/a/member?mail=«email:1»");
    assert_eq!(
        stand_in.hide(&format!("{token} {} {}", received.text(), "untouched")),
        r#"«access_token:1» {"mail":"«email:1»","key":"«api_key:1»"} untouched"#
    );
    assert!(!format!("{:?}", stand_in.credentials()).contains(&token));
    let elsewhere = Played::of(profile(), vec![fixture("other", exchanges())]).start().await;
    assert!(elsewhere.credentials() != stand_in.credentials(), "another fixture, other values");
}

fn at(to: &str, nth: Option<u64>, times: Times) -> PlannedFault {
    PlannedFault {
        at: FaultSite::Request {
            to: to.parse::<RequestSelector>().unwrap(),
            nth: nth.and_then(NonZeroU64::new),
        },
        times,
        inject: Fault::named("server_error", json!({})).unwrap(),
    }
}

/// The statuses of seven identical requests under some faults, and how often each struck that struck too seldom.
async fn seven_with(faults: Vec<PlannedFault>) -> (Vec<u16>, Vec<(usize, u64)>) {
    let played = playing((1..=7).map(|n| got(&format!("member-{n}"), MEMBER, &format!("[{n}]"))).collect());
    let stand_in = faults.into_iter().fold(played, Played::planned).start().await;
    let all = answers(&stand_in, &vec![member(); 7]).await;
    let given: Vec<_> =
        all.iter().filter(|(status, _)| *status == 200).map(|(_, body)| body.clone()).collect();
    let in_order: Vec<_> = (1..=given.len()).map(|n| format!("[{n}]")).collect();
    assert_eq!(given, in_order, "a fault that answers instead consumes nothing");
    let unused = stand_in.unused_faults().iter().map(|fault| (fault.index, fault.struck)).collect();
    (all.into_iter().map(|(status, _)| status).collect(), unused)
}

#[tokio::test]
async fn a_fault_strikes_where_and_as_often_as_planned() {
    let once = Times::Count(1);
    for (faults, statuses, unused) in [
        (vec![at("member", None, once)], [500, 200, 200, 200, 200, 200, 200], vec![]),
        (vec![at("member", Some(3), once)], [200, 200, 500, 200, 200, 200, 200], vec![]),
        (vec![at("member", Some(3), Times::Count(2))], [200, 200, 500, 500, 200, 200, 200], vec![]),
        (
            vec![at("GET /rooms/{any}/member", Some(6), Times::Always)],
            [200, 200, 200, 200, 200, 500, 500],
            vec![],
        ),
        (vec![at("member", None, Times::Always)], [500; 7], vec![]),
        (vec!["server_error@member-2*3".parse().unwrap()], [200, 500, 500, 500, 200, 200, 200], vec![]),
        (
            vec!["server_error@rooms/flow#member-7".parse().unwrap()],
            [200, 200, 200, 200, 200, 200, 500],
            vec![],
        ),
        // The first of two at one place strikes first; both get their turn.
        (
            vec![at("member", None, once), at("member", None, once)],
            [500, 500, 200, 200, 200, 200, 200],
            vec![],
        ),
        // The third can be had by one alone.
        (
            vec![at("member", Some(3), once), at("member", Some(3), once)],
            [200, 200, 500, 200, 200, 200, 200],
            vec![(1, 0)],
        ),
        // Those that never, or too seldom, had an occasion.
        (vec![at("send", None, once)], [200; 7], vec![(0, 0)]),
        (vec![at("POST /rooms/{any}/member", None, Times::Always)], [200; 7], vec![(0, 0)]),
        (
            vec![at("member", None, once), at("member", Some(7), Times::Count(3))],
            [500, 200, 200, 200, 200, 200, 500],
            vec![(1, 1)],
        ),
    ] {
        let described = format!("{faults:?}");
        assert_eq!(seven_with(faults).await, (statuses.to_vec(), unused), "{described}");
    }
}

#[tokio::test]
async fn a_fault_at_an_exchange_leaves_the_others_alone() {
    let exchanges = vec![got("member-1", MEMBER, "[1]"), got("messages-1", "/rooms/a/messages", "[2]")];
    let stand_in = playing(exchanges).fault("server_error@messages-1").start().await;
    let all = answers(&stand_in, &[member(), Ask::get("/rooms/a/messages"), member()]).await;
    assert_eq!(all.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 500, 200]);
}

#[tokio::test]
async fn several_fixtures_are_one_recording() {
    let flows = vec![
        fixture("one", vec![got("member-1", MEMBER, "[1]")]),
        fixture("two", vec![got("member-1", MEMBER, "[2]"), sent("send-1", "t1", 200, "[3]")]),
    ];
    let stand_in = Played::of(profile(), flows).start().await;
    let all = answers(&stand_in, &[member(), member(), Ask::new("PUT", SEND).json(r#"{"body":"hi"}"#)]).await;
    assert_eq!(all, [ok("[1]"), ok("[2]"), ok("[3]")]);
    let exchanges: Vec<_> =
        stand_in.seen().into_iter().map(|seen| seen.exchange.unwrap().to_string()).collect();
    assert_eq!(exchanges, ["rooms/one#member-1", "rooms/two#member-1", "rooms/two#send-1"]);
}

#[tokio::test]
async fn a_redirect_to_the_recorded_server_leads_back_to_the_stand_in() {
    let moved = |id: &str, target: &str, location: &str| {
        answered_with(recorded(id, "GET", target, 302, "[]"), "location", location)
    };
    let mut flow = fixture(
        "flow",
        vec![
            moved("find-1", "/find/a", "http://api.example:81/find/b?x=1"),
            moved("find-2", "/find/b", "http://api.example:8101/find/c"),
            moved("find-3", "/find/c", "/find/d"),
        ],
    );
    flow.provenance = Provenance::Recorded(Recorded {
        at: jiff::Timestamp::UNIX_EPOCH,
        upstream: "http://api.example:81".to_owned(),
        by: "the tests".to_owned(),
        server: None,
    });
    let stand_in = Played::of(profile(), vec![flow]).start().await;
    let mut locations = Vec::new();
    for target in ["/find/a", "/find/b", "/find/c"] {
        locations
            .extend(ask(&stand_in, &Ask::get(target)).await.all("location").into_iter().map(str::to_owned));
    }
    let inside = format!("{}/find/b?x=1", stand_in.base_url());
    assert_eq!(locations, [inside.as_str(), "http://api.example:8101/find/c", "/find/d"]);
}

#[tokio::test]
async fn an_answer_whose_body_was_not_kept_cannot_be_played() {
    let mut exchange = got("find-1", "/find/a", "[1]");
    exchange.response.as_mut().unwrap().body = Body::Omitted { size_bytes: 9_000_000 };
    let stand_in = playing(vec![exchange]).start().await;
    assert_eq!(
        why_unmatched(&stand_in, &Ask::get("/find/a")).await,
        "rooms/flow#find-1 answered it, but its body of 9000000 bytes was not kept when it was recorded"
    );
}

#[tokio::test]
async fn what_is_said_of_an_unmatched_request_shows_no_secret_of_the_client() {
    let stand_in =
        playing(vec![created("create-1", "{}", "[1]"), got("find-1", "/find/a", "[1]")]).start().await;
    let secret = "q7Jx92KdLm3PzR8vTn0Ws";
    let body = format!(r#"{{"client_secret":"{secret}"}}"#);
    let why = why_unmatched(&stand_in, &create(&body)).await;
    assert!(why.contains("client_secret") && !why.contains(secret), "{why}");
    ask(&stand_in, &Ask::get(&format!("/find/z?access_token={secret}"))).await;
    let shown = stand_in.seen().pop().unwrap().target;
    assert!(shown.starts_with("/find/z?access_token=") && !shown.contains(secret), "{shown}");
}

#[tokio::test]
async fn values_that_the_client_chose_come_back_as_its_own() {
    let recorded_send = sending(
        answered_with(
            recorded(
                "send-1",
                "PUT",
                "/rooms/a/send/order-1001",
                200,
                r#"{"id":"$1","ref":"order-1001","n":1.0}"#,
            ),
            "location",
            "/sent/order-1001",
        ),
        r#"{"text":"x","sent_at":"10:00"}"#,
    );
    let list = got(
        "messages-1",
        "/rooms/a/messages",
        r#"{"chunk":[{"ref":"order-1001","at":"10:00","note":"10:00 sharp"}]}"#,
    );
    let stand_in = playing(vec![recorded_send, list]).start().await;
    let send = Ask::new("PUT", "/rooms/a/send/mine-7").json(r#"{"text":"x","sent_at":"11:30"}"#);
    let answered = ask(&stand_in, &send.of_user(&stand_in)).await;
    assert_eq!(answered.text(), r#"{"id":"$1","ref":"mine-7","n":1.0}"#, "and nothing else is spelled anew");
    assert_eq!(answered.all("location"), ["/sent/mine-7"]);
    let listed = ask(&stand_in, &Ask::get("/rooms/a/messages").of_user(&stand_in)).await;
    // A short value is replaced where it stands alone.
    assert_eq!(listed.text(), r#"{"chunk":[{"ref":"mine-7","at":"11:30","note":"10:00 sharp"}]}"#);
    let again = ask(&stand_in, &Ask::new("PUT", "/rooms/a/send/mine-7").json("{}").of_user(&stand_in)).await;
    assert_eq!(again.text(), r#"{"id":"$1","ref":"mine-7","n":1.0}"#, "the first answer, as it was given");
}
