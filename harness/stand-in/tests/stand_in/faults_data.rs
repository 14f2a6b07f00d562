//! The faults of the data, on recorded pages and on state, as a client of bytes sees them.

use crate::faults::struck;
use crate::provider::{Played, fixture, got, profile_of, profile_with, recorded, sending};
use crate::wire::{Ask, Client, Received, ask};
use counterpart_exchange::Exchange;
use counterpart_stand_in::{SeenNote, StandIn};
use serde_json::{Value, json};

cases! {
    archived_record: a_record_is_archived_in_state_for_good,
    archived_record: a_recorded_answer_is_marked_once,
    clock_skew: the_date_and_the_times_are_off,
    cursor_loop: a_recorded_page_leads_back_to_itself,
    cursor_loop: a_page_of_state_leads_back_to_itself,
    deleted_record: a_record_of_state_is_gone_for_good,
    deleted_record: a_recorded_record_is_gone_for_good,
    expired_cursor: a_recorded_cursor_is_refused_until_the_list_is_begun_anew,
    expired_cursor: a_cursor_of_state_is_refused_until_the_list_is_begun_anew,
    out_of_order: the_records_of_a_page_come_in_another_order,
    shifting_pages: a_recorded_page_has_moved,
    shifting_pages: the_pages_of_state_move_for_good,
    stale_read: a_write_to_state_is_not_seen_yet,
    stale_read: the_recorded_answer_of_before_comes_once_more,
}

const PAGING: &str = "pagination: {operations: [messages], items: chunk}";
const CURSORS: &str =
    "pagination: {operations: [messages], items: chunk, by: {cursor: {query: from}}, next: [{value: end}]}";
const MESSAGES: &str = "/rooms/a/messages";
const PAGE_1: &str = r#"{"chunk":[{"id":"e1","size":1.50},{"id":"e2","size":2}],"end":"p2"}"#;
const PAGE_2: &str = r#"{"chunk":[{"id":"e3","size":3},{"id":"e4","size":4}],"end":"p3"}"#;

