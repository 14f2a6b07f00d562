//! A Matrix server with a history of three pages, played by wiremock.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, path_regex, query_param, query_param_is_missing};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use super::ACCESS_TOKEN;

pub(crate) const MESSAGES_PATH: &str = r"^/_matrix/client/v3/rooms/.*/messages$";

pub(crate) fn message(number: u32) -> Value {
    json!({ "type": "m.room.message", "event_id": format!("$e{number}"), "sender": "@ann:example.org",
            "origin_server_ts": 1_000 + number, "content": { "msgtype": "m.text", "body": format!("m{number}") } })
}

pub(crate) fn page(numbers: &[u32], end: Option<&str>) -> Value {
    let chunk: Vec<_> = numbers.iter().map(|number| message(*number)).collect();
    let mut page = json!({ "chunk": chunk, "start": "t0" });
    if let Some(end) = end {
        page["end"] = json!(end);
    }
    page
}

pub(crate) fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub(crate) fn error(status: u16, errcode: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "errcode": errcode, "error": "no" }))
}

pub(crate) fn soft_logout() -> ResponseTemplate {
    let body = json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "expired", "soft_logout": true });
    ResponseTemplate::new(401).set_body_json(body)
}

/// Requests for the page at `cursor`, the newest for `None`.
pub(crate) fn page_at(cursor: Option<&str>) -> MockBuilder {
    let builder = Mock::given(method("GET")).and(path_regex(MESSAGES_PATH));
    match cursor {
        Some(cursor) => builder.and(query_param("from", cursor)),
        None => builder.and(query_param_is_missing("from")),
    }
}

/// Newest first: messages 6 and 5, then 4 and 3, then 2 and 1; for whoever has the first access token.
pub(crate) async fn three_pages() -> MockServer {
    let server = MockServer::start().await;
    mount_pages(&server, ACCESS_TOKEN).await;
    server
}

pub(crate) async fn mount_pages(server: &MockServer, token: &str) {
    let pages = [
        (None, page(&[6, 5], Some("t1"))),
        (Some("t1"), page(&[4, 3], Some("t2"))),
        (Some("t2"), page(&[2, 1], None)),
    ];
    for (cursor, page) in pages {
        let bearer = format!("Bearer {token}");
        page_at(cursor)
            .and(header("authorization", bearer.as_str()))
            .respond_with(ok(page))
            .mount(server)
            .await;
    }
}

/// Answers the next `times` requests for the page at `cursor` with `answer` instead.
pub(crate) async fn inject(server: &MockServer, cursor: Option<&str>, times: u64, answer: ResponseTemplate) {
    page_at(cursor).respond_with(answer).up_to_n_times(times).with_priority(1).mount(server).await;
}

pub(crate) async fn mount_refresh(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path("/_matrix/client/v3/refresh"))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// The requests so far: method, path and query.
pub(crate) async fn requests(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| {
            let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
            format!("{} {}{query}", request.method, request.url.path())
        })
        .collect()
}

/// The bodies of all records of the history, oldest first.
pub(crate) fn whole_history() -> Vec<Value> {
    (1..=6).map(|number| json!(format!("m{number}"))).collect()
}
