//! One request through the recorder: on to the upstream, and its answer back to the client.
//!
//! Heads are changed here (see [`crate::fields`]), bodies pass through [`crate::tee`], and every way in which
//! an exchange can end is told to its [`Capture`]. Knows nothing of listening, of redaction or of files.

use crate::body_copy::SharedCopy;
use crate::fields;
use crate::journal::{Capture, Content};
use crate::route::{Reached, Route};
use crate::tee::{AnswerTee, RequestTee};
use crate::upstream::Upstream;
use bytes::Bytes;
use counterpart_exchange::{Body as RecordedBody, Ended, Request as RecordedRequest};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Connections to the upstream that lie idle are given up before servers commonly close them (five seconds),
/// so that a request does not run into a closing connection that its client never saw.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// What a client gets: the upstream's answer, or the recorder's own words.
pub(crate) type AnswerBody = Either<AnswerTee, Full<Bytes>>;

/// The upstream's connection ended before a status line came, so the client's ends likewise.
#[derive(Debug, thiserror::Error)]
#[error("the upstream ended the connection before it answered")]
pub(crate) struct NoAnswer;

type UpstreamClient = Client<HttpsConnector<HttpConnector>, RequestTee>;

/// Carries requests on along their routes.
pub(crate) struct Forwarder {
    client: UpstreamClient,
    address: SocketAddr,
}

impl Forwarder {
    /// A forwarder for a recorder that listens on `address`.
    ///
    /// # Errors
    /// Where the upstream needs TLS and the machine's root certificates cannot be had.
    pub(crate) fn new(
        upstream: &Upstream,
        address: SocketAddr,
        connect: Duration,
    ) -> Result<Self, std::io::Error> {
        Ok(Self { client: client_of(upstream, connect)?, address })
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`NoAnswer`], upon which the server drops the client's connection.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        route: &Route,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        if request.method() == Method::CONNECT {
            let message = "counterpart records as a reverse proxy: give the integration this address as the \
                           provider's base URL, not as its HTTP proxy";
            return Ok(own_words(StatusCode::NOT_IMPLEMENTED, message));
        }
        let uri = match route.upstream.uri_of(request.uri()) {
            Ok(uri) => uri,
            Err(error) => {
                let message = format!("the request's target makes no URI at {}: {error}", route.upstream);
                return Ok(own_words(StatusCode::BAD_REQUEST, &message));
            }
        };
        let method = request.method().clone();
        let reached_as = request.headers().get(header::HOST).cloned();
        let (forwarded, capture) = begin(request, route, uri.clone());
        let request_copy = capture.request_copy();
        match self.client.request(forwarded).await {
            Ok(answer) => {
                if tracing::enabled!(tracing::Level::DEBUG) {
                    let path = route.log.path(uri.path());
                    tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
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
        let copy = capture.answered(
            parts.status.as_u16(),
            fields::recorded(&parts.headers),
            fields::size_bytes(&parts.headers),
            content_of(&parts.headers),
        );
        if let Some(location) = parts.headers.get(header::LOCATION).and_then(|it| it.to_str().ok())
            && let Some(location) = self.location_for_client(location, route, reached_as)
        {
            parts.headers.insert(header::LOCATION, location);
        }
        Response::from_parts(parts, Either::Left(AnswerTee::new(body, copy, capture)))
    }

    /// A link of the upstream to itself, as it leads back through the recorder.
    fn location_for_client(
        &self,
        location: &str,
        route: &Route,
        reached_as: Option<&HeaderValue>,
    ) -> Option<HeaderValue> {
        let address = match &route.reached {
            Reached::AtRecorder => reached_as.and_then(|host| host.to_str().ok()),
        };
        let address = address.map_or_else(|| self.address.to_string(), str::to_owned);
        HeaderValue::from_str(&route.upstream.location_through(location, &address)?).ok()
    }
}

/// Makes the request that goes to the upstream, and begins its exchange.
fn begin(request: Request<Incoming>, route: &Route, uri: Uri) -> (Request<RequestTee>, Capture) {
    let (mut parts, body) = request.into_parts();
    let mut headers = fields::for_upstream(&parts.headers, route.upstream.host());
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let head_bytes = target.len() + fields::size_bytes(&headers);
    let recorded = RecordedRequest {
        method: parts.method.to_string(),
        target,
        headers: fields::recorded(&headers),
        body: RecordedBody::None,
    };
    let capture = route.journal.begin(route.direction, recorded, head_bytes, content_of(&headers));
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        // Said outright, because without a length hyper takes a GET to have no body.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    parts.headers = headers;
    parts.uri = uri;
    parts.version = Version::HTTP_11;
    (Request::from_parts(parts, RequestTee::new(body, capture.request_copy())), capture)
}

fn fail(
    error: &ClientError,
    route: &Route,
    capture: Capture,
    request_copy: &SharedCopy,
) -> Result<Response<AnswerBody>, NoAnswer> {
    if error.is_connect() {
        capture.conclude(Ended::Unreachable);
        let message = format!("{} cannot be reached: {}", route.upstream, reason_of(error));
        return Ok(own_words(StatusCode::BAD_GATEWAY, &message));
    }
    capture.conclude(if request_copy.is_broken() { Ended::ClientWentAway } else { Ended::AnswerCutShort });
    Err(NoAnswer)
}

fn content_of(headers: &HeaderMap) -> Content {
    if fields::is_plain(headers) { Content::Plain } else { Content::Encoded }
}

/// A client that adds nothing, follows nothing, and keeps the spelling of header names.
fn client_of(upstream: &Upstream, connect: Duration) -> Result<UpstreamClient, std::io::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect));
    let builder = HttpsConnectorBuilder::new();
    let builder = if upstream.is_encrypted() {
        builder.with_provider_and_native_roots(aws_lc_rs::default_provider())?
    } else {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?;
        builder.with_tls_config(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    };
    let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .http1_preserve_header_case(true)
        .set_host(false)
        .build(connector))
}

fn own_words(status: StatusCode, message: &str) -> Response<AnswerBody> {
    let body = serde_json::json!({ "error": message }).to_string();
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
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
