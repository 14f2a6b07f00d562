//! What bytes go over: a TCP connection that can be made to end otherwise than in good order.

use super::end::{ConnectionEnd, Ending};
use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How an HTTP/2 connection begins (RFC 9113 section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What a connection's bytes go over: bare, or within TLS.
enum Carrier {
    Bare(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection of a client.
pub(super) struct Stream {
    carrier: Carrier,
    /// What was read to tell the protocol.
    read_ahead: Bytes,
    end: ConnectionEnd,
    /// How much of what is no HTTP was written.
    raw_written: usize,
}

impl Stream {
    pub(super) fn bare(tcp: TcpStream, end: ConnectionEnd) -> Self {
        Self { carrier: Carrier::Bare(tcp), read_ahead: Bytes::new(), end, raw_written: 0 }
    }

    pub(super) fn tls(tls: TlsStream<TcpStream>, end: ConnectionEnd) -> Self {
        Self { carrier: Carrier::Tls(Box::new(tls)), read_ahead: Bytes::new(), end, raw_written: 0 }
    }

    /// The host that a TLS handshake named, if there was one and it did.
    pub(super) fn server_name(&self) -> Option<&str> {
        match &self.carrier {
            Carrier::Bare(_) => None,
            Carrier::Tls(tls) => tls.get_ref().1.server_name(),
        }
    }

    /// Reads until it is plain which protocol the client speaks; nothing where it left before.
    pub(super) async fn protocol(&mut self) -> Option<Protocol> {
        if let Carrier::Tls(tls) = &self.carrier
            && tls.get_ref().1.alpn_protocol() == Some(b"h2")
        {
            return Some(Protocol::Http2);
        }
        let mut read = [0; HTTP2_PREFACE.len()];
        let mut length = 0;
        while length < read.len() {
            match self.carrier.read(&mut read[length..]).await {
                Ok(more @ 1..) => length += more,
                _ if length == 0 => return None,
                _ => break,
            }
            if read[..length] != HTTP2_PREFACE[..length] {
                break;
            }
        }
        self.read_ahead = Bytes::copy_from_slice(&read[..length]);
        Some(if read == *HTTP2_PREFACE { Protocol::Http2 } else { Protocol::Http1 })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.end.told() == Some(&Ending::Reset) {
            let tcp = match &self.carrier {
                Carrier::Bare(tcp) => tcp,
                Carrier::Tls(tls) => tls.get_ref().0,
            };
            let _ = tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_ahead.has_remaining() {
            let length = self.read_ahead.len().min(into.remaining());
            into.put_slice(&self.read_ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.carrier).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(Ending::Raw(raw)) = this.end.told() else {
            return Pin::new(&mut this.carrier).poll_write(context, bytes);
        };
        // Whatever was to be said is replaced, and then nothing more is.
        while this.raw_written < raw.len() {
            match Pin::new(&mut this.carrier).poll_write(context, &raw[this.raw_written..]) {
                Poll::Ready(Ok(written)) => this.raw_written += written,
                other => return other,
            }
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.end.told().is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return self.poll_write(context, first);
        }
        Pin::new(&mut self.carrier).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.carrier.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.carrier).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.carrier).poll_shutdown(context)
    }
}

impl AsyncRead for Carrier {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(tcp) => Pin::new(tcp).poll_read(context, into),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Bare(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Bare(tcp) => Pin::new(tcp).poll_write_vectored(context, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Bare(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Bare(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
