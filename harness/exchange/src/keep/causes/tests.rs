use super::*;
use crate::{Ended, ExchangeId, HeaderValue, Headers, Request, Response};

fn body(text: &str) -> Body {
    Body::from_bytes(text.as_bytes(), Some("application/json"))
}

fn exchange(direction: Direction, line: &str, sent: &str) -> Exchange {
    let (method, target) = line.split_once(' ').unwrap();
    Exchange {
        id: ExchangeId::from(""),
        direction,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: method.into(),
            target: target.into(),
            headers: Headers::default(),
            body: body(sent),
        },
        response: None,
    }
}

fn call(line: &str, sent: &str, status: u16, answered: &str) -> Exchange {
    let mut exchange = exchange(Direction::Outbound, line, sent);
    exchange.response = Some(Response { status, headers: Headers::default(), body: body(answered) });
    exchange
}

fn hook(sent: &str) -> Exchange {
    exchange(Direction::Inbound, "POST /hooks", sent)
}

fn with_header(mut exchange: Exchange, name: &str, value: &str) -> Exchange {
    exchange.request.headers.append(name, HeaderValue::Text(value.into()));
    exchange
}

/// What each webhook is tied to: the place of the call, from 0.
fn causes_by(profile: &ProviderProfile, mut exchanges: Vec<Exchange>) -> Vec<Option<usize>> {
    for (index, exchange) in exchanges.iter_mut().enumerate() {
        exchange.id = ExchangeId::from(index.to_string().as_str());
    }
    tie_to_causes(&mut exchanges, profile);
    let inbound = exchanges.iter().filter(|one| one.direction == Direction::Inbound);
    inbound.map(|one| one.caused_by.as_ref().map(|id| id.as_str().parse().unwrap())).collect()
}

fn causes(exchanges: Vec<Exchange>) -> Vec<Option<usize>> {
    causes_by(&ProviderProfile::unknown("p"), exchanges)
}

