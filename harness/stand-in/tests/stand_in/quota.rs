//! Quota over the wire: the vendor's header fields on every answer, refusals in its own form, slots, and the clock.

use crate::provider::{Played, answered_with, errors, fixture, got, profile_with, recorded};
use crate::wire::{Ask, Client, Received, ask, until};
use counterpart_exchange::{Exchange, ProviderProfile};
use counterpart_stand_in::{SeenNote, StandIn};
use jiff::Timestamp;

const MEMBER: &str = "/rooms/a/member";

/// The profile of the tests, with a quota.
fn limited(quota: &str) -> ProviderProfile {
    profile_with(&[("rate_limit:\n", &format!("quota:\n{quota}\nrate_limit:\n"))])
}

async fn start(quota: &str, exchanges: Vec<Exchange>) -> StandIn {
    Played::of(limited(quota), vec![fixture("flow", exchanges)]).start().await
}

fn at_ms(stand_in: &StandIn, ms: i64) {
    stand_in.clock().advance_to(Timestamp::from_millisecond(ms).unwrap());
}

async fn member(stand_in: &StandIn) -> Received {
    ask(stand_in, &Ask::get(MEMBER).of_user(stand_in)).await
}

const TWO_A_MINUTE: &str = r#"
- kind: {fixed_window: {limit: 2, window_s: 60}}
  headers: {X-Left: "{remaining}", X-Reset: "{reset_epoch_s}"}
"#;

