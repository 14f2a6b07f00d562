//! Recordings of Polly.js.

use crate::{imported, refused, shown};
use counterpart_interchange::Format;

#[test]
fn a_recording_of_polly_s() {
    let text = r#"{"log": {"_recordingName": "orders/list", "creator": {"name": "Polly.JS"}, "entries": [
      {"_id": "b", "_order": 0, "startedDateTime": "2024-05-01T10:00:01.000Z", "time": 20,
       "request": {"method": "GET", "url": "https://h/later", "headers": [], "bodySize": 0},
       "response": {"status": 200, "headers": [{"name": "content-encoding", "value": "gzip"}],
         "content": {"mimeType": "text/plain", "size": 25, "encoding": "base64", "text": "[\"H4sIAAAAAAAAA8tIzcnJ\",\"BwCGphA2BQAAAA==\"]"}}},
      {"_id": "a", "_order": 0, "startedDateTime": "2024-05-01T10:00:00.000Z", "time": 10,
       "request": {"method": "POST", "url": "https://h/first", "headers": [{"name": "content-length", "value": 2}], "postData": {"mimeType": "application/json", "text": "{}"}},
       "response": {"status": 200, "headers": [{"name": "content-encoding", "value": "gzip"}],
         "content": {"mimeType": "text/plain", "size": 900, "_isBinary": true, "text": "[\"1f8b0800000000000003cb48cdc9c907\",\"0086a6103605000000\"]"}}},
      {"_id": "c", "_order": 0, "startedDateTime": "2024-05-01T10:00:02.000Z", "time": 10,
       "request": {"method": "GET", "url": "https://h/plain", "headers": []},
       "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "size": 900, "text": "[\"a\"]"}}}
    ]}}"#;
    insta::assert_snapshot!(shown(&imported(Format::Polly, text)), @r#"
    POST /first (at 0 ms, 10 ms)
       host: h
       content-length: 2
       JSON {}
    -> 200
       Text("hello")
    GET /later (at 1000 ms, 20 ms)
       host: h
    -> 200
       Text("hello")
    GET /plain (at 2000 ms, 10 ms)
       host: h
    -> 200
       JSON ["a"]
    WARNING exchanges 1 and 2: a body is kept unpacked, without `content-encoding` and `content-length`
    "#);
}

#[test]
fn a_har_of_another_s_is_refused() {
    insta::assert_snapshot!(refused(Format::Polly, crate::har::har("")), @"recorded.file:1:67: missing field `_recordingName`; expected a recording of Polly.js: a HAR whose log has `_recordingName`; it looks like a har file");
}
