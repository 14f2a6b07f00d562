//! Several versions of one provider's API at once.

use crate::provider::{Played, fixture, got, playing, profile_of, profile_with, recorded, sending};
use crate::wire::{Ask, ask};
use counterpart_exchange::Exchange;
use counterpart_stand_in::{SeenNote, StandIn};
use serde_json::json;

const BY_HEADER: &str = "versions: {told_by: {header: Rooms-Version}, default: '2'}\nrate_limit:";

fn of_version(mut exchange: Exchange, version: &str) -> Exchange {
    exchange.request.headers.set("rooms-version", version);
    exchange
}

async fn said(stand_in: &StandIn, ask_for: Ask) -> String {
    ask(stand_in, &ask_for.of_user(stand_in)).await.text().to_owned()
}

const ROOM: &str = "/rooms/a/member";

async fn two_versions() -> StandIn {
    let exchanges = vec![
        of_version(got("member-1", ROOM, "[\"old\"]"), "1"),
        got("member-2", ROOM, "[\"new\"]"),
        of_version(got("member-3", ROOM, "[\"old again\"]"), "1"),
    ];
    let profile = profile_with(&[("rate_limit:", BY_HEADER)]);
    Played::of(profile, vec![fixture("flow", exchanges)]).start().await
}

#[tokio::test]
async fn each_version_has_answers_of_its_own_in_their_order() {
    let stand_in = two_versions().await;
    let of = |version: &str| Ask::get(ROOM).header("rooms-version", version);
    assert_eq!(said(&stand_in, Ask::get(ROOM)).await, "[\"new\"]", "those who tell none get the default");
    assert_eq!(said(&stand_in, of("1")).await, "[\"old\"]");
    assert_eq!(said(&stand_in, of("2")).await, "[\"new\"]", "told or not, it is the same");
    assert_eq!(stand_in.seen()[2].note, SeenNote::Repeated);
    assert_eq!(said(&stand_in, of("1")).await, "[\"old again\"]");
}

#[tokio::test]
async fn a_version_that_nobody_recorded_fits_nothing() {
    let stand_in = two_versions().await;
    let answer = ask(&stand_in, &Ask::get(ROOM).header("rooms-version", "3").of_user(&stand_in)).await;
    assert_eq!(answer.status(), 501);
    assert_eq!(
        answer.json()["counterpart"]["why"],
        "the version `3` of the API was not recorded; there are: `2`, `1`"
    );
    // The nearest is looked for among those of the same version.
    let other = Ask::get("/rooms/b/member").header("rooms-version", "1");
    assert!(said(&stand_in, other).await.contains("nearest is rooms/flow#member-1"));
    assert_eq!(stand_in.counts().unmatched, 2);
}

#[tokio::test]
async fn a_query_field_that_tells_the_version_is_no_part_of_what_is_asked_for() {
    let by_query = "versions: {told_by: {query: v}, default: '2'}\nrate_limit:";
    let exchanges = vec![
        got("member-1", &format!("{ROOM}?v=1&a=b"), "[1]"),
        got("member-2", &format!("{ROOM}?v=2&a=b"), "[2]"),
    ];
    let profile = profile_with(&[("rate_limit:", by_query)]);
    let stand_in = Played::of(profile, vec![fixture("flow", exchanges)]).start().await;
    assert_eq!(said(&stand_in, Ask::get(&format!("{ROOM}?a=b"))).await, "[2]");
    assert_eq!(said(&stand_in, Ask::get(&format!("{ROOM}?a=b&v=1"))).await, "[1]");
    assert_eq!(stand_in.counts().replayed, 2);
}

#[tokio::test]
async fn a_segment_of_the_path_tells_the_version() {
    let by_path = "
counterpart: provider/1
provider: rooms
versions: {told_by: {path_segment: 2}}
operations: {list: 'GET /api/{version}/list'}
";
    let exchanges = vec![got("list-1", "/api/v1/list", "[1]"), got("list-2", "/api/v2/list", "[2]")];
    let stand_in = Played::of(profile_of(by_path), vec![fixture("flow", exchanges)]).start().await;
    assert_eq!(ask(&stand_in, &Ask::get("/api/v2/list")).await.text(), "[2]");
    let unknown = ask(&stand_in, &Ask::get("/api/v3/list")).await;
    assert!(unknown.text().contains("the version `v3` of the API was not recorded; there are: `v1`, `v2`"));
    assert!(ask(&stand_in, &Ask::get("/")).await.text().contains("the version none of the API"));
}

#[tokio::test]
async fn what_is_written_in_one_version_is_not_seen_in_another_and_tokens_are_the_accounts() {
    let text = "
counterpart: provider/1
provider: rooms
versions: {told_by: {header: rooms-version}, default: '1'}
operations:
  orders: GET /orders
  place: POST /orders
auth: {bearer: {}}
pagination: {operations: [orders], items: orders, by: {offset: {query: offset}}, size: {query: limit, default: 9}}
resources:
  order: {id: id, create: place, list: orders}
";
    let page = |number: u8| format!(r#"{{"orders":[{{"id":"{number}","form":{number}}}]}}"#);
    let place = |id: &str, number: u8| {
        sending(
            recorded(id, "POST", "/orders", 201, &format!(r#"{{"id":"7{number}","form":{number}}}"#)),
            "{}",
        )
    };
    let exchanges = vec![
        got("orders-1", "/orders", &page(1)),
        place("place-1", 1),
        of_version(got("orders-2", "/orders", &page(2)), "2"),
        of_version(place("place-2", 2), "2"),
    ];
    let stand_in = Played::of(profile_of(text), vec![fixture("flow", exchanges)]).start().await;
    let second = |ask: Ask| ask.header("rooms-version", "2").of_user(&stand_in);
    let orders = async |asked: Ask| ask(&stand_in, &asked).await.json()["orders"].as_array().unwrap().len();
    let both = async || {
        (orders(Ask::get("/orders").of_user(&stand_in)).await, orders(second(Ask::get("/orders"))).await)
    };
    let before = both().await;
    let placed = ask(&stand_in, &second(Ask::new("POST", "/orders").json("{}"))).await;
    assert_eq!((placed.status(), &placed.json()["form"]), (201, &json!(2)), "in the form of its version");
    assert_eq!(both().await, (before.0, before.1 + 1));
    // Revoked in one version, the token is revoked in the other.
    stand_in.providers()[0].inject("revoked_token@orders".parse().unwrap()).unwrap();
    assert_eq!(ask(&stand_in, &second(Ask::get("/orders"))).await.status(), 401);
    assert_eq!(ask(&stand_in, &Ask::get("/orders").of_user(&stand_in)).await.status(), 401);
}

#[tokio::test]
async fn without_versions_a_field_of_that_name_means_nothing() {
    let stand_in = playing(vec![of_version(got("member-1", ROOM, "[1]"), "1")]).start().await;
    assert_eq!(said(&stand_in, Ask::get(ROOM).header("rooms-version", "9")).await, "[1]");
}
