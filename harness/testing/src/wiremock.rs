//! The exchanges of a fixture on a [`wiremock::MockServer`], for tests that are built around one.
//!
//! A request is told by method, path, canonical query and canonical body, without what the profile calls volatile, as the
//! stand-in tells it. Requests that are the same are answered in recorded order, and the last answer to one that only
//! reads again and again; a write beyond the recording gets wiremock's 404.
//!
//! What wiremock cannot say is left out ([`Mounted::left_out`]) or is not there: answers that broke off, bodies that were
//! not kept, webhooks, faults of the connection, and every behaviour that the profile declares (tokens that expire,
//! quotas, idempotency keys, conditions, data that grows). Recorded refusals are replayed in their order, whatever token
//! is sent. For any of these take [`stand_in`](crate::stand_in).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use counterpart_testing::{fixture, wiremock::mount};
//!
//! let server = wiremock::MockServer::start().await;
//! let mounted = mount(&server, fixture!("matrix/room-history")).await;
//! assert_eq!((mounted.exchanges(), mounted.left_out().len()), (13, 0));
//! # }
//! ```

use crate::error::TestingError;
use crate::fixture::load;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, Fixture, HeaderValue, ProviderProfile, Request, Response, StandInValues,
};
use counterpart_stand_in::RequestIdentity;
use std::path::PathBuf;
use std::sync::Arc;
use wiremock::{Match, Mock, MockServer, ResponseTemplate};

/// What wiremock's server decides by itself.
const OF_THE_CONNECTION: [&str; 4] = ["connection", "transfer-encoding", "content-length", "keep-alive"];

/// What came onto the server, and what did not.
pub struct Mounted {
    values: StandInValues,
    exchanges: usize,
    left_out: Vec<String>,
}

impl std::fmt::Debug for Mounted {
    // The values are credentials, some of them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let left_out = &self.left_out;
        formatter
            .debug_struct("Mounted")
            .field("exchanges", &self.exchanges)
            .field("left_out", left_out)
            .finish_non_exhaustive()
    }
}

impl Mounted {
    /// How many exchanges can be played.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.exchanges
    }

    /// Exchanges that wiremock cannot play, each with the reason.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// What stands for a secret of the fixture, by its placeholder without the marks: `access_token:1`.
    #[must_use]
    pub fn value(&self, placeholder: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| known.to_string() == format!("«{placeholder}»"))
            .map(|(_, value)| value)
    }
}

/// Mounts the exchanges of a fixture.
///
/// # Panics
/// Where the fixture cannot be used; [`try_mount`] tells it instead.
pub async fn mount(server: &MockServer, fixture: impl Into<PathBuf>) -> Mounted {
    match try_mount(server, fixture).await {
        Ok(mounted) => mounted,
        #[expect(clippy::panic, reason = "a test whose fixture cannot be read has failed")]
        Err(error) => panic!("{error}"),
    }
}

/// The same.
///
/// # Errors
/// [`TestingError`] with the place of what cannot be used.
pub async fn try_mount(server: &MockServer, fixture: impl Into<PathBuf>) -> Result<Mounted, TestingError> {
    let loaded = load(&[fixture.into()])?;
    let profile = Arc::new(loaded.profile);
    let mut mounted = Mounted { values: StandInValues::default(), exchanges: 0, left_out: Vec::new() };
    for fixture in &loaded.fixtures {
        mounted.values = StandInValues::of(fixture);
        let (playable, left_out) = playable(fixture, &mounted.values);
        mounted.left_out = left_out;
        mounted.exchanges = playable.len();
        for (index, (exchange, response)) in playable.iter().enumerate() {
            let recorded = RequestIdentity::of(&exchange.request, &profile);
            let is_last = !playable[index + 1..]
                .iter()
                .any(|(later, _)| RequestIdentity::of(&later.request, &profile).is_of(&recorded));
            let is_again = is_last && recorded.is_safe();
            let same = SameRequest { recorded, profile: Arc::clone(&profile) };
            let mock = Mock::given(same).respond_with(template(response)).named(format!(
                "{}#{}",
                fixture.name(),
                exchange.id
            ));
            // Wiremock takes the first of those that fit and are not used up.
            let mock = if is_again { mock } else { mock.up_to_n_times(1) };
            server.register(mock).await;
        }
    }
    Ok(mounted)
}

/// The exchanges that wiremock can play, placeholders filled in, and why it cannot play the others.
fn playable(fixture: &Fixture, values: &StandInValues) -> (Vec<(Exchange, Response)>, Vec<String>) {
    let mut playable = Vec::new();
    let mut left_out = Vec::new();
    for exchange in &fixture.exchanges {
        let filled = values.fill_exchange(exchange);
        let why = match (&filled.response, filled.ended) {
            _ if filled.direction == Direction::Inbound => "the provider sent it: a webhook",
            (Some(response), Ended::Complete) if matches!(response.body, Body::Omitted { .. }) => {
                "the body of its answer was not kept"
            }
            (Some(response), Ended::Complete) => {
                let response = response.clone();
                playable.push((filled, response));
                continue;
            }
            (_, Ended::Complete) => "it has no answer",
            _ => "its answer did not arrive whole",
        };
        left_out.push(format!("{}#{}: {why}", fixture.name(), exchange.id));
    }
    (playable, left_out)
}

/// Whether a request is the recorded one.
struct SameRequest {
    recorded: RequestIdentity,
    profile: Arc<ProviderProfile>,
}

impl Match for SameRequest {
    fn matches(&self, request: &wiremock::Request) -> bool {
        RequestIdentity::of(&request_of(request), &self.profile).is_of(&self.recorded)
    }
}

fn request_of(request: &wiremock::Request) -> Request {
    let mut headers = counterpart_exchange::Headers::default();
    for (name, value) in &request.headers {
        headers.append(name.as_str(), HeaderValue::from_bytes(value.as_bytes()));
    }
    let path = request.url.path();
    let target = request.url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let body = Body::from_bytes(&request.body, headers.text("content-type"));
    Request { method: request.method.to_string(), target, headers, body }
}

fn template(response: &Response) -> ResponseTemplate {
    let mut template = ResponseTemplate::new(response.status).set_body_bytes(response.body.to_bytes());
    for (name, values) in response.headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(name)) {
        for value in values {
            template = template.append_header(name, value.as_bytes());
        }
    }
    template
}
