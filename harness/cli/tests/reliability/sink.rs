//! The destination: takes `POST /items` once for each idempotency key, and remembers all that came.
//!
//! It takes a moment for each request and applies it at the end of it, so that two requests under way at once for one
//! account would be seen out of order. It can hold requests back, and let them go. As destinations do, it has moods: it
//! asks for a later attempt, applies a request and fails before it says so, or refuses what it takes the next time.

use crate::clock;
use crate::dice::Dice;
use crate::oracle::{Applied, Arrived};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A request takes at most so long.
const LONGEST_MS: u64 = 8;

/// Of a thousand keys, so many are met in each of its moods, at their first request alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moods {
    /// 503 with `Retry-After: 1`, and nothing is applied.
    pub(crate) busy: u64,
    /// The same answer, and the request is applied.
    pub(crate) unsure: u64,
    /// 400, which a runtime holds until it is told to go on. Those of its account behind it wait for it.
    pub(crate) refusing: u64,
}

impl Moods {
    pub(crate) const NONE: Self = Self { busy: 0, unsure: 0, refusing: 0 };
    pub(crate) const USUAL: Self = Self { busy: 20, unsure: 10, refusing: 10 };
}

/// A destination that runs until it is dropped.
pub(crate) struct Sink {
    books: Arc<Mutex<Books>>,
    url: String,
    serving: JoinHandle<()>,
}

struct Books {
    arrived: Arrived,
    bodies: BTreeMap<String, Vec<u8>>,
    dice: Dice,
    moods: Moods,
    met: BTreeSet<String>,
    /// While it is closed, requests wait here.
    gate: Option<Vec<oneshot::Sender<()>>>,
}

impl Sink {
    pub(crate) async fn start(dice: Dice, moods: Moods) -> Self {
        let books = Books {
            arrived: Arrived::default(),
            bodies: BTreeMap::new(),
            dice,
            moods,
            met: BTreeSet::new(),
            gate: None,
        };
        let books = Arc::new(Mutex::new(books));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/items", post(take)).with_state(Arc::clone(&books));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { books, url, serving }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn arrived(&self) -> Arrived {
        self.books().arrived.clone()
    }

    /// Holds back what comes from now on.
    pub(crate) fn hold(&self) {
        self.books().gate = Some(Vec::new());
    }

    /// How many requests wait, or have waited since it holds them back.
    pub(crate) fn held(&self) -> usize {
        self.books().gate.as_ref().map_or(0, Vec::len)
    }

    /// Lets all go, and takes what comes as usual.
    pub(crate) fn let_go(&self) {
        // Who waits is answered when its sender is dropped.
        self.books().gate = None;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(books): State<Arc<Mutex<Books>>>, headers: HeaderMap, body: Bytes) -> Response {
    let (moment, held) = {
        let mut books = books.lock().unwrap();
        books.arrived.requests += 1;
        let held = books.gate.as_mut().map(|gate| {
            let (let_go, held) = oneshot::channel();
            gate.push(let_go);
            held
        });
        (books.dice.below(LONGEST_MS), held)
    };
    if let Some(held) = held {
        let _ = held.await;
    }
    clock::pause(Duration::from_millis(moment)).await;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    books.lock().unwrap().answer(key, &body)
}

impl Books {
    fn answer(&mut self, key: Option<&str>, body: &[u8]) -> Response {
        let later = (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]);
        let first = key.is_some_and(|key| self.met.insert(key.to_owned()));
        let thrown = if first { self.dice.below(1_000) } else { 1_000 };
        let Moods { busy, unsure, refusing } = self.moods;
        match thrown {
            _ if thrown < busy => later.into_response(),
            _ if thrown < busy + unsure => {
                self.apply(key, body);
                later.into_response()
            }
            _ if thrown < busy + unsure + refusing => StatusCode::BAD_REQUEST.into_response(),
            _ => self.apply(key, body).into_response(),
        }
    }

    fn apply(&mut self, key: Option<&str>, body: &[u8]) -> StatusCode {
        let Some(key) = key else {
            self.arrived.keyless += 1;
            return StatusCode::BAD_REQUEST;
        };
        let applied = Applied { key: key.to_owned(), body: body.to_owned() };
        match self.bodies.get(key) {
            None => {
                self.bodies.insert(key.to_owned(), body.to_owned());
                self.arrived.applied.push(applied);
                StatusCode::CREATED
            }
            Some(first) if first == body => StatusCode::OK,
            Some(_) => {
                self.arrived.conflicts.insert(applied);
                StatusCode::UNPROCESSABLE_ENTITY
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Moods, Sink};
    use crate::{clock, runtime_api};
    use std::time::Duration;

    async fn send(sink: &Sink, key: Option<&str>, body: &str) -> u16 {
        let mut request = runtime_api::client().post(format!("{}/items", sink.url())).body(body.to_owned());
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn the_first_request_of_a_key_counts_and_all_are_remembered() {
        let sink = Sink::start(Dice::new(1), Moods::NONE).await;
        assert_eq!(send(&sink, Some("k1"), "one").await, 201);
        assert_eq!(send(&sink, Some("k1"), "one").await, 200);
        assert_eq!(send(&sink, Some("k1"), "two").await, 422);
        assert_eq!(send(&sink, None, "three").await, 400);
        assert_eq!(send(&sink, Some("k2"), "one").await, 201, "another key is another item");
        let arrived = sink.arrived();
        let keys: Vec<&str> = arrived.applied.iter().map(|one| one.key.as_str()).collect();
        assert_eq!((keys, arrived.keyless, arrived.requests), (vec!["k1", "k2"], 1, 5));
        assert_eq!(arrived.conflicts.first().unwrap().body, b"two");
    }

    #[tokio::test]
    async fn what_is_held_is_applied_once_it_is_let_go() {
        let sink = Sink::start(Dice::new(1), Moods::NONE).await;
        sink.hold();
        let both = async { tokio::join!(send(&sink, Some("k1"), "one"), send(&sink, Some("k1"), "one")) };
        let opened = async {
            let two = async || (sink.held() == 2).then_some(());
            clock::wait_for("both wait", Duration::from_secs(5), two).await;
            assert!(sink.arrived().applied.is_empty());
            sink.let_go();
        };
        let (answers, ()) = tokio::join!(both, opened);
        assert_eq!(answers.0 + answers.1, 401, "one is new");
        assert_eq!(send(&sink, Some("k2"), "two").await, 201, "and later ones pass");
    }

    #[tokio::test]
    async fn each_mood_meets_a_key_once() {
        let only = |busy, unsure, refusing| Moods { busy, unsure, refusing };
        for (moods, first, applied, second) in [
            (only(1_000, 0, 0), 503, 0, 201),
            (only(0, 1_000, 0), 503, 1, 200),
            (only(0, 0, 1_000), 400, 0, 201),
            (only(0, 0, 0), 201, 1, 200),
        ] {
            let sink = Sink::start(Dice::new(1), moods).await;
            assert_eq!(
                (send(&sink, Some("k1"), "one").await, sink.arrived().applied.len()),
                (first, applied)
            );
            assert_eq!((send(&sink, Some("k1"), "one").await, sink.arrived().applied.len()), (second, 1));
        }
    }
}
