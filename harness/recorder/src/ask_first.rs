//! A front that asks one server, and for what that one declines another: what is known already need not be recorded.
//!
//! Both are plain HTTP servers of this machine. Whether the first one declined is told by a header field whose value
//! nobody else can know, so that no answer of a provider's passes for it. Knows nothing of what either of them does.

use crate::clock::Clock;
use crate::fields;
use crate::recorder::{RecorderError, listen};
use crate::server::{Bounds, Drained, Phase, serve, stopping};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Largest request body, in bytes: it is held until it is known who takes it.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// How long a request's body may take to come.
const MAX_BODY_TIME: Duration = Duration::from_secs(60);
/// As a recorder has them.
const BOUNDS: Bounds = Bounds { connections: 1_000, drain: Duration::from_secs(2) };
/// Connections that lie idle are given up before the servers close them.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// Who is asked, and how it is told that the first one declined.
#[derive(Clone, Debug)]
pub struct AskFirstConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who is asked first.
    pub first: SocketAddr,
    /// The field by which the first one says that it has no answer.
    pub declined: (HeaderName, HeaderValue),
    /// Who gets what the first one declines.
    pub second: SocketAddr,
}

/// A front that runs. Dropped without [`AskFirst::finish`], it ends at once.
#[derive(Debug)]
pub struct AskFirst {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    server: JoinHandle<Drained>,
}

impl AskFirst {
    /// Listens.
    ///
    /// # Errors
    /// [`RecorderError`] where the address cannot be had.
    pub async fn start(config: AskFirstConfig) -> Result<Self, RecorderError> {
        let (listener, address) = listen(config.listen).await?;
        let (phase, phases) = watch::channel(Phase::Serving);
        let asker = Arc::new(Asker::new(config));
        let server = tokio::spawn(serve(listener, BOUNDS, phases, move |stream, phase| {
            converse(stream, Arc::clone(&asker), phase)
        }));
        Ok(Self { address, phase, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it. Requests in flight may end within two seconds.
    pub async fn finish(mut self) {
        self.phase.send_replace(Phase::Stopping);
        if let Err(error) = (&mut self.server).await {
            tracing::warn!(%error, "a front ended badly");
        }
    }
}

impl Drop for AskFirst {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn converse(stream: TcpStream, asker: Arc<Asker>, mut phase: watch::Receiver<Phase>) {
    let service = service_fn(move |request| {
        let asker = Arc::clone(&asker);
        async move { asker.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping(&mut phase) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a client's connection ended early");
    }
}

/// What a client gets: the answer of one of the two, or the front's own words.
type AnswerBody = Either<Incoming, Full<Bytes>>;

struct Asker {
    config: AskFirstConfig,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Asker {
    fn new(config: AskFirstConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http1_preserve_header_case(true)
            .set_host(false)
            .build(tcp);
        Self { config, client }
    }

    /// Answers one request. An error ends the client's connection, as it ended before an answer came.
    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, hyper_util::client::legacy::Error> {
        let (parts, body) = request.into_parts();
        let collected = Clock::within(MAX_BODY_TIME, Limited::new(body, MAX_BODY_BYTES).collect()).await;
        let body = match collected {
            Some(Ok(collected)) => collected.to_bytes(),
            Some(Err(error)) if error.is::<LengthLimitError>() => {
                let message = format!(
                    "the request's body is over {MAX_BODY_BYTES} bytes, which is too much to be asked for twice; \
                     record the flow whole"
                );
                return Ok(own_words(StatusCode::PAYLOAD_TOO_LARGE, &message));
            }
            Some(Err(error)) => {
                let message = format!("the request's body could not be read: {error}");
                return Ok(own_words(StatusCode::BAD_REQUEST, &message));
            }
            None => {
                let message = "the request's body did not come within 60 seconds";
                return Ok(own_words(StatusCode::REQUEST_TIMEOUT, message));
            }
        };
        let Some(first) = forwarded(&parts, body.clone(), self.config.first) else {
            return Ok(own_words(StatusCode::BAD_REQUEST, "the request's target makes no URL"));
        };
        let answer = self.client.request(first).await?;
        let (name, value) = &self.config.declined;
        if answer.headers().get(name) != Some(value) {
            return Ok(answer.map(Either::Left));
        }
        let Some(second) = forwarded(&parts, body, self.config.second) else {
            return Ok(own_words(StatusCode::BAD_REQUEST, "the request's target makes no URL"));
        };
        Ok(self.client.request(second).await?.map(Either::Left))
    }
}

/// The request as a server gets it; none where its target makes no URL there.
fn forwarded(parts: &http::request::Parts, body: Bytes, to: SocketAddr) -> Option<Request<Full<Bytes>>> {
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let uri = Uri::builder().scheme("http").authority(to.to_string()).path_and_query(target).build().ok()?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = fields::end_to_end(&parts.headers);
    // In them is how the names of fields were spelled.
    *request.extensions_mut() = parts.extensions.clone();
    request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
    Some(request)
}

fn own_words(status: StatusCode, message: &str) -> Response<AnswerBody> {
    let body = serde_json::json!({ "error": message }).to_string();
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
