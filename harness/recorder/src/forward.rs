//! One request through the recorder: on to the upstream, and its answer back to the client.
//!
//! Heads are changed here (see [`crate::fields`]), bodies pass through [`crate::tee`], and every way in which
//! an exchange can end is told to its [`Capture`]. Knows nothing of listening, of redaction or of files.

use crate::body_copy::SharedCopy;
use crate::clients::{Clients, Speaks};
use crate::connection::{Next, NextStep};
use crate::fields::{self, Purpose};
use crate::journal::{Capture, Content};
use crate::route::{Reached, Route};
use crate::tee::{AnswerTee, RequestTee, Trailers};
use crate::websocket::Transcript;
use crate::words::{empty, own_words};
use bytes::Bytes;
use counterpart_exchange::{Body as RecordedBody, Direction, Ended, Request as RecordedRequest};
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::Scheme;
use http::{Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Error as ClientError;
use std::net::SocketAddr;

/// What a client gets: the upstream's answer, or the recorder's own words.
pub(crate) type AnswerBody = Either<AnswerTee, Full<Bytes>>;

/// The upstream's connection ended before a status line came, so the client's ends likewise.
#[derive(Debug, thiserror::Error)]
#[error("the upstream ended the connection before it answered")]
pub(crate) struct NoAnswer;

/// Carries requests on along their routes.
pub(crate) struct Forwarder {
    clients: Clients,
    address: SocketAddr,
    max_message_bytes: usize,
}

impl Forwarder {
    /// A forwarder for a recorder that listens on `address`, and keeps messages of a WebSocket up to so many bytes.
    pub(crate) fn new(clients: Clients, address: SocketAddr, max_message_bytes: usize) -> Self {
        Self { clients, address, max_message_bytes }
    }

    /// Answers one request. What its connection is to do when HTTP on it ends stands in `next`.
    ///
    /// # Errors
    /// [`NoAnswer`], upon which the server drops the client's connection.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
        route: &Route,
        next: &Next,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        let uri = match route.uri_of(request.uri()) {
            Ok(uri) => uri,
            Err(error) => {
                let message = format!("the request's target makes no URI at {}: {error}", route.upstream);
                return Ok(own_words(StatusCode::BAD_REQUEST, &message));
            }
        };
        let method = request.method().clone();
        let reached_as = request.headers().get(header::HOST).cloned();
        let is_websocket =
            request.version() == Version::HTTP_11 && fields::asks_for_websocket(request.headers());
        let client_side = is_websocket.then(|| hyper::upgrade::on(&mut request));
        let speaks = speaks(&request, route, is_websocket);
        let (forwarded, capture) = begin(request, route, uri.clone(), is_websocket);
        let request_copy = capture.request_copy();
        match self.clients.request(forwarded, speaks).await {
            Ok(answer) => {
                if tracing::enabled!(tracing::Level::DEBUG) {
                    let path = route.log.path(uri.path());
                    tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
                }
                if let Some(client_side) = client_side
                    && answer.status() == StatusCode::SWITCHING_PROTOCOLS
                {
                    return Ok(self.switch(answer, client_side, capture, next));
                }
                Ok(self.pass_back(answer, route, capture, reached_as.as_ref()))
            }
            Err(error) => {
                if tracing::enabled!(tracing::Level::WARN) {
                    let path = route.log.path(uri.path());
                    tracing::warn!(%method, path, reason = reason_of(&error), "no answer");
                }
                fail(&error, route, capture, &request_copy)
            }
        }
    }

    fn pass_back(
        &self,
        answer: Response<Incoming>,
        route: &Route,
        mut capture: Capture,
        reached_as: Option<&HeaderValue>,
    ) -> Response<AnswerBody> {
        let (mut parts, body) = answer.into_parts();
        parts.headers = fields::end_to_end(&parts.headers);
        parts.version = Version::HTTP_11;
        let copy = answered(&mut capture, parts.status, &parts.headers);
        if let Some(location) = parts.headers.get(header::LOCATION).and_then(|it| it.to_str().ok())
            && let Some(location) = self.location_for_client(location, route, reached_as)
        {
            parts.headers.insert(header::LOCATION, location);
        }
        let trailers = if fields::is_grpc(&parts.headers) { Trailers::TakenDown } else { Trailers::Lost };
        Response::from_parts(parts, Either::Left(AnswerTee::new(body, copy, capture, trailers)))
    }

    /// A link of the upstream to itself, as it leads back through the recorder.
    fn location_for_client(
        &self,
        location: &str,
        route: &Route,
        reached_as: Option<&HeaderValue>,
    ) -> Option<HeaderValue> {
        let origin = match &route.reached {
            Reached::AtRecorder => match reached_as.and_then(|host| host.to_str().ok()) {
                Some(host) => format!("http://{host}"),
                None => format!("http://{}", self.address),
            },
            Reached::As { origin, .. } => origin.to_string(),
            Reached::InItsOwnName => return None,
        };
        HeaderValue::from_str(&route.upstream.location_through(location, &origin)?).ok()
    }

    /// Both sides have agreed to go on as a WebSocket.
    fn switch(
        &self,
        mut answer: Response<Incoming>,
        client_side: OnUpgrade,
        mut capture: Capture,
        next: &Next,
    ) -> Response<AnswerBody> {
        let server_side = hyper::upgrade::on(&mut answer);
        let mut headers = fields::end_to_end(answer.headers());
        let copy = answered(&mut capture, answer.status(), &headers);
        let transcript = Box::new(Transcript::new(copy, capture, self.max_message_bytes));
        next.set(NextStep::WebSocket { client_side, server_side, transcript });
        fields::take_over_websocket(&mut headers);
        let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
        *response.headers_mut() = headers;
        response
    }
}

