//! What goes back over the connection: a whole answer, a part of one, or nothing.

use bytes::Bytes;
use counterpart_exchange::{Headers, Response};
use http_body::Frame;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How the stand-in answers one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Wholly.
    Whole(Response),
    /// With the head and a part of the body, then the connection ends.
    CutShort {
        /// What would have been the whole answer; its length is promised.
        response: Response,
        /// How many bytes of the body are sent.
        sent_bytes: usize,
        /// How the connection ends.
        cut: Cut,
    },
    /// Not at all: the connection ends.
    Nothing(Cut),
    /// Not at all: the connection stays open until the client gives up.
    Hold,
}

/// How a connection ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In order: FIN.
    Close,
    /// Abruptly: RST.
    Reset,
}

impl Answer {
    /// The status that is sent, if one is.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Whole(response) | Self::CutShort { response, .. } => Some(response.status),
            Self::Nothing(_) | Self::Hold => None,
        }
    }
}

/// Fields of a recorded answer that the stand-in's own connection decides.
const CONNECTION_FIELDS: [&str; 4] = ["connection", "transfer-encoding", "content-length", "keep-alive"];

/// The head of an answer with the body that follows it.
pub(crate) fn to_http(response: &Response, sent_bytes: Option<usize>) -> http::Response<AnswerBody> {
    let body = response.body.to_bytes();
    let mut head = http::Response::builder().status(response.status);
    if let Some(headers) = head.headers_mut() {
        copy_headers(&response.headers, headers);
        if response.status >= 200 && response.status != 204 && response.status != 304 {
            headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        }
    }
    let part = sent_bytes.map(|count| body[..count.min(body.len())].to_vec());
    let content = match part {
        Some(part) => {
            AnswerBody { rest: Some(Bytes::from(part)), then: Then::Yield(2), whole_bytes: body.len() }
        }
        None => AnswerBody { whole_bytes: body.len(), rest: Some(Bytes::from(body)), then: Then::End },
    };
    // A recorded status and recorded fields were checked when they were read: the head can be built.
    head.body(content).unwrap_or_else(|_| {
        let mut broken = http::Response::new(AnswerBody { rest: None, then: Then::End, whole_bytes: 0 });
        *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

fn copy_headers(from: &Headers, to: &mut http::HeaderMap) {
    for (name, values) in from.iter().filter(|(name, _)| !CONNECTION_FIELDS.contains(name)) {
        let Ok(name) = http::HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in values {
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                to.append(name.clone(), value);
            }
        }
    }
}

/// A body that may break off.
pub(crate) struct AnswerBody {
    rest: Option<Bytes>,
    then: Then,
    whole_bytes: usize,
}

enum Then {
    End,
    /// Let the connection flush what it has, this many times over, and then break off.
    Yield(u8),
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(rest) = self.rest.take().filter(|rest| !rest.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match &mut self.then {
            Then::End => Poll::Ready(None),
            Then::Yield(0) => Poll::Ready(Some(Err(io::Error::other("the answer is cut short on purpose")))),
            Then::Yield(turns) => {
                *turns -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.then, Then::End) && self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.whole_bytes as u64)
    }
}
