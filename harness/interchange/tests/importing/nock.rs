//! Recorded definitions of nock.

use crate::{imported, refused, shown};
use counterpart_interchange::Format;

#[test]
fn recorded_definitions() {
    let text = r#"[
      {"scope": "https://api.example.com:443", "method": "POST", "path": "/orders?x=1", "body": {"b": 1.0, "a": [1]},
       "status": 201, "response": {"id": 7.10}, "rawHeaders": ["Content-Type", "application/json", "Set-Cookie", "a=1", "Set-Cookie", "b=2"],
       "reqheaders": {"accept": "*/*", "x-list": ["1", "2"], "x-number": 5}, "responseIsBinary": false},
      {"scope": "http://h:8080", "method": "GET", "path": "/bin", "body": "", "status": 200, "response": "cafe00ff",
       "headers": {"content-type": "application/octet-stream"}, "responseIsBinary": true},
      {"scope": "https://h", "path": "/zipped", "response": ["1f8b0800000000000003cb48cdc9c907", "0086a6103605000000"],
       "rawHeaders": {"content-encoding": "gzip"}},
      {"scope": "https://h", "path": "/text", "body": "a=1", "response": "plain", "options": {"badheaders": ["x"]}, "reqheaders": {"content-type": "application/x-www-form-urlencoded"}},
      {"scope": "https://h", "path": "/list", "body": ["x"], "response": ["1f", "8b"]}
    ]"#;
    insta::assert_snapshot!(shown(&imported(Format::Nock, text)), @r#"
    POST /orders?x=1 (at 0 ms, 0 ms)
       host: api.example.com
       accept: */*
       x-list: 1
       x-list: 2
       x-number: 5
       JSON {"b":1.0,"a":[1]}
    -> 201
       content-type: application/json
       set-cookie: a=1
       set-cookie: b=2
       JSON {"id":7.10}
    GET /bin (at 0 ms, 0 ms)
       host: h:8080
    -> 200
       content-type: application/octet-stream
       Binary([202, 254, 0, 255])
    GET /zipped (at 0 ms, 0 ms)
       host: h
    -> 200
       Text("hello")
    GET /text (at 0 ms, 0 ms)
       host: h
       content-type: application/x-www-form-urlencoded
       Form([("a", "1")])
    -> 200
       Text("plain")
    GET /list (at 0 ms, 0 ms)
       host: h
       JSON ["x"]
    -> 200
       JSON ["1f","8b"]
    LOSS exchange 4: `options` and `badheaders`: they say when the definition fits, not what happened
    WARNING went to several hosts (api.example.com, h, h:8080); a fixture is of one provider, and keeps of each only the `host` header
    WARNING exchange 3: a body is kept unpacked, without `content-encoding` and `content-length`
    "#);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_values() {
    let errors = [
        refused(Format::Nock, "{}"),
        refused(Format::Nock, "[\n {\"scope\": \"https://h\"}]"),
        refused(
            Format::Nock,
            "[\n {\"scope\": \"https://h\", \"path\": \"/\",\n \"responseIsBinary\": true, \"response\": \"sk_live\"}]",
        ),
        refused(Format::Nock, "[{\"scope\": \"https://h\", \"path\": \"/\", \"rawHeaders\": [\"a\"]}]"),
        refused(Format::Nock, "[{\"scope\": \"https://h\", \"path\": \"/\", \"status\": -1}]"),
        refused(Format::Nock, "[{\"scope\": \"\", \"path\": \"sk_live\"}]"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    recorded.file:1:1: invalid type: map, expected a sequence; expected a list of definitions of nock: `[{"scope": ..., "path": ...}]`
    recorded.file:2:23: missing field `path`; expected a definition of nock: `scope`, `method`, `path`, `status`, `response`
    recorded.file:3:40: a binary body that is not hexadecimal; expected hexadecimal digits, or a list of them
    recorded.file:1:52: a name without a value; expected names and values of header fields by turns
    recorded.file:1:2: exchange 1: -1 is no status; expected 100 to 999
    recorded.file:1:2: exchange 1: the URL has neither a scheme nor a path; expected http(s)://host/path; mend or take out this exchange
    "#);
}
