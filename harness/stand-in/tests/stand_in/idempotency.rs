//! Idempotency keys over the wire: first answers, conflicts, keys under way, missing and forgotten ones.

use crate::provider::{Played, fixture, profile_with, recorded, sending};
use crate::wire::{Ask, Client, Received, ask, until};
use counterpart_exchange::{Exchange, ProviderProfile};
use counterpart_stand_in::{SeenNote, StandIn};
use jiff::Timestamp;

/// The profile of the tests, with another declaration of keys.
fn keyed(idempotency: &str) -> ProviderProfile {
    profile_with(&[("  path_variable: {operations: [send], name: txn}\n", idempotency)])
}

/// <https://docs.stripe.com/api/idempotent_requests>, <https://docs.stripe.com/error-low-level>: keys are of the whole
/// account, kept for at least 24 hours with whatever the first answer was; other parameters are an
/// `idempotency_error` (400), a request under way is 409, and a repetition is marked.
const STRIPE: &str = r#"  header:
    name: Idempotency-Key
    scope: provider
    repeated:
      other_request: {refused: {status: 400, json: {error: {type: idempotency_error}}}}
      in_flight: {status: 409, json: {error: {code: idempotency_key_in_use}}}
      headers: {Idempotent-Replayed: "true"}
      keeps: every
      retention_s: 86400
"#;

/// draft-ietf-httpapi-idempotency-key-header-06 section 2.7: 400 where it is missing, 422 with another payload, 409
/// while the first is under way.
const DRAFT: &str = "  header: {name: idempotency-key, required: [create]}\n";

fn created(id: &str, status: u16, body: &str, answer: &str) -> Exchange {
    sending(recorded(id, "POST", "/rooms", status, answer), body)
}

fn with_key(mut exchange: Exchange, key: &str) -> Exchange {
    exchange.request.headers.set("idempotency-key", key);
    exchange
}

async fn start(profile: ProviderProfile, exchanges: Vec<Exchange>) -> StandIn {
    Played::of(profile, vec![fixture("flow", exchanges)]).start().await
}

fn create(stand_in: &StandIn, key: &str, body: &str) -> Ask {
    Ask::new("POST", "/rooms").of_user(stand_in).header("idempotency-key", key).json(body)
}

async fn asked(stand_in: &StandIn, key: &str, body: &str) -> Received {
    ask(stand_in, &create(stand_in, key, body)).await
}

async fn answer(stand_in: &StandIn, key: &str, body: &str) -> (u16, String) {
    let received = asked(stand_in, key, body).await;
    (received.status(), received.text().to_owned())
}

