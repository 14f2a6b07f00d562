//! Conditional requests over the wire: tags, 304, 412, and what of the recording they use up.

use crate::provider::{Played, answered_with, fixture, got, profile_with, recorded, sending};
use crate::wire::{Ask, Client, Received, ask};
use counterpart_exchange::{Exchange, ProviderProfile};
use counterpart_stand_in::{SeenNote, StandIn};

const MEMBER: &str = "/rooms/a/member";
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn tagged(kind: &str) -> ProviderProfile {
    profile_with(&[
        (
            "pagination:",
            &format!("etags: {{operations: [member, update, remove], kind: {kind}}}\npagination:"),
        ),
        (
            "  create: POST /rooms\n",
            "  create: POST /rooms\n  update: PUT /rooms/{room}/member\n  remove: DELETE /rooms/{room}/member\n",
        ),
    ])
}

async fn start(exchanges: Vec<Exchange>) -> StandIn {
    Played::of(tagged("strong"), vec![fixture("flow", exchanges)]).start().await
}

fn with_tag(exchange: Exchange, tag: &str) -> Exchange {
    answered_with(exchange, "etag", tag)
}

async fn get(stand_in: &StandIn, fields: &[(&str, &str)]) -> Received {
    let asked = Ask::get(MEMBER).of_user(stand_in);
    ask(stand_in, &fields.iter().fold(asked, |asked, (name, value)| asked.header(name, value))).await
}

