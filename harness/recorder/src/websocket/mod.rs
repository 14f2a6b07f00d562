//! A WebSocket's messages on their way: every byte passes on as it is, and text is written down beside it.
//!
//! A conversation is recorded as the body of the answer that agreed to it: a JSON array with one object a message, in the
//! order in which they passed. Nobody compresses, because [`crate::fields`] takes the offer to out of the request.

mod frames;

use crate::body_copy::SharedCopy;
use crate::clock::Clock;
use crate::journal::Capture;
use counterpart_exchange::Ended;
use frames::{Frames, Message};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Client,
    Server,
}

/// What was said. Dropped before its end, it is kept as far as it came.
pub(crate) struct Transcript {
    copy: SharedCopy,
    capture: Option<Capture>,
    max_message_bytes: usize,
    messages: usize,
    was_closed: bool,
}

impl Transcript {
    pub(crate) fn new(copy: SharedCopy, capture: Capture, max_message_bytes: usize) -> Self {
        Self { copy, capture: Some(capture), max_message_bytes, messages: 0, was_closed: false }
    }

    fn take_down(&mut self, speaker: Speaker, message: Message) {
        let from = match speaker {
            Speaker::Client => "client",
            Speaker::Server => "server",
        };
        let told = match message {
            Message::Text(text) => json!({ "from": from, "text": text }),
            Message::NotText { size_bytes } => json!({ "from": from, "size_bytes": size_bytes }),
            Message::Close => {
                self.was_closed = true;
                return;
            }
        };
        let before = if self.messages == 0 { "[" } else { "," };
        self.copy.push(format!("{before}{told}").as_bytes());
        self.messages += 1;
    }

    fn end(mut self, ended: Ended) {
        self.close_list();
        if let Some(capture) = self.capture.take() {
            capture.conclude(ended);
        }
    }

    fn close_list(&mut self) {
        if self.messages > 0 {
            self.copy.push(b"]");
            self.messages = 0;
        }
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.close_list();
    }
}

/// Passes on what both sides say until one of them ends it; the other then has `drain` to say its last.
pub(crate) async fn converse(client: Upgraded, server: Upgraded, transcript: Transcript, drain: Duration) {
    let max = transcript.max_message_bytes;
    let transcript = Mutex::new(transcript);
    let (client_reads, client_writes) = tokio::io::split(TokioIo::new(client));
    let (server_reads, server_writes) = tokio::io::split(TokioIo::new(server));
    let take_down = |speaker| {
        let transcript = &transcript;
        move |message| {
            transcript.lock().unwrap_or_else(PoisonError::into_inner).take_down(speaker, message);
        }
    };
    let ended_by = {
        let mut up = std::pin::pin!(pass(client_reads, server_writes, max, take_down(Speaker::Client)));
        let mut down = std::pin::pin!(pass(server_reads, client_writes, max, take_down(Speaker::Server)));
        tokio::select! {
            _ = up.as_mut() => {
                let _ = Clock::within(drain, down).await;
                Speaker::Client
            }
            _ = down.as_mut() => {
                let _ = Clock::within(drain, up).await;
                Speaker::Server
            }
        }
    };
    let transcript = transcript.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ended = match ended_by {
        _ if transcript.was_closed => Ended::Complete,
        Speaker::Client => Ended::ClientWentAway,
        Speaker::Server => Ended::AnswerCutShort,
    };
    transcript.end(ended);
}

/// Passes one direction on, to its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    max_message_bytes: usize,
    mut take_down: impl FnMut(Message),
) -> io::Result<()> {
    let mut frames = Frames::new(max_message_bytes);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(count @ 1..) => count,
            ended => {
                let _ = to.shutdown().await;
                return ended.map(|_| ());
            }
        };
        frames.read(&buffer[..count], &mut take_down);
        to.write_all(&buffer[..count]).await?;
        to.flush().await?;
    }
}