fn ok(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

#[tokio::test]
async fn the_same_key_and_request_get_the_first_answer_marked_as_a_repetition() {
    let exchanges = vec![
        created("create-1", 200, r#"{"a":1,"b":2}"#, "[1]"),
        created("create-2", 200, r#"{"a":1,"b":2}"#, "[2]"),
    ];
    let stand_in = start(keyed(STRIPE), exchanges).await;
    let first = asked(&stand_in, "k", r#"{"a":1,"b":2}"#).await;
    assert_eq!((first.text(), first.all("idempotent-replayed").len()), ("[1]", 0));
    // The order of fields and what is volatile make no other request.
    let again = asked(&stand_in, "k", r#"{"b": 2, "sent_at": 7, "a": 1}"#).await;
    assert_eq!((again.text(), again.all("idempotent-replayed")), ("[1]", vec!["true"]));
    assert_eq!(answer(&stand_in, "l", r#"{"a":1,"b":2}"#).await, ok("[2]"), "nothing was used up");
    let seen = &stand_in.seen()[1];
    assert_eq!(seen.exchange.as_deref(), Some("rooms/flow#create-1"));
    assert_eq!(seen.note, SeenNote::Behaved("the same key as before: the first answer again"));
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused() {
    let exchanges = || vec![created("create-1", 200, "{}", "[1]"), created("create-2", 200, "[9]", "[2]")];
    for (idempotency, refusal) in [
        (STRIPE, (400, r#"{"error":{"type":"idempotency_error"}}"#)),
        (DRAFT, (422, r#"{"error":"refused: the same idempotency key came with another request before"}"#)),
    ] {
        let stand_in = start(keyed(idempotency), exchanges()).await;
        assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"));
        assert_eq!(answer(&stand_in, "k", "[9]").await, (refusal.0, refusal.1.to_owned()));
        assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"), "the first answer is kept");
        assert_eq!(answer(&stand_in, "l", "[9]").await, ok("[2]"), "the refusal used up nothing");
    }
}

#[tokio::test]
async fn a_key_of_the_provider_is_the_same_at_every_path() {
    let other = || sending(recorded("other-1", "POST", "/halls", 200, "[2]"), "{}");
    for (idempotency, expected) in [(STRIPE, 400), (DRAFT, 200)] {
        let stand_in = start(keyed(idempotency), vec![created("create-1", 200, "{}", "[1]"), other()]).await;
        assert_eq!(asked(&stand_in, "k", "{}").await.status(), 200);
        let elsewhere =
            Ask::new("POST", "/halls").of_user(&stand_in).header("Idempotency-Key", "k").json("{}");
        assert_eq!(ask(&stand_in, &elsewhere).await.status(), expected);
    }
}

#[tokio::test]
async fn a_key_is_taken_while_its_first_request_is_under_way() {
    let played =
        Played::of(keyed(STRIPE), vec![fixture("flow", vec![created("create-1", 200, "{}", "[1]")])]);
    let stand_in = played.fault("timeout@create-1").start().await;
    let mut held = Client::connect(&stand_in).await;
    held.send(&create(&stand_in, "k", "{}").bytes()).await;
    until("the request is held", || stand_in.traffic().held == 1).await;
    let in_use = (409, r#"{"error":{"code":"idempotency_key_in_use"}}"#.to_owned());
    assert_eq!(answer(&stand_in, "k", "{}").await, in_use);
    assert_eq!(asked(&stand_in, "k", "[9]").await.status(), 400, "another request is wrong all the same");
    drop(held);
    until("the client has given up", || stand_in.traffic().held == 0 && stand_in.traffic().answered == 3)
        .await;
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"), "it had no effect: the key is free");
}

#[tokio::test]
async fn a_key_that_is_missing_where_it_is_required_is_refused() {
    let stand_in = start(keyed(DRAFT), vec![created("create-1", 200, "{}", "[1]")]).await;
    let without = Ask::new("POST", "/rooms").of_user(&stand_in).json("{}");
    let received = ask(&stand_in, &without).await;
    assert_eq!(received.status(), 400);
    assert_eq!(received.text(), r#"{"error":"refused: the request carries no idempotency key"}"#);
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"));
    let elsewhere = Ask::new("POST", "/halls").of_user(&stand_in).json("{}");
    assert_eq!(ask(&stand_in, &elsewhere).await.status(), 501, "it is not required there");
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_time_is_over() {
    let exchanges = vec![created("create-1", 200, "{}", "[1]"), created("create-2", 200, "{}", "[2]")];
    let stand_in = start(keyed(STRIPE), exchanges).await;
    let at_s = |s| stand_in.clock().advance_to(Timestamp::from_second(s).unwrap());
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"));
    at_s(86_399);
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"), "a repetition does not prolong it");
    at_s(86_400);
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[2]"));
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[2]"));
}

#[tokio::test]
async fn an_error_is_kept_where_the_vendor_keeps_every_answer() {
    let exchanges = || vec![created("create-1", 500, "{}", "[1]"), created("create-2", 200, "{}", "[2]")];
    for (idempotency, expected) in [(STRIPE, [500, 500]), (DRAFT, [500, 200])] {
        let stand_in = start(keyed(idempotency), exchanges()).await;
        let statuses =
            [asked(&stand_in, "k", "{}").await.status(), asked(&stand_in, "k", "{}").await.status()];
        assert_eq!(statuses, expected);
    }
}

#[tokio::test]
async fn what_never_reached_the_operation_is_not_kept() {
    // A refused token and a fault that answers instead: the key stays free in between.
    let played =
        Played::of(keyed(STRIPE), vec![fixture("flow", vec![created("create-1", 200, "{}", "[1]")])]);
    let stand_in = played.fault("server_error@create-1").start().await;
    let unknown = Ask::new("POST", "/rooms").bearer("nobody's").header("idempotency-key", "k").json("{}");
    assert_eq!(ask(&stand_in, &unknown).await.status(), 500);
    assert_eq!(ask(&stand_in, &unknown).await.status(), 401);
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"));
}

#[tokio::test]
async fn recorded_repetitions_and_conflicts_are_evidence() {
    let exchanges = vec![
        with_key(created("create-1", 200, "{}", "[1]"), "r"),
        with_key(created("create-2", 200, "{}", "[1]"), "r"),
        with_key(created("create-3", 400, "[9]", "[0]"), "r"),
        with_key(created("create-4", 409, "{}", "[0]"), "r"),
        with_key(created("create-5", 200, "{}", "[2]"), "s"),
        // A plain mistake, as its key was never accepted.
        with_key(created("create-6", 400, "[9]", "[3]"), "t"),
    ];
    let stand_in = start(keyed(STRIPE), exchanges).await;
    assert_eq!(answer(&stand_in, "k", "{}").await, ok("[1]"));
    assert_eq!(answer(&stand_in, "l", "{}").await, ok("[2]"));
    assert_eq!(answer(&stand_in, "m", "[9]").await, (400, "[3]".to_owned()));
    assert_eq!(asked(&stand_in, "n", "{}").await.status(), 501);
}

#[tokio::test]
async fn a_key_in_the_path_can_be_declared_to_refuse_another_body() {
    let sent = |id: &str, txn: &str, body: &str, answer: &str| {
        sending(recorded(id, "PUT", &format!("/rooms/a/send/{txn}"), 200, answer), body)
    };
    let exchanges = || vec![sent("send-1", "t1", "[1]", "{}"), sent("send-2", "t2", "[2]", "{}")];
    let send =
        |stand_in: &StandIn, body: &str| Ask::new("PUT", "/rooms/a/send/k").of_user(stand_in).json(body);
    for (other_request, expected) in
        [("", 200), (", repeated: {other_request: {refused: {status: 409}}}", 409)]
    {
        let declared = format!("  path_variable: {{operations: [send], name: txn{other_request}}}\n");
        let stand_in = start(keyed(&declared), exchanges()).await;
        assert_eq!(ask(&stand_in, &send(&stand_in, "[1]")).await.status(), 200);
        assert_eq!(ask(&stand_in, &send(&stand_in, "[2]")).await.status(), expected);
        assert_eq!(ask(&stand_in, &send(&stand_in, "[1]")).await.status(), 200);
    }
}

#[tokio::test]
async fn what_was_not_answered_is_not_kept() {
    let exchanges = vec![created("create-1", 200, "{}", "[1]"), created("create-2", 200, "{}", "[2]")];
    let stand_in = start(keyed(STRIPE.replace("keeps: every", "keeps: accepted").as_str()), exchanges).await;
    assert_eq!(answer(&stand_in, "first", "{}").await, ok("[1]"));
    assert_eq!(answer(&stand_in, "second", "{}").await, ok("[2]"));
    // What is answered 501 is not kept: none of these pushes the first out.
    let mut client = Client::connect(&stand_in).await;
    for number in 0..50 {
        assert_eq!(client.ask(&create(&stand_in, &format!("n{number}"), "{}")).await.status(), 501);
    }
    assert_eq!(answer(&stand_in, "first", "{}").await, ok("[1]"));
}

#[tokio::test]
async fn an_answer_that_was_spoilt_on_its_way_leaves_its_key_free() {
    let played =
        Played::of(keyed(STRIPE), vec![fixture("flow", vec![created("create-1", 200, "{}", r#"{"id":1}"#)])]);
    let stand_in = played.fault("malformed_json@create-1").start().await;
    assert_ne!(answer(&stand_in, "k", "{}").await, ok(r#"{"id":1}"#));
    assert_eq!(answer(&stand_in, "k", "{}").await, ok(r#"{"id":1}"#), "whole, under the same key");
}

/// The key is the request's: its calls are no repetitions of one another.
#[tokio::test]
async fn a_batch_of_calls_has_one_key() {
    let profile = profile_with(&[
        ("  path_variable: {operations: [send], name: txn}\n", STRIPE),
        ("operations:\n", "protocols: [{json_rpc: {endpoint: POST /rpc}}]\noperations:\n"),
    ]);
    let call = |method: &str| format!(r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#);
    let recorded_call = |method: &str| {
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{method}"}}"#);
        sending(recorded(&format!("rpc_{method}-1"), "POST", "/rpc", 200, &answer), &call(method))
    };
    let stand_in = start(profile, vec![recorded_call("a"), recorded_call("b")]).await;
    let batch = format!("[{},{}]", call("a"), call("b"));
    let asked = Ask::new("POST", "/rpc").of_user(&stand_in).header("idempotency-key", "k").json(&batch);
    let first = ask(&stand_in, &asked).await;
    assert_eq!(
        first.text(),
        r#"[{"jsonrpc":"2.0","id":1,"result":"a"},{"jsonrpc":"2.0","id":1,"result":"b"}]"#
    );
    let again = ask(&stand_in, &asked).await;
    assert_eq!((again.text(), again.all("idempotent-replayed")), (first.text(), vec!["true"]));
}
