//! The provider's data as state, as a client of bytes sees it.

use crate::provider::{Played, answered_with, fixture, got, profile_of, recorded, sending};
use crate::wire::{Ask, Client, Received, ask};
use counterpart_exchange::Exchange;
use counterpart_stand_in::{SeenNote, StandIn, Verification};
use serde_json::{Value, json};

const SHOP: &str = "
counterpart: provider/1
provider: rooms
operations:
  orders: GET /shops/{shop}/orders
  place: POST /shops/{shop}/orders
  order: GET /shops/{shop}/orders/{order}
  change: PATCH /shops/{shop}/orders/{order}
  close: POST /shops/{shop}/orders/{order}/close
  cancel: DELETE /shops/{shop}/orders/{order}
  hook: POST /hooks
  hooks: GET /hooks
  unhook: DELETE /hooks/{hook}
pagination:
  operations: [orders]
  items: data.orders
  by: {offset: {query: offset}}
  size: {query: limit, default: 2, max: 4}
  next: [{value: meta.next}, {more: meta.more}, link_header]
  at_end: 'null'
  total: meta.total
resources:
  order:
    id: id
    wrapped_in: order
    create: place
    read: order
    update: [change]
    delete: cancel
    list: orders
    timestamps: {created: placed_at, updated: changed_at}
    archived: {field: closed}
    archive: close
  hook:
    id: id
    create: hook
    list: hooks
    delete: unhook
    items: hooks
webhook_subscriptions:
  resource: hook
  url: target.url
  events: events
  secret: secret
  handshake: HANDSHAKE
errors:
  rate_limited: {status: 429}
";

const ORDERS: &str = "/shops/a/orders";

/// The shop's profile, with a handshake.
fn shop(handshake: &str) -> counterpart_exchange::ProviderProfile {
    profile_of(&SHOP.replace("HANDSHAKE", handshake))
}

