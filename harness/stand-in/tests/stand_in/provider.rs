//! A small provider: its profile, recorded exchanges, and stand-ins that play them.

use counterpart_exchange::{
    Body, Direction, Ended, Exchange, Fixture, HeaderValue, Headers, JsonText, Provenance, ProviderProfile,
    Request, Response, Written, parse_document,
};
use counterpart_stand_in::{ErrorForms, PlannedFault, StandIn, StandInClock, StandInConfig, StandInError};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

const PROFILE: &str = "
counterpart: provider/1
provider: rooms
operations:
  find: GET /find/{alias}
  messages: GET /rooms/{room}/messages
  member: GET /rooms/{room}/member
  send: PUT /rooms/{room}/send/{txn}
  create: POST /rooms
  refresh: POST /refresh
auth:
  bearer:
    public: [find]
    refresh:
      operation: refresh
      refresh_token: refresh_token
      access_token: access_token
      new_refresh_token: refresh_token
      expires_in_ms: expires_in_ms
rate_limit:
  retry_after_ms_field: retry_after_ms
pagination: {operations: [messages], items: chunk}
idempotency:
  path_variable: {operations: [send], name: txn}
volatile:
  path_variables: [txn]
  query: [trace]
  fields: [sent_at]
errors:
  expired_token: {status: 401, json: {soft_logout: true}}
  unknown_token: {status: 401, json: {soft_logout: false}}
  refresh_refused: {status: 403, operation: refresh}
  rate_limited: {status: 429}
  forbidden: {status: 403, operation: member}
";

/// The provider that most tests play.
pub(crate) fn profile() -> ProviderProfile {
    profile_of(PROFILE)
}

/// The same, with some words of its YAML exchanged for others.
pub(crate) fn profile_with(changes: &[(&str, &str)]) -> ProviderProfile {
    let mut text = PROFILE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "no {from:?} in the profile");
        text = text.replace(from, to);
    }
    profile_of(&text)
}

/// A profile of its own.
pub(crate) fn profile_of(text: &str) -> ProviderProfile {
    parse_document(Path::new("provider.yaml"), text).unwrap()
}

/// A recorded exchange of the user with the first access token, answered with JSON.
pub(crate) fn recorded(id: &str, method: &str, target: &str, status: u16, answer: &str) -> Exchange {
    let mut headers = Headers::default();
    headers.append("authorization", text("Bearer «access_token:1»"));
    Exchange {
        id: id.into(),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request { method: method.to_owned(), target: target.to_owned(), headers, body: Body::None },
        response: Some(json_response(status, answer)),
    }
}

/// The same for a GET that was answered with 200.
pub(crate) fn got(id: &str, target: &str, answer: &str) -> Exchange {
    recorded(id, "GET", target, 200, answer)
}

/// A recorded refresh with the numbered refresh token.
pub(crate) fn refreshed(id: &str, number: usize, status: u16, answer: &str) -> Exchange {
    let mut exchange = recorded(id, "POST", "/refresh", status, answer);
    exchange.request.headers.remove("authorization");
    sending(exchange, &format!(r#"{{"refresh_token":"«refresh_token:{number}»"}}"#))
}

/// The answer to a refresh that hands out the pair of a number.
pub(crate) fn pair(number: usize) -> String {
    format!(
        r#"{{"access_token":"«access_token:{number}»","refresh_token":"«refresh_token:{number}»","expires_in_ms":3000}}"#
    )
}

/// The exchange, its request with a JSON body.
pub(crate) fn sending(mut exchange: Exchange, body: &str) -> Exchange {
    exchange.request.headers.set("content-type", "application/json");
    exchange.request.body = json(body);
    exchange
}

/// The exchange, its request with another access token.
pub(crate) fn with_token(mut exchange: Exchange, number: usize) -> Exchange {
    exchange.request.headers.set("authorization", &format!("Bearer «access_token:{number}»"));
    exchange
}

/// The exchange, its answer with one more header field.
pub(crate) fn answered_with(mut exchange: Exchange, name: &str, value: &str) -> Exchange {
    exchange.response.as_mut().unwrap().headers.append(name, text(value));
    exchange
}

/// The exchange, its connection ended otherwise.
pub(crate) fn ending(mut exchange: Exchange, ended: Ended) -> Exchange {
    exchange.ended = ended;
    exchange
}

pub(crate) fn json(text: &str) -> Body {
    Body::Json(JsonText::parse(text).unwrap())
}

fn json_response(status: u16, answer: &str) -> Response {
    let mut headers = Headers::default();
    headers.append("content-type", text("application/json"));
    Response { status, headers, body: if answer.is_empty() { Body::None } else { json(answer) } }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::Text(value.to_owned())
}

pub(crate) fn fixture(flow: &str, exchanges: Vec<Exchange>) -> Fixture {
    Fixture {
        provider: "rooms".to_owned(),
        flow: flow.to_owned(),
        provenance: Provenance::Written(Written { after: "the tests".to_owned() }),
        redacted: BTreeMap::new(),
        exchanges,
    }
}

/// What the provider's errors look like: recorded in a flow that is not played.
pub(crate) fn errors() -> Fixture {
    let expired = r#"{"errcode":"EXPIRED","soft_logout":true}"#;
    let unknown = r#"{"errcode":"UNKNOWN","soft_logout":false}"#;
    let limited =
        recorded("find-1", "GET", "/find/a", 429, r#"{"errcode":"LIMIT","retry_after_ms":823,"more":1}"#);
    let forbidden = recorded("member-3", "GET", "/rooms/a/member", 403, r#"{"errcode":"FORBIDDEN"}"#);
    fixture(
        "errors",
        vec![
            recorded("member-1", "GET", "/rooms/a/member", 401, expired),
            recorded("member-2", "GET", "/rooms/a/member", 401, unknown),
            answered_with(forbidden, "x-evidence", "forbidden"),
            refreshed("refresh-1", 9, 403, r#"{"errcode":"NO_REFRESH"}"#),
            answered_with(answered_with(limited, "retry-after", "1"), "x-evidence", "limited"),
        ],
    )
}

/// A stand-in to be started.
pub(crate) struct Played {
    pub(crate) config: StandInConfig,
}

/// The provider plays these exchanges as the flow `rooms/flow`.
pub(crate) fn playing(exchanges: Vec<Exchange>) -> Played {
    Played::of(profile(), vec![fixture("flow", exchanges)])
}

impl Played {
    pub(crate) fn of(profile: ProviderProfile, fixtures: Vec<Fixture>) -> Self {
        let evidence = errors();
        let forms = ErrorForms::from_evidence(&profile, fixtures.iter().chain([&evidence]));
        Self {
            config: StandInConfig {
                profile,
                fixtures,
                forms,
                faults: Vec::new(),
                clock: StandInClock::starting_at(Timestamp::UNIX_EPOCH),
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            },
        }
    }

    /// With a fault, spelled as on the command line.
    pub(crate) fn fault(self, spec: &str) -> Self {
        self.planned(spec.parse().unwrap())
    }

    pub(crate) fn planned(mut self, fault: PlannedFault) -> Self {
        self.config.faults.push(fault);
        self
    }

    pub(crate) async fn start(self) -> StandIn {
        self.try_start().await.unwrap()
    }

    pub(crate) async fn try_start(self) -> Result<StandIn, StandInError> {
        StandIn::start(self.config).await
    }
}
