//! A provider below HTTP: it hangs, breaks off and resets, one scripted answer for each connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
    heads: Arc<Mutex<Vec<String>>>,
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
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            let mut scripts = scripts.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                open.extend(follow(stream, scripts.next().unwrap_or(Script::Close), &seen).await);
            }
        });
        Self { address, heads, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The values of the header `name`, which is in lower case, request by request.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let value = |head: &String| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        self.heads.lock().unwrap().iter().map(value).collect()
    }
}

/// The stream, if it is to stay open.
async fn follow(mut stream: TcpStream, script: Script, heads: &Mutex<Vec<String>>) -> Option<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    // What is left unread would reset the connection before the answer is read.
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.ok()?;
    heads.lock().unwrap().push(head);
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
