//! What was captured for one fixture so far, in memory: the exchanges that ended.
//!
//! Nothing here is redacted yet, so nothing here is ever printed or written.

use crate::body_copy::{Copied, SharedCopy};
use crate::fields;
use crate::pulse::Pulse;
use crate::upstream::Upstream;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, Request, Response,
};
use http::HeaderMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The memory of one fixture. It has no `Debug`, nor has anything that holds a part of a message.
pub(crate) struct Journal {
    recording: Arc<Pulse>,
    keeps: Keeps,
    /// Where its first request went on to.
    first_upstream: OnceLock<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Exchanges begun and to be kept; also the next one's place in the order of requests.
    begun: usize,
    not_kept: usize,
    ended: Vec<Captured>,
}

/// Whether exchanges are kept at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    /// Within the bounds.
    Exchanges,
    /// They are counted, as ones that are not kept.
    Nothing,
}

/// The whole of what was captured.
pub(crate) struct Captures {
    /// In order of their requests.
    pub(crate) exchanges: Vec<Exchange>,
    /// Exchanges beyond the bounds.
    pub(crate) not_kept: usize,
}

struct Captured {
    sequence: usize,
    /// Its bodies are still empty.
    exchange: Exchange,
    request_body: Copied,
    answer_body: Copied,
}

impl Journal {
    /// The memory of a fixture, within a recording's bounds.
    pub(crate) fn new(recording: &Arc<Pulse>) -> Arc<Self> {
        Self::that_keeps(Keeps::Exchanges, recording)
    }

    /// One that only counts: for what passes and is not recorded.
    pub(crate) fn of_nothing(recording: &Arc<Pulse>) -> Arc<Self> {
        Self::that_keeps(Keeps::Nothing, recording)
    }

