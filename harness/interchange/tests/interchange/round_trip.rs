//! What goes out comes back: fixtures of every shape through each format that is exported, and what another format brought
//! in through each as well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, Fixture, HeaderValue, Headers, Placeholder, Provenance,
    Recorded, RedactedValue, Request, Response, StandInValues, Written,
};
use counterpart_interchange::export::{Exported, export_har, export_pact, export_wiremock};
use counterpart_interchange::{Imported, import_har, import_hoverfly, import_pact, import_wiremock};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::path::Path;

fn target() -> impl Strategy<Value = String> {
    let query = prop_oneof![
        Just(""),
        Just("?"),
        Just("?a=1&b=2&a=3"),
        Just("?a"),
        Just("?a="),
        Just("?=x&&y"),
        Just("?q=%2f+%20~*"),
        Just("?u=https://x/y?z"),
        Just("?t=«token:1»"),
        Just("?[a]=|'"),
        Just("?bad=%zz%ff"),
    ];
    let path = prop_oneof![
        Just("/"),
        Just("/a/b"),
        Just("//twice"),
        Just("/a%20b/%C3%A9"),
        Just("/~x;v=1,2"),
        Just("/«id:2»"),
        Just("/a:b@c"),
    ];
    prop_oneof![
        9 => (path, query).prop_map(|(path, query)| format!("{path}{query}")),
        1 => prop_oneof![Just("*".to_owned()), Just("http://other/x".to_owned()), Just("/a#b".to_owned()), Just("/é\"<".to_owned())],
    ]
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(HeaderValue::Text),
        Just(HeaderValue::Text("Grüße, 日本".into())),
        Just(HeaderValue::Text("Bearer «token:1»".into())),
        Just(HeaderValue::Text("a, b;c=\"d\"".into())),
        Just(HeaderValue::Bytes(vec![0xe9, b'a', 0xff])),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        Just("host".to_owned()),
        Just("user-agent".into()),
        Just("content-length".into()),
        Just("date".into()),
        Just("set-cookie".into()),
        Just("cookie".into()),
        Just("transfer-encoding".into()),
        Just("connection".into()),
        Just("x-a".into()),
        Just("location".into()),
        "[a-z][a-z0-9_-]{0,8}",
    ];
    let media_type = prop_oneof![
        Just("application/json"),
        Just("application/problem+json; charset=utf-8"),
        Just("text/plain"),
        Just("application/x-www-form-urlencoded"),
        Just("image/png"),
        Just(""),
    ];
    (vec((name, header_value()), 0..5), option::of(media_type), 0..5_usize).prop_map(
        |(fields, media_type, at)| {
            let mut headers = Headers::default();
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if let Some(media_type) = media_type.filter(|_| index == at) {
                    headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
                }
                if name != "content-encoding" {
                    headers.append(&name, value);
                }
            }
            headers
        },
    )
}

