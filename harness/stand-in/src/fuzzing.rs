//! What a fuzzer calls: any bytes are taken for a request, and the matcher must hold its promises about it.
//!
//! Behind the feature `fuzzing`, for `harness/stand-in/fuzz` and for the property test below, which runs the same on
//! random bytes. Knows no sockets: what hyper refuses never comes this far.

use crate::clock::StandInClock;
use crate::forms::ErrorForms;
use crate::key::RequestKey;
use crate::matching::Candidate;
use crate::play::{Play, Script};
use crate::received::Received;
use bytes::Bytes;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, Fixture, HeaderValue, Headers, Provenance, ProviderProfile,
    Request, Response, Written, parse_document,
};
use std::collections::BTreeMap;
use std::path::Path;

const PROFILE: &str = "
counterpart: provider/1
provider: fuzzed
operations:
  item: GET /items/{id}
  send: PUT /rooms/{room}/send/{txn}
  search: POST /search
reads: [search]
protocols:
  - graphql: {endpoint: POST /graphql}
  - soap: {endpoint: POST /soap}
  - json_rpc: {endpoint: POST /rpc}
volatile: {path_variables: [txn], query: [trace], fields: [nonce, sent_at]}
idempotency: {header: {name: Idempotency-Key}}
etags: {operations: [item]}
";

