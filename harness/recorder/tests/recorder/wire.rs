//! Raw HTTP on both sides of a recorder, so that tests see and decide every byte.

use counterpart_exchange::{Exchange, Fixture};
use counterpart_recorder::{Limits, Recorder, RecorderConfig, RecorderError, Recording};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs};

/// Fails a test that hangs.
#[expect(clippy::disallowed_methods, reason = "bounds a wait for real sockets")]
pub(crate) async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("something happens within ten seconds")
}

/// A recording into a folder of its own.
pub(crate) struct Session {
    pub(crate) folder: TempDir,
    pub(crate) recorder: Recorder,
}

pub(crate) fn config(upstream: &str, folder: &TempDir) -> RecorderConfig {
    RecorderConfig {
        provider: "acme".into(),
        flow: "flow".into(),
        upstream: Some(upstream.parse().unwrap()),
        webhooks: Vec::new(),
        listen: "127.0.0.1:0".parse().unwrap(),
        out: folder.path().to_owned(),
        until_idle: None,
        known_secrets: Vec::new(),
        additional_roots: Vec::new(),
    }
}

pub(crate) async fn record(upstream: &str) -> Session {
    record_within(upstream, Limits::default()).await
}

pub(crate) async fn record_within(upstream: &str, limits: Limits) -> Session {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start_within(config(upstream, &folder), limits).await.unwrap();
    Session { folder, recorder }
}

impl Session {
    pub(crate) async fn client(&self) -> Wire {
        Wire::connect(self.recorder.address()).await
    }

    /// One request on a connection of its own; the whole of what came back.
    pub(crate) async fn ask(&self, request: &str) -> String {
        let mut client = self.client().await;
        client.send(request).await;
        client.rest().await
    }

    /// Waits until that many exchanges have ended.
    pub(crate) async fn captured(&self, count: usize) {
        bounded(async {
            while self.recorder.captured() < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(crate) async fn finish(self) -> Kept {
        let recording = finish(self.recorder).await.unwrap();
        let fixture = Fixture::read(&recording.kept.path).unwrap();
        Kept { _folder: self.folder, recording, fixture }
    }
}

/// Ends a recording of one fixture.
pub(crate) async fn finish(recorder: Recorder) -> Result<Recording, RecorderError> {
    let mut recordings = bounded(recorder.finish()).await.recordings;
    assert_eq!(recordings.len(), 1);
    recordings.remove(0)
}

/// What a session left.
pub(crate) struct Kept {
    _folder: TempDir,
    pub(crate) recording: Recording,
    pub(crate) fixture: Fixture,
}

impl Kept {
    pub(crate) fn only(&self) -> &Exchange {
        assert_eq!(self.fixture.exchanges.len(), 1);
        &self.fixture.exchanges[0]
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.recording.kept.path).unwrap()
    }
}

/// A provider that says what the test says.
pub(crate) struct Provider {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(crate) async fn accept(&self) -> Wire {
        Wire(bounded(self.listener.accept()).await.unwrap().0)
    }

    /// Answers one request on a connection of its own; gives the request's head.
    pub(crate) async fn answer(&self, answer: &str) -> String {
        let mut wire = self.accept().await;
        let head = wire.until("\r\n\r\n").await;
        wire.send(answer).await;
        head
    }
}

/// An address at which nothing listens, held so that nothing can.
pub(crate) struct Nowhere {
    _socket: TcpSocket,
    pub(crate) url: String,
}

pub(crate) fn nowhere() -> Nowhere {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    Nowhere { _socket: socket, url }
}

/// Waits until nothing listens at an address. It tries to take the address rather than to connect, because
/// another test may have it by then.
pub(crate) async fn free_again(address: SocketAddr) {
    bounded(async {
        while TcpListener::bind(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// One end of a connection.
pub(crate) struct Wire<S = TcpStream>(pub(crate) S);

impl Wire {
    pub(crate) async fn connect(address: impl ToSocketAddrs) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Ends the connection by a reset.
    pub(crate) fn reset(self) {
        self.0.set_zero_linger().unwrap();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads up to and with `mark`.
    pub(crate) async fn until(&mut self, mark: &str) -> String {
        bounded(async {
            let mut seen = Vec::new();
            while !seen.ends_with(mark.as_bytes()) {
                seen.push(self.0.read_u8().await.unwrap());
            }
            String::from_utf8_lossy(&seen).into_owned()
        })
        .await
    }

    /// Reads to the end, however the connection ends.
    pub(crate) async fn rest(&mut self) -> String {
        bounded(async {
            let mut seen = Vec::new();
            let _ = self.0.read_to_end(&mut seen).await;
            String::from_utf8_lossy(&seen).into_owned()
        })
        .await
    }
}

pub(crate) fn folder_of(session: &Session) -> PathBuf {
    session.folder.path().join("acme")
}
