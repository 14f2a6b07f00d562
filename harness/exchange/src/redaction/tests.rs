use super::*;
use crate::{Body, Direction, Ended, ExchangeId, HeaderValue, Headers, Request, Response};

pub(super) fn exchange(target: &str, headers: &[(&str, &str)], body: &[u8], answer: &str) -> Exchange {
    let mut request_headers = Headers::default();
    for (name, value) in headers {
        request_headers.append(name, HeaderValue::Text((*value).to_owned()));
    }
    Exchange {
        id: ExchangeId::from("call-1"),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: "POST".into(),
            target: target.into(),
            headers: request_headers,
            body: Body::from_bytes(body, Some("application/x-www-form-urlencoded")),
        },
        response: Some(Response {
            status: 200,
            headers: Headers::default(),
            body: Body::from_bytes(answer.as_bytes(), Some("application/json")),
        }),
    }
}

pub(super) fn all_text(redacted: &Redacted) -> String {
    let mut out = String::new();
    for exchange in &redacted.exchanges {
        crate::placeholder::for_each_text(exchange, &mut |text| {
            out.push_str(text);
            out.push('\n');
        });
    }
    out
}

#[test]
fn the_same_secret_is_the_same_placeholder_everywhere() {
    let token = "Zk3/x9+Tq7LmN2pR5sV8";
    let target = "/v1/items?access_token=Zk3%2Fx9%2BTq7LmN2pR5sV8&note=hello";
    let bearer = format!("Bearer {token}");
    let answer = format!(r#"{{"access_token":"{}","echo":"was {token}."}}"#, token.replace('/', "\\/"));
    let redacted = redact(
        vec![exchange(
            target,
            &[("authorization", &bearer), ("cookie", "sid=abc; theme=dark")],
            b"password=pw&a=b",
            &answer,
        )],
        &ProviderProfile::unknown("p"),
        &[],
    );
    insta::assert_snapshot!(all_text(&redacted), @r#"
    /v1/items?access_token=«access_token:1»&note=hello
    Bearer «access_token:1»
    sid=«cookie:1»; theme=«cookie:2»
    «password:1»
    b
    {"access_token":"«access_token:1»","echo":"was «access_token:1»."}
    "#);
    let length = redacted.values.values().map(|value| value.length_chars).max();
    assert_eq!(length, Some(24), "20 characters, rounded up");
}

#[test]
fn basic_credentials_emails_and_random_values_go() {
    let redacted = redact(
        vec![exchange(
            "/x",
            &[("authorization", "Basic dXNlcjpwYXNzd29yZC0x")],
            b"who=jo%40example.org",
            r#"{"who":"jo@example.org","ticket":"q7Jx92KdLm3PzR8vTn0Ws","again":"password-1"}"#,
        )],
        &ProviderProfile::unknown("p"),
        &[],
    );
    insta::assert_snapshot!(all_text(&redacted), @r#"
    /x
    Basic «basic:1»
    «email:1»
    {"who":"«email:1»","ticket":"«token:1»","again":"«password:1»"}
    "#);
}

#[test]
fn identifiers_are_kept_unless_they_are_known_secrets() {
    let mut profile = ProviderProfile::unknown("p");
    profile.identifiers.patterns = vec!["id_[A-Za-z0-9]{20}".into()];
    let answer = r#"{"a":"id_q7Jx92KdLm3PzR8vTn0W","b":"id_Aa1Bb2Cc3Dd4Ee5Ff6Gg"}"#;
    let known = [KnownSecret { kind: "named".into(), value: "id_Aa1Bb2Cc3Dd4Ee5Ff6Gg".into() }];
    let redacted = redact(vec![exchange("/x", &[], b"", answer)], &profile, &known);
    insta::assert_snapshot!(all_text(&redacted), @r#"
    /x
    {"a":"id_q7Jx92KdLm3PzR8vTn0W","b":"«named:1»"}
    "#);
}

#[test]
fn a_value_that_the_profile_calls_harmless_is_kept() {
    let mut profile = ProviderProfile::unknown("p");
    profile.identifiers.values = vec!["q7Jx92KdLm3PzR8vTn0W".into()];
    let answer = r#"{"a":"q7Jx92KdLm3PzR8vTn0W","b":"Aa1Bb2Cc3Dd4Ee5Ff6Gg"}"#;
    let redacted = redact(vec![exchange("/x", &[], b"", answer)], &profile, &[]);
    insta::assert_snapshot!(all_text(&redacted), @r#"
    /x
    {"a":"q7Jx92KdLm3PzR8vTn0W","b":"«token:1»"}
    "#);
}

#[test]
fn a_binary_body_with_a_secret_in_it_is_not_kept() {
    let mut one = exchange("/x", &[("x-api-key", "Aa1Bb2Cc3Dd4Ee5Ff6Gg")], b"", "{}");
    one.request.body = Body::Binary(b"\xff\xfeAa1Bb2Cc3Dd4Ee5Ff6Gg".to_vec());
    let redacted = redact(vec![one], &ProviderProfile::unknown("p"), &[]);
    assert_eq!(redacted.exchanges[0].request.body, Body::Omitted { size_bytes: 22 });
}

#[test]
fn the_scan_finds_what_was_left_and_only_that() {
    let profile = ProviderProfile::unknown("p");
    let secret = [KnownSecret { kind: "api_key".into(), value: "correct horse battery".into() }];
    let scan = Scan::new(&profile, &secret);
    assert!(scan.prose("target: /x?k=«api_key:1»\ndate: Sun, 22 Nov 2026\n").is_empty());
    let left = "a: ok\nk: correct%20horse%20battery\nmail: jo@example.org\nt: q7Jx92KdLm3PzR8vTn0Ws\n";
    let lines: Vec<usize> = scan.prose(left).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 3, 4]);
}