/// Method and target, media type, and body of what was recorded.
const RECORDED: [(&str, &str, &str); 12] = [
    ("GET /items/1?b=2&a=1&trace=7", "", ""),
    ("GET /items/%C3%A9", "", ""),
    ("PUT /rooms/a/send/t1", "application/json", r#"{"body":"hello","nonce":"n-12345678"}"#),
    ("POST /search", "application/json", r#"{"q":"x","page":{"size":10,"after":null}}"#),
    ("POST /search", "application/json", "[1,2.5,-3,true,\"é\"]"),
    ("POST /forms", "application/x-www-form-urlencoded", "a=1&sent_at=then&b=%C3%A9"),
    ("POST /text", "text/plain", "hello"),
    ("POST /binary", "application/octet-stream", "\u{0}\u{1}"),
    (
        "POST /graphql",
        "application/json",
        r#"{"query":"query Q($a: Int) { f(a: $a) { id } }","variables":{"a":1}}"#,
    ),
    (
        "POST /soap",
        "text/xml",
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><Get/></s:Body></s:Envelope>",
    ),
    ("POST /rpc", "application/json", r#"{"jsonrpc":"2.0","method":"m","params":[1],"id":1}"#),
    ("DELETE /items/1", "", ""),
];

/// A recording of every kind of request, ready to be asked.
pub struct Matcher {
    profile: ProviderProfile,
    play: Play,
    keys: Vec<RequestKey>,
}

impl Default for Matcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Matcher {
    /// Takes the recording in.
    ///
    /// # Panics
    /// Where the profile of this module does not parse.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the profile stands above, and a test reads it")]
    pub fn new() -> Self {
        let profile: ProviderProfile =
            parse_document(Path::new("provider.yaml"), PROFILE).expect("the profile above is one");
        let fixture = Fixture {
            provider: "fuzzed".to_owned(),
            flow: "flow".to_owned(),
            provenance: Provenance::Written(Written { after: "the fuzz target".to_owned() }),
            redacted: BTreeMap::new(),
            exchanges: RECORDED
                .iter()
                .enumerate()
                .map(|(index, recorded)| exchange(index, *recorded))
                .collect(),
        };
        let script = Script {
            profile: profile.clone(),
            forms: ErrorForms::default(),
            faults: Vec::new(),
            clock: StandInClock::starting_at(jiff::Timestamp::UNIX_EPOCH),
            base_url: "http://stand-in".to_owned(),
        };
        let keys = fixture.exchanges.iter().map(|one| RequestKey::of(&one.request, &profile)).collect();
        let (play, ..) = Play::new(script, &[fixture]);
        Self { profile, play, keys }
    }

    /// Takes bytes for a request (method and target up to a line feed, media type up to another, then the body) and
    /// asks for its answer.
    ///
    /// # Panics
    /// Where the two forms of a request's key disagree: it is looked up by the one and explained by the other.
    pub fn ask(&mut self, bytes: &[u8]) {
        let Some(received) = request_of(bytes) else { return };
        let wanted = self.play.wanted(&received);
        let spelled = RequestKey::of(received.request(), &self.profile);
        let is_recorded = self.keys.contains(&spelled);
        let found = self.play.peek(&wanted) != Candidate::None;
        assert!(
            found == is_recorded || says_a_name_twice(&received),
            "{spelled:?} is {} recorded, and its digest says otherwise",
            if is_recorded { "" } else { "not" }
        );
        let decision = self.play.answer(&received);
        self.play.finish(decision.pass, decision.epoch);
    }
}

fn exchange(index: usize, (line, media_type, body): (&str, &str, &str)) -> Exchange {
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let mut headers = Headers::default();
    if !media_type.is_empty() {
        headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
    }
    let body = Body::from_bytes(body.as_bytes(), Some(media_type));
    Exchange {
        id: ExchangeId::nth("fuzzed", index + 1),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request { method: method.to_owned(), target: target.to_owned(), headers, body },
        response: Some(Response {
            status: 200,
            headers: Headers::default(),
            body: Body::from_bytes(br#"{"echo":"n-12345678"}"#, Some("application/json")),
        }),
    }
}

fn request_of(bytes: &[u8]) -> Option<Received> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let line = std::str::from_utf8(parts.next()?).ok()?;
    let media_type = parts.next().unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    let (method, target) = line.split_once(' ')?;
    let mut request = http::Request::builder().method(method).uri(target);
    if !media_type.is_empty() {
        request = request.header("content-type", http::HeaderValue::from_bytes(media_type).ok()?);
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    Some(Received::new(head, Bytes::copy_from_slice(body)))
}

/// JSON in which an object says a name twice: readers differ on which counts, and so do the two forms of a key.
fn says_a_name_twice(received: &Received) -> bool {
    let Some(json) = received.request().body.json() else { return false };
    // What a value drops of a document is a name that was said before.
    let count = |text: &str| text.matches("\":").count();
    count(json.as_str()) > count(&json.to_value().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// One for all cases: whatever was asked before must not matter.
    static MATCHER: LazyLock<Mutex<Matcher>> = LazyLock::new(Mutex::default);

    fn ask(bytes: &[u8]) {
        MATCHER.lock().unwrap_or_else(PoisonError::into_inner).ask(bytes);
    }

    /// Bytes near to what was recorded: one of it, some of its bytes replaced, put in or taken out.
    fn nearly_recorded() -> impl Strategy<Value = Vec<u8>> {
        let edit = (any::<prop::sample::Index>(), 0..3_u8, any::<u8>());
        (0..RECORDED.len(), prop::collection::vec(edit, 0..6)).prop_map(|(index, edits)| {
            let (line, media_type, body) = RECORDED[index];
            let mut bytes = format!("{line}\n{media_type}\n{body}").into_bytes();
            for (place, kind, byte) in edits {
                let at = place.index(bytes.len().max(1));
                match kind {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 => bytes.insert(at.min(bytes.len()), byte),
                    _ if at < bytes.len() => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            bytes
        })
    }

    #[test]
    fn everything_recorded_is_found() {
        for (index, (line, media_type, body)) in RECORDED.into_iter().enumerate() {
            let mut matcher = Matcher::new();
            let received = request_of(format!("{line}\n{media_type}\n{body}").as_bytes()).unwrap();
            let decision = matcher.play.answer(&received);
            let expected = format!("fuzzed/flow#fuzzed-{}", index + 1);
            assert_eq!(decision.exchange.as_deref(), Some(expected.as_str()), "{line}");
            matcher.play.finish(decision.pass, decision.epoch);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn both_forms_of_a_key_agree(bytes in nearly_recorded()) {
            ask(&bytes);
        }

        #[test]
        fn any_bytes_are_asked_without_a_panic(bytes: Vec<u8>) {
            ask(&bytes);
        }
    }
}
