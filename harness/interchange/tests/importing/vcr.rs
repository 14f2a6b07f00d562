//! Cassettes of VCR, vcrpy and go-vcr.

use crate::{imported, refused, shown};
use counterpart_interchange::Format;

const RUBY: &str = r#"---
http_interactions:
- request:
    method: get
    uri: https://api.example.com/a?b=1
    body:
      encoding: US-ASCII
      string: ''
    headers:
      Accept:
      - "*/*"
      ? !binary |-
        WC1PZGQ=
      : - !binary |-
          Y2Fm6Q==
      X-Empty: []
  response:
    status:
      code: 200
      message: OK
    headers:
      Transfer-Encoding:
      - chunked
      Content-Type: [application/json]
      Set-Cookie: [a=1, b=2]
    body:
      encoding: UTF-8
      string: '{"key": 1.50,
      "more": "é"}'
    http_version: null
  recorded_at: Thu, 17 Apr 2025 14:49:18 GMT
- request:
    method: :post
    uri: http://user:pass@<HOST>/upload
    body: a=1
    headers: {Content-Type: application/x-www-form-urlencoded}
  response:
    status: {code: '201', message: Created}
    headers: {Content-Encoding: [gzip], Content-Length: [25]}
    body:
      encoding: ASCII-8BIT
      string: !binary |
        H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==
  recorded_at: Thu, 17 Apr 2025 14:49:20 GMT
recorded_with: VCR 6.3.1
"#;

const PYTHON: &str = r#"interactions:
- request:
    body: !!python/unicode '{"a": [1]}'
    headers: &shared
      Accept: ['*/*']
      X-Number: 007
    method: POST
    uri: https://api.example.com/v1
  response:
    body: {string: !!binary "aGVsbG8="}
    headers:
      content-type: [text/plain]
    status: {code: 200, message: OK}
- request:
    body: null
    headers: *shared
    method: GET
    uri: https://api.example.com/v1
  response:
    content: '{}'
    headers: {content-type: [application/json]}
    http_version: HTTP/1.1
    status_code: 404
version: 1
"#;

const GO: &str = r#"---
version: 2
interactions:
    - id: 0
      request:
        proto: HTTP/1.1
        content_length: 7
        host: api.example.com
        body: ""
        form:
            a b:
                - "1"
            c:
                - d
        headers:
            Content-Type:
                - application/x-www-form-urlencoded
        url: https://api.example.com/token
        method: POST
      response:
        proto: HTTP/2.0
        trailer: {X-Sum: [abc]}
        body: '{"ok":true}'
        headers:
            Content-Type:
                - application/json
        status: 200 OK
        code: 200
        duration: 152.3ms
"#;

