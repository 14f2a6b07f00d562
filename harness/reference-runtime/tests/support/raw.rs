//! A provider below HTTP: it hangs, breaks off and resets, one scripted answer for each connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Never answers.
    Hang,
    /// Answers the head and half of the body, and then nothing more.
    HangInBody,
    /// Closes without an answer.
    Close,
    /// Announces more body than it sends.
    Truncate,
    /// A whole answer.
    Answer(String),
}

pub(crate) struct RawProvider {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for RawProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RawProvider {
    /// Follows `scripts` connection by connection, and closes every further one.
    pub(crate) async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            let mut scripts = scripts.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                open.extend(follow(stream, scripts.next().unwrap_or(Script::Close)).await);
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The stream, if it is to stay open.
async fn follow(mut stream: TcpStream, script: Script) -> Option<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let answer = match &script {
        Script::Hang => return Some(stream),
        Script::Close => return None,
        Script::HangInBody | Script::Truncate => {
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"chunk\": [".to_owned()
        }
        Script::Answer(body) => {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        }
    };
    stream.write_all(answer.as_bytes()).await.ok()?;
    matches!(script, Script::HangInBody).then_some(stream)
}
