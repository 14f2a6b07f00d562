//! What bytes go over, whatever it is: a socket, TLS, a tunnel. Told of are its first bytes and how long it is silent.

use crate::clock::Clock;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// Both directions of a connection.
pub(crate) trait Bidirectional: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bidirectional for T {}

/// A connection of any kind.
pub(crate) type Duplex = Box<dyn Bidirectional>;

/// What a client begins to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The record type of a handshake (RFC 8446 section 5.1).
    Tls,
    /// The preface of HTTP/2 (RFC 9113 section 3.4).
    Http2,
    /// Anything else is taken for HTTP/1.1, whose parser says what is wrong with it.
    Http1,
}

const HANDSHAKE: u8 = 0x16;
/// No method of HTTP/1.1 is called so.
const PREFACE: &[u8] = b"PRI ";

fn protocol_of(first: &[u8]) -> Option<Protocol> {
    match first {
        [] => None,
        [HANDSHAKE, ..] => Some(Protocol::Tls),
        _ if first.starts_with(PREFACE) => Some(Protocol::Http2),
        _ if PREFACE.starts_with(first) => None,
        _ => Some(Protocol::Http1),
    }
}

/// What a client speaks, and the connection as if nothing had been read; nothing where it ends before.
pub(crate) async fn listen_in(mut duplex: Duplex) -> io::Result<Option<(Protocol, Duplex)>> {
    let mut first = Vec::with_capacity(PREFACE.len());
    loop {
        if let Some(protocol) = protocol_of(&first) {
            let again = Attended { first: first.into(), inner: duplex, pace: None };
            return Ok(Some((protocol, Box::new(again))));
        }
        let mut next = [0; PREFACE.len()];
        let count = duplex.read(&mut next[first.len()..]).await?;
        if count == 0 {
            return Ok(None);
        }
        let from = first.len();
        first.extend_from_slice(&next[from..from + count]);
    }
}

/// When something last went over a connection, in milliseconds of the recording.
pub(crate) struct Pace {
    clock: Clock,
    last_ms: AtomicU64,
}

impl Pace {
    fn note(&self) {
        self.last_ms.store(self.clock.now_ms(), Ordering::Relaxed);
    }

    /// Resolves when nothing has gone over it for so long.
    pub(crate) async fn silent(&self, bound: Duration) {
        loop {
            let so_far = self.clock.now_ms().saturating_sub(self.last_ms.load(Ordering::Relaxed));
            let Some(left) = bound.checked_sub(Duration::from_millis(so_far)).filter(|left| !left.is_zero())
            else {
                return;
            };
            Clock::wait(left).await;
        }
    }
}

/// A connection some of whose bytes were read already, or whose pace is noted.
struct Attended {
    first: Bytes,
    inner: Duplex,
    pace: Option<Arc<Pace>>,
}

/// The connection, and when something last went over it.
pub(crate) fn attend(inner: Duplex, clock: Clock) -> (Duplex, Arc<Pace>) {
    let pace = Arc::new(Pace { clock, last_ms: AtomicU64::new(clock.now_ms()) });
    (Box::new(Attended { first: Bytes::new(), inner, pace: Some(Arc::clone(&pace)) }), pace)
}

impl Attended {
    fn note<T>(&self, done: T) -> Poll<T> {
        if let Some(pace) = &self.pace {
            pace.note();
        }
        Poll::Ready(done)
    }
}

impl AsyncRead for Attended {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let count = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let read = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        self.note(read)
    }
}

impl AsyncWrite for Attended {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, data));
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, data));
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[test]
    fn protocols_are_told_by_as_few_bytes_as_can_be() {
        for (first, expected) in [
            (&b""[..], None),
            (b"\x16", Some(Protocol::Tls)),
            (b"P", None),
            (b"PRI", None),
            (b"PRI ", Some(Protocol::Http2)),
            (b"PRI * HTTP/2.0", Some(Protocol::Http2)),
            (b"PRO", Some(Protocol::Http1)),
            (b"G", Some(Protocol::Http1)),
            (b"\x00", Some(Protocol::Http1)),
        ] {
            assert_eq!(protocol_of(first), expected, "{first:?}");
        }
    }

    #[tokio::test]
    async fn nothing_that_was_listened_to_is_lost() {
        for (sent, expected) in [("PROPFIND /", Protocol::Http1), ("PRI * HTTP/2.0", Protocol::Http2)] {
            let (mut client, server) = tokio::io::duplex(64);
            let write = async {
                for byte in sent.bytes() {
                    client.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
                drop(client);
            };
            let read = async {
                let (protocol, mut duplex) = listen_in(Box::new(server)).await.unwrap().unwrap();
                let mut text = String::new();
                duplex.read_to_string(&mut text).await.unwrap();
                (protocol, text)
            };
            let ((), seen) = tokio::join!(write, read);
            assert_eq!(seen, (expected, sent.to_owned()));
        }
        let (client, server) = tokio::io::duplex(64);
        drop(client);
        assert!(listen_in(Box::new(server)).await.unwrap().is_none());
    }
}
