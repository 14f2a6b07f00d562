//! Answers that are not what was asked for, as a client of bytes sees them.

use crate::faults::{PAGE_1, comes_whole, history_with, page_1, struck};
use crate::provider::{answered_with, fixture, playing, profile_with, recorded, sending};
use crate::wire::{Ask, Client, End, ask, until};
use counterpart_stand_in::{ErrorForms, SeenNote, Traffic};

cases! {
    answer_lost: the_write_is_done_and_the_retry_finds_it_done,
    answer_lost: the_answer_is_reset_or_closed_on_its_way,
    conflict: the_request_is_in_conflict,
    error_with_200: all_is_well_and_nothing_is,
    gone: it_will_never_be_there_again,
    maintenance_page: a_page_comes_for_people,
    not_found: it_is_not_there,
    redirect_loop: the_client_is_sent_round_and_round,
    server_error: the_provider_says_when_to_come_back,
    too_early: the_provider_fears_a_replay,
    unprocessable: the_provider_will_not_have_it,
}

/// The fault answers with a status, plain at first, in the recorded form where there is one.
async fn refuses_with(fault: &str, status: u16, status_line: &str, meaning: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!(received.status_line, format!("HTTP/1.1 {status_line}"));
    assert_eq!(received.text(), format!(r#"{{"error":"{meaning}"}}"#));
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);

    let described = format!("errors:\n  {fault}: {{status: {status}}}\n");
    let profile = profile_with(&[("errors:\n", &described)]);
    let shown = recorded("member-9", "GET", "/rooms/a/member", status, r#"{"errcode":"THEIRS"}"#);
    let evidence = fixture("evidence", vec![answered_with(shown, "x-evidence", fault)]);
    let mut played = playing(crate::faults::history()).fault(&format!("{fault}@messages-1"));
    played.config.providers[0].forms = ErrorForms::from_evidence(&profile, [&evidence]);
    let stand_in = played.start().await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.text()), (status, r#"{"errcode":"THEIRS"}"#));
    assert_eq!(received.all("x-evidence"), [fault]);
}

async fn it_is_not_there(fault: &str) {
    refuses_with(fault, 404, "404 Not Found", "not found").await;
}

async fn the_request_is_in_conflict(fault: &str) {
    refuses_with(fault, 409, "409 Conflict", "conflict").await;
}

async fn it_will_never_be_there_again(fault: &str) {
    refuses_with(fault, 410, "410 Gone", "gone").await;
}

async fn the_provider_will_not_have_it(fault: &str) {
    refuses_with(fault, 422, "422 Unprocessable Entity", "unprocessable content").await;
}

async fn the_provider_fears_a_replay(fault: &str) {
    refuses_with(fault, 425, "425 Too Early", "too early").await;
}

async fn the_provider_says_when_to_come_back(fault: &str) {
    let stand_in = history_with(&format!(r#"{fault}{{"status":503,"retry_after_s":120}}@messages-1"#)).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.all("retry-after")), (503, vec!["120"]));
    assert_eq!(stand_in.seen()[0].retry_after_s, Some(120));
    struck(&stand_in, fault, &[0]);
}

async fn all_is_well_and_nothing_is(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.text()), (200, r#"{"error":"internal error"}"#));
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);

    let stand_in = history_with(&format!(r#"{fault}{{"body":{{"ok":false}}}}@messages-1"#)).await;
    let received = ask(&stand_in, &page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.text()), (200, r#"{"ok":false}"#));
}

async fn a_page_comes_for_people(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages-1")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&page_1().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.all("content-type")), (200, vec!["text/html; charset=utf-8"]));
    assert!(received.text().starts_with("<!DOCTYPE html>"), "{}", received.text());
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0]);
}

async fn the_client_is_sent_round_and_round(fault: &str) {
    let stand_in = history_with(&format!("{fault}@messages*3")).await;
    let mut client = Client::connect(&stand_in).await;
    let page = Ask::get("/rooms/a/messages?from=p%202");
    for _ in 0..3 {
        let received = client.ask(&page.clone().of_user(&stand_in)).await;
        assert_eq!(received.status_line, "HTTP/1.1 307 Temporary Redirect");
        let location = format!("{}/rooms/a/messages?from=p%202", stand_in.base_url());
        assert_eq!(received.all("location"), [location]);
    }
    comes_whole(&mut client, &stand_in, &page_1(), PAGE_1).await;
    struck(&stand_in, fault, &[0, 1, 2]);
}

fn sent() -> Ask {
    Ask::new("PUT", "/rooms/a/send/t1").json(r#"{"body":"hi"}"#)
}

async fn sending_through(spec: &str) -> counterpart_stand_in::StandIn {
    let write = recorded("send-1", "PUT", "/rooms/a/send/t0", 200, r#"{"id":"e9"}"#);
    playing(vec![sending(write, r#"{"body":"hi"}"#)]).fault(spec).start().await
}

async fn the_write_is_done_and_the_retry_finds_it_done(fault: &str) {
    let stand_in = sending_through(&format!("{fault}@send-1")).await;
    let mut client = Client::connect(&stand_in).await;
    client.send(&sent().of_user(&stand_in).bytes()).await;
    until("the answer to be lost", || stand_in.traffic().held == 1).await;
    assert!(client.is_silent());
    drop(client);
    until("the client to be gone", || stand_in.traffic().answered == 1).await;
    let received = ask(&stand_in, &sent().of_user(&stand_in)).await;
    assert_eq!((received.status(), received.text()), (200, r#"{"id":"e9"}"#));
    let seen = stand_in.seen();
    assert!(matches!(seen[1].note, SeenNote::Behaved(_)), "the key is known: {seen:?}");
    struck(&stand_in, fault, &[0]);
}

async fn the_answer_is_reset_or_closed_on_its_way(fault: &str) {
    for (how, expected) in [("reset", End::Rst), ("close", End::Fin)] {
        let stand_in = sending_through(&format!(r#"{fault}{{"how":"{how}"}}@send-1"#)).await;
        let mut client = Client::connect(&stand_in).await;
        client.send(&sent().of_user(&stand_in).bytes()).await;
        assert_eq!(client.rest().await, (Vec::new(), expected));
        let received = ask(&stand_in, &sent().of_user(&stand_in)).await;
        assert_eq!((received.status(), received.text()), (200, r#"{"id":"e9"}"#));
        assert_eq!(stand_in.traffic(), Traffic { received: 2, answered: 2, ..Traffic::default() });
        struck(&stand_in, fault, &[0]);
    }
}