/// In which version a request goes on.
fn speaks(request: &Request<Incoming>, route: &Route, is_websocket: bool) -> Speaks {
    // A webhook has a `Host` of its own, which HTTP/2 would have no room for.
    if is_websocket || route.direction() == Direction::Inbound {
        return Speaks::Http1;
    }
    // Who speaks HTTP/2 without having asked knows that the server does.
    let is_unasked = request.version() == Version::HTTP_2 && request.uri().scheme() == Some(&Scheme::HTTP);
    if is_unasked && !route.upstream.is_encrypted() { Speaks::Http2Plain } else { Speaks::WhatIsAgreed }
}

/// Makes the request that goes to the upstream, and begins its exchange.
fn begin(
    request: Request<Incoming>,
    route: &Route,
    uri: Uri,
    is_websocket: bool,
) -> (Request<RequestTee>, Capture) {
    let (mut parts, body) = request.into_parts();
    let purpose = if route.journal.keeps_exchanges() { Purpose::Record } else { Purpose::PassOn };
    let (mut headers, sent) = match route.direction() {
        Direction::Outbound => (fields::for_upstream(&parts.headers, route.host(), purpose), None),
        Direction::Inbound => {
            let sent = fields::as_sent(&parts.headers, parts.uri.authority());
            (fields::for_integration(&sent), Some(sent))
        }
    };
    if is_websocket && purpose == Purpose::Record {
        // What is compressed could not be searched.
        headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
    }
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    // A call is recorded as the provider saw it, a webhook as the provider sent it.
    let shown = sent.as_ref().unwrap_or(&headers);
    let head_bytes = target.len() + fields::size_bytes(shown);
    let recorded = RecordedRequest {
        method: parts.method.to_string(),
        target,
        headers: fields::recorded(shown),
        body: RecordedBody::None,
    };
    let capture = route.journal.begin(route.direction(), recorded, head_bytes, content_of(shown));
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        // Said outright, because without a length hyper takes a GET to have no body.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if is_websocket {
        fields::take_over_websocket(&mut headers);
    }
    parts.extensions.remove::<OnUpgrade>();
    parts.headers = headers;
    parts.uri = uri;
    parts.version = Version::HTTP_11;
    (Request::from_parts(parts, RequestTee::new(body, capture.request_copy())), capture)
}

fn answered(capture: &mut Capture, status: StatusCode, headers: &HeaderMap) -> SharedCopy {
    let content = content_of(headers);
    capture.answered(status.as_u16(), fields::recorded(headers), fields::size_bytes(headers), content)
}

fn content_of(headers: &HeaderMap) -> Content {
    if fields::is_plain(headers) { Content::Plain } else { Content::Encoded }
}

fn fail(
    error: &ClientError,
    route: &Route,
    capture: Capture,
    request_copy: &SharedCopy,
) -> Result<Response<AnswerBody>, NoAnswer> {
    if route.direction() == Direction::Inbound {
        return fail_webhook(error, capture, request_copy);
    }
    if error.is_connect() {
        capture.conclude(Ended::Unreachable);
        let message = format!("{} cannot be reached: {}", route.upstream, reason_of(error));
        return Ok(own_words(StatusCode::BAD_GATEWAY, &message));
    }
    if request_copy.is_broken() {
        capture.conclude(Ended::ClientWentAway);
        return Err(NoAnswer);
    }
    capture.conclude(Ended::AnswerCutShort);
    if is_no_http(error) {
        let message = format!("{} answers with what is no HTTP: {}", route.upstream, reason_of(error));
        return Ok(own_words(StatusCode::BAD_GATEWAY, &message));
    }
    Err(NoAnswer)
}

/// The provider is told that its webhook was not taken, so that it tries again, and not where the integration is.
fn fail_webhook(
    error: &ClientError,
    capture: Capture,
    request_copy: &SharedCopy,
) -> Result<Response<AnswerBody>, NoAnswer> {
    if request_copy.is_broken() {
        capture.conclude(Ended::ClientWentAway);
        return Err(NoAnswer);
    }
    capture.conclude(if error.is_connect() { Ended::Unreachable } else { Ended::AnswerCutShort });
    Ok(own_words(StatusCode::BAD_GATEWAY, "the integration behind the recorder gave no answer"))
}

/// Whether something came from the upstream, and could not be understood.
fn is_no_http(error: &ClientError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, each said once. Hyper's errors hold no part of a message.
fn reason_of(error: &ClientError) -> String {
    let mut reasons = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let reason = error.to_string();
        if !reasons.iter().any(|known| known.contains(&reason)) {
            reasons.push(reason);
        }
        cause = error.source();
    }
    reasons.join(": ")
}
