//! Writing a fixture and reading it back is the identity, for any exchange.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, Fixture, HeaderValue, Headers, Placeholder, Provenance,
    Recorded, RedactedValue, Request, Response,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1.50e+3".to_owned()),
        Just("12345678901234567890.0".to_owned()),
        Just(r#""\u00e9\/""#.to_owned()),
        ".*".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            vec(("[a-c]{1,2}", inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        Just(Body::None),
        any_json().prop_map(|text| Body::from_bytes(text.as_bytes(), Some("application/json"))),
        ".*".prop_map(|text| Body::from_bytes(text.as_bytes(), Some("text/plain"))),
        "(?s).{0,40}\n{0,3}".prop_map(Body::Text),
        vec(any::<u8>(), 1..200).prop_map(|bytes| Body::from_bytes(&bytes, None)),
        vec(any::<u8>(), 70_000..70_001).prop_map(|bytes| Body::from_bytes(&bytes, None)),
        vec(("[a-z é&=+%]{0,5}", ".{0,5}"), 1..4).prop_map(Body::Form),
        any::<u64>().prop_map(|size_bytes| Body::Omitted { size_bytes }),
    ]
}

fn any_headers() -> impl Strategy<Value = Headers> {
    let value = prop_oneof![
        "[ -~]{0,20}".prop_map(HeaderValue::Text),
        ".{0,8}".prop_map(HeaderValue::Text),
        vec(0x80_u8..=0xff, 1..6).prop_map(|bytes| HeaderValue::from_bytes(&bytes)),
    ];
    vec(("[a-z-]{1,12}", value), 0..6).prop_map(|fields| {
        let mut headers = Headers::default();
        fields.into_iter().for_each(|(name, value)| headers.append(&name, value));
        headers
    })
}

fn any_exchange() -> impl Strategy<Value = Exchange> {
    let request = ("[A-Z]{3,7}", "/[!-~é]{0,30}", any_headers(), any_body())
        .prop_map(|(method, target, headers, body)| Request { method, target, headers, body });
    let response = (100_u16..=999, any_headers(), any_body()).prop_map(|(status, headers, body)| Response {
        status,
        headers,
        body,
    });
    let ended = prop_oneof![Just(Ended::Complete), Just(Ended::AnswerCutShort), Just(Ended::ClientWentAway)];
    let direction = prop_oneof![Just(Direction::Outbound), Just(Direction::Inbound)];
    (request, proptest::option::of(response), any::<u64>(), any::<u64>(), ended, direction).prop_map(
        |(request, response, offset_ms, latency_ms, ended, direction)| Exchange {
            id: ExchangeId::from(""),
            direction,
            offset_ms,
            latency_ms,
            caused_by: None,
            ended,
            request,
            response,
        },
    )
}

fn fixture(exchanges: Vec<Exchange>) -> Fixture {
    let mut fixture = Fixture {
        provider: "any".into(),
        flow: "flow".into(),
        provenance: Provenance::Recorded(Recorded {
            at: "2026-11-22T08:00:00Z".parse().unwrap(),
            upstream: "http://127.0.0.1:1".into(),
            by: "counterpart 0.1.0".into(),
            server: None,
        }),
        redacted: BTreeMap::from([(
            Placeholder { kind: "access_token".into(), number: 1 },
            RedactedValue::of_length(24),
        )]),
        exchanges,
    };
    fixture.number_exchanges(|exchange| exchange.request.method.to_lowercase());
    if let [first, .., last] = fixture.exchanges.as_mut_slice() {
        last.caused_by = Some(first.id.clone());
    }
    fixture
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn write_then_read_is_the_identity(exchanges in vec(any_exchange(), 0..5)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.yaml");
        let fixture = fixture(exchanges);
        fixture.write(&path).unwrap();
        let read = Fixture::read(&path);
        prop_assert!(read.is_ok(), "{}\n{}", read.unwrap_err(), std::fs::read_to_string(&path).unwrap());
        prop_assert_eq!(read.unwrap(), fixture);
    }

    #[test]
    fn any_text_as_a_fixture_is_refused_or_read_without_a_panic(text in "(?s)(counterpart: fixture/1\n)?.{0,200}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.yaml");
        std::fs::write(&path, text).unwrap();
        let _ = Fixture::read(&path);
    }
}

#[test]
fn ten_thousand_exchanges_are_read_in_good_time() {
    let body = Body::from_bytes(br#"{"a":{"b":[1,2,3],"c":"text"}}"#, None);
    let one = Exchange {
        id: ExchangeId::from(""),
        direction: Direction::Outbound,
        offset_ms: 1,
        latency_ms: 1,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: "GET".into(),
            target: "/items".into(),
            headers: Headers::default(),
            body: Body::None,
        },
        response: Some(Response { status: 200, headers: Headers::default(), body }),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.yaml");
    fixture(vec![one; 10_000]).write(&path).unwrap();
    assert_eq!(Fixture::read(&path).unwrap().exchanges.len(), 10_000);
}
