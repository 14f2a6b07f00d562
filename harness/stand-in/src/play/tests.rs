//! What a look-up costs.

use super::*;
use counterpart_exchange::{Body, ExchangeId, Headers, Written};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn get(number: usize) -> Request {
    let target = format!("/items/{number}?expand=all");
    Request { method: "GET".to_owned(), target, headers: Headers::default(), body: Body::None }
}

fn exchange(number: usize) -> Exchange {
    let body = Body::Text(number.to_string());
    Exchange {
        id: ExchangeId::nth("items", number),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: get(number),
        response: Some(Response { status: 200, headers: Headers::default(), body }),
    }
}

/// A provider with so many distinct exchanges.
fn play_of(size: usize) -> Play {
    let fixture = Fixture {
        provider: "p".to_owned(),
        flow: "f".to_owned(),
        provenance: Provenance::Written(Written { after: "the test".to_owned() }),
        redacted: BTreeMap::new(),
        exchanges: (0..size).map(exchange).collect(),
    };
    let clock = StandInClock::starting_at(jiff::Timestamp::UNIX_EPOCH);
    let script = Script {
        profile: ProviderProfile::unknown("p"),
        forms: ErrorForms::default(),
        faults: Vec::new(),
        clock,
        base_url: "http://stand-in".to_owned(),
    };
    Play::new(script, &[fixture]).0
}

fn received(number: usize) -> Received {
    let (head, ()) = http::Request::get(get(number).target).body(()).unwrap().into_parts();
    Received::new(head, bytes::Bytes::new())
}

/// How long 500 requests take that are spread over a fixture of so many exchanges.
#[expect(clippy::disallowed_methods, reason = "two durations are compared, with room for a busy machine")]
fn lookups(play: &mut Play, size: usize) -> Duration {
    let requests: Vec<_> = (0..500).map(|step| received(step * size / 500)).collect();
    let began = Instant::now();
    for request in &requests {
        let decision = play.answer(request);
        assert_ne!(decision.exchange, None, "{}", request.target());
    }
    began.elapsed()
}

#[test]
fn a_lookup_costs_the_same_in_a_fixture_twenty_times_as_large() {
    let (mut small, mut large) = (play_of(500), play_of(10_000));
    // The best of several rounds: what else the machine does can only add.
    let best = |play: &mut Play, size| (0..7).map(|_| lookups(play, size)).min();
    let (in_small, in_large) = (best(&mut small, 500), best(&mut large, 10_000));
    // A scan would take twenty times as long; memory that is further away, not even twice.
    assert!(in_large < in_small.map(|time| time * 6), "{in_small:?} and {in_large:?}");
}