#[test]
fn an_id_that_the_provider_minted_ties_wherever_it_stands() {
    for told in [
        hook(r#"{"id":"evt_000001","data":{"object":{"id":"ord_000002"}}}"#),
        hook(r#"{"resource":"https://api.example.com/orders/ord_000002"}"#),
        hook(r#"{"Message":"{\"orderId\":\"ord_000002\"}"}"#),
        with_header(hook("{}"), "x-order-id", "ord_000002"),
        exchange(Direction::Inbound, "POST /hooks/ord_000002", "{}"),
        exchange(Direction::Inbound, "GET /hooks?order_id=ord_000002", ""),
        exchange(Direction::Inbound, "POST /hooks", "<order><ref>ord_000002</ref></order>"),
    ] {
        let target = told.request.target.clone();
        let first = call("POST /orders", r#"{"sku":"a"}"#, 201, r#"{"id":"ord_000001"}"#);
        let second = call("POST /orders", r#"{"sku":"b"}"#, 201, r#"{"id":"ord_000002"}"#);
        assert_eq!(causes(vec![first, second, told]), [Some(1)], "{target}");
    }
}

#[test]
fn so_does_a_location_and_an_id_of_the_clients_own() {
    let mut made = call("POST /jobs", "", 202, "");
    let answer = made.response.as_mut().unwrap();
    answer.headers.append("location", HeaderValue::Text("http://provider.example/jobs/4711?x=1".into()));
    assert_eq!(causes(vec![made, hook(r#"{"job":{"id":4711}}"#)]), [Some(0)]);

    let sent = call("PUT /rooms/r1/send/txn-0001", "{}", 200, "{}");
    assert_eq!(causes(vec![sent, hook(r#"{"transaction_id":"txn-0001"}"#)]), [Some(0)]);
    let keyed = with_header(call("POST /charges", "{}", 200, "{}"), "idempotency-key", "order-1001");
    assert_eq!(causes(vec![keyed, hook(r#"{"request":{"idempotency_key":"order-1001"}}"#)]), [Some(0)]);
    let named = call("POST /payments", r#"{"reference":"INV-17"}"#, 200, "{}");
    assert_eq!(causes(vec![named, hook(r#"{"reference":"INV-17"}"#)]), [Some(0)]);
}

#[test]
fn what_is_common_is_no_id() {
    for (answered, told) in [
        (r#"{"id":717}"#, r#"{"id":717}"#),
        (r#"{"amount":4711}"#, r#"{"amount":4711}"#),
        (r#"{"ok_id":true}"#, r#"{"ok_id":true}"#),
        (r#"{"ref":"jo1@example.org"}"#, r#"{"ref":"jo1@example.org"}"#),
        (r#"{"ref":"eu-2.api.example.com"}"#, r#"{"ref":"eu-2.api.example.com"}"#),
        (r#"{"ref":"2026-11-26T08:00:00Z"}"#, r#"{"ref":"2026-11-26T08:00:00Z"}"#),
        (r#"{"id":"default"}"#, r#"{"id":"default"}"#),
        (r#"{"account_id":"acc_000001"}"#, r#"{"account_id":"acc_000001"}"#),
    ] {
        assert_eq!(causes(vec![call("POST /orders", "", 200, answered), hook(told)]), [None], "{told}");
    }
}

#[test]
fn what_each_answer_of_a_kind_has_belongs_to_none_of_them() {
    let order = |n: u32| {
        let answered = format!(r#"{{"id":"ord_00000{n}","ledger":"led_000001"}}"#);
        call("POST /orders", &format!(r#"{{"n":{n}}}"#), 200, &answered)
    };
    let told = r#"{"order_id":"ord_999999","ledger":"led_000001"}"#;
    assert_eq!(causes(vec![order(1), order(2), hook(told)]), [None]);
    assert_eq!(
        causes(vec![order(1), order(2), hook(r#"{"id":"ord_000002","ledger":"led_000001"}"#)]),
        [Some(1)]
    );
    // A thing that two calls are about: which of them it was cannot be told.
    let about = |what: &str| call(&format!("POST /orders/5511/{what}"), "", 200, "{}");
    assert_eq!(causes(vec![about("hold"), hook(r#"{"order_id":5511}"#)]), [Some(0)]);
    assert_eq!(causes(vec![about("hold"), about("cancel"), hook(r#"{"order_id":5511}"#)]), [None]);
}

#[test]
fn a_read_makes_nothing_happen_and_a_write_is_preferred_to_it() {
    let told = || hook(r#"{"order":{"id":5511}}"#);
    let list = || call("GET /orders", "", 200, r#"{"orders":[{"id":5511},{"id":5512}]}"#);
    assert_eq!(causes(vec![list(), told()]), [None]);
    assert_eq!(causes(vec![list(), call("POST /orders/5511/cancel", "", 200, "{}"), told()]), [Some(1)]);
    // Found by a write that was about something else: it was there before.
    assert_eq!(causes(vec![list(), call("POST /search", "", 200, r#"{"id":5511}"#), told()]), [None]);
    assert_eq!(causes(vec![call("GET /export", "", 202, r#"{"id":5511}"#), told()]), [Some(0)]);
    let mut profile = ProviderProfile::unknown("p");
    let search = || call("POST /search", "", 200, r#"{"id":5511}"#);
    assert_eq!(causes(vec![search(), told()]), [Some(0)]);
    profile.operations.insert(crate::OperationName("search".into()), "POST /search".parse().unwrap());
    profile.reads = vec![crate::OperationName("search".into())];
    assert_eq!(causes_by(&profile, vec![search(), told()]), [None]);
}

#[test]
fn what_was_refused_or_asked_for_a_token_is_no_cause() {
    let told = || hook(r#"{"reference":"INV-17"}"#);
    let paid = |status| call("POST /payments", r#"{"reference":"INV-17"}"#, status, "{}");
    assert_eq!(causes(vec![paid(429), told()]), [None]);
    assert_eq!(causes(vec![paid(429), paid(200), told()]), [Some(1)]);
    // A 500, or no answer at all, may hide what was done.
    assert_eq!(causes(vec![paid(500), told()]), [Some(0)]);
    let login = call("POST /login", "", 200, r#"{"access_token":"t","device_id":"DEV_000001"}"#);
    assert_eq!(causes(vec![login, hook(r#"{"device_id":"DEV_000001"}"#)]), [None]);
}

#[test]
fn of_several_the_rarest_decides_then_who_shows_all_and_else_nobody() {
    let customer = || call("POST /customers", "{}", 200, r#"{"id":"cus_000001"}"#);
    let charge = |n: u32| {
        let sent = format!(r#"{{"customer":"cus_000001","n":{n}}}"#);
        call("POST /charges", &sent, 200, &format!(r#"{{"id":"ch_00000{n}"}}"#))
    };
    let charged = |n: u32| hook(&format!(r#"{{"id":"ch_00000{n}","customer":"cus_000001"}}"#));
    assert_eq!(
        causes(vec![
            customer(),
            hook(r#"{"id":"cus_000001"}"#),
            charge(1),
            charged(1),
            charge(2),
            charged(2)
        ]),
        [Some(0), Some(2), Some(4)]
    );
    // The task does not name its project, but the project stands in more webhooks.
    let project = call("POST /projects", "{}", 200, r#"{"id":"prj_000001"}"#);
    let task =
        |n: u32| call("POST /tasks", &format!(r#"{{"n":{n}}}"#), 200, &format!(r#"{{"id":"tsk_00000{n}"}}"#));
    let done = |n: u32| hook(&format!(r#"{{"task":"tsk_00000{n}","project":"prj_000001"}}"#));
    assert_eq!(causes(vec![project, task(1), task(2), done(2), done(1)]), [Some(2), Some(1)]);
    // Both ids stand in one webhook alone; the charge shows its customer, the customer no charge.
    assert_eq!(causes(vec![customer(), charge(1), charged(1)]), [Some(1)]);
    let both = hook(r#"{"ids":["ch_000001","ch_000002"]}"#);
    assert_eq!(causes(vec![charge(1), charge(2), both]), [None]);
}

#[test]
fn the_id_of_a_subscription_ties_what_is_about_itself_alone() {
    let subscribe = || {
        call("POST /subscriptions", r#"{"url":"https://me.example/hooks"}"#, 201, r#"{"id":"sub_000001"}"#)
    };
    let order = || call("POST /orders", "", 201, r#"{"id":"ord_000001"}"#);
    let told = |order: &str| hook(&format!(r#"{{"subscription_id":"sub_000001","order":"{order}"}}"#));
    assert_eq!(causes(vec![subscribe(), order(), told("ord_000001")]), [Some(1)]);
    assert_eq!(causes(vec![subscribe(), hook(r#"{"ping":"sub_000001"}"#)]), [Some(0)]);
    assert_eq!(causes(vec![subscribe(), told("ord_000008"), told("ord_000009")]), [None, None]);
}

#[test]
fn a_webhook_that_comes_again_has_the_cause_it_had_at_first() {
    let order = || call("POST /orders", "", 201, r#"{"id":"ord_000001"}"#);
    let told = |attempt: &str| with_header(hook(r#"{"order":"ord_000001"}"#), "x-attempt", attempt);
    let other = || hook(r#"{"order":"ord_000002"}"#);
    assert_eq!(
        causes(vec![order(), told("1"), other(), told("2"), told("3"), other()]),
        [Some(0), None, Some(0), Some(0), None]
    );
    // It was there before the call that repeats its id, and so it stays when it comes again.
    let acknowledged = call("POST /orders/ord_000001/acknowledge", "", 200, "{}");
    assert_eq!(causes(vec![told("1"), acknowledged, told("2")]), [None, None]);
}

#[test]
fn a_call_that_is_made_again_owns_what_its_answer_brings_first() {
    let send = |answered: &str| call("PUT /send/order-1001", r#"{"text":"hi"}"#, 200, answered);
    let mut lost = send("");
    lost.response = None;
    lost.ended = Ended::AnswerCutShort;
    let told = || hook(r#"{"event_id":"$aB3dE5fG7h","transaction_id":"order-1001"}"#);
    let minted = r#"{"event_id":"$aB3dE5fG7h"}"#;
    assert_eq!(causes(vec![send(minted), send(minted), told()]), [Some(0)]);
    assert_eq!(causes(vec![lost, send(minted), told()]), [Some(1)]);
}

#[test]
fn a_cause_lies_before_its_webhook_and_one_that_is_given_stays() {
    let order = || call("POST /orders", "", 201, r#"{"id":"ord_000001"}"#);
    let told = || hook(r#"{"order":"ord_000001"}"#);
    assert_eq!(causes(vec![told(), order()]), [None]);
    let mut given = told();
    given.caused_by = Some(ExchangeId::from("0"));
    let first = call("POST /other", "", 200, "{}");
    assert_eq!(causes(vec![first, order(), given]), [Some(0)]);
}

#[test]
fn a_webhook_with_more_ids_than_are_looked_at_is_tied_to_nothing() {
    let order = call("POST /orders", "", 201, r#"{"id":"ord_000001"}"#);
    let many = |count: usize| {
        let ids: Vec<String> = (1..=count).map(|n| format!("ord_{n:06}")).collect();
        hook(&serde_json::json!({ "ids": ids }).to_string())
    };
    assert_eq!(causes(vec![order.clone(), many(MAX_IDS)]), [Some(0)]);
    assert_eq!(causes(vec![order, many(MAX_IDS + 1)]), [None]);
}

#[test]
fn ten_thousand_exchanges_are_tied_each_to_its_own() {
    let exchanges = (0..10_000_usize).map(|n| match n % 2 {
        0 => call("POST /orders", &format!(r#"{{"n":{n}}}"#), 201, &format!(r#"{{"id":"ord_{n:06}"}}"#)),
        _ => hook(&format!(r#"{{"ledger_id":"led_000001","order_id":"ord_{:06}"}}"#, n - 1)),
    });
    let expected: Vec<Option<usize>> = (0..5_000).map(|n| Some(2 * n)).collect();
    assert_eq!(causes(exchanges.collect()), expected);
}