#[tokio::test]
async fn a_refusal_has_the_recorded_form_and_consumes_nothing() {
    let exchanges = vec![
        got("member-1", MEMBER, "[1]"),
        // What the profile declares is evidence: it is not played in its order.
        recorded("member-2", "GET", MEMBER, 429, r#"{"errcode":"LIMIT","retry_after_ms":1,"more":2}"#),
        answered_with(got("member-3", MEMBER, "[2]"), "x-left", "old"),
        got("member-4", MEMBER, "[3]"),
    ];
    let stand_in = start(TWO_A_MINUTE, exchanges).await;
    let first = member(&stand_in).await;
    assert_eq!((first.text(), first.all("x-left"), first.all("x-reset")), ("[1]", vec!["1"], vec!["60"]));
    assert_eq!(stand_in.limits_never_reached(), [0]);
    at_ms(&stand_in, 10_500);
    let second = member(&stand_in).await;
    assert_eq!(
        (second.text(), second.all("x-left")),
        ("[2]", vec!["0"]),
        "a recorded figure is that of another day"
    );
    assert_eq!(
        stand_in.limits_never_reached(),
        [0; 0],
        "whoever uses all of it and waits has come up against it"
    );
    for _ in 0..3 {
        let refused = member(&stand_in).await;
        assert_eq!(refused.status_line, "HTTP/1.1 429 Too Many Requests");
        assert_eq!((refused.all("retry-after"), refused.all("x-left")), (vec!["50"], vec!["0"]));
        let json = refused.json();
        assert_eq!((&json["errcode"], &json["retry_after_ms"]), (&"LIMIT".into(), &50_000.into()));
    }
    let seen = stand_in.seen();
    assert_eq!(seen[2].note, SeenNote::Behaved("refused: the quota is used up"));
    assert_eq!(
        (seen[2].retry_after_s, seen[2].status, seen[2].exchange.as_deref()),
        (Some(50), Some(429), None)
    );
    at_ms(&stand_in, 59_999);
    assert_eq!(member(&stand_in).await.status(), 429);
    at_ms(&stand_in, 60_500);
    assert_eq!(member(&stand_in).await.text(), "[3]");
}

#[tokio::test]
async fn a_recorded_refusal_is_replayed_where_no_limit_governs_it() {
    let quota = format!("{TWO_A_MINUTE}  operations: [find]");
    let exchanges = vec![
        recorded("member-1", "GET", MEMBER, 429, r#"{"errcode":"LIMIT"}"#),
        got("member-2", MEMBER, "[1]"),
        // A lack of permission is no limit, whatever its status.
        recorded("find-1", "GET", "/find/a", 403, r#"{"errcode":"FORBIDDEN"}"#),
    ];
    let quota = quota.replace("headers:", "refusal: {status: 403}\n  headers:");
    let stand_in = start(&quota, exchanges).await;
    let received = member(&stand_in).await;
    assert_eq!((received.status(), received.all("x-left").len()), (429, 0));
    assert_eq!(member(&stand_in).await.text(), "[1]");
    let found = ask(&stand_in, &Ask::get("/find/a")).await;
    assert_eq!(
        (found.status(), found.all("x-left"), found.text()),
        (403, vec!["1"], r#"{"errcode":"FORBIDDEN"}"#)
    );
}

#[tokio::test]
async fn a_refusal_without_evidence_says_what_the_profile_says() {
    let quota = r#"
- kind: {calls_per_second: {limit: 1}}
  refusal: {status: 503, retry_after: http_date, form: slow_down, json: {reason: slow down}}
"#;
    let mut played = Played::of(limited(quota), vec![fixture("flow", vec![got("member-1", MEMBER, "[1]")])]);
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::default();
    let stand_in = played.start().await;
    assert_eq!(member(&stand_in).await.status(), 200);
    let refused = member(&stand_in).await;
    assert_eq!((refused.status(), refused.text()), (503, r#"{"reason":"slow down"}"#));
    assert_eq!(refused.all("retry-after"), ["Thu, 01 Jan 1970 00:00:01 GMT"]);
    assert_eq!(stand_in.seen()[1].retry_after_s, Some(1), "a date is read as what it means");
}

#[tokio::test]
async fn every_answer_tells_the_figures_whatever_it_is() {
    let quota = TWO_A_MINUTE.replace("limit: 2", "limit: 9");
    let played = Played::of(limited(&quota), vec![fixture("flow", vec![got("member-1", MEMBER, "[1]")])]);
    let stand_in = played.fault("server_error@member-1").start().await;
    let not_there = Ask::get("/rooms/b/member").of_user(&stand_in);
    let without_token = Ask::get(MEMBER);
    let mut left = Vec::new();
    for (asked, status) in [
        (Ask::get(MEMBER).of_user(&stand_in), 500),
        (Ask::get(MEMBER).of_user(&stand_in), 200),
        (not_there, 501),
        (without_token, 401),
    ] {
        let received = ask(&stand_in, &asked).await;
        assert_eq!(received.status(), status);
        left.push(received.all("x-left")[0].to_owned());
    }
    assert_eq!(left, ["8", "7", "6", "5"]);
}

#[tokio::test]
async fn a_fault_waits_until_the_quota_lets_its_request_through() {
    let quota = TWO_A_MINUTE.replace("limit: 2", "limit: 1");
    let played = Played::of(limited(&quota), vec![fixture("flow", vec![got("member-1", MEMBER, "[1]")])]);
    let stand_in = played.fault("server_error@member*2").start().await;
    let statuses = [member(&stand_in).await.status(), member(&stand_in).await.status()];
    assert_eq!(statuses, [500, 429]);
    assert_eq!(stand_in.unused_faults()[0].struck, 1);
}

#[tokio::test]
async fn each_token_has_its_own_count() {
    let quota = TWO_A_MINUTE.replace("limit: 2", "limit: 1") + "  per: token\n";
    let stand_in = start(&quota, vec![got("member-1", MEMBER, "[1]")]).await;
    let mut statuses = Vec::new();
    for token in ["a", "a", "b", "b"] {
        statuses.push(ask(&stand_in, &Ask::get(MEMBER).bearer(token)).await.status());
    }
    assert_eq!(statuses, [401, 429, 401, 429]);
    assert_eq!([member(&stand_in).await.status(), member(&stand_in).await.status()], [200, 429]);
}

#[tokio::test]
async fn a_slot_is_held_until_the_request_is_over_however_it_ends() {
    let quota = "\n- kind: {concurrency: {limit: 1}}\n  headers: {X-Under-Way: \"{used}\"}\n";
    let played = Played::of(limited(quota), vec![fixture("flow", vec![got("member-1", MEMBER, "[1]")])]);
    let stand_in = played.fault("timeout@member-1").fault("reset@member-1").start().await;
    let mut held = Client::connect(&stand_in).await;
    held.send(&Ask::get(MEMBER).of_user(&stand_in).bytes()).await;
    until("the request is held", || stand_in.traffic().held == 1).await;
    let refused = member(&stand_in).await;
    assert_eq!((refused.status(), refused.all("x-under-way")), (429, vec!["1"]));
    assert_eq!(refused.all("retry-after"), Vec::<&str>::new(), "nobody knows when the other is over");
    assert_eq!(refused.json().get("retry_after_ms"), None);
    drop(held);
    until("the held request is over", || stand_in.traffic().answered == 2).await;
    let mut cut = Client::connect(&stand_in).await;
    cut.send(&Ask::get(MEMBER).of_user(&stand_in).bytes()).await;
    cut.rest().await;
    assert_eq!(stand_in.seen()[2].fault, Some("reset"), "the slot was free again");
    until("the request that was cut off is over", || stand_in.traffic().answered == 3).await;
    assert_eq!(member(&stand_in).await.status(), 200);
}

#[tokio::test]
async fn two_stand_ins_of_one_profile_count_apart() {
    let exchanges = || vec![got("member-1", MEMBER, "[1]")];
    let quota = TWO_A_MINUTE.replace("limit: 2", "limit: 1");
    let (one, other) = (start(&quota, exchanges()).await, start(&quota, exchanges()).await);
    assert_eq!([member(&one).await.status(), member(&other).await.status()], [200, 200]);
    assert_eq!([member(&one).await.status(), member(&other).await.status()], [429, 429]);
}

#[test]
fn the_evidence_of_the_tests_has_a_recorded_refusal() {
    let status = |exchange: &Exchange| exchange.response.as_ref().unwrap().status;
    assert!(errors().exchanges.iter().any(|exchange| status(exchange) == 429));
}