fn message() -> impl Strategy<Value = (Headers, Body)> {
    let bytes = prop_oneof![
        Just(Vec::new()),
        Just(br#"{"b":1.0,"a":1e2,"a":"\u00e9","n":12345678901234567890123}"#.to_vec()),
        Just(br#"["\u2028",null,[],{}]"#.to_vec()),
        Just(b"\"text\"".to_vec()),
        Just(b"12".to_vec()),
        Just(b"null".to_vec()),
        Just(b"\"\"".to_vec()),
        Just(b"{broken".to_vec()),
        Just(b"a=1+2&b=%26".to_vec()),
        Just(b"a=%2f&&b".to_vec()),
        Just(b"a=1;b".to_vec()),
        Just("Grüße\r\n\0 «token:1» {{x}} ${json-unit.any-string}".as_bytes().to_vec()),
        Just(b"{\"t\":\"\xc2\xabtoken:1\xc2\xbb\"}".to_vec()),
        vec(any::<u8>(), 0..40),
    ];
    (headers(), bytes, option::weighted(0.1, any::<u64>())).prop_map(|(headers, bytes, omitted)| {
        let body = match omitted {
            Some(size_bytes) => Body::Omitted { size_bytes },
            None => Body::from_bytes(&bytes, headers.text("content-type")),
        };
        (headers, body)
    })
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop_oneof![
        3 => Just("GET".to_owned()), 2 => Just("POST".into()), 1 => Just("PUT".into()), 1 => Just("DELETE".into()),
        1 => Just("M-SEARCH".into()), 1 => Just("get".into()),
    ];
    let ended = prop_oneof![
        4 => Just(Ended::Complete), 1 => Just(Ended::Unreachable), 1 => Just(Ended::AnswerCutShort), 1 => Just(Ended::ClientWentAway),
    ];
    let milliseconds = prop_oneof![4 => 0..100_000_u64, 1 => any::<u64>()];
    let request = (method, target(), message());
    let response = option::weighted(0.9, (100..=999_u16, message()));
    let is_webhook = proptest::bool::weighted(0.1);
    (request, response, ended, is_webhook, milliseconds.clone(), milliseconds, any::<bool>()).prop_map(
        |(
            (method, target, (headers, body)),
            response,
            ended,
            is_webhook,
            offset_ms,
            latency_ms,
            is_caused,
        )| Exchange {
            id: ExchangeId::from(""),
            direction: if is_webhook { Direction::Inbound } else { Direction::Outbound },
            offset_ms,
            latency_ms,
            caused_by: is_caused.then(|| ExchangeId::from("one-1")),
            ended,
            request: Request { method, target, headers, body },
            response: response.map(|(status, (headers, body))| Response { status, headers, body }),
        },
    )
}

fn fixture() -> impl Strategy<Value = Fixture> {
    let recorded = Provenance::Recorded(Recorded {
        at: "2026-11-22T08:22:07.738Z".parse().unwrap(),
        upstream: "https://api.example.com/base".into(),
        by: "counterpart 0.1.0".into(),
        server: None,
    });
    let written = Provenance::Written(Written { after: "the docs".into() });
    (vec(exchange(), 0..8), any::<bool>()).prop_map(move |(exchanges, is_recorded)| {
        let provenance = if is_recorded { recorded.clone() } else { written.clone() };
        fixture_of(exchanges, provenance)
    })
}

fn fixture_of(mut exchanges: Vec<Exchange>, provenance: Provenance) -> Fixture {
    for (index, exchange) in exchanges.iter_mut().enumerate() {
        exchange.id = ExchangeId::nth("one", index + 1);
        exchange.caused_by = exchange.caused_by.take().filter(|_| index > 0);
    }
    let token = Placeholder { kind: "token".into(), number: 1 };
    let redacted = [(token, RedactedValue::of_length(16))].into();
    Fixture { provider: "p".into(), flow: "f".into(), provenance, redacted, exchanges }
}

/// What goes over the wire, in the form in which a reader finds it.
fn on_the_wire(fixture: &Fixture) -> Vec<Exchange> {
    let values = StandInValues::of(fixture);
    let normal = |headers: &Headers, body: &mut Body| {
        if !matches!(body, Body::Omitted { .. }) {
            *body = Body::from_bytes(&body.to_bytes(), headers.text("content-type"));
        }
    };
    let mut exchanges: Vec<Exchange> =
        fixture.exchanges.iter().map(|one| values.fill_exchange(one)).collect();
    for exchange in &mut exchanges {
        normal(&exchange.request.headers, &mut exchange.request.body);
        if let Some(response) = &mut exchange.response {
            normal(&response.headers, &mut response.body);
        }
    }
    exchanges
}

fn outbound(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    exchanges.into_iter().filter(|exchange| exchange.direction == Direction::Outbound).collect()
}

fn answered(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    outbound(exchanges).into_iter().filter(|exchange| exchange.response.is_some()).collect()
}

type Import = fn(&Path, &str) -> Result<Imported, counterpart_interchange::ImportError>;

fn back(exported: &Exported, import: Import) -> Vec<Exchange> {
    assert!(!exported.text.contains('«'), "a placeholder went out:\n{}", exported.text);
    import(Path::new("f.json"), &exported.text)
        .unwrap_or_else(|error| panic!("{error}\n{}", exported.text))
        .exchanges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_har_keeps_every_exchange(fixture in fixture()) {
        prop_assert_eq!(back(&export_har(&fixture), import_har), on_the_wire(&fixture));
    }

    #[test]
    fn wiremock_keeps_every_exchange_that_the_integration_began(fixture in fixture()) {
        let exported = export_wiremock(&fixture);
        prop_assert_eq!(back(&exported, import_wiremock), outbound(on_the_wire(&fixture)));
    }

    #[test]
    fn a_pact_keeps_every_exchange_that_was_answered(fixture in fixture()) {
        let exported = export_pact(&fixture, "shop");
        prop_assert_eq!(back(&exported, import_pact), answered(on_the_wire(&fixture)));
    }

    /// What is left out is told, each exchange of it.
    #[test]
    fn what_does_not_come_back_is_told(fixture in fixture()) {
        let told = |exported: Exported| -> Vec<usize> { exported.losses.iter().map(|loss| loss.exchange).collect() };
        let (wiremock, pact) = (told(export_wiremock(&fixture)), told(export_pact(&fixture, "shop")));
        for (index, exchange) in fixture.exchanges.iter().enumerate() {
            let is_inbound = exchange.direction == Direction::Inbound;
            prop_assert!(!is_inbound || wiremock.contains(&index));
            prop_assert!(!(is_inbound || exchange.response.is_none()) || pact.contains(&index));
        }
    }

    /// A damaged file is refused or read; it never brings the reader down.
    #[test]
    fn damage_is_survived(fixture in fixture(), cut in any::<prop::sample::Index>(), with in any::<char>()) {
        let files: [(Exported, Import); 3] = [
            (export_har(&fixture), import_har),
            (export_wiremock(&fixture), import_wiremock),
            (export_pact(&fixture, "shop"), import_pact),
        ];
        for (Exported { text, .. }, import) in files {
            let mut at = cut.index(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let _ = import(Path::new("f.json"), &text[..at]);
            let _ = import(Path::new("f.json"), &format!("{}{with}{}", &text[..at], &text[at..]));
        }
    }
}

/// Import, export, import: each sample of a format through each format that is exported.
#[test]
fn what_another_format_brought_in_goes_out_and_comes_back() {
    let samples: [(&str, Import); 5] = [
        ("wiremock-matchers.json", import_wiremock),
        ("wiremock-answers.json", import_wiremock),
        ("hoverfly-v5.json", import_hoverfly),
        ("pact-v3.json", import_pact),
        ("pact-v4.json", import_pact),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    for (name, import) in samples {
        let path = folder.join(name);
        let imported = import(&path, &std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(!imported.exchanges.is_empty(), "{name}");
        let written = Provenance::Written(Written { after: name.into() });
        let fixture = fixture_of(imported.exchanges, written);
        let expected = on_the_wire(&fixture);
        assert_eq!(back(&export_har(&fixture), import_har), expected, "{name}");
        assert_eq!(back(&export_wiremock(&fixture), import_wiremock), expected, "{name}");
        assert_eq!(back(&export_pact(&fixture, "shop"), import_pact), answered(expected), "{name}");
    }
}
