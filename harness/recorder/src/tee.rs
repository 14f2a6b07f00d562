//! Bodies on their way: every frame passes on as it arrives, and its data is copied aside.
//!
//! Back-pressure is the reader's: a frame is asked for only when the next one is wanted. Knows nothing of
//! heads; the answer's body carries the [`Capture`] of its exchange, and concludes it.

use crate::body_copy::SharedCopy;
use crate::journal::Capture;
use bytes::Bytes;
use counterpart_exchange::Ended;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A request's body, on its way to the upstream.
pub(crate) struct RequestTee {
    inner: Incoming,
    copy: SharedCopy,
}

impl RequestTee {
    pub(crate) fn new(inner: Incoming, copy: SharedCopy) -> Self {
        if inner.is_end_stream() {
            copy.set_whole();
        }
        Self { inner, copy }
    }
}

impl Body for RequestTee {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.copy.push(data);
                }
                if self.inner.is_end_stream() {
                    self.copy.set_whole();
                }
            }
            Some(Err(_)) => self.copy.set_broken(),
            None => self.copy.set_whole(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body, on its way to the client. Dropped before its end, it concludes its exchange as one whose
/// client went away.
pub(crate) struct AnswerTee<B: Body = Incoming> {
    inner: B,
    copy: SharedCopy,
    capture: Option<Capture>,
    trailers: Trailers,
    failure: Option<B::Error>,
}

/// What is done with an answer's trailers, which pass on either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trailers {
    /// They are taken down: they tell what the answer came to.
    TakenDown,
    /// A fixture has no place for them.
    Lost,
}

impl<B: Body> AnswerTee<B> {
    pub(crate) fn new(inner: B, copy: SharedCopy, capture: Capture, trailers: Trailers) -> Self {
        let mut tee = Self { inner, copy, capture: Some(capture), trailers, failure: None };
        if tee.inner.is_end_stream() {
            tee.conclude(Ended::Complete);
        }
        tee
    }

    fn conclude(&mut self, ended: Ended) {
        if let Some(capture) = self.capture.take() {
            capture.conclude(ended);
        }
    }
}

impl<B: Body<Data = Bytes, Error: Unpin> + Unpin> Body for AnswerTee<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(error) = self.failure.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.copy.push(data);
                }
                if let Some(trailers) = frame.trailers_ref()
                    && self.trailers == Trailers::TakenDown
                    && let Some(capture) = &mut self.capture
                {
                    capture.trailed_by(trailers);
                }
                if self.inner.is_end_stream() {
                    self.conclude(Ended::Complete);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.conclude(Ended::AnswerCutShort);
                // An error makes the server drop the connection, with what it has buffered. One pending turn
                // makes it flush first, so that the client gets what the upstream gave.
                self.failure = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                self.conclude(Ended::Complete);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failure.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Limits;
    use crate::journal::{Content, Journal};
    use crate::pulse::Pulse;
    use counterpart_exchange::{Body as RecordedBody, Direction, Headers, Request};
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A body whose data and failure are there at once, as from a task on another thread.
    struct CutShort(Option<&'static str>);

    impl Body for CutShort {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            let data = self.0.take().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
            Poll::Ready(Some(data.unwrap_or_else(|| Err(std::io::ErrorKind::ConnectionReset.into()))))
        }
    }

    fn answer(journal: &Arc<Journal>) -> AnswerTee<CutShort> {
        let request = Request {
            method: "GET".into(),
            target: "/".into(),
            headers: Headers::default(),
            body: RecordedBody::None,
        };
        let mut capture = journal.begin(Direction::Outbound, request, 1, Content::Plain);
        let copy = capture.answered(200, Headers::default(), 0, Content::Plain);
        AnswerTee::new(CutShort(Some("first")), copy, capture, Trailers::Lost)
    }

    #[tokio::test]
    async fn what_arrived_before_a_failure_is_passed_on() {
        let journal = Journal::new(&Pulse::new(Clock::start(), Limits::default()));
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let service = service_fn(async |_| Ok::<_, Infallible>(http::Response::new(answer(&journal))));
        let served =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service).await;
        assert!(served.is_err());
        let mut seen = String::new();
        client.read_to_string(&mut seen).await.unwrap();
        assert!(seen.ends_with("\r\n\r\n5\r\nfirst\r\n"), "{seen}");
        let exchange = &journal.take().exchanges[0];
        assert_eq!(exchange.ended, Ended::AnswerCutShort);
        assert_eq!(exchange.response.as_ref().unwrap().body, RecordedBody::Text("first".into()));
    }
}
