//! How requests prove who they are from, where exchanges show it outright.

use super::{Operations, quoted};
use crate::{Exchange, Placeholder, RequestTarget, find_placeholders};

/// Where a request carries its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Bearer,
    Basic,
    Scheme(String),
    Header(String),
    Query(String),
}

/// Headers that hold a secret and say nothing of who asks.
const NO_CREDENTIALS: [&str; 6] = ["cookie", "signature", "csrf", "xsrf", "idempotency", "webhook"];

/// What credentials are called, at the end.
const KINDS: [&str; 4] = ["key", "token", "secret", "password"];

/// What most requests prove themselves with.
pub(super) struct Carried(Option<Place>);

impl Carried {
    pub(super) fn of(exchanges: &[&Exchange]) -> Self {
        let places: Vec<Vec<Place>> = exchanges.iter().map(|exchange| places(exchange)).collect();
        // A bearer token is plain wherever it is seen; what else looks like a credential must be there mostly.
        let is_plain = |place: &Place| {
            let seen = places.iter().filter(|places| places.contains(place)).count();
            *place == Place::Bearer || seen * 2 >= exchanges.len()
        };
        let rank = |place: &Place| match place {
            Place::Bearer => 0,
            Place::Basic => 1,
            Place::Scheme(_) => 2,
            Place::Header(_) => 3,
            Place::Query(_) => 4,
        };
        let mut candidates: Vec<&Place> = places.iter().flatten().filter(|place| is_plain(place)).collect();
        // The first of its rank that was seen.
        candidates.sort_by_key(|place| rank(place));
        Self(candidates.first().map(|place| (*place).clone()))
    }

    /// The section of the profile; empty where nothing is carried.
    pub(super) fn section(&self, operations: &Operations, by_operation: &[Vec<&Exchange>]) -> String {
        let Some(place) = &self.0 else { return String::new() };
        let public: Vec<&str> = operations
            .iter()
            .zip(by_operation)
            .filter(|(_, exchanges)| exchanges.iter().any(|exchange| self.is_open(exchange)))
            .map(|((name, _), _)| name.0.as_str())
            .collect();
        let head = match place {
            Place::Bearer => "  bearer:\n".to_owned(),
            Place::Basic => "  basic:\n".to_owned(),
            Place::Scheme(scheme) => api_key("authorization", scheme),
            Place::Header(name) => api_key("header", name),
            Place::Query(name) => api_key("query", name),
        };
        format!("auth:\n{head}    public: [{}]\n", public.join(", "))
    }

    pub(super) fn is_in(&self, exchange: &Exchange) -> bool {
        self.0.as_ref().is_some_and(|place| places(exchange).contains(place))
    }

    /// Whether an exchange shows that its operation needs no credentials.
    fn is_open(&self, exchange: &Exchange) -> bool {
        let succeeded = exchange.response.as_ref().is_some_and(|response| response.status < 400);
        let claims_nothing =
            exchange.request.headers.text("authorization").is_none() && !self.is_in(exchange);
        succeeded && claims_nothing
    }
}

fn api_key(place: &str, name: &str) -> String {
    format!("  api_key:\n    in: {{{place}: {}}}\n", quoted(name))
}

/// Everything in a request that may be its credential.
fn places(exchange: &Exchange) -> Vec<Place> {
    let request = &exchange.request;
    let mut places = Vec::new();
    if let Some((scheme, credential)) =
        request.headers.text("authorization").and_then(|value| value.split_once(' '))
    {
        match &*scheme.to_ascii_lowercase() {
            "bearer" => places.push(Place::Bearer),
            "basic" => places.push(Place::Basic),
            // Others put parameters and signatures there.
            _ if placeholder(credential.trim()).is_some() => places.push(Place::Scheme(scheme.to_owned())),
            _ => {}
        }
    }
    for (name, values) in request.headers.iter() {
        let name = name.to_ascii_lowercase();
        let is_other = name == "authorization" || NO_CREDENTIALS.iter().any(|no| name.contains(no));
        let whole = values.first().and_then(|value| value.as_text()).and_then(placeholder);
        if whole.is_some_and(|whole| is_credential(&whole)) && !is_other {
            places.push(Place::Header(name));
        }
    }
    for (name, value) in RequestTarget::of(&request.target).query_fields() {
        if placeholder(&value).is_some_and(|whole| is_credential(&whole)) {
            places.push(Place::Query(name));
        }
    }
    places
}

/// The placeholder that is all of a text.
fn placeholder(text: &str) -> Option<Placeholder> {
    let mut found = find_placeholders(text).into_iter();
    found.next().filter(|(range, _)| range.len() == text.len()).map(|(_, placeholder)| placeholder)
}

fn is_credential(placeholder: &Placeholder) -> bool {
    KINDS.iter().any(|kind| placeholder.kind.ends_with(kind))
}
