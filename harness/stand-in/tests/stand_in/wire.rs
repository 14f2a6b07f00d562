//! A client of bytes: what it sends is what is written here, what it tells is what came.

use counterpart_stand_in::StandIn;
use serde_json::Value;
use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Fin,
    /// ECONNRESET.
    Rst,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) status_line: String,
    /// Name, lower case, and value, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    fn head(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let status_line = lines.next().unwrap().to_owned();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no header field: {line:?}")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status_line, headers, body: Vec::new() }
    }

    /// All values of a header field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The length that the head promises.
    pub(crate) fn promised(&self) -> usize {
        match self.all("content-length").as_slice() {
            [length] => length.parse().unwrap(),
            other => panic!("{} lengths in {:?}", other.len(), self.headers),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A request to be written.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { line: format!("{method} {target} HTTP/1.1"), headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With the token that the stand-in's flow begins with.
    pub(crate) fn of_user(self, stand_in: &StandIn) -> Self {
        self.bearer(stand_in.credentials().access_token.as_deref().unwrap())
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn body(mut self, media_type: &str, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.header("content-type", media_type)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let fields: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = match self.body.len() {
            0 => String::new(),
            length => format!("content-length: {length}\r\n"),
        };
        format!("{}\r\nhost: stand-in\r\n{fields}{length}\r\n{}", self.line, self.body).into_bytes()
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What came and was not looked at yet.
    ahead: Vec<u8>,
    end: Option<End>,
}

impl Client {
    pub(crate) async fn connect(stand_in: &StandIn) -> Self {
        let stream = within("a connection", TcpStream::connect(stand_in.address())).await.unwrap();
        Self { stream, ahead: Vec::new(), end: None }
    }

    /// With so little room that the stand-in has to wait until something is read.
    pub(crate) async fn connect_narrow(stand_in: &StandIn) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let stream = within("a connection", socket.connect(stand_in.address())).await.unwrap();
        Self { stream, ahead: Vec::new(), end: None }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends no more: FIN.
    pub(crate) async fn finish_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Asks, and reads one answer whole.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Received {
        self.send(&ask.bytes()).await;
        self.answer().await
    }

    /// Reads one answer whole; its body is as long as its head promises.
    pub(crate) async fn answer(&mut self) -> Received {
        let mut received = self.head().await;
        // 204 and 304 have no body, and so no length (RFC 9110 section 8.6).
        let length = if matches!(received.status(), 204 | 304) { 0 } else { received.promised() };
        while self.ahead.len() < length {
            assert_eq!(self.more().await, None, "the body ends early: {received:?}");
        }
        received.body = self.ahead.drain(..length).collect();
        received
    }

    /// Reads the head of an answer.
    pub(crate) async fn head(&mut self) -> Received {
        loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.ahead.drain(..at + 4).collect()).unwrap();
                return Received::head(head.trim_end());
            }
            if let Some(end) = self.more().await {
                panic!("{end:?} within a head: {:?}", String::from_utf8_lossy(&self.ahead));
            }
        }
    }

    /// What comes next of a body, however little.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        if self.ahead.is_empty() {
            assert_eq!(self.more().await, None, "it ends early");
        }
        std::mem::take(&mut self.ahead)
    }

    /// Everything that still comes, and how the connection ends.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Some(end) = self.more().await {
                return (std::mem::take(&mut self.ahead), end);
            }
        }
    }

    /// Asks, and reads until the connection ends: head, what came of the body, and the end.
    pub(crate) async fn ask_to_the_end(&mut self, ask: &Ask) -> (Received, End) {
        self.send(&ask.bytes()).await;
        let mut received = self.head().await;
        let (body, end) = self.rest().await;
        received.body = body;
        (received, end)
    }

    /// Whether something has come that was not looked at, or the connection has ended. Does not wait.
    pub(crate) fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        let nothing =
            matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock);
        nothing && self.ahead.is_empty()
    }

    async fn more(&mut self) -> Option<End> {
        let read = within("an answer", self.stream.read_buf(&mut self.ahead)).await;
        match read {
            Ok(0) => self.end = Some(End::Fin),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.end = Some(End::Rst),
            Err(error) => panic!("{error}"),
        }
        self.end
    }
}

/// Asks once, over a connection of its own.
pub(crate) async fn ask(stand_in: &StandIn, ask: &Ask) -> Received {
    Client::connect(stand_in).await.ask(ask).await
}

/// Waits until something holds that other tasks bring about.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Bounds a wait: what never comes is a failure with a name, not a hang.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound on waiting for real sockets; nothing is decided by it"
)]
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