    fn that_keeps(keeps: Keeps, recording: &Arc<Pulse>) -> Arc<Self> {
        let recording = Arc::clone(recording);
        Arc::new(Self { recording, keeps, first_upstream: OnceLock::new(), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where requests go on to.
    pub(crate) fn goes_on_to(&self, upstream: &Upstream) {
        self.first_upstream.get_or_init(|| upstream.to_string());
    }

    /// Where the first request went on to.
    pub(crate) fn first_upstream(&self) -> Option<&str> {
        self.first_upstream.get().map(String::as_str)
    }

    /// Begins an exchange whose request has a head of `head_bytes`. The body's copy stays empty where it
    /// could not be searched.
    pub(crate) fn begin(
        self: &Arc<Self>,
        direction: Direction,
        request: Request,
        head_bytes: usize,
        content: Content,
    ) -> Capture {
        let Pulse { limits, budget, .. } = &*self.recording;
        let offset_ms = self.recording.begun();
        let mut state = self.lock();
        let has_room = self.keeps == Keeps::Exchanges && state.begun < limits.exchanges;
        let entry = if has_room && budget.take(head_bytes).is_ok() {
            state.begun += 1;
            Some(Entry { sequence: state.begun, direction, offset_ms, request, response: None })
        } else {
            None
        };
        drop(state);
        let mut capture = Capture {
            journal: Arc::clone(self),
            entry,
            request_copy: SharedCopy::counting(budget),
            answer_copy: SharedCopy::counting(budget),
            ended: Ended::ClientWentAway,
        };
        capture.request_copy = capture.copy_of(content);
        capture
    }

    /// How many exchanges ended and are kept.
    pub(crate) fn captured(&self) -> usize {
        self.lock().ended.len()
    }

    /// Whether it is there to keep exchanges.
    pub(crate) fn keeps_exchanges(&self) -> bool {
        self.keeps == Keeps::Exchanges
    }

    /// Everything captured so far, bodies in place.
    pub(crate) fn take(&self) -> Captures {
        let mut state = self.lock();
        let mut ended = std::mem::take(&mut state.ended);
        let not_kept = state.not_kept;
        drop(state);
        ended.sort_by_key(|captured| captured.sequence);
        Captures { exchanges: ended.into_iter().map(Captured::into_exchange).collect(), not_kept }
    }
}

/// Whether a message's content can be searched for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// It can: it is not encoded, or will be decoded when it is kept.
    Plain,
    /// It is encoded (`Content-Encoding`) as nobody here can undo, or one of gRPC, so it is counted and not kept.
    Encoded,
}

/// An exchange under way. It is concluded once: by [`Capture::conclude`], or by being dropped, which is what
/// the server does with an exchange whose client went away.
pub(crate) struct Capture {
    journal: Arc<Journal>,
    /// Nothing where the exchange is not kept.
    entry: Option<Entry>,
    request_copy: SharedCopy,
    answer_copy: SharedCopy,
    ended: Ended,
}

struct Entry {
    sequence: usize,
    direction: Direction,
    offset_ms: u64,
    request: Request,
    response: Option<Response>,
}

impl Capture {
    /// Where the request's body is to be copied to.
    pub(crate) fn request_copy(&self) -> SharedCopy {
        self.request_copy.clone()
    }

    /// Takes the head of the answer, of `head_bytes`; gives where its body is to be copied to.
    pub(crate) fn answered(
        &mut self,
        status: u16,
        headers: Headers,
        head_bytes: usize,
        content: Content,
    ) -> SharedCopy {
        if self.journal.recording.budget.take(head_bytes).is_err() {
            self.entry = None;
        }
        if let Some(entry) = &mut self.entry {
            entry.response = Some(Response { status, headers, body: Body::None });
        }
        self.answer_copy = self.copy_of(content);
        self.answer_copy.clone()
    }

    /// Takes down what an answer tells behind its body, as if it stood in its head.
    pub(crate) fn trailed_by(&mut self, trailers: &HeaderMap) {
        let is_affordable = self.journal.recording.budget.take(fields::size_bytes(trailers)).is_ok();
        if let Some(response) = self.entry.as_mut().and_then(|entry| entry.response.as_mut())
            && is_affordable
        {
            for (name, value) in trailers {
                response.headers.append(name.as_str(), HeaderValue::from_bytes(value.as_bytes()));
            }
        }
    }

    /// Ends the exchange.
    pub(crate) fn conclude(mut self, ended: Ended) {
        self.ended = ended;
    }

    fn copy_of(&self, content: Content) -> SharedCopy {
        let Pulse { limits, budget, .. } = &*self.journal.recording;
        match content {
            Content::Plain if self.entry.is_some() => SharedCopy::keeping(limits.body_bytes, budget),
            Content::Plain | Content::Encoded => SharedCopy::counting(budget),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let now_ms = self.journal.recording.now_ms();
        let captured = self.entry.take().map(|entry| Captured {
            sequence: entry.sequence,
            exchange: Exchange {
                id: ExchangeId::from(entry.sequence.to_string().as_str()),
                direction: entry.direction,
                offset_ms: entry.offset_ms,
                latency_ms: now_ms.saturating_sub(entry.offset_ms),
                caused_by: None,
                ended: self.ended,
                request: entry.request,
                response: entry.response,
            },
            request_body: self.request_copy.take(),
            answer_body: self.answer_copy.take(),
        });
        let kept = usize::from(captured.is_some());
        let mut state = self.journal.lock();
        match captured {
            Some(captured) => state.ended.push(captured),
            None => state.not_kept += 1,
        }
        drop(state);
        self.journal.recording.ended(now_ms, kept);
    }
}

impl Captured {
    fn into_exchange(self) -> Exchange {
        let mut exchange = self.exchange;
        let headers = &exchange.request.headers;
        let declared_bytes = headers.text("content-length").and_then(|length| length.trim().parse().ok());
        exchange.request.body =
            self.request_body.into_request_body(headers.text("content-type"), declared_bytes);
        if let Some(response) = &mut exchange.response {
            response.body = self.answer_body.into_answer_body(response.headers.text("content-type"));
        }
        exchange
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Limits;

    fn request(target: &str) -> Request {
        Request { method: "GET".into(), target: target.into(), headers: Headers::default(), body: Body::None }
    }

    fn journal(exchanges: usize, total_bytes: usize) -> Arc<Journal> {
        let limits = Limits { exchanges, total_bytes, ..Limits::default() };
        Journal::new(&Pulse::new(Clock::start(), limits))
    }

    #[test]
    fn what_is_not_recorded_is_counted() {
        let journal = Journal::of_nothing(&Pulse::new(Clock::start(), Limits::default()));
        journal.begin(Direction::Outbound, request("/1"), 2, Content::Plain).conclude(Ended::Complete);
        assert_eq!((journal.captured(), journal.take().not_kept), (0, 1));
    }

    #[test]
    fn exchanges_stand_in_order_of_their_requests_however_they_end() {
        let journal = journal(10, 1000);
        let first = journal.begin(Direction::Outbound, request("/1"), 2, Content::Plain);
        let mut second = journal.begin(Direction::Outbound, request("/2"), 2, Content::Plain);
        second.answered(200, Headers::default(), 2, Content::Plain).push(b"x");
        second.conclude(Ended::Complete);
        assert_eq!(journal.captured(), 1);
        drop(first);
        let all = journal.take().exchanges;
        let seen: Vec<_> = all.iter().map(|one| (one.request.target.as_str(), one.ended)).collect();
        assert_eq!(seen, [("/1", Ended::ClientWentAway), ("/2", Ended::Complete)]);
        assert_eq!(all[1].response.as_ref().unwrap().body, Body::Text("x".into()));
    }

    #[test]
    fn what_is_beyond_the_bounds_is_counted() {
        let few = journal(1, 1000);
        few.begin(Direction::Outbound, request("/1"), 2, Content::Plain).conclude(Ended::Complete);
        few.begin(Direction::Outbound, request("/2"), 2, Content::Plain).conclude(Ended::Complete);
        let captures = few.take();
        assert_eq!((captures.exchanges.len(), captures.not_kept), (1, 1));

        let small = journal(10, 5);
        let mut one = small.begin(Direction::Outbound, request("/1"), 2, Content::Plain);
        one.answered(200, Headers::default(), 4, Content::Plain);
        one.conclude(Ended::Complete);
        let captures = small.take();
        assert_eq!((captures.exchanges.len(), captures.not_kept), (0, 1));
    }

    #[test]
    fn encoded_content_is_counted_and_not_kept() {
        let journal = journal(10, 1000);
        let mut one = journal.begin(Direction::Outbound, request("/1"), 2, Content::Plain);
        one.request_copy().set_whole();
        one.answered(200, Headers::default(), 0, Content::Encoded).push(b"\x1f\x8b");
        one.conclude(Ended::Complete);
        let all = journal.take().exchanges;
        assert_eq!(all[0].response.as_ref().unwrap().body, Body::Omitted { size_bytes: 2 });
    }
}
