//! What goes back over the connection: a whole answer, a part of one, something else, or nothing.
//!
//! This is the plan of it. [`crate::body`] is the part that is sent bit by bit.

use crate::behaviour::told::wait_told_s;
use crate::prepared::{CONNECTION_FIELDS, Prepared};
use bytes::Bytes;
use counterpart_exchange::protocol::{ProtocolKind, protocol_of, with_id_of};
use counterpart_exchange::{Headers, ProviderProfile, Request, Response};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How the stand-in answers one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Just as recorded.
    Prepared(Arc<Prepared>),
    /// Wholly.
    Whole(Response),
    /// Wholly, a run of one byte in the middle of its body: that much never lies in memory.
    Huge { response: Response, filler: Filler },
    /// With the head and a part of the body, then the connection ends.
    CutShort {
        /// The answer, or what is known of it.
        response: Response,
        /// How many bytes of the body are sent.
        sent_bytes: usize,
        /// The length of the body that the head promises: more than is sent.
        promised_bytes: usize,
        /// How it ends.
        cut: Cut,
    },
    /// With bytes that are no HTTP, then the connection ends.
    Raw(Bytes),
    /// Not at all: the connection ends.
    Nothing(Cut),
    /// Not at all: the connection stays open until the client gives up.
    Hold,
    /// Later, or slowly.
    Paced { answer: Box<Answer>, pace: Pace },
}

/// Where the body grows, by which byte and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filler {
    /// Bytes of the body that come before.
    pub(crate) after_bytes: usize,
    pub(crate) byte: u8,
    pub(crate) length_bytes: u64,
}

/// How fast an answer goes out, on the stand-in's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How long before the head is sent.
    pub(crate) delay: SignedDuration,
    /// How the body is portioned, where it is.
    pub(crate) portions: Option<Portions>,
}

/// A body in portions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portions {
    pub(crate) bytes: usize,
    /// Before each of them.
    pub(crate) wait: SignedDuration,
}

/// How an answer ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// In order: FIN.
    Close,
    /// Abruptly: RST, or RST_STREAM where the connection carries other requests as well.
    Reset,
    /// Abruptly for all that the connection carries: RST.
    ResetConnection,
    /// The stand-in's half alone: it sends FIN, and goes on reading until the client closes too.
    HalfClose,
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

    /// A whole answer with the id of the JSON-RPC call that it answers; any other as it is.
    pub(crate) fn with_id_of(self, profile: &ProviderProfile, request: &Request) -> Self {
        if protocol_of(profile, request) != Some(ProtocolKind::JsonRpc) {
            return self;
        }
        match self {
            Self::Prepared(prepared) => Self::Whole(with_id_of(profile, request, prepared.response())),
            Self::Whole(response) => Self::Whole(with_id_of(profile, request, response)),
            other => other,
        }
    }

    /// A whole answer, to be changed.
    pub(crate) fn whole(&self) -> Option<Response> {
        match self {
            Self::Prepared(prepared) => Some(prepared.response()),
            Self::Whole(response) => Some(response.clone()),
            _ => None,
        }
    }

    /// A whole answer that says yes, to be changed.
    pub(crate) fn accepted(&self) -> Option<Response> {
        self.status().filter(|status| (200..300).contains(status))?;
        self.whole()
    }

    /// The status that is sent, if one is.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Prepared(prepared) => Some(prepared.status),
            Self::Whole(response) | Self::Huge { response, .. } | Self::CutShort { response, .. } => {
                Some(response.status)
            }
            Self::Raw(_) | Self::Nothing(_) | Self::Hold => None,
            Self::Paced { answer, .. } => answer.status(),
        }
    }

    /// Seconds that the answer tells the client to wait.
    pub(crate) fn retry_after_s(&self, now: Timestamp) -> Option<u64> {
        match self {
            Self::Prepared(prepared) if prepared.has_retry_after => wait_told_s(&prepared.response(), now),
            Self::Whole(response) | Self::Huge { response, .. } => wait_told_s(response, now),
            Self::Paced { answer, .. } => answer.retry_after_s(now),
            Self::Prepared(_) | Self::CutShort { .. } | Self::Raw(_) | Self::Nothing(_) | Self::Hold => None,
        }
    }
}

/// The head of an answer whose body has so many bytes.
pub(crate) fn head_of(response: &Response, length_bytes: u64) -> http::response::Parts {
    let (mut head, ()) = http::Response::new(()).into_parts();
    // A recorded status was checked when it was read; one that a fault or a form made is between 100 and 999.
    head.status =
        http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    copy_headers(&response.headers, &mut head.headers);
    promise(&mut head, length_bytes);
    head
}

/// The head of a prepared answer.
pub(crate) fn head_of_prepared(prepared: &Prepared) -> http::response::Parts {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status =
        http::StatusCode::from_u16(prepared.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    head.headers.reserve(prepared.headers.len() + 1);
    for (name, value) in &prepared.headers {
        head.headers.append(name.clone(), value.clone());
    }
    promise(&mut head, prepared.body.len() as u64);
    head
}

fn promise(head: &mut http::response::Parts, length_bytes: u64) {
    let status = head.status.as_u16();
    if status >= 200 && status != 204 && status != 304 {
        head.headers.insert(http::header::CONTENT_LENGTH, length_bytes.into());
    }
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
