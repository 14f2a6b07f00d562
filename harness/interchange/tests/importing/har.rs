//! HAR 1.2.

use crate::{imported, refused, shown};
use counterpart_exchange::Ended;
use counterpart_interchange::Format;

/// A HAR of entries.
pub(crate) fn har(entries: &str) -> String {
    format!(r#"{{"log": {{"version": "1.2", "creator": {{"name": "x"}}, "entries": [{entries}]}}}}"#)
}

fn entry(request: &str, response: &str) -> String {
    let time = r#""startedDateTime": "2024-05-01T10:00:00.000Z", "time": 1"#;
    let request = format!(r#"{{"method": "POST", "url": "https://api.example.com/x", {request}}}"#);
    format!(r#"{{{time}, "request": {request}, "response": {{"status": 200, {response}}}}}"#)
}

fn of_entry(request: &str, response: &str) -> String {
    shown(&imported(Format::Har, &har(&entry(request, response))))
}

#[test]
fn what_is_of_an_exchange_is_taken_over() {
    let text = r#"{"log": {"pages": [{"startedDateTime": "2024-05-01T12:00:00.000+02:00", "id": "p"}], "entries": [
      {"startedDateTime": "2024-05-01T10:00:02.500Z", "time": 3.7, "_initiator": {}, "cache": {}, "timings": {},
       "request": {"method": "post", "url": "https://api.example.com:443/orders?x=1#top", "httpVersion": "h2",
         "headers": [{"name": ":authority", "value": "api.example.com"}, {"name": ":path", "value": "/orders"},
           {"name": "Ma<X>-Age", "value": "1"}, {"name": "X-Bell", "value": "\u0007"}, {"name": "X-Folded", "value": "a\r\n  b"},
           {"name": "Accept", "value": "a"}, {"name": "accept", "value": "b"}, {"name": "Connection", "value": "close"}],
         "cookies": [{"name": "sid", "value": "1"}, {"name": "t", "value": "2"}],
         "postData": {"mimeType": "application/json", "text": "{\"a\": 1.0}"}},
       "response": {"status": 201, "headers": [{"name": "Content-Encoding", "value": "br"},
           {"name": "Content-Length", "value": "9"}, {"name": "Set-Cookie", "value": "a=1; Path=/\nb=2"}],
         "cookies": [{"name": "ignored", "value": "for the header says it"}],
         "content": {"size": 11.0, "mimeType": "application/json", "text": "eyJpZCI6IDEwMH0=", "encoding": "base64"}}},
      {"startedDateTime": "2024-05-01T10:00:01", "time": -1,
       "request": {"method": "GET", "url": "https://api.example.com/list", "queryString": [{"name": "q", "value": "a b"}]},
       "response": {"status": 304, "cookies": [{"name": "c", "value": "3"}], "content": {"size": 0}}}
    ]}}"#;
    insta::assert_snapshot!(shown(&imported(Format::Har, text)), @r#"
    GET /list?q=a+b (at 1000 ms, 0 ms)
       host: api.example.com
    -> 304
       set-cookie: c=3
    POST /orders?x=1 (at 2500 ms, 4 ms)
       host: api.example.com
       x-folded: a b
       accept: a
       accept: b
       cookie: sid=1; t=2
       JSON {"a":1.0}
    -> 201
       set-cookie: a=1; Path=/
       set-cookie: b=2
       JSON {"id":100}
    LOSS exchange 1: header fields whose names are damaged
    LOSS exchange 1: a value of the header field `x-bell`: it holds control characters
    WARNING exchange 1: a body is kept unpacked, without `content-encoding` and `content-length`
    "#);
}

#[test]
fn a_body_is_taken_from_where_it_stands() {
    let form = r#""postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "1&2"}, {"name": "c"}]}"#;
    let text_first = r#""postData": {"mimeType": "text/plain", "text": "as sent", "params": [{"name": "a", "value": "b"}]}"#;
    let multipart = r#""bodySize": 99, "postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "f", "fileName": "a.png"}]}"#;
    let lacking = r#""headers": [{"name": "content-length", "value": "12"}]"#;
    insta::assert_snapshot!(
        [
            of_entry(form, r#""content": {"size": 1, "text": "x"}"#),
            of_entry(text_first, r#""content": {"size": 900, "text": "cut"}"#),
            of_entry(multipart, r#""content": {"mimeType": "image/png", "comment": "not included"}"#),
            of_entry(lacking, r#""content": {"size": 44, "mimeType": "text/html"}"#),
            of_entry(r#""headers": []"#, r#""content": {"size": 3, "text": "%%%", "encoding": "base64"}"#),
        ]
        .join("--\n"),
        @r#"
    POST /x (at 0 ms, 1 ms)
       host: api.example.com
       Form([("a b", "1&2"), ("c", "")])
    -> 200
       Text("x")
    --
    POST /x (at 0 ms, 1 ms)
       host: api.example.com
       Text("as sent")
    -> 200
       Omitted { size_bytes: 900 }
    LOSS exchange 1: the body of the response: only a part of it is in the file
    --
    POST /x (at 0 ms, 1 ms)
       host: api.example.com
       Omitted { size_bytes: 99 }
    -> 200
       Omitted { size_bytes: 0 }
    LOSS exchange 1: the multipart body of the request: of its parts only names and values are there
    LOSS exchange 1: the body of the response: it is not in the file
    --
    POST /x (at 0 ms, 1 ms)
       host: api.example.com
       content-length: 12
       Omitted { size_bytes: 12 }
    -> 200
       Omitted { size_bytes: 44 }
    LOSS exchange 1: the body of the request: it is not in the file
    LOSS exchange 1: the body of the response: it is not in the file
    --
    POST /x (at 0 ms, 1 ms)
       host: api.example.com
    -> 200
       Text("%%%")
    WARNING exchange 1: a body says that it is base64 and is not, so it is kept as text
    "#
    );
}

#[test]
fn what_ended_badly_is_kept_as_that() {
    for (status, error, ended) in [
        (0, "", Ended::ClientWentAway),
        (0, "net::ERR_ABORTED", Ended::ClientWentAway),
        (0, "net::ERR_NAME_NOT_RESOLVED", Ended::Unreachable),
        (0, "net::ERR_CONNECTION_REFUSED", Ended::Unreachable),
        (0, "net::ERR_EMPTY_RESPONSE", Ended::AnswerCutShort),
        (200, "net::ERR_INCOMPLETE_CHUNKED_ENCODING", Ended::AnswerCutShort),
        (200, "", Ended::Complete),
    ] {
        let entry = format!(
            r#"{{"request": {{"method": "GET", "url": "http://h/"}}, "response": {{"status": {status}, "_error": "{error}"}}}}"#
        );
        let exchange = &imported(Format::Har, &har(&entry)).exchanges[0];
        assert_eq!((exchange.ended, exchange.response.is_some()), (ended, status != 0), "{status} {error}");
    }
}

#[test]
fn what_did_not_go_over_http_is_a_loss() {
    let entries = r#"
      {"startedDateTime": "2024-05-01T10:00:00Z", "request": {"method": "GET", "url": "data:text/plain,x"}},
      {"startedDateTime": "2024-05-01T10:00:00Z", "request": {"method": "GET", "url": "wss://h/s"},
       "response": {"status": 101}, "_webSocketMessages": [{"type": "send", "data": "hi"}]},
      {"request": {"method": "GET", "url": "http://user:pass@other/"}, "response": {"status": 200}, "_fromCache": "disk"}"#;
    insta::assert_snapshot!(shown(&imported(Format::Har, &har(entries))), @r"
    GET /s (at 0 ms, 0 ms)
       host: h
    -> 101
    GET / (at 0 ms, 0 ms)
       host: other
       authorization: Basic dXNlcjpwYXNz
    -> 200
    LOSS exchange 1: the entry: it did not go over HTTP
    LOSS exchange 2: the messages of the WebSocket
    WARNING went to several hosts (h, other); a fixture is of one provider, and keeps of each only the `host` header
    WARNING exchange 3: `startedDateTime` is missing or damaged, so the time of a request is not known
    WARNING exchange 3: an answer came out of the browser's cache
    ");
}

#[test]
fn a_byte_order_mark_is_allowed() {
    let text = format!("\u{feff}{}", har(&entry(r#""headers": []"#, r#""headers": []"#)));
    assert_eq!(imported(Format::Har, &text).exchanges.len(), 1);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_values() {
    let errors = [
        refused(Format::Har, "[]"),
        refused(Format::Har, r#"{"log": {"version": "1.2"}}"#),
        refused(Format::Har, "{\"log\": {\"entries\": [\n  {\"request\": {\"method\": \"GET\"}}\n]}}"),
        refused(Format::Har, har(r#"{"request": {"method": "GET", "url": "sk_live_1"}}"#)),
        refused(Format::Har, har(r#"{"request": {"method": "G E T", "url": "http://h/"}}"#)),
        refused(
            Format::Har,
            har(&entry(r#""headers": [{"name": "a", "value": [4242]}]"#, r#""headers": []"#)),
        ),
        refused(
            Format::Har,
            har(r#"{"request": {"method": "GET", "url": "http://h/"}, "response": {"status": 20000}}"#),
        ),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    recorded.file:1:2: invalid type: sequence, expected an object; expected a HAR file: an object with `log.entries`
    recorded.file:1:26: missing field `entries`; expected a HAR file: an object with `log.entries`
    recorded.file:2:31: missing field `url`; expected an entry of a HAR: `request`, `response`, `startedDateTime`, `time`
    recorded.file:1:66: exchange 1: the URL has neither a scheme nor a path; expected http(s)://host/path; mend or take out this exchange
    recorded.file:1:66: exchange 1: the method is not one; expected a word such as GET
    recorded.file:1:226: invalid type: sequence, expected a string; expected an entry of a HAR: `request`, `response`, `startedDateTime`, `time`
    recorded.file:1:66: exchange 1: 20000 is no status; expected 100 to 999
    ");
}
