//! Calls to providers: paced, bounded in time and size, counted on the clock.
//!
//! Knows HTTP, but neither a provider's API nor what a call is for. It follows no redirect, uses no proxy of the
//! environment and repeats nothing by itself: when to try again is for the flow to decide.

mod trust;
pub(crate) mod verdict;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Url};

use self::trust::Clients;
pub(crate) use self::trust::certificates as trusts;
use crate::clock::{Clock, Work, later};
use crate::credentials::Secret;
use crate::identity::Lane;
use crate::plants::{Plant, Plants};

/// A call has this long from its start to the last byte of its answer.
const TIME_OUT: SignedDuration = SignedDuration::from_secs(10);

/// Longer answers are not read to their end.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// One call, ready to be sent. Not printable: it carries secrets.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) bearer: Option<Secret>,
    /// What to send, if anything.
    pub(crate) content: Option<Sent>,
    /// Sent as `Idempotency-Key`, so that the provider does once what comes twice.
    pub(crate) idempotency_key: Option<String>,
    /// The only authority to trust, instead of the system's.
    pub(crate) ca_pem: Option<String>,
}

/// A body to send.
pub(crate) struct Sent {
    pub(crate) content_type: HeaderValue,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn json(body: String) -> Self {
        Self { content_type: HeaderValue::from_static("application/json"), body }
    }
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Reply {
    Answered(Answer),
    TimedOut,
    /// Nothing was sent; why, in words of ours.
    NotSent(&'static str),
    /// No answer to what was sent; why, in words of ours.
    NoAnswer(&'static str),
    /// Nothing was sent: whoever answers there could not show who it is. Why, in words of ours.
    Distrusted(&'static str),
}

impl Reply {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::TimedOut | Self::NotSent(_) | Self::NoAnswer(_) | Self::Distrusted(_) => None,
        }
    }
}

/// An answer, as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The first `Retry-After` field.
    pub(crate) retry_after: Option<String>,
    /// What the body says that it is.
    pub(crate) content_type: Option<String>,
    /// When the provider says that it is.
    pub(crate) date: Option<String>,
    /// The whole body, or why there is no whole body.
    pub(crate) body: Result<Vec<u8>, String>,
}

/// When a request may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Taken(Timestamp),
    TooFar(Timestamp),
}

#[derive(Debug)]
pub(crate) struct Outbound {
    clients: Clients,
    clock: Clock,
    plants: Plants,
    /// When the latest request of a connection that is paced started. One entry for each such connection.
    latest_start: Mutex<HashMap<Lane, Timestamp>>,
}

impl Outbound {
    /// # Errors
    /// When the system's certificates cannot be loaded.
    pub(crate) fn new(clock: Clock, plants: Plants) -> Result<Self, reqwest::Error> {
        let clients = Clients::new(clock.is_test(), plants.has(Plant::CertificateUnchecked))?;
        Ok(Self { clients, clock, plants, latest_start: Mutex::default() })
    }

    /// The turn of the next request of `lane`, at `max_requests_per_second`. It is taken, unless it lies further ahead
    /// than `patience`.
    pub(crate) fn take_turn(
        &self,
        lane: &Lane,
        max_requests_per_second: Option<f64>,
        patience: SignedDuration,
    ) -> Turn {
        let now = self.clock.now();
        let spacing =
            max_requests_per_second.and_then(|rate| SignedDuration::try_from_secs_f64(1.0 / rate).ok());
        let Some(spacing) = spacing else { return Turn::Taken(now) };
        let mut latest = self.latest_start();
        let turn = latest.get(lane).map_or(now, |latest| later(*latest, spacing).max(now));
        if turn > later(now, patience) {
            return Turn::TooFar(turn);
        }
        latest.insert(lane.clone(), turn);
        Turn::Taken(turn)
    }

    fn latest_start(&self) -> MutexGuard<'_, HashMap<Lane, Timestamp>> {
        self.latest_start.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `call` and reads its answer.
    pub(crate) async fn send(&self, work: &mut Work, lane: &Lane, call: Call) -> Reply {
        let Some(client) = self.clients.of(call.ca_pem.as_deref()) else {
            return Reply::Distrusted("the connection's ca_pem cannot be used; PUT the connection again");
        };
        // It may have started later than in its turn.
        if let Some(latest) = self.latest_start().get_mut(lane) {
            *latest = self.clock.now().max(*latest);
        }
        let time_out =
            if self.plants.has(Plant::Impatient) { SignedDuration::from_secs(1) } else { TIME_OUT };
        let limit = (!self.plants.has(Plant::NoTimeout)).then_some(time_out);
        work.request(limit, exchange(client, call)).await.unwrap_or(Reply::TimedOut)
    }
}

async fn exchange(client: Client, call: Call) -> Reply {
    let mut request = client.request(call.method, call.url);
    if let Some(token) = &call.bearer {
        let Ok(mut header) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) else {
            return Reply::NotSent("the access token cannot be sent in a header");
        };
        header.set_sensitive(true);
        request = request.header(AUTHORIZATION, header);
    }
    if let Some(key) = call.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    if let Some(Sent { content_type, body }) = call.content {
        request = request.header(CONTENT_TYPE, content_type).body(body);
    }
    match request.send().await {
        Ok(response) => Reply::Answered(read(response).await),
        Err(error) => match trust::flaw(&error) {
            Some(flaw) => Reply::Distrusted(flaw),
            None if error.is_connect() => Reply::NotSent("no connection to the provider"),
            None => Reply::NoAnswer("the connection broke before an answer came"),
        },
    }
}

async fn read(mut response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let field = |name| response.headers().get(name).and_then(|field| field.to_str().ok()).map(str::to_owned);
    let (retry_after, content_type, date) = (field(RETRY_AFTER), field(CONTENT_TYPE), field(DATE));
    let mut body = Vec::new();
    let body = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY_BYTES => {
                break Err(format!("the body is longer than {MAX_BODY_BYTES} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break Ok(body),
            Err(_) => break Err(format!("the body broke off after {} bytes", body.len())),
        }
    };
    Answer { status, retry_after, content_type, date, body }
}