async fn put(stand_in: &StandIn, fields: &[(&str, &str)]) -> u16 {
    let asked = Ask::new("PUT", MEMBER).of_user(stand_in).json(r#"{"name":"b"}"#);
    ask(stand_in, &fields.iter().fold(asked, |asked, (name, value)| asked.header(name, value))).await.status()
}

fn updated(id: &str) -> Exchange {
    sending(recorded(id, "PUT", MEMBER, 200, r#"{"ok":true}"#), r#"{"name":"b"}"#)
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let first = with_tag(got("member-1", MEMBER, "[1]"), r#""one""#);
    let first = answered_with(answered_with(first, "cache-control", "max-age=0"), "vary", "accept");
    let first = answered_with(answered_with(first, "set-cookie", "a=1"), "last-modified", DATE);
    let second = with_tag(got("member-4", MEMBER, "[2]"), r#""two""#);
    let mut unchanged = recorded("member-2", "GET", MEMBER, 304, "");
    unchanged.request.headers.set("if-none-match", r#""one""#);
    // The recorded 304 is evidence; the third shows the same state as the first.
    let third = with_tag(got("member-3", MEMBER, "[1]"), r#""one""#);
    let stand_in = start(vec![first, unchanged, third, second]).await;
    let mut client = Client::connect(&stand_in).await;
    let asked = Ask::get(MEMBER).of_user(&stand_in);
    let received = client.ask(&asked).await;
    assert_eq!((received.status(), received.all("etag"), received.text()), (200, vec![r#""one""#], "[1]"));

    client.send(&asked.clone().header("if-none-match", r#""zero", W/"one""#).bytes()).await;
    let received = client.head().await;
    assert_eq!(received.status_line, "HTTP/1.1 304 Not Modified");
    assert_eq!(received.headers, [("etag".to_owned(), r#""one""#.to_owned())], "nothing else was recorded");

    // That 304 stood for the third exchange: now the state has changed. A body would be read as the next head.
    let received = client.ask(&asked.clone().header("if-none-match", r#""one""#)).await;
    assert_eq!((received.status(), received.text(), received.all("etag")), (200, "[2]", vec![r#""two""#]));
    client.send(&asked.header("if-none-match", "*").bytes()).await;
    assert_eq!(client.head().await.status(), 304, "the last state stays");

    let seen = stand_in.seen();
    let exchanges: Vec<_> = seen.iter().map(|one| one.exchange.as_deref().unwrap()).collect();
    assert_eq!(
        exchanges,
        ["member-1", "member-3", "member-4", "member-4"].map(|id| format!("rooms/flow#{id}"))
    );
    assert_eq!(seen[1].note, SeenNote::Behaved("not modified: the client has what would be sent"));
}

#[tokio::test]
async fn a_304_repeats_what_caches_need_and_no_more() {
    let exchange = with_tag(got("member-1", MEMBER, "[1]"), r#""one""#);
    let exchange = answered_with(answered_with(exchange, "cache-control", "max-age=0"), "vary", "accept");
    let exchange = answered_with(answered_with(exchange, "expires", DATE), "content-location", "/a");
    let exchange = answered_with(answered_with(exchange, "set-cookie", "a=1"), "last-modified", DATE);
    let stand_in = start(vec![answered_with(exchange, "date", DATE)]).await;
    let received = head(&stand_in, "if-none-match", r#""one""#).await;
    let mut names: Vec<_> = received.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-location", "date", "etag", "expires", "vary"]);
}

/// The head of an answer that has no body.
async fn head(stand_in: &StandIn, name: &str, value: &str) -> Received {
    let mut client = Client::connect(stand_in).await;
    client.send(&Ask::get(MEMBER).of_user(stand_in).header(name, value).bytes()).await;
    client.finish_sending().await;
    let received = client.head().await;
    assert_eq!(client.rest().await.0, b"", "a 304 has no body");
    received
}

#[tokio::test]
async fn a_tag_is_computed_where_none_was_recorded() {
    let weak = Played::of(tagged("weak"), vec![fixture("flow", vec![got("member-1", MEMBER, "[1]")])]);
    let weak = weak.start().await;
    let strong = start(vec![got("member-1", MEMBER, "[1]"), got("member-2", MEMBER, "[2]")]).await;
    let received = get(&strong, &[]).await;
    let tag = received.all("etag")[0].to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(get(&weak, &[]).await.all("etag"), [format!("W/{tag}")], "the same bytes, the same tag");
    assert_eq!(head(&weak, "if-none-match", &tag).await.status(), 304, "weak comparison");
    let changed = get(&strong, &[("if-none-match", &tag)]).await;
    assert_eq!((changed.status(), changed.text()), (200, "[2]"));
    assert_ne!(changed.all("etag"), [tag]);
}

#[tokio::test]
async fn a_date_is_asked_only_where_no_tag_is() {
    let exchanges = vec![answered_with(got("member-1", MEMBER, "[1]"), "last-modified", DATE)];
    let stand_in = start(exchanges).await;
    assert_eq!(head(&stand_in, "if-modified-since", DATE).await.status(), 304);
    let both = [("if-modified-since", DATE), ("if-none-match", r#""other""#)];
    assert_eq!(get(&stand_in, &both).await.status(), 200);
    let earlier = get(&stand_in, &[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]).await;
    assert_eq!(earlier.status(), 200);
}

#[tokio::test]
async fn a_write_over_what_its_sender_has_not_seen_is_refused_and_consumes_nothing() {
    let read = with_tag(got("member-1", MEMBER, "[1]"), r#""one""#);
    let read_again = with_tag(got("member-2", MEMBER, "[2]"), r#""two""#);
    let stand_in = start(vec![read, updated("update-1"), read_again, updated("update-2")]).await;
    assert_eq!(get(&stand_in, &[]).await.status(), 200);
    assert_eq!(put(&stand_in, &[("if-match", r#""zero""#)]).await, 412);
    assert_eq!(put(&stand_in, &[("if-match", r#"W/"one""#)]).await, 412, "strong comparison");
    assert_eq!(put(&stand_in, &[("if-match", r#""one""#)]).await, 200);
    assert_eq!(put(&stand_in, &[("if-match", r#""one""#)]).await, 412, "it has changed since");
    assert_eq!(get(&stand_in, &[]).await.all("etag"), [r#""two""#]);
    assert_eq!(put(&stand_in, &[("if-match", r#""zero", "two""#)]).await, 200);
    let refused = &stand_in.seen()[1];
    let why = "refused: the resource is not in the state that the request asks for";
    assert_eq!(refused.note, SeenNote::Behaved(why));
}

#[tokio::test]
async fn what_is_there_at_the_beginning_is_learnt_from_the_recording() {
    // The read comes later than the write that knew its tag; a recorded 412 is evidence.
    let refused = sending(recorded("update-0", "PUT", MEMBER, 412, ""), r#"{"name":"b"}"#);
    let mut write = updated("update-1");
    write.request.headers.set("if-match", r#""one""#);
    let stand_in = start(vec![refused, write]).await;
    assert_eq!(put(&stand_in, &[("if-match", r#""two""#)]).await, 412);
    assert_eq!(put(&stand_in, &[("if-none-match", "*")]).await, 412, "it is there already");
    assert_eq!(put(&stand_in, &[("if-match", r#""one""#)]).await, 200);
}

#[tokio::test]
async fn what_was_deleted_matches_nothing() {
    let read = with_tag(got("member-1", MEMBER, "[1]"), r#""one""#);
    let removed = recorded("remove-1", "DELETE", MEMBER, 204, "");
    let stand_in = start(vec![read, removed, updated("update-1")]).await;
    let delete = Ask::new("DELETE", MEMBER).of_user(&stand_in).header("if-match", r#""one""#);
    let mut client = Client::connect(&stand_in).await;
    client.send(&delete.bytes()).await;
    assert_eq!(client.head().await.status(), 204);
    assert_eq!(put(&stand_in, &[("if-match", "*")]).await, 412);
    assert_eq!(put(&stand_in, &[("if-none-match", "*")]).await, 200);
}

#[tokio::test]
async fn other_operations_and_errors_know_no_conditions() {
    let exchanges = vec![
        recorded("member-1", "GET", MEMBER, 404, "[0]"),
        with_tag(got("find-1", "/find/a", "[1]"), r#""one""#),
        recorded("find-2", "GET", "/find/a", 304, ""),
    ];
    let stand_in = start(exchanges).await;
    let received = get(&stand_in, &[("if-none-match", "*"), ("if-match", r#""x""#)]).await;
    assert_eq!((received.status(), received.all("etag").len()), (404, 0));
    let found = ask(&stand_in, &Ask::get("/find/a").header("if-none-match", r#""one""#)).await;
    assert_eq!(found.status(), 200, "not declared: played as recorded");
}

#[tokio::test]
async fn a_fault_that_needs_a_recorded_answer_has_no_occasion_at_a_304() {
    let exchanges = vec![with_tag(got("member-1", MEMBER, "[1]"), r#""one""#)];
    let played = Played::of(tagged("strong"), vec![fixture("flow", exchanges)]);
    let stand_in = played.fault("truncated@member-1").start().await;
    assert_eq!(head(&stand_in, "if-none-match", r#""one""#).await.status(), 304);
    assert_eq!(stand_in.unused_faults().len(), 1);
}
