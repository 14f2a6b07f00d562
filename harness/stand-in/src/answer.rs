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
        /// The answer, or what is known of it.
        response: Response,
        /// How many bytes of the body are sent.
        sent_bytes: usize,
        /// The length of the body that the head promises: more than is sent.
        promised_bytes: usize,
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
    /// An answer of which the head and half of the body are sent.
    ///
    /// # Errors
    /// A sentence, where there is no body to halve.
    pub(crate) fn halved(response: Response, cut: Cut) -> Result<Self, String> {
        match response.body.to_bytes().len() {
            0 => Err("the answer has no body to cut".to_owned()),
            length => Ok(Self::CutShort { response, sent_bytes: length / 2, promised_bytes: length, cut }),
        }
    }

    /// An answer that broke off when it was recorded, with what had arrived of it by then.
    pub(crate) fn broken_off(response: Response) -> Self {
        let sent_bytes = response.body.to_bytes().len();
        // A body in chunks has no length to promise: any that is not kept shows that it broke off.
        let promised_bytes = response
            .headers
            .text("content-length")
            .and_then(|length| length.trim().parse::<usize>().ok())
            .unwrap_or_default()
            .max(sent_bytes + 1);
        Self::CutShort { response, sent_bytes, promised_bytes, cut: Cut::Close }
    }

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

/// A whole answer.
pub(crate) fn whole(response: &Response) -> http::Response<AnswerBody> {
    let body = response.body.to_bytes();
    let promised_bytes = body.len();
    with_head(response, AnswerBody { rest: Some(Bytes::from(body)), then: Then::End, promised_bytes })
}

/// The answer to HEAD: of the body there is at most the length, as recorded.
pub(crate) fn head_alone(response: &Response) -> http::Response<AnswerBody> {
    let mut answer = whole(response);
    *answer.body_mut() = AnswerBody { rest: None, then: Then::End, promised_bytes: 0 };
    let recorded = response.headers.text("content-length").and_then(|length| length.parse::<u64>().ok());
    match recorded {
        Some(length) => answer.headers_mut().insert(http::header::CONTENT_LENGTH, length.into()),
        None => answer.headers_mut().remove(http::header::CONTENT_LENGTH),
    };
    answer
}

/// The first bytes of an answer, after which the connection ends.
pub(crate) fn cut_short(
    response: &Response,
    sent_bytes: usize,
    promised_bytes: usize,
) -> http::Response<AnswerBody> {
    let mut body = response.body.to_bytes();
    body.truncate(sent_bytes);
    with_head(response, AnswerBody { rest: Some(Bytes::from(body)), then: Then::Yield(2), promised_bytes })
}

fn with_head(response: &Response, body: AnswerBody) -> http::Response<AnswerBody> {
    let mut head = http::Response::builder().status(response.status);
    if let Some(headers) = head.headers_mut() {
        copy_headers(&response.headers, headers);
        if response.status >= 200 && response.status != 204 && response.status != 304 {
            headers.insert(http::header::CONTENT_LENGTH, body.promised_bytes.into());
        }
    }
    // A recorded status and recorded fields were checked when they were read: the head can be built.
    head.body(body).unwrap_or_else(|_| {
        let mut broken = http::Response::new(AnswerBody { rest: None, then: Then::End, promised_bytes: 0 });
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
    promised_bytes: usize,
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
        http_body::SizeHint::with_exact(self.promised_bytes as u64)
    }
}
