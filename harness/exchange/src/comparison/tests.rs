use super::*;
use crate::{Body, Direction, Ended, HeaderValue, Headers, Recorded, Request, Response};

/// An exchange from `GET /path`, a status, and the answer's JSON.
pub(crate) fn exchange(request: &str, status: u16, answer: &str) -> Exchange {
    let (method, target) = request.split_once(' ').unwrap();
    Exchange {
        id: ExchangeId::from("a-1"),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: method.into(),
            target: target.into(),
            headers: Headers::default(),
            body: Body::None,
        },
        response: Some(Response {
            status,
            headers: Headers::default(),
            body: Body::from_bytes(answer.as_bytes(), Some("application/json")),
        }),
    }
}

fn fixture(at: &str, exchanges: Vec<Exchange>) -> Fixture {
    let mut fixture = Fixture {
        provider: "p".into(),
        flow: "f".into(),
        provenance: Provenance::Recorded(Recorded {
            at: at.parse().unwrap(),
            upstream: "http://127.0.0.1:1".into(),
            by: "counterpart 0.1.0".into(),
            server: None,
        }),
        redacted: std::collections::BTreeMap::new(),
        exchanges,
    };
    fixture.number_exchanges(|one| ProviderProfile::unknown("p").operation_of_request(&one.request).0);
    fixture
}

fn with_header(mut exchange: Exchange, name: &str, value: &str) -> Exchange {
    let answer = exchange.response.as_mut().unwrap();
    answer.headers.append(name, HeaderValue::Text(value.into()));
    exchange
}

#[test]
fn what_means_the_same_is_the_same() {
    let older = with_header(exchange("GET /a?x=1&y=2", 200, r#"{"a":1,"b":2}"#), "date", "Mon");
    let newer = with_header(exchange("GET /a?y=2&x=1", 200, r#"{"b":2,"a":1}"#), "date", "Tue");
    let comparison = compare(
        &fixture("2026-01-01T00:00:00Z", vec![older]),
        &fixture("2026-02-01T00:00:00Z", vec![newer]),
        &ProviderProfile::unknown("p"),
    );
    assert!(comparison.is_same(), "{comparison:?}");
    assert_eq!(comparison.exchanges.len(), 1, "the date is told, as incidental");
}

#[test]
fn what_differs_is_told_with_its_place() {
    let older = vec![
        exchange("GET /a?page=1", 200, r#"{"items":[{"id":1,"name":"x"}]}"#),
        exchange("DELETE /a", 204, ""),
        with_header(exchange("GET /text", 200, "one\ntwo"), "content-type", "text/plain"),
    ];
    let mut newer = vec![
        exchange("GET /a?page=2&limit=5", 200, r#"{"items":[{"id":1,"name":7,"more":[]}]}"#),
        with_header(exchange("GET /text", 429, "one\nthree"), "content-type", "text/html"),
        exchange("PUT /a", 200, "{}"),
    ];
    newer[2].response = None;
    newer[2].ended = Ended::Unreachable;
    let at = "2026-01-01T00:00:00Z";
    let comparison = compare(&fixture(at, older), &fixture(at, newer), &ProviderProfile::unknown("p"));
    let line = |one: &Difference| {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".into());
        format!("  {:?} {}: {} -> {}", one.weight, one.place, side(&one.older), side(&one.newer))
    };
    let lines: Vec<String> = comparison
        .exchanges
        .iter()
        .flat_map(|one| match one {
            ExchangeComparison::New(named) => vec![format!("new {} {:?}", named.id, named.status)],
            ExchangeComparison::Gone(named) => vec![format!("gone {} {:?}", named.id, named.status)],
            ExchangeComparison::Changed { newer, differences, .. } => {
                std::iter::once(newer.to_string()).chain(differences.iter().map(line)).collect()
            }
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    get-a-1
      Value request query page: 1 -> 2
      Form request query limit: - -> 5
      Form answer body.items[id=1].name: "x" -> 7
      Form answer body.items[id=1].more: - -> []
    get-text-1
      Form answer status: 200 -> 429
      Value answer header content-type: text/plain -> text/html
      Value answer body line 2: two -> three
    new put-a-1 None
    gone delete-a-1 Some(204)
    "#);
    assert!(!comparison.is_same());
}
