//! A client that costs as little as one can: requests are bytes made ahead, of answers it reads what it must.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_local};

use crate::clock;

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and reads its answer: status and body.
    pub(crate) async fn call(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.buffer));
            let Some(head) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            if self.buffer.len() >= head + 4 + length(&self.buffer[..head]) {
                let status = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
                return (status, &self.buffer[head + 4..]);
            }
        }
    }
}

/// What a head says of its body's length.
fn length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let said = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let length =
        said.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, length)| length);
    length.last().unwrap().parse().unwrap()
}

/// What came of many requests.
#[derive(Default)]
pub(crate) struct Outcome {
    /// From sending, or from when it should have been sent, to the answer; sorted.
    latencies: Vec<Duration>,
    pub(crate) by_status: BTreeMap<u16, usize>,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let place = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
        self.latencies[place].as_secs_f64() * 1_000.0
    }

    pub(crate) fn assert_all_taken(&self) {
        assert_eq!(self.by_status.keys().collect::<Vec<_>>(), [&200], "{:?}", self.by_status);
    }

    fn note(&mut self, status: u16, latency: Duration) {
        *self.by_status.entry(status).or_default() += 1;
        self.latencies.push(latency);
    }
}

/// What connections have done so far.
#[derive(Clone)]
struct Shared {
    requests: Rc<Vec<Vec<u8>>>,
    next: Rc<Cell<usize>>,
    outcome: Rc<RefCell<Outcome>>,
}

impl Shared {
    fn new(requests: &Rc<Vec<Vec<u8>>>) -> Self {
        Self { requests: Rc::clone(requests), next: Rc::default(), outcome: Rc::default() }
    }

    async fn finish(self, connections: Vec<JoinHandle<()>>, began: Instant) -> Outcome {
        for connection in connections {
            connection.await.unwrap();
        }
        let mut outcome = self.outcome.take();
        outcome.elapsed = clock::now() - began;
        outcome.latencies.sort_unstable();
        outcome
    }
}

/// Sends `requests`, each once, as fast as `connections` can, until `limit` if there is one; `again` sends them over and
/// over.
pub(crate) async fn as_fast_as_can_be(
    address: SocketAddr,
    requests: &Rc<Vec<Vec<u8>>>,
    connections: usize,
    limit: Option<Duration>,
    again: bool,
) -> Outcome {
    let shared = Shared::new(requests);
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await);
    }
    let began = clock::now();
    let tasks = open.into_iter().map(|mut connection| {
        let Shared { requests, next, outcome } = shared.clone();
        spawn_local(async move {
            while limit.is_none_or(|limit| began.elapsed() < limit) {
                let place = next.replace(next.get() + 1);
                let place = if again { place % requests.len() } else { place };
                let Some(request) = requests.get(place) else { return };
                let sent = clock::now();
                let (status, _) = connection.call(request).await;
                outcome.borrow_mut().note(status, sent.elapsed());
            }
        })
    });
    let tasks = tasks.collect();
    shared.finish(tasks, began).await
}

/// Sends `requests` at a pace, whatever is answered, spread over `connections`: an answer that is late is late for those
/// behind it too. `exact` keeps the pace to microseconds, at the price of the driver's core.
pub(crate) async fn paced(
    address: SocketAddr,
    requests: &Rc<Vec<Vec<u8>>>,
    (connections, per_second): (usize, f64),
    lasting: Duration,
    exact: bool,
) -> Outcome {
    let shared = Shared::new(requests);
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await);
    }
    let began = clock::now();
    let tasks = open.into_iter().enumerate().map(|(number, mut connection)| {
        let Shared { requests, outcome, .. } = shared.clone();
        spawn_local(async move {
            for turn in 0.. {
                let place = turn * connections + number;
                let due = began + Duration::from_secs_f64(place as f64 / per_second);
                if due - began > lasting {
                    return;
                }
                match exact {
                    true => clock::exactly(due).await,
                    false => clock::sleep(due.saturating_duration_since(clock::now())).await,
                }
                let (status, _) = connection.call(&requests[place % requests.len()]).await;
                outcome.borrow_mut().note(status, due.elapsed());
            }
        })
    });
    let tasks = tasks.collect();
    shared.finish(tasks, began).await
}
