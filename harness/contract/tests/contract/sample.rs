//! Fixtures and profiles written in code.

use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, Fixture, Headers, Imported, OperationName, Provenance,
    ProviderProfile, Request, Response,
};

/// A profile of a chat server with these operations, all but `login` behind a bearer token.
pub(crate) fn profile(operations: &[(&str, &str)]) -> ProviderProfile {
    let mut profile = ProviderProfile::unknown("chat");
    profile.title = "A chat server".into();
    profile.source = "https://chat.example/docs".into();
    profile.api_versions = vec!["v3".into()];
    for (name, template) in operations {
        profile.operations.insert(OperationName((*name).to_owned()), template.parse().unwrap());
    }
    profile
}

/// A fixture of these exchanges, named by the profile.
pub(crate) fn fixture(profile: &ProviderProfile, flow: &str, exchanges: Vec<Exchange>) -> Fixture {
    let mut fixture = Fixture {
        provider: profile.provider.clone(),
        flow: flow.to_owned(),
        provenance: Provenance::Imported(Imported { format: "har".into(), source: "chat.har".into() }),
        redacted: std::collections::BTreeMap::new(),
        exchanges,
    };
    fixture.number_exchanges(|e| profile.operation_of_request(&e.request).0);
    fixture
}

/// A message's media type and body; an empty media type stands for no header field.
pub(crate) type Content<'a> = (&'a str, &'a str);

pub(crate) const NOTHING: Content<'_> = ("", "");

pub(crate) fn exchange(line: &str, sent: Content<'_>, status: u16, answered: Content<'_>) -> Exchange {
    let (method, target) = line.split_once(' ').unwrap();
    let (headers, body) = message(sent);
    let request = Request { method: method.into(), target: target.into(), headers, body };
    let (headers, body) = message(answered);
    Exchange {
        id: ExchangeId::from(""),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request,
        response: Some(Response { status, headers, body }),
    }
}

/// A `GET` that was answered with JSON.
pub(crate) fn get(target: &str, status: u16, json: &str) -> Exchange {
    exchange(&format!("GET {target}"), NOTHING, status, ("application/json", json))
}

pub(crate) fn with_header(mut exchange: Exchange, name: &str, value: &str) -> Exchange {
    exchange.response.as_mut().unwrap().headers.set(name, value);
    exchange
}

pub(crate) fn ended(mut exchange: Exchange, ended: Ended) -> Exchange {
    exchange.ended = ended;
    exchange
}

pub(crate) fn inbound(mut exchange: Exchange) -> Exchange {
    exchange.direction = Direction::Inbound;
    exchange
}

fn message((media_type, text): Content<'_>) -> (Headers, Body) {
    let mut headers = Headers::default();
    if !media_type.is_empty() {
        headers.set("content-type", media_type);
    }
    (headers, Body::from_bytes(text.as_bytes(), Some(media_type)))
}
