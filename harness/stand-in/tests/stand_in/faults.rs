//! Every fault as a client of bytes sees it: status line, lengths, header fields, and how the connection ends.

use crate::provider::{answered_with, ending, got, pair, playing, recorded, refreshed};
use crate::wire::{Ask, Client, End, ask, until};
use counterpart_exchange::{Body, Ended, Exchange};
use counterpart_stand_in::{Fault, SeenNote, StandIn, Traffic};

pub(crate) const PAGE_1: &str = r#"{"chunk":[{"id":"e1","content":{"body":"one","size":1.50}},{"id":"e2","content":{"body":"two","size":2}}],"end":"p2"}"#;
pub(crate) const PAGE_2: &str = r#"{"chunk":[{"id":"e3","content":{"body":"three","size":3}}],"end":"p3"}"#;

cases! {
    duplicate_records: the_records_of_the_page_before_come_once_more,
    duplicate_records: the_first_page_repeats_its_own_records,
    empty_field: a_field_is_empty_after_its_kind,
    expired_token: the_token_is_refused_until_it_is_refreshed,
    forbidden: the_permission_is_gone,
    malformed_json: the_json_breaks_off_within_the_length_that_is_promised,
    missing_field: a_field_is_missing,
    rate_limited: the_wait_is_told_in_the_header_and_in_the_vendors_field,
    overloaded: above_a_rate_the_provider_errs_and_below_it_answers,
    overloaded: an_overload_can_look_like_the_end_of_the_list,
    rate_limited: no_wait_is_told,
    rate_limited: the_wait_is_told_as_the_vendor_tells_it,
    rate_limited: the_wait_that_is_told_is_not_the_one_that_is_kept,
    refresh_refused: the_refresh_token_is_refused_for_good,
    reset: the_connection_is_reset_before_the_answer,
    reset: the_connection_is_reset_within_the_body,
    server_error: the_provider_fails_with_the_status_asked_for,
    server_error: the_provider_fails_with_500,
    timeout: nothing_comes_until_the_client_gives_up,
    truncated: the_connection_closes_within_the_body,
    truncated: half_of_a_large_body_arrives_whole,
}

pub(crate) fn page_1() -> Ask {
    Ask::get("/rooms/a/messages")
}

pub(crate) fn page_2() -> Ask {
    Ask::get("/rooms/a/messages?from=p2")
}

pub(crate) fn history() -> Vec<Exchange> {
    vec![
        got("messages-1", "/rooms/a/messages", PAGE_1),
        got("messages-2", "/rooms/a/messages?from=p2", PAGE_2),
        refreshed("refresh-1", 1, 200, &pair(2)),
    ]
}

/// A stand-in that plays the history, with one fault.
pub(crate) async fn history_with(spec: &str) -> StandIn {
    playing(history()).fault(spec).start().await
}

/// The page comes whole and for the first time, so nothing was consumed before; and the connection can still be
/// used, so what was sent before was well framed.
pub(crate) async fn comes_whole(client: &mut Client, stand_in: &StandIn, page: &Ask, content: &str) {
    let received = client.ask(&page.clone().of_user(stand_in)).await;
    assert_eq!((received.status_line.as_str(), received.text()), ("HTTP/1.1 200 OK", content));
    assert_eq!(stand_in.seen().last().unwrap().note, SeenNote::Replayed);
}

/// The name as the list of faults has it.
pub(crate) fn name_of(fault: &str) -> &'static str {
    Fault::ALL.iter().find(|known| known.name == fault).unwrap().name
}

/// The log has the fault where it struck, and no fault waits any more.
pub(crate) fn struck(stand_in: &StandIn, fault: &str, at: &[usize]) {
    let seen = stand_in.seen();
    let found: Vec<usize> =
        seen.iter().enumerate().filter(|(_, one)| one.fault.is_some()).map(|(index, _)| index).collect();
    assert_eq!(found, at, "{seen:?}");
    for index in found {
        assert_eq!(seen[index].fault, Some(fault));
    }
    assert_eq!(stand_in.unused_faults(), []);
}