/// Recorded pages whose cursors the profile names, with one fault.
async fn pages(spec: &str) -> StandIn {
    let exchanges = vec![
        got("messages-1", MESSAGES, PAGE_1),
        got("messages-2", "/rooms/a/messages?from=p2", PAGE_2),
        got("member-1", "/rooms/a/member", r#"{"id":"m1","joined":false}"#),
        got("member-2", "/rooms/a/member", r#"{"id":"m1","joined":true}"#),
    ];
    Played::of(profile_with(&[(PAGING, CURSORS)]), vec![fixture("flow", exchanges)]).fault(spec).start().await
}

/// The same data as state: messages that are listed, read and changed.
fn state(by: &str) -> Played {
    let text = "
counterpart: provider/1
provider: rooms
operations:
  messages: GET /rooms/{room}/messages
  message: GET /rooms/{room}/messages/{id}
  change: PUT /rooms/{room}/messages/{id}
pagination:
  operations: [messages]
  items: chunk
  by: BY
  size: {default: 2}
  next: [{value: end}]
resources:
  message:
    id: id
    read: message
    update: [change]
    list: messages
    archived: {field: hidden, in_list: hidden}
";
    let all = r#"{"chunk":[{"id":"e1","size":1},{"id":"e2","size":2},{"id":"e3","size":3},{"id":"e4","size":4},{"id":"e5","size":5}]}"#;
    let change = sending(
        recorded("change-1", "PUT", "/rooms/a/messages/e1", 200, r#"{"id":"e1","size":1}"#),
        r#"{"size":1}"#,
    );
    let exchanges: Vec<Exchange> = vec![got("messages-1", MESSAGES, all), change];
    Played::of(profile_of(&text.replace("BY", by)), vec![fixture("flow", exchanges)])
}

const BY_CURSOR: &str = "{cursor: {query: from}}";
const BY_OFFSET: &str = "{offset: {query: from}}";

fn ids(page: &Received) -> Vec<String> {
    assert_eq!(page.status(), 200, "{}", page.text());
    let records = page.json()["chunk"].as_array().cloned().unwrap();
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

async fn get(client: &mut Client, stand_in: &StandIn, target: &str) -> Received {
    let ask = Ask::get(target);
    client.ask(&if stand_in.credentials().access_token.is_some() { ask.of_user(stand_in) } else { ask }).await
}

/// The pages that follow one another by what they say, so many at most.
async fn walk(client: &mut Client, stand_in: &StandIn, most: usize) -> Vec<Vec<String>> {
    let (mut pages, mut target) = (Vec::new(), MESSAGES.to_owned());
    for _ in 0..most {
        let page = get(client, stand_in, &target).await;
        pages.push(ids(&page));
        match &page.json()["end"] {
            Value::Null => break,
            Value::String(end) => target = format!("{MESSAGES}?from={end}"),
            number => target = format!("{MESSAGES}?from={number}"),
        }
    }
    pages
}

async fn the_records_of_a_page_come_in_another_order(fault: &str) {
    for (parameters, order) in [
        ("", ["e4", "e3"]),
        (r#"{"order":"reversed"}"#, ["e4", "e3"]),
        (r#"{"order":"first_last"}"#, ["e4", "e3"]),
    ] {
        let stand_in = pages(&format!("{fault}{parameters}@messages-2")).await;
        let mut client = Client::connect(&stand_in).await;
        assert_eq!(get(&mut client, &stand_in, MESSAGES).await.text(), PAGE_1);
        assert_eq!(ids(&get(&mut client, &stand_in, "/rooms/a/messages?from=p2").await), order);
        struck(&stand_in, fault, &[1]);
    }
    let stand_in =
        state(BY_CURSOR).fault(&format!(r#"{fault}{{"order":"first_last"}}@messages-1"#)).start().await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(walk(&mut client, &stand_in, 9).await, [vec!["e2", "e1"], vec!["e3", "e4"], vec!["e5"]]);
    struck(&stand_in, fault, &[0]);
}

async fn a_recorded_page_leads_back_to_itself(fault: &str) {
    let stand_in = pages(&format!("{fault}@messages-2")).await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(walk(&mut client, &stand_in, 3).await, [["e1", "e2"], ["e3", "e4"], ["e3", "e4"]]);
    struck(&stand_in, fault, &[1]);
}

async fn a_page_of_state_leads_back_to_itself(fault: &str) {
    for by in [BY_CURSOR, BY_OFFSET] {
        let stand_in = state(by).fault(&format!("{fault}@messages*2")).start().await;
        let mut client = Client::connect(&stand_in).await;
        let walked = walk(&mut client, &stand_in, 4).await;
        assert_eq!(walked, [["e1", "e2"], ["e1", "e2"], ["e1", "e2"], ["e3", "e4"]], "{by}");
        struck(&stand_in, fault, &[0, 1]);
    }
}

async fn a_recorded_cursor_is_refused_until_the_list_is_begun_anew(fault: &str) {
    let stand_in = pages(&format!("{fault}@messages-2")).await;
    let mut client = Client::connect(&stand_in).await;
    for _ in 0..2 {
        let refused = get(&mut client, &stand_in, "/rooms/a/messages?from=p2").await;
        assert_eq!(refused.status_line, "HTTP/1.1 410 Gone");
    }
    assert_eq!(walk(&mut client, &stand_in, 2).await, [["e1", "e2"], ["e3", "e4"]]);
    struck(&stand_in, fault, &[0]);
}

async fn a_cursor_of_state_is_refused_until_the_list_is_begun_anew(fault: &str) {
    let stand_in =
        state(BY_CURSOR).planned(serde_json_fault(fault, &json!({"status": 400}), 2)).start().await;
    let mut client = Client::connect(&stand_in).await;
    let first = get(&mut client, &stand_in, MESSAGES).await;
    let next = format!("{MESSAGES}?from={}", first.json()["end"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(get(&mut client, &stand_in, &next).await.status_line, "HTTP/1.1 400 Bad Request");
    }
    assert_eq!(walk(&mut client, &stand_in, 9).await.concat(), ["e1", "e2", "e3", "e4", "e5"]);
    struck(&stand_in, fault, &[1]);
}

/// A fault at the n-th request to `messages`.
fn serde_json_fault(name: &str, parameters: &Value, nth: u64) -> counterpart_stand_in::PlannedFault {
    counterpart_stand_in::PlannedFault {
        at: counterpart_stand_in::FaultSite::Request {
            to: "messages".parse().unwrap(),
            nth: std::num::NonZeroU64::new(nth),
        },
        times: counterpart_stand_in::Times::default(),
        inject: counterpart_stand_in::Fault::named(name, parameters.clone()).unwrap(),
    }
}

async fn a_recorded_page_has_moved(fault: &str) {
    for (item, second) in [("inserted", vec!["e2", "e3", "e4"]), ("removed", vec!["e4"])] {
        let stand_in = pages(&format!(r#"{fault}{{"item":"{item}"}}@messages-2"#)).await;
        let mut client = Client::connect(&stand_in).await;
        let walked = walk(&mut client, &stand_in, 2).await;
        assert_eq!(walked, [vec!["e1", "e2"], second], "{item}");
        struck(&stand_in, fault, &[1]);
    }
}

async fn the_pages_of_state_move_for_good(fault: &str) {
    for (item, expected) in [
        ("inserted", vec![vec!["e1", "e2"], vec!["e2", "e3"], vec!["e4", "e5"]]),
        ("removed", vec![vec!["e1", "e2"], vec!["e4", "e5"]]),
    ] {
        let fault_there = serde_json_fault(fault, &json!({ "item": item }), 2);
        let stand_in = state(BY_OFFSET).planned(fault_there).start().await;
        let mut client = Client::connect(&stand_in).await;
        assert_eq!(walk(&mut client, &stand_in, 9).await, expected, "{item}");
        struck(&stand_in, fault, &[1]);
        let again = walk(&mut client, &stand_in, 9).await.concat();
        assert_eq!(again.len(), if item == "inserted" { 6 } else { 4 }, "the list has changed: {again:?}");
    }
    // A cursor holds its place: there the page alone is changed.
    let stand_in = state(BY_CURSOR).planned(serde_json_fault(fault, &json!({}), 2)).start().await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(walk(&mut client, &stand_in, 9).await, [vec!["e1", "e2"], vec!["e2", "e3", "e4"], vec!["e5"]]);
}

async fn a_write_to_state_is_not_seen_yet(fault: &str) {
    for (parameters, reads) in [("", 1), (r#"{"for":{"reads":2}}"#, 2)] {
        let stand_in = state(BY_OFFSET).fault(&format!("{fault}{parameters}@message")).start().await;
        let mut client = Client::connect(&stand_in).await;
        client.ask(&Ask::new("PUT", "/rooms/a/messages/e2").json(r#"{"size":7}"#)).await;
        for read in 0..4 {
            let shown = get(&mut client, &stand_in, "/rooms/a/messages/e2").await.json()["size"].clone();
            assert_eq!(shown, if read < reads { 2 } else { 7 }, "read {read}");
        }
        struck(&stand_in, fault, &[1]);
    }
    let stand_in =
        state(BY_OFFSET).fault(&format!(r#"{fault}{{"for":{{"seconds":30}}}}@messages"#)).start().await;
    let mut client = Client::connect(&stand_in).await;
    client.ask(&Ask::new("PUT", "/rooms/a/messages/e2").json(r#"{"size":7}"#)).await;
    for (at_s, size) in [(0, 2), (29, 2), (30, 7)] {
        stand_in.clock().advance_to(jiff::Timestamp::from_second(at_s).unwrap());
        let page = get(&mut client, &stand_in, MESSAGES).await.json();
        assert_eq!(page["chunk"][1]["size"], size, "after {at_s} s");
    }
}

async fn the_recorded_answer_of_before_comes_once_more(fault: &str) {
    let stand_in = pages(&format!("{fault}@member-2")).await;
    let mut client = Client::connect(&stand_in).await;
    for joined in [false, false, true] {
        assert_eq!(get(&mut client, &stand_in, "/rooms/a/member").await.json()["joined"], joined);
    }
    struck(&stand_in, fault, &[1]);
}

async fn a_record_is_archived_in_state_for_good(fault: &str) {
    let stand_in = state(BY_OFFSET).fault(&format!(r#"{fault}{{"record":2}}@messages"#)).start().await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(walk(&mut client, &stand_in, 9).await.concat(), ["e1", "e3", "e4", "e5"]);
    assert_eq!(get(&mut client, &stand_in, "/rooms/a/messages/e2").await.json()["hidden"], true);
    struck(&stand_in, fault, &[0]);
}

async fn a_recorded_answer_is_marked_once(fault: &str) {
    let stand_in = pages(&format!(r#"{fault}{{"record":2,"field":"archived"}}@messages-1"#)).await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(
        get(&mut client, &stand_in, MESSAGES).await.text(),
        r#"{"chunk":[{"id":"e1","size":1.50},{"id":"e2","size":2,"archived":true}],"end":"p2"}"#
    );
    assert_eq!(get(&mut client, &stand_in, MESSAGES).await.text(), PAGE_1);
    struck(&stand_in, fault, &[0]);
    let stand_in = pages(&format!(r#"{fault}{{"field":"state.archived"}}@member-1"#)).await;
    let received = ask(&stand_in, &Ask::get("/rooms/a/member").of_user(&stand_in)).await;
    assert_eq!(received.text(), r#"{"id":"m1","joined":false,"state":{"archived":true}}"#);
}

async fn a_record_of_state_is_gone_for_good(fault: &str) {
    let stand_in = state(BY_OFFSET).fault(&format!(r#"{fault}{{"read":"gone"}}@message"#)).start().await;
    let mut client = Client::connect(&stand_in).await;
    for _ in 0..2 {
        let refused = get(&mut client, &stand_in, "/rooms/a/messages/e2").await;
        assert_eq!(refused.status_line, "HTTP/1.1 410 Gone");
    }
    assert_eq!(walk(&mut client, &stand_in, 9).await.concat(), ["e1", "e3", "e4", "e5"]);
    struck(&stand_in, fault, &[0]);

    let spec = format!(r#"{fault}{{"record":1,"in_list":{{"tombstone":"deleted"}}}}@messages"#);
    let stand_in = state(BY_OFFSET).fault(&spec).start().await;
    let mut client = Client::connect(&stand_in).await;
    let page = get(&mut client, &stand_in, MESSAGES).await;
    assert_eq!(page.json()["chunk"], json!([{"id":"e1","deleted":true},{"id":"e2","size":2}]));
    assert_eq!(get(&mut client, &stand_in, "/rooms/a/messages/e1").await.status(), 404);
}

async fn a_recorded_record_is_gone_for_good(fault: &str) {
    let stand_in = pages(&format!("{fault}@member-1")).await;
    let mut client = Client::connect(&stand_in).await;
    for _ in 0..2 {
        assert_eq!(get(&mut client, &stand_in, "/rooms/a/member").await.status(), 404);
    }
    struck(&stand_in, fault, &[0]);
    for (in_list, chunk) in [
        (r#""absent""#, json!([{"id":"e1","size":1.5}])),
        (r#"{"tombstone":"deleted"}"#, json!([{"id":"e1","size":1.5},{"id":"e2","deleted":true}])),
    ] {
        let stand_in = pages(&format!(r#"{fault}{{"record":2,"in_list":{in_list}}}@messages-1"#)).await;
        let received = ask(&stand_in, &Ask::get(MESSAGES).of_user(&stand_in)).await;
        assert_eq!(received.json()["chunk"], chunk);
    }
}

async fn the_date_and_the_times_are_off(fault: &str) {
    let answer = r#"{"at":"2024-03-01T12:00:00.50+02:00","n":1709290800,"text":"2024 was","v":1.50}"#;
    for (seconds, date, at) in [
        (3_600, "Thu, 01 Jan 1970 01:00:00 GMT", "2024-03-01T13:00:00.50+02:00"),
        (-86_400, "Wed, 31 Dec 1969 00:00:00 GMT", "2024-02-29T12:00:00.50+02:00"),
    ] {
        let exchanges = vec![got("member-1", "/rooms/a/member", answer)];
        let stand_in = Played::of(crate::provider::profile(), vec![fixture("flow", exchanges)])
            .fault(&format!(r#"{fault}{{"seconds":{seconds}}}@member-1"#))
            .start()
            .await;
        let received = ask(&stand_in, &Ask::get("/rooms/a/member").of_user(&stand_in)).await;
        assert_eq!(received.all("date"), [date]);
        assert_eq!(received.text(), answer.replace("2024-03-01T12:00:00.50+02:00", at), "and nothing else");
        struck(&stand_in, fault, &[0]);
    }
}

/// A fault that cannot do its work says why, and the answer is as it would have been.
#[tokio::test]
async fn a_fault_of_the_data_that_does_not_fit_says_so() {
    for (fault, why) in [
        ("out_of_order@member-1", "the page has no list `chunk`"),
        ("expired_cursor@messages-1", "the request carries no cursor: it asks for the first page"),
        (
            "expired_cursor@member-1",
            "the provider profile does not say that this operation pages (`pagination`)",
        ),
        ("cursor_loop@messages-1", "the first page has no recorded cursor that leads back to it"),
        ("shifting_pages@messages-1", "no page came before this one, so nothing can have moved between them"),
        ("stale_read@member-1", "the same was not read before, so there is no older state to show"),
        ("archived_record@messages-1", "the fault needs `field`: state does not play this operation"),
        (r#"deleted_record{"record":3}@messages-1"#, "the page has no record 3; it has 2, counted from 1"),
    ] {
        let stand_in = pages(fault).await;
        let target = if fault.ends_with("member-1") { "/rooms/a/member" } else { MESSAGES };
        let received = ask(&stand_in, &Ask::get(target).of_user(&stand_in)).await;
        assert_eq!(received.status(), 200, "{fault}");
        assert_eq!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(why.to_owned()), "{fault}");
    }
    for (by, fault, why) in [
        (BY_OFFSET, "expired_cursor@messages", "the provider pages by number: there is no cursor"),
        (BY_OFFSET, "stale_read@messages", "nothing was written yet, so there is no older state to show"),
        (
            BY_OFFSET,
            "shifting_pages@messages",
            "no page came before this one, so nothing can have moved between them",
        ),
        (
            BY_CURSOR,
            r#"archived_record{"record":0}@messages"#,
            "the page has no record 0; it has 2, counted from 1",
        ),
    ] {
        let stand_in = state(by).fault(fault).start().await;
        let mut client = Client::connect(&stand_in).await;
        assert_eq!(ids(&get(&mut client, &stand_in, MESSAGES).await), ["e1", "e2"], "{fault}");
        assert_eq!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(why.to_owned()), "{fault}");
    }
    // A fault that spoils an answer on its way has changed nothing.
    let stand_in = state(BY_OFFSET).fault("truncated@change").start().await;
    let mut client = Client::connect(&stand_in).await;
    let put = Ask::new("PUT", "/rooms/a/messages/e2").json(r#"{"size":7}"#);
    client.ask_to_the_end(&put).await;
    let mut client = Client::connect(&stand_in).await;
    assert_eq!(get(&mut client, &stand_in, "/rooms/a/messages/e2").await.json()["size"], 2);
    assert_eq!(client.ask(&put).await.json()["size"], 7);
}