fn history() -> Vec<Exchange> {
    let order = |id: u32, note: &str| {
        format!(
            r#"{{"id":{id},"note":"{note}","price":1.50,"placed_at":1700000000,"changed_at":1700000000,"closed":false}}"#
        )
    };
    let page = format!(
        r#"{{"data":{{"orders":[{},{},{}]}},"meta":{{"next":"2","total":3,"more":true}},"region":"eu"}}"#,
        order(1, "one"),
        order(2, "two"),
        order(5, "five")
    );
    let wrapped = |id, note| format!(r#"{{"order":{},"ok":true}}"#, order(id, note));
    let placed = sending(
        recorded("place-1", "POST", ORDERS, 201, &wrapped(5, "five")),
        r#"{"order":{"note":"five"}}"#,
    );
    vec![
        answered_with(got("orders-1", ORDERS, &page), "x-shop", "a"),
        got("order-1", "/shops/a/orders/1", &wrapped(1, "one")),
        answered_with(placed, "location", "http://vendor.example/shops/a/orders/5"),
        recorded("order-2", "GET", "/shops/a/orders/99", 404, r#"{"message":"no such order"}"#),
        sending(
            recorded("hook-1", "POST", "/hooks", 201, r#"{"id":"wh_1a2b3c4d5e6f","active":true}"#),
            r#"{"target":{"url":"http://vendor.example/hook"},"events":["order.placed"],"secret":"s"}"#,
        ),
        got(
            "hooks-1",
            "/hooks",
            r#"{"hooks":[{"id":"wh_1a2b3c4d5e6f","target":{"url":"http://vendor.example"}}]}"#,
        ),
    ]
}

async fn started(handshake: &str) -> StandIn {
    Played::of(shop(handshake), vec![fixture("flow", history())]).start().await
}

fn notes(page: &Received) -> Vec<String> {
    let orders = page.json()["data"]["orders"].as_array().cloned().unwrap();
    orders.iter().map(|order| order["note"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_are_told_in_every_place_that_is_declared() {
    let stand_in = started("none").await;
    let mut client = Client::connect(&stand_in).await;
    let first = client.ask(&Ask::get(ORDERS)).await;
    let base = stand_in.base_url();
    assert_eq!(first.status(), 200);
    assert_eq!(
        first.text(),
        concat!(
            r#"{"data":{"orders":["#,
            r#"{"id":1,"note":"one","price":1.50,"placed_at":1700000000,"changed_at":1700000000,"closed":false},"#,
            r#"{"id":2,"note":"two","price":1.50,"placed_at":1700000000,"changed_at":1700000000,"closed":false}"#,
            r#"]},"meta":{"next":2,"total":3,"more":true},"region":"eu"}"#
        )
    );
    assert_eq!(first.all("x-shop"), ["a"], "the head is as recorded");
    assert_eq!(
        first.all("link"),
        [format!(
            "<{base}{ORDERS}?offset=2>; rel=\"next\", <{base}{ORDERS}?offset=2>; rel=\"last\", <{base}{ORDERS}?offset=0>; rel=\"first\""
        )]
    );
    let last = client.ask(&Ask::get("/shops/a/orders?x=%26&offset=2")).await;
    assert_eq!(
        (notes(&last), last.json()["meta"].clone()),
        (vec!["five".to_owned()], json!({"next":null,"total":3,"more":false}))
    );
    assert!(last.all("link")[0].contains("x=%26&offset=0>; rel=\"prev\""), "{:?}", last.all("link"));
    assert_eq!(stand_in.seen()[0].note, SeenNote::Behaved("listed from state"));
    assert_eq!(stand_in.seen()[0].exchange.as_deref(), Some("rooms/flow#orders-1"));
    let unknown = client.ask(&Ask::get("/shops/b/orders")).await;
    assert_eq!(unknown.status(), 501, "a list that nobody has seen is no empty list");
}

#[tokio::test]
async fn a_record_lives_from_create_to_delete() {
    let stand_in = started("none").await;
    let mut client = Client::connect(&stand_in).await;
    let made = client.ask(&Ask::new("POST", ORDERS).json(r#"{"order":{"note":"mine"}}"#)).await;
    assert_eq!((made.status(), made.all("location")), (201, vec!["http://vendor.example/shops/a/orders/6"]));
    assert_eq!(
        made.json(),
        json!({"order":{"id":6,"note":"mine","price":1.5,"placed_at":0,"changed_at":0,"closed":false},"ok":true})
    );
    let path = "/shops/a/orders/6";
    assert_eq!(client.ask(&Ask::get(path)).await.json(), made.json());
    assert_eq!(
        notes(&client.ask(&Ask::get("/shops/a/orders?limit=9")).await),
        ["one", "two", "five", "mine"]
    );

    let now = jiff::Timestamp::from_second(60).unwrap();
    stand_in.clock().advance_to(now);
    let changed =
        client.ask(&Ask::new("PATCH", path).json(r#"{"order":{"note":"ours","id":9,"price":null}}"#)).await;
    let expected = json!({"id":6,"note":"ours","placed_at":0,"changed_at":60,"closed":false});
    assert_eq!((changed.status(), changed.json()["order"].clone()), (200, expected));

    let closed = client.ask(&Ask::new("POST", "/shops/a/orders/6/close")).await;
    assert_eq!(closed.status_line, "HTTP/1.1 204 No Content", "nobody recorded what it says");
    let order = client.ask(&Ask::get(path)).await.json()["order"].clone();
    assert_eq!((&order["closed"], &order["note"]), (&json!(true), &json!("ours")));
    let gone = client.ask(&Ask::new("DELETE", path)).await;
    assert_eq!(gone.status_line, "HTTP/1.1 204 No Content");
    for method in ["GET", "DELETE"] {
        let missing = client.ask(&Ask::new(method, path)).await;
        assert_eq!(
            (missing.status(), missing.text()),
            (404, r#"{"message":"no such order"}"#),
            "as recorded"
        );
    }
    assert_eq!(client.ask(&Ask::get("/shops/b/orders/1")).await.status(), 404, "another shop's order");
    let refused = client.ask(&Ask::new("POST", ORDERS).json("[1]")).await;
    assert_eq!(refused.json()["error"], "the body is not a JSON object with an object `order`");
}

#[tokio::test]
async fn a_stand_in_grows_before_it_is_used() {
    let stand_in = started("none").await;
    stand_in.providers()[0].grow("order", 1_000_000).unwrap();
    let mut client = Client::connect(&stand_in).await;
    let page = client.ask(&Ask::get("/shops/a/orders?limit=4&offset=999994")).await;
    assert_eq!(page.json()["meta"], json!({"next":999_998,"total":1_000_000,"more":true}));
    let order = &page.json()["data"]["orders"][0];
    assert_eq!(order["price"], 1.5);
    let path = format!("/shops/a/orders/{}", order["id"]);
    assert_eq!(client.ask(&Ask::get(&path)).await.json()["order"], *order, "what a list shows can be read");
    client.ask(&Ask::new("DELETE", &path)).await;
    assert_eq!(client.ask(&Ask::get(&path)).await.status(), 404);
    assert_eq!(client.ask(&Ask::get(ORDERS)).await.json()["meta"]["total"], 999_999);
    assert!(stand_in.providers()[0].grow("order", 10).unwrap_err().contains("written already"));
    // Another stand-in has data of its own.
    let other = started("none").await;
    assert_eq!(ask(&other, &Ask::get(ORDERS)).await.json()["meta"]["total"], 3);
}

const HOOK: &str =
    r#"{"target":{"url":"http://127.0.0.1:9/in?x=1"},"events":["order.placed"],"secret":"mine"}"#;

#[tokio::test]
async fn a_subscription_is_made_read_and_deleted() {
    let stand_in = started("none").await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(
        client.ask(&Ask::get("/hooks")).await.json(),
        json!({"hooks":[]}),
        "the recorded ones are another's"
    );
    assert_eq!(stand_in.providers()[0].subscriptions(), []);
    let made = client.ask(&Ask::new("POST", "/hooks").json(HOOK)).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json(), json!({"id":id,"active":true}), "the answer shows what the recorded one did");
    let [subscription] = &stand_in.providers()[0].subscriptions()[..] else { panic!("one subscription") };
    assert_eq!(
        (subscription.id.as_str(), subscription.url.as_str()),
        (id.as_str(), "http://127.0.0.1:9/in?x=1")
    );
    assert_eq!(subscription.secret.as_deref(), Some("mine"));
    assert!(!format!("{subscription:?}").contains("mine"), "{subscription:?}");
    assert!(subscription.wants("order.placed") && !subscription.wants("order.gone"));
    assert_eq!(stand_in.providers()[0].take_handshakes(), []);
    assert_eq!(client.ask(&Ask::new("POST", "/hooks").json("{}")).await.status(), 400);
    assert_eq!(client.ask(&Ask::new("DELETE", &format!("/hooks/{id}"))).await.status(), 204);
    assert_eq!(stand_in.providers()[0].subscriptions(), []);
}

#[tokio::test]
async fn a_subscription_waits_for_its_handshake() {
    for (handshake, media_type) in [
        ("{body: {challenge: challenge, fields: {type: url_verification}}}", Some("application/json")),
        ("{query: {challenge: validationToken}}", Some("text/plain")),
    ] {
        let stand_in = started(handshake).await;
        let mut client = Client::connect(&stand_in).await;
        client.ask(&Ask::new("POST", "/hooks").json(HOOK)).await;
        let [due] = &stand_in.providers()[0].take_handshakes()[..] else { panic!("one handshake") };
        assert_eq!(stand_in.providers()[0].subscriptions()[0].verification, Verification::Pending);
        assert!(!stand_in.providers()[0].subscriptions()[0].wants("order.placed"));
        let echo = match &due.body {
            Some(body) => {
                let sent: Value = serde_json::from_str(body).unwrap();
                assert_eq!(
                    (sent["type"].as_str(), due.url.as_str()),
                    (Some("url_verification"), "http://127.0.0.1:9/in?x=1")
                );
                json!({"challenge": sent["challenge"]}).to_string()
            }
            None => due.url.split_once("/in?x=1&validationToken=").unwrap().1.to_owned(),
        };
        assert!(due.check(500, media_type, echo.as_bytes()).is_err());
        assert!(due.check(200, media_type, b"something else").is_err());
        assert_eq!(due.check(200, media_type, echo.as_bytes()), Ok(()));
        assert_eq!(stand_in.providers()[0].handshake_done(&due.subscription, Ok(())), None);
        assert_eq!(stand_in.providers()[0].subscriptions()[0].verification, Verification::Verified);

        client.ask(&Ask::new("POST", "/hooks").json(HOOK)).await;
        let [due] = &stand_in.providers()[0].take_handshakes()[..] else { panic!("one handshake") };
        let refused = stand_in.providers()[0]
            .handshake_done(&due.subscription, Err("no answer came".to_owned()))
            .unwrap();
        assert_eq!(refused.status, 400);
        assert_eq!(stand_in.providers()[0].subscriptions().len(), 1, "the one that failed is gone");
    }
}
