//! A receiver of webhooks: raw bytes over TCP, answers as told, and no HTTP library.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

/// A webhook as it came.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What is answered next.
#[derive(Clone)]
pub(crate) enum Says {
    /// A status and a body.
    Status(u16, String),
    /// Nothing, for ever.
    Nothing,
    /// 200, once so many have come.
    OnceAllCame(Arc<Barrier>),
    /// The field of the JSON body that is named, as text.
    Echo(&'static str),
}

pub(crate) struct Receiver {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
    came: Arc<Mutex<Vec<Came>>>,
    says: Arc<Mutex<VecDeque<Says>>>,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// Answers 200 whatever comes.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::<Mutex<Vec<Came>>>::default();
        let says = Arc::<Mutex<VecDeque<Says>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let accepting = tokio::spawn({
            let (came, says, connections) = (Arc::clone(&came), Arc::clone(&says), Arc::clone(&connections));
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(serve(stream, Arc::clone(&came), Arc::clone(&says)));
                }
            }
        });
        Self { address, connections, came, says, accepting }
    }

    /// Says these first.
    pub(crate) fn saying(self, says: impl IntoIterator<Item = Says>) -> Self {
        self.says.lock().unwrap().extend(says);
        self
    }

    pub(crate) fn statuses(self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.saying(statuses.into_iter().map(|status| Says::Status(status, String::new())))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, came: Arc<Mutex<Vec<Came>>>, says: Arc<Mutex<VecDeque<Says>>>) {
    let mut ahead = Vec::new();
    loop {
        let Some(one) = read(&mut stream, &mut ahead).await else { return };
        came.lock().unwrap().push(one.clone());
        let next = says.lock().unwrap().pop_front();
        let (status, body) = match next.unwrap_or(Says::Status(200, String::new())) {
            Says::Status(status, body) => (status, body),
            Says::Nothing => std::future::pending().await,
            Says::OnceAllCame(barrier) => {
                barrier.wait().await;
                (200, String::new())
            }
            Says::Echo(field) => {
                let json: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
                (200, json[field].as_str().unwrap().to_owned())
            }
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, ahead: &mut Vec<u8>) -> Option<Came> {
    let end = loop {
        if let Some(at) = ahead.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(ahead).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(ahead.drain(..end + 4).collect()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").map_or((line, ""), |pair| pair))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while ahead.len() < length {
        if stream.read_buf(ahead).await.ok()? == 0 {
            return None;
        }
    }
    Some(Came { method, target, headers, body: ahead.drain(..length).collect() })
}