#[test]
fn a_cassette_of_ruby_s() {
    insta::assert_snapshot!(shown(&imported(Format::Vcr, RUBY)), @r#"
    GET /a?b=1 (at 0 ms, 0 ms)
       host: api.example.com
       accept: */*
       x-odd: caf�
    -> 200
       content-type: application/json
       set-cookie: a=1
       set-cookie: b=2
       JSON {"key":1.50,"more":"é"}
    POST /upload (at 2000 ms, 0 ms)
       host: <HOST>
       content-type: application/x-www-form-urlencoded
       authorization: Basic dXNlcjpwYXNz
       Form([("a", "1")])
    -> 201
       Text("hello")
    WARNING went to several hosts (<HOST>, api.example.com); a fixture is of one provider, and keeps of each only the `host` header
    WARNING exchange 2: a body is kept unpacked, without `content-encoding` and `content-length`
    WARNING exchange 2: the host in the URL is damaged, so it tells nothing of the provider
    "#);
}

#[test]
fn a_cassette_of_python_s() {
    insta::assert_snapshot!(shown(&imported(Format::Vcr, PYTHON)), @r#"
    POST /v1 (at 0 ms, 0 ms)
       host: api.example.com
       accept: */*
       x-number: 007
       JSON {"a":[1]}
    -> 200
       content-type: text/plain
       Text("hello")
    GET /v1 (at 0 ms, 0 ms)
       host: api.example.com
       accept: */*
       x-number: 007
    -> 404
       content-type: application/json
       JSON {}
    "#);
}

#[test]
fn a_cassette_of_go_s() {
    insta::assert_snapshot!(shown(&imported(Format::Vcr, GO)), @r#"
    POST /token (at 0 ms, 152 ms)
       host: api.example.com
       content-type: application/x-www-form-urlencoded
       Form([("a b", "1"), ("c", "d")])
    -> 200
       content-type: application/json
       JSON {"ok":true}
    LOSS exchange 1: the trailer fields of the response
    "#);
    let first = GO
        .replace("version: 2", "version: 1")
        .replace("152.3ms", "\"\"")
        .replace("url: https://", "url: http://");
    assert_eq!(imported(Format::Vcr, &first).exchanges.len(), 1);
}

#[test]
fn the_same_in_json() {
    let ruby = r#"{"http_interactions": [{"request": {"method": "get", "uri": "https://h/a", "body": {"encoding": "US-ASCII", "base64_string": ""}, "headers": {"Accept": ["*/*"]}},
      "response": {"status": {"code": 200, "message": "OK"}, "headers": {"Content-Type": ["text/plain"]}, "body": {"encoding": "ASCII-8BIT", "base64_string": "aGVs\nbG8=\n"}, "http_version": null},
      "recorded_at": "Wed, 28 Oct <X> 20:03:43 GMT"}], "recorded_with": "VCR 5.0.0"}"#;
    let python = r#"{"version": 1, "interactions": [{"request": {"method": "GET", "uri": "https://h/a", "body": null, "headers": {"A": "1"}},
      "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "latin é", "encoding": "ISO-8859-1"}}}]}"#;
    insta::assert_snapshot!(
        [shown(&imported(Format::Vcr, ruby)), shown(&imported(Format::Vcr, python))].join("--\n"),
        @r#"
    GET /a (at 0 ms, 0 ms)
       host: h
       accept: */*
    -> 200
       content-type: text/plain
       Text("hello")
    WARNING exchange 1: `recorded_at` is damaged, so the time of a request is not known
    --
    GET /a (at 0 ms, 0 ms)
       host: h
       a: 1
    -> 200
       Text("latin é")
    LOSS exchange 1: the character encoding of a body: it is kept in UTF-8
    "#
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_values() {
    let ruby = |from: &str, to: &str| refused(Format::Vcr, RUBY.replacen(from, to, 1));
    let errors = [
        refused(Format::Vcr, "one:\n  name: x\n"),
        refused(Format::Vcr, "- request: {}\n"),
        refused(Format::Vcr, "{\"interactions\": [], \"http_interactions\": []}"),
        refused(Format::Vcr, "{\"interactions\": [\n {\"request\": {\"method\": \"GET\"}}]}"),
        ruby("code: 200", "code: 2<X>0"),
        ruby("code: 200", "reason: lacks"),
        ruby("code: 200", "code: 99"),
        ruby("uri: https://api.example.com/a?b=1", "uri: sk_live_1"),
        ruby("uri: https://api.example.com/a?b=1", "uri: [sk_live_1]"),
        ruby("    uri: https://api.example.com/a?b=1\n", ""),
        ruby("method: get", "method: get\n    method: sk_live_1"),
        ruby("H4sIAAAA", "H4s!IAAAA"),
        ruby("X-Empty: []", "X-Empty: {a: b}"),
        ruby("recorded_with: VCR 6.3.1", "---\na: b"),
        ruby("- \"*/*\"", "- \"*/*"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    recorded.file: holds no interactions; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:1:1: no mapping of keys to values; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file: holds two lists of interactions; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:2:2: a request has neither `uri` nor `url`; expected an interaction: `request` with `method` and `uri`, `response` with `status`
    recorded.file:3:3: the status of a response is not a number; expected an interaction: `request` with `method` and `uri`, `response` with `status`
    recorded.file:20:7: missing field `code`; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:3:3: exchange 1: 99 is no status; expected 100 to 999
    recorded.file:3:3: exchange 1: the URL has neither a scheme nor a path; expected http(s)://host/path; mend or take out this exchange
    recorded.file:5:10: no text; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:3:3: a request has neither `uri` nor `url`; expected an interaction: `request` with `method` and `uri`, `response` with `status`
    recorded.file:5:5: a key is given twice; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:43:9: `!binary` that is not base64; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:16:16: invalid type: map, expected a value, or a list of values; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:45:1: a second YAML document; import each from a file of its own; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    recorded.file:28:25: invalid trailing content after double-quoted scalar; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)
    ");
    assert!(!errors.join("").contains("sk_live"));
}

#[test]
fn what_another_yaml_reads_otherwise_is_warned_of() {
    for (odd, warning) in
        [("\u{2028}", "which break a line in YAML 1.1 alone"), ("<%= 1 %>", "looks like a template of ERB")]
    {
        let warnings = imported(Format::Vcr, &RUBY.replacen("VCR 6.3.1", odd, 1)).warnings;
        assert!(warnings[0].contains(warning), "{warnings:?}");
    }
}