async fn the_records_of_the_page_before_come_once_more(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-2")).await;
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    let received = client.ask(&page_2().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(
        received.text(),
        r#"{"chunk":[{"id":"e1","content":{"body":"one","size":1.50}},{"id":"e2","content":{"body":"two","size":2}},{"id":"e3","content":{"body":"three","size":3}}],"end":"p3"}"#
    );
    assert_eq!(client.ask(&page_2().of_user(&stand_in)).await.text(), PAGE_2, "once, and then no more");
    struck(&stand_in, fault, &[1]);
}

async fn the_first_page_repeats_its_own_records(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    let ids: Vec<_> =
        received.json()["chunk"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["e1", "e2", "e1", "e2"]);
    struck(&stand_in, fault, &[0]);
}

async fn a_field_is_empty_after_its_kind(fault: &str) {
    let answer = r#"{"text":"a","list":[1],"object":{"b":1},"number":7,"true":true,"kept":1}"#;
    for (field, empty) in
        [("text", r#""""#), ("list", "[]"), ("object", "{}"), ("number", "null"), ("true", "null")]
    {
        let stand_in = playing(vec![got("member-1", "/rooms/a/member", answer)])
            .fault(&format!(r#"{fault}{{"field":"{field}"}}@member-1"#))
            .start()
            .await;
        let received = ask(&stand_in, &Ask::get("/rooms/a/member").of_user(&stand_in)).await;
        let mut expected: serde_json::Value = serde_json::from_str(answer).unwrap();
        expected[field] = serde_json::from_str(empty).unwrap();
        assert_eq!(
            (received.status_line.as_str(), received.text()),
            ("HTTP/1.1 200 OK", expected.to_string().as_str())
        );
        struck(&stand_in, fault, &[0]);
    }
    let stand_in = history_with(&format!(r#"{fault}{{"field":"content.body","record":2}}@messages-1"#)).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    let bodies: Vec<_> = received.json()["chunk"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["content"]["body"].clone())
        .collect();
    assert_eq!(bodies, ["one", ""]);
}

async fn the_token_is_refused_until_it_is_refreshed(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    for _ in 0..2 {
        let refused = client.ask(&page_1().of_user(&stand_in)).await;
        assert_eq!(refused.status_line, "HTTP/1.1 401 Unauthorized");
        assert_eq!(refused.text(), r#"{"errcode":"EXPIRED","soft_logout":true}"#, "the provider's own form");
    }
    let refresh_token = stand_in.credentials().refresh_token.clone().unwrap();
    let body = format!(r#"{{"refresh_token":"{refresh_token}"}}"#);
    let granted = client.ask(&Ask::new("POST", "/refresh").json(&body)).await.json();
    let renewed = client.ask(&page_1().bearer(granted["access_token"].as_str().unwrap())).await;
    assert_eq!((renewed.status(), renewed.text()), (200, PAGE_1), "nothing was consumed meanwhile");
    struck(&stand_in, fault, &[0]);
}

async fn the_permission_is_gone(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 403 Forbidden");
    assert_eq!(
        (received.text(), received.all("x-evidence")),
        (r#"{"errcode":"FORBIDDEN"}"#, vec!["forbidden"])
    );
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn the_json_breaks_off_within_the_length_that_is_promised(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(received.text(), &PAGE_1[..PAGE_1.len() / 2]);
    assert_eq!(received.promised(), PAGE_1.len() / 2);
    assert!(serde_json::from_slice::<serde_json::Value>(&received.body).is_err());
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);

    // However small.
    for small in ["{}", "true", "\"é\""] {
        let stand_in = playing(vec![got("member-1", "/rooms/a/member", small)])
            .fault(&format!("{fault}@member-1"))
            .start()
            .await;
        let received = ask(&stand_in, &Ask::get("/rooms/a/member").of_user(&stand_in)).await;
        let parsed = serde_json::from_slice::<serde_json::Value>(&received.body);
        assert!(parsed.is_err(), "{small}: {parsed:?}");
    }
}

async fn a_field_is_missing(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"field":"content.body","record":1}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    let mut expected: serde_json::Value = serde_json::from_str(PAGE_1).unwrap();
    expected["chunk"][0]["content"].as_object_mut().unwrap().remove("body");
    assert_eq!(received.json(), expected);
    comes_whole(&mut client, &stand_in, &page_2(), PAGE_2).await;
    struck(&stand_in, fault, &[0]);

    let stand_in = history_with(&format!(r#"{fault}{{"field":"end"}}@messages-1"#)).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert!(received.json().get("end").is_none() && received.json().get("chunk").is_some());
}

async fn the_wait_is_told_in_the_header_and_in_the_vendors_field(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"retry_after_s":30}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 429 Too Many Requests");
    assert_eq!(received.all("retry-after"), ["30"]);
    assert_eq!(received.text(), r#"{"errcode":"LIMIT","retry_after_ms":30000,"more":1}"#);
    assert_eq!(received.all("x-evidence"), ["limited"]);
    assert_eq!(stand_in.seen()[0].retry_after_s, Some(30));
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn no_wait_is_told(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 429 Too Many Requests");
    assert_eq!(received.all("retry-after"), [] as [&str; 0]);
    assert_eq!(received.text(), r#"{"errcode":"LIMIT","more":1}"#);
    assert_eq!(stand_in.seen()[0].retry_after_s, None);
    struck(&stand_in, fault, &[0]);
}

async fn the_wait_is_told_as_the_vendor_tells_it(fault: &str) {
    for (told_as, header, in_body) in [
        ("http_date", Some("Thu, 01 Jan 1970 00:00:30 GMT"), true),
        ("decimal_seconds", Some("30.0"), true),
        ("absent", None, false),
    ] {
        let spec = format!(
            r#"{fault}{{"retry_after_s":30,"told_as":"{told_as}","vendor_headers":{{"X-RateLimit-Remaining":"0","x-evidence":"mine"}}}}@messages-1"#
        );
        let stand_in = history_with(&spec).await;
        let mut client = Client::connect(&stand_in).await;
        let received = client.ask(&page_1().of_user(&stand_in)).await;
        assert_eq!(received.status(), 429);
        assert_eq!(received.all("retry-after"), Vec::from_iter(header), "{told_as}");
        assert_eq!(received.json().get("retry_after_ms").is_some(), in_body);
        assert_eq!([received.all("x-ratelimit-remaining"), received.all("x-evidence")], [["0"], ["mine"]]);
        assert_eq!(stand_in.seen()[0].retry_after_s, header.map(|_| 30), "what it means is known");
        comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
        struck(&stand_in, fault, &[0]);
    }
    let no_field = format!(r#"{fault}{{"vendor_headers":{{"a b":"0"}}}}@messages-1"#);
    assert!(no_field.parse::<counterpart_stand_in::PlannedFault>().is_err());
}

async fn the_wait_that_is_told_is_not_the_one_that_is_kept(fault: &str) {
    for (told_s, really_s) in [(5, 30), (60, 30)] {
        let spec = format!(r#"{fault}{{"retry_after_s":{told_s},"really_s":{really_s}}}@messages-1"#);
        let stand_in = history_with(&spec).await;
        let at_ms = |ms| stand_in.clock().advance_to(jiff::Timestamp::from_millisecond(ms).unwrap());
        let mut client = Client::connect(&stand_in).await;
        at_ms(500);
        for ms in [500, 5_500, 30_499] {
            at_ms(ms);
            let received = client.ask(&page_1().of_user(&stand_in)).await;
            assert_eq!(received.status(), 429, "at {ms} ms");
            assert_eq!(received.all("retry-after"), [told_s.to_string()], "the same lie again");
        }
        let refresh_token = stand_in.credentials().refresh_token.clone().unwrap();
        let refresh = Ask::new("POST", "/refresh").json(&format!(r#"{{"refresh_token":"{refresh_token}"}}"#));
        assert_eq!(client.ask(&refresh).await.status(), 200, "other operations are let through");
        at_ms(30_500);
        let access =
            stand_in.secret_values().find(|value| stand_in.hide(value) == "«access_token:2»").unwrap();
        let received = client.ask(&page_1().bearer(access)).await;
        assert_eq!((received.status(), received.text()), (200, PAGE_1), "nothing was consumed meanwhile");
        struck(&stand_in, fault, &[0]);
    }
    let never = format!(r#"{fault}{{"really_s":0}}@messages-1"#);
    assert!(never.parse::<counterpart_stand_in::PlannedFault>().is_err());
}

async fn above_a_rate_the_provider_errs_and_below_it_answers(fault: &str) {
    for (answers, status) in [("server_error", 500), ("not_found", 404)] {
        let spec = format!(r#"{fault}{{"above_per_s":2,"answers":"{answers}"}}@messages*always"#);
        let stand_in = history_with(&spec).await;
        let mut client = Client::connect(&stand_in).await;
        let mut statuses = Vec::new();
        for ms in [0, 0, 0, 999, 1_998, 1_999] {
            stand_in.clock().advance_to(jiff::Timestamp::from_millisecond(ms).unwrap());
            let received = client.ask(&page_1().of_user(&stand_in)).await;
            statuses.push(received.status());
            assert_eq!(received.all("retry-after"), [] as [&str; 0], "it does not say to slow down");
        }
        assert_eq!(statuses, [200, 200, status, status, 200, 200], "three in a second are too many");
        struck(&stand_in, fault, &[2, 3]);
    }
    let stand_in = history_with(&format!(r#"{fault}{{"above_per_s":2}}@messages*always"#)).await;
    ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!(stand_in.unused_faults().len(), 1, "nobody came so often");
    for rate in ["0", "10000"] {
        let spec = format!(r#"{fault}{{"above_per_s":{rate}}}@messages"#);
        assert!(spec.parse::<counterpart_stand_in::PlannedFault>().is_err(), "{rate}");
    }
}

async fn an_overload_can_look_like_the_end_of_the_list(fault: &str) {
    let stand_in =
        history_with(&format!(r#"{fault}{{"above_per_s":1,"answers":"empty_page"}}@messages-2"#)).await;
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    let received = client.ask(&page_2().of_user(&stand_in)).await;
    assert_eq!((received.status_line.as_str(), received.text()), ("HTTP/1.1 200 OK", r#"{"chunk":[]}"#));
    stand_in.clock().advance_to(jiff::Timestamp::from_second(1).unwrap());
    comes_whole(&mut client, &stand_in, &page_2(), PAGE_2).await;
    struck(&stand_in, fault, &[1]);
}

async fn the_refresh_token_is_refused_for_good(fault: &str) {
    for place in ["refresh", "refresh-1"] {
        let stand_in = history_with(&format!("{fault}@{place}")).await;
        let mut client = Client::connect(&stand_in).await;
        let refresh_token = stand_in.credentials().refresh_token.clone().unwrap();
        let refresh = Ask::new("POST", "/refresh").json(&format!(r#"{{"refresh_token":"{refresh_token}"}}"#));
        for _ in 0..2 {
            let refused = client.ask(&refresh).await;
            assert_eq!(refused.status_line, "HTTP/1.1 403 Forbidden");
            assert_eq!(refused.text(), r#"{"errcode":"NO_REFRESH"}"#, "the provider's own form");
        }
        comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
        struck(&stand_in, fault, &[0]);
    }
}

async fn the_connection_is_reset_before_the_answer(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"at":"before_answer"}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    assert_eq!(client.rest().await, (Vec::new(), End::Rst));
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
    assert_eq!(stand_in.seen()[0].status, None);
}

async fn the_connection_is_reset_within_the_body(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let (received, end) = client.ask_to_the_end(&page_1().of_user(&stand_in)).await;
    assert_eq!((received.status_line.as_str(), end), ("HTTP/1.1 200 OK", End::Rst));
    assert_eq!((received.promised(), received.text()), (PAGE_1.len(), &PAGE_1[..PAGE_1.len() / 2]));
    let mut client = Client::connect(&stand_in).await;
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn the_provider_fails_with_the_status_asked_for(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"status":503}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 503 Service Unavailable");
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
    assert_eq!(stand_in.seen()[0].note, SeenNote::Faulted(name_of(fault)));
}

async fn the_provider_fails_with_500(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 500 Internal Server Error");
    assert_eq!(received.all("content-type"), ["application/json"]);
    assert_eq!(
        received.text(),
        r#"{"error":"internal server error"}"#,
        "nobody recorded one of the provider's"
    );
    struck(&stand_in, fault, &[0]);
}

async fn nothing_comes_until_the_client_gives_up(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    until("the request to be held", || stand_in.traffic().held == 1).await;
    assert_eq!(stand_in.traffic(), Traffic { received: 1, answered: 0, held: 1, ..Traffic::default() });
    assert_eq!(stand_in.seen()[0].note, SeenNote::Faulted(name_of(fault)));
    // Others are served meanwhile.
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.text()), (200, PAGE_1));
    assert!(client.is_silent());
    drop(client);
    until("the held request to be over", || stand_in.traffic().held == 0).await;
    assert_eq!(stand_in.traffic(), Traffic { received: 2, answered: 2, held: 0, ..Traffic::default() });
    assert_eq!(stand_in.seen()[0].note, SeenNote::ClientGaveUp);
    struck(&stand_in, fault, &[0]);
}

async fn the_connection_closes_within_the_body(fault: &str) {
    // As short as a body can be: the head alone arrives.
    for (page, sent) in [(PAGE_1, PAGE_1.len() / 2), ("7", 0)] {
        let stand_in = playing(vec![got("member-1", "/rooms/a/member", page)])
            .fault(&format!("{fault}@member-1"))
            .start()
            .await;
        let member = Ask::get("/rooms/a/member");
        let mut client = Client::connect(&stand_in).await;
        let (received, end) = client.ask_to_the_end(&member.clone().of_user(&stand_in)).await;
        assert_eq!((received.status_line.as_str(), end), ("HTTP/1.1 200 OK", End::Fin));
        assert_eq!((received.promised(), received.text()), (page.len(), &page[..sent]));
        let mut client = Client::connect(&stand_in).await;
        comes_whole(&mut client, &stand_in, &member, page).await;
        struck(&stand_in, fault, &[0]);
    }
}

async fn half_of_a_large_body_arrives_whole(fault: &str) {
    // Less than the server buffers, and far more.
    for length in [400_000, 20_000_000] {
        let mut exchange = got("member-1", "/rooms/a/member", "");
        exchange.response.as_mut().unwrap().body = Body::Text("x".repeat(length));
        let stand_in = playing(vec![exchange]).fault(&format!("{fault}@member-1")).start().await;
        let mut client = Client::connect_narrow(&stand_in).await;
        client.send(&Ask::get("/rooms/a/member").of_user(&stand_in).bytes()).await;
        until("the request to be taken up", || stand_in.traffic().received == 1).await;
        // One thread runs both sides: after so many turns the stand-in waits for this one.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let head = client.head().await;
        let (body, end) = client.rest().await;
        assert_eq!((head.promised(), body.len(), end), (length, length / 2, End::Fin));
    }
}

/// Every error that the profile describes wears the form that was recorded, whatever its fault asks for.
#[tokio::test]
async fn a_server_error_wears_the_recorded_form() {
    let profile = crate::provider::profile_with(&[("errors:\n", "errors:\n  server_error: {status: 502}\n")]);
    let down = recorded("member-1", "GET", "/rooms/a/member", 502, r#"{"errcode":"DOWN"}"#);
    let evidence = crate::provider::fixture("down", vec![answered_with(down, "x-evidence", "down")]);
    let mut played =
        crate::provider::Played::of(profile.clone(), vec![crate::provider::fixture("flow", history())]);
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::from_evidence(&profile, [&evidence]);
    let stand_in = played.fault(r#"server_error{"status":503}@messages-1"#).start().await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, "HTTP/1.1 503 Service Unavailable");
    assert_eq!((received.text(), received.all("x-evidence")), (r#"{"errcode":"DOWN"}"#, vec!["down"]));
}

/// The form of an error may hold what was redacted: no placeholder goes over the wire.
#[tokio::test]
async fn an_error_form_has_values_for_its_placeholders() {
    let profile = crate::provider::profile();
    let denied = recorded("member-1", "GET", "/rooms/a/member", 403, r#"{"who":"«email:1»"}"#);
    let evidence = crate::provider::fixture("denied", vec![denied]);
    let mut played =
        crate::provider::Played::of(profile.clone(), vec![crate::provider::fixture("flow", history())]);
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::from_evidence(&profile, [&evidence]);
    let stand_in = played.fault("forbidden@messages-1").start().await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!(received.text(), r#"{"who":"person-1@example.invalid"}"#);
}

/// A fault that cannot do its work says why, and what was recorded is given.
#[tokio::test]
async fn a_fault_that_does_not_fit_says_so() {
    let mut empty = got("member-1", "/rooms/a/member", "");
    empty.response.as_mut().unwrap().status = 204;
    let mut text = got("member-1", "/rooms/a/member", "");
    text.response.as_mut().unwrap().body = Body::Text("plain".to_owned());
    let object = got("member-1", "/rooms/a/member", r#"{"a":1}"#);
    let number = got("member-1", "/rooms/a/member", "12");
    let hung_up = Exchange { response: None, ..ending(object.clone(), Ended::AnswerCutShort) };
    for (exchange, fault, why) in [
        (&empty, "truncated", "the answer has no body to cut"),
        (&empty, "reset", "the answer has no body to cut"),
        (&text, "malformed_json", "the answer's body is not JSON"),
        (&text, r#"missing_field{"field":"a"}"#, "the answer's body is not JSON"),
        (&number, "malformed_json", "the answer's body is a bare number: half of it is JSON too"),
        (&object, r#"missing_field{"field":"b"}"#, "the answer has no field `b`"),
        (&object, r#"empty_field{"field":"b.c"}"#, "the answer has no field `b` of `b.c`"),
        (&object, r#"empty_field{"field":"a","record":1}"#, "the page has no list `chunk`"),
        (&object, "duplicate_records", "the page has no list `chunk`"),
        (&object, "refresh_refused", "the request carries no `refresh_token`"),
        (&hung_up, "truncated", "no answer came when it was recorded"),
    ] {
        let stand_in = playing(vec![exchange.clone()]).fault(&format!("{fault}@member-1")).start().await;
        let mut client = Client::connect(&stand_in).await;
        client.send(&Ask::get("/rooms/a/member").of_user(&stand_in).bytes()).await;
        client.finish_sending().await;
        let (bytes, end) = client.rest().await;
        let seen = stand_in.seen();
        assert_eq!(seen[0].note, SeenNote::FaultInapplicable(why.to_owned()), "{fault}");
        assert!(seen[0].fault.is_some(), "{fault}");
        let body = exchange.response.as_ref().map(|response| response.body.to_bytes()).unwrap_or_default();
        assert!(bytes.ends_with(&body) && end == End::Fin, "{fault}: {bytes:?}");
    }
}

/// A fault that needs a recorded answer waits while the provider's state refuses.
#[tokio::test]
async fn a_fault_does_not_strike_where_the_state_answers() {
    let stand_in = history_with("truncated@messages-1").await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(client.ask(&page_1().bearer("nobody's")).await.status(), 401);
    assert_eq!(stand_in.seen()[0].fault, None);
    assert_eq!(stand_in.unused_faults().len(), 1);
    let (_, end) = client.ask_to_the_end(&page_1().of_user(&stand_in)).await;
    assert_eq!(end, End::Fin);
    struck(&stand_in, "truncated", &[1]);
}
