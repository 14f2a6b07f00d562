//! One flow over several hosts: a request that names one of them gets nothing of another's.

use crate::provider::{Played, fixture, got, playing, profile};
use crate::wire::{Ask, ask};
use counterpart_exchange::{Auth, Exchange, ProviderProfile};
use counterpart_stand_in::{SeenNote, StandIn};
use http::{HeaderName, HeaderValue};

const ROOM: &str = "/rooms/a/member";

fn at(host: &str, mut exchange: Exchange) -> Exchange {
    exchange.request.headers.set("host", host);
    exchange
}

async fn said(stand_in: &StandIn, host: Option<&str>) -> String {
    let target = host.map_or_else(|| ROOM.to_owned(), |host| format!("http://{host}{ROOM}"));
    ask(stand_in, &Ask::get(&target).of_user(stand_in)).await.text().to_owned()
}

fn several() -> Vec<Exchange> {
    vec![
        at("b.example", got("member-1", ROOM, "[\"b\"]")),
        at("a.example", got("member-2", ROOM, "[\"a\"]")),
        at("a.example:443", got("member-3", ROOM, "[\"a again\"]")),
    ]
}

#[tokio::test]
async fn each_host_has_answers_of_its_own_in_their_order() {
    let stand_in = playing(several()).start().await;
    assert_eq!(said(&stand_in, Some("a.example")).await, "[\"a\"]");
    assert_eq!(said(&stand_in, Some("A.example.")).await, "[\"a again\"]");
    assert_eq!(said(&stand_in, Some("b.example")).await, "[\"b\"]");
    assert_eq!(said(&stand_in, Some("b.example")).await, "[\"b\"]");
    assert_eq!(stand_in.seen()[3].note, SeenNote::Repeated, "and none of another's");
}

#[tokio::test]
async fn a_request_that_names_none_of_them_asks_all() {
    let stand_in = playing(several()).start().await;
    assert_eq!(said(&stand_in, Some("a.example")).await, "[\"a\"]");
    let rest = [said(&stand_in, None).await, said(&stand_in, None).await];
    assert_eq!(rest, ["[\"b\"]", "[\"a again\"]"], "what was given is not given again");
}

#[tokio::test]
async fn the_nearest_is_looked_for_at_the_host_that_was_asked() {
    let mut exchanges = several();
    exchanges.push(at("a.example", got("other-1", "/rooms/z/member", "[]")));
    let stand_in = playing(exchanges).start().await;
    let asked = Ask::get("http://b.example/rooms/z/member").of_user(&stand_in);
    let answer = ask(&stand_in, &asked).await;
    assert_eq!(answer.status(), 501);
    let why = answer.json()["counterpart"]["why"].to_string();
    assert!(why.contains("nearest is rooms/flow#member-1"), "{why}");
}

#[tokio::test]
async fn a_fixture_of_one_host_answers_whoever_asks() {
    let one = vec![at("c.example", got("member-1", ROOM, "[\"c\"]"))];
    let profile = profile();
    let fixtures = vec![fixture("several", several()), fixture("one", one)];
    let stand_in = Played::of(profile, fixtures).start().await;
    assert_eq!(said(&stand_in, Some("d.example")).await, "[\"c\"]");
    assert_eq!(said(&stand_in, Some("a.example")).await, "[\"a\"]");
}

#[tokio::test]
async fn what_was_not_recorded_is_marked_unless_it_carries_what_stands_for_a_secret() {
    let mut exchange = got("member-1", ROOM, "[]");
    exchange.request.headers.set("x-key", "«api_key:1»");
    let profile = ProviderProfile { auth: Auth::None, ..profile() };
    let stand_in = Played::of(profile, vec![fixture("flow", vec![exchange])]).start().await;
    let name = HeaderName::from_static("left");
    stand_in.mark_unanswered(name, HeaderValue::from_static("17"));
    let value = stand_in.stand_in_values().find(|(name, _)| name == "api_key:1").unwrap().1.to_owned();
    let open = ask(&stand_in, &Ask::get("/new")).await;
    assert_eq!((open.status(), open.all("left")), (501, vec!["17"]));
    assert!(ask(&stand_in, &Ask::get(ROOM)).await.all("left").is_empty());
    for secret in [
        Ask::get(&format!("/new?key={value}")),
        Ask::get(&format!("/new?key={}", value.replace('-', "%2D"))),
        Ask::get("/new").header("x-key", &value),
        Ask::new("POST", "/new").json(&format!("{{\"key\":\"{value}\"}}")),
    ] {
        let answer = ask(&stand_in, &secret).await;
        assert_eq!((answer.status(), answer.all("left").len()), (501, 0));
    }
    assert_eq!((stand_in.counts().unmatched, stand_in.counts().behaved), (4, 1));
}
