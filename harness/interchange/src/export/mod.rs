//! Fixtures for other tools. One file a format.
//!
//! A fixture holds placeholders where secrets were; what is exported is sent over the wire by others. So each
//! placeholder becomes the value that stands for it when the fixture is played ([`StandInValues`]): no secret, the
//! same on every machine, and fit for a header. What a format cannot say is a [`Loss`]; where it lets others write,
//! it is kept there for our own importer ([`crate::extras`]).

mod har;
mod pact;
mod wiremock;

pub use har::export_har;
pub use pact::export_pact;
pub use wiremock::export_wiremock;

use crate::Loss;
use counterpart_exchange::{Body, Direction, Ended, Exchange, Fixture, HeaderValue, Headers, StandInValues};

/// A fixture in another format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// What the fixture holds and the format cannot say.
    pub losses: Vec<Loss>,
}

/// The exchanges as they go over the wire, and the losses told so far.
struct Going {
    exchanges: Vec<Exchange>,
    losses: Vec<Loss>,
}

impl Going {
    fn of(fixture: &Fixture) -> (Self, StandInValues) {
        let values = StandInValues::of(fixture);
        let exchanges = fixture.exchanges.iter().map(|exchange| values.fill_exchange(exchange)).collect();
        (Self { exchanges, losses: Vec::new() }, values)
    }

    fn lose(&mut self, exchange: usize, what: impl Into<String>) {
        self.losses.push(Loss { exchange, what: what.into() });
    }
}

/// What became of an exchange that has no whole answer, in words.
fn ended_badly(exchange: &Exchange) -> Option<&'static str> {
    match (exchange.ended, &exchange.response) {
        (Ended::Complete, Some(_)) => None,
        (Ended::Complete, None) => Some("no answer was recorded"),
        (Ended::Unreachable, _) => Some("no connection could be made"),
        (Ended::AnswerCutShort, None) => Some("the provider ended the connection before it answered"),
        (Ended::AnswerCutShort, Some(_)) => Some("the provider ended the connection within its answer"),
        (Ended::ClientWentAway, _) => Some("the client went away before the answer was whole"),
    }
}

/// The bodies of an exchange that were not kept, in words.
fn omitted_bodies(exchange: &Exchange) -> Vec<String> {
    let told = |whose: &str, body: &Body| {
        matches!(body, Body::Omitted { .. })
            .then(|| format!("the body of the {whose}, which was not kept when it was recorded"))
    };
    let response = exchange.response.as_ref().and_then(|response| told("answer", &response.body));
    told("request", &exchange.request.body).into_iter().chain(response).collect()
}

/// Headers that a server or client sets for each message anew (RFC 9110, section 7.6.1, and the body's length, which
/// is another once white space in JSON is gone).
const OF_ONE_MESSAGE: [&str; 5] =
    ["connection", "content-length", "keep-alive", "transfer-encoding", "proxy-connection"];

/// The headers but for those that are named, and whether one of them cannot be said in text.
fn headers_without(headers: &Headers, left_out: &[&str]) -> (Headers, bool) {
    let mut kept = Headers::default();
    let mut has_bytes = false;
    for (name, values) in headers.iter().filter(|(name, _)| !left_out.contains(name)) {
        for value in values {
            has_bytes |= matches!(value, HeaderValue::Bytes(_));
            kept.append(name, HeaderValue::Text(as_text(value)));
        }
    }
    (kept, has_bytes)
}

/// A header value as text: bytes that are not UTF-8 are read as ISO 8859-1, as HTTP once had it.
fn as_text(value: &HeaderValue) -> String {
    match value {
        HeaderValue::Text(text) => text.clone(),
        HeaderValue::Bytes(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

const BYTES_IN_HEADERS: &str = "the bytes of a header that is not UTF-8; it is read as ISO 8859-1";

const WEBHOOK_LEFT_OUT: &str =
    "all of it: a webhook comes from the provider, and the format says only what a provider answers";

fn is_inbound(exchange: &Exchange) -> bool {
    exchange.direction == Direction::Inbound
}
