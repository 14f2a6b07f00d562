//! Importing takes time in proportion to the file.

use counterpart_interchange::{Format, import};
use std::path::Path;
use std::time::{Duration, Instant};

fn har(exchanges: usize) -> String {
    let headers: Vec<String> =
        (0..12).map(|n| format!(r#"{{"name": "X-Header-{n}", "value": "value number {n}"}}"#)).collect();
    let headers = headers.join(", ");
    let entry = |n: usize| {
        format!(
            r#"{{"startedDateTime": "2024-05-01T10:00:00.000Z", "time": 12.5, "request": {{"method": "GET", "url": "https://api.example.com/orders/{n}", "headers": [{headers}]}}, "response": {{"status": 200, "headers": [{headers}], "content": {{"mimeType": "application/json", "size": 1, "text": "{{\"id\": {n}, \"name\": \"an order\", \"lines\": [1, 2, 3]}}"}}}}}}"#
        )
    };
    crate::har::har(&(0..exchanges).map(entry).collect::<Vec<_>>().join(","))
}

fn cassette(exchanges: usize) -> String {
    let headers: String =
        (0..12).map(|n| format!("      X-Header-{n}:\n      - value number {n}\n")).collect();
    let mut text = "http_interactions:\n".to_owned();
    for n in 0..exchanges {
        text.push_str(&format!(
            "- request:\n    method: get\n    uri: https://api.example.com/orders/{n}\n    body:\n      encoding: UTF-8\n      string: ''\n    headers:\n{headers}  response:\n    status:\n      code: 200\n      message: OK\n    headers:\n{headers}    body:\n      encoding: UTF-8\n      string: '{{\"id\": {n}, \"name\": \"an order\", \"lines\": [1, 2, 3]}}'\n  recorded_at: Thu, 17 Apr 2025 14:49:18 GMT\n"
        ));
    }
    text + "recorded_with: VCR 6.3.1\n"
}

fn mappings(exchanges: usize) -> String {
    let headers: Vec<String> =
        (0..12).map(|n| format!(r#""X-Header-{n}": {{"equalTo": "value number {n}"}}"#)).collect();
    let headers = headers.join(", ");
    let each = |n: usize| {
        format!(
            r#"{{"request": {{"method": "GET", "urlPattern": "/orders/{n}/[a-z]+", "headers": {{{headers}}}}}, "response": {{"status": 200, "jsonBody": {{"id": {n}, "lines": [1, 2, 3]}}}}, "scenarioName": "s", "requiredScenarioState": "{n}", "newScenarioState": "{}"}}"#,
            n + 1
        )
    };
    format!(r#"{{"mappings": [{}]}}"#, (0..exchanges).map(each).collect::<Vec<_>>().join(","))
}

fn collection(exchanges: usize) -> String {
    let each = |n: usize| {
        format!(
            r#"{{"request": {{"method": "POST", "url": "{{{{base}}}}/orders/{n}", "body": {{"mode": "raw", "raw": "{{\"n\": {{{{n}}}}}}"}}}}, "response": [{{"code": 200, "header": [{{"key": "X", "value": "y"}}], "body": "{{\"id\": {n}}}"}}]}}"#
        )
    };
    let items = (0..exchanges).map(each).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"info": {{"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}}, "variable": [{{"key": "base", "value": "https://h"}}, {{"key": "n", "value": "1"}}], "item": [{items}]}}"#
    )
}

/// The shortest of some runs: what else the machine does makes none shorter.
fn shortest(format: Format, text: &str, exchanges: usize, runs: usize) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..runs {
        #[expect(clippy::disallowed_methods, reason = "it is a real time that is measured")]
        let began = Instant::now();
        let imported = import(format, Path::new("x"), text.as_bytes()).unwrap();
        shortest = shortest.min(began.elapsed());
        assert_eq!(imported.exchanges.len(), exchanges);
    }
    shortest
}

#[test]
fn ten_times_the_exchanges_take_about_ten_times_as_long() {
    let formats = [
        (Format::Har, har as fn(usize) -> String),
        (Format::Vcr, cassette),
        (Format::Wiremock, mappings),
        (Format::Postman, collection),
    ];
    for (format, text) in formats {
        let few = shortest(format, &text(1_000), 1_000, 3);
        let many = shortest(format, &text(10_000), 10_000, 1);
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        assert!(ratio < 30.0, "{format}: 1,000 exchanges in {few:?}, 10,000 in {many:?}: {ratio:.1} times");
    }
}
