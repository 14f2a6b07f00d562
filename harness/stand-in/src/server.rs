//! The wire: takes requests off connections, asks [`crate::play`], and sends what it says.

use crate::answer::{Answer, AnswerBody, Cut, cut_short, head_alone, whole};
use crate::auth::Credentials;
use crate::clock::StandInClock;
use crate::data::{HandshakeDue, Subscription};
use crate::forms::ErrorForms;
use crate::log::{Log, Seen, SeenNote, Traffic};
use crate::plan::{PlannedFault, UnusedFault};
use crate::play::{Decision, Play, hide};
use counterpart_exchange::{
    Body, Fixture, HeaderValue, Headers, ProviderProfile, Request, Response, StandInValues,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Largest request body that is read; a longer one is refused with 413.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;
/// Connections served at once; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1_024;

/// What a stand-in needs to begin.
pub struct StandInConfig {
    /// The provider's policy.
    pub profile: ProviderProfile,
    /// What is replayed.
    pub fixtures: Vec<Fixture>,
    /// The provider's forms of its errors.
    pub forms: ErrorForms,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
    /// Its time.
    pub clock: StandInClock,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// A stand-in that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// Somebody else listens there.
    #[error("{0} is in use; stop what listens there, or listen on port 0 to get a free one")]
    AddressInUse(SocketAddr),
    /// The system said no.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
}

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    credentials: Credentials,
    values: Vec<StandInValues>,
    clock: StandInClock,
    accepting: JoinHandle<()>,
}

struct Shared {
    play: Mutex<Play>,
    log: Log,
    clock: StandInClock,
    values: Vec<StandInValues>,
}

impl StandIn {
    /// Listens and serves.
    ///
    /// # Errors
    /// [`StandInError`] where the address cannot be had.
    pub async fn start(config: StandInConfig) -> Result<Self, StandInError> {
        let listener = TcpListener::bind(config.listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StandInError::AddressInUse(config.listen),
            _ => StandInError::Listen { address: config.listen, source },
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| StandInError::Listen { address: config.listen, source })?;
        let (play, credentials, values) = Play::new(
            config.profile,
            &config.fixtures,
            config.forms,
            config.faults,
            config.clock.clone(),
            &base_url(address),
        );
        let shared = Arc::new(Shared {
            play: Mutex::new(play),
            log: Log::default(),
            clock: config.clock.clone(),
            values: values.clone(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, credentials, values, clock: config.clock, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://host:port`.
    #[must_use]
    pub fn base_url(&self) -> String {
        base_url(self.address)
    }

    /// What stands for each secret of the fixtures, by `kind:number`: a subject may need any of them.
    pub fn stand_in_values(&self) -> impl Iterator<Item = (String, &str)> {
        let all = self.values.iter().flat_map(StandInValues::iter);
        all.map(|(placeholder, value)| (format!("{}:{}", placeholder.kind, placeholder.number), value))
    }

    /// What the subject authenticates with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &StandInClock {
        &self.clock
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log.seen()
    }

    /// The counts so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.log.traffic()
    }

    /// Faults that have not struck as often as planned.
    #[must_use]
    pub fn unused_faults(&self) -> Vec<UnusedFault> {
        self.shared.play().unused_faults()
    }

    /// Grows a resource of the profile to so many records in each of its collections, before anything is written.
    ///
    /// # Errors
    /// A sentence, where there is no such resource, or nothing to grow it from.
    pub fn grow(&self, resource: &str, to: u64) -> Result<(), String> {
        self.shared.play().data().grow(resource, to)
    }

    /// Who wants which webhooks.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.shared.play().data().subscriptions()
    }

    /// The handshakes that are due, each handed out once.
    #[must_use]
    pub fn take_handshakes(&self) -> Vec<HandshakeDue> {
        self.shared.play().data().take_handshakes()
    }

    /// Says how a handshake went. Where it failed the subscription is gone, and what the provider answers to the request that
    /// made it is handed back.
    pub fn handshake_done(&self, subscription: &str, went: Result<(), String>) -> Option<Response> {
        self.shared.play().handshake_done(subscription, went)
    }

    /// The values that stand for secrets: none may turn up in a log or a report.
    pub fn secret_values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flat_map(StandInValues::iter).map(|(_, value)| value)
    }

    /// Tokens that were handed out beyond the recording. They are as secret, and no placeholder stands for them.
    #[must_use]
    pub fn fresh_tokens(&self) -> Vec<String> {
        self.shared.play().fresh_tokens()
    }

    /// Text with those values put back to placeholders.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.shared.hide(text)
    }
}

fn base_url(address: SocketAddr) -> String {
    format!("http://{address}")
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn play(&self) -> std::sync::MutexGuard<'_, Play> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hide(&self, text: &str) -> String {
        hide(&self.values, text)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Connections end with the stand-in: aborting this task drops the set, and with it every one of them.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => break stream,
                    // Out of descriptors or a client that left in the queue: the next may fare better.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::task::yield_now().await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            serve(stream, shared).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { stream, reset: Arc::clone(&reset) };
    let service = hyper::service::service_fn(move |request| {
        let shared = Arc::clone(&shared);
        let reset = Arc::clone(&reset);
        async move { handle(request, &shared, &reset).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .serve_connection(TokioIo::new(wire), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here on purpose")]
struct OnPurpose;

async fn handle(
    request: hyper::Request<Incoming>,
    shared: &Arc<Shared>,
    reset: &AtomicBool,
) -> Result<hyper::Response<AnswerBody>, OnPurpose> {
    let request = match taken_up(request).await {
        Ok(request) => request,
        Err(response) => return Ok(whole(&response)),
    };
    let operation = shared.play().operation_of(&request);
    let seq = shared.log.receive(Seen {
        seq: 0,
        at: shared.clock.now(),
        operation: operation.clone(),
        method: request.method.clone(),
        target: shared.hide(&request.target),
        exchange: None,
        fault: None,
        status: None,
        retry_after_s: None,
        note: SeenNote::Open,
    });
    let mut open = OpenRequest { shared: Arc::clone(shared), seq, held: false };
    let Decision { answer, exchange, fault, note } = shared.play().answer(&operation, &request);
    let shown = matches!(note, SeenNote::Unmatched(_)).then(|| {
        let hidden = Request { target: shared.hide(&request.target), ..request.clone() };
        shared.play().without_secrets(&hidden).target
    });
    shared.log.amend(seq, |seen| {
        seen.target = shown.unwrap_or_else(|| std::mem::take(&mut seen.target));
        seen.exchange = exchange;
        seen.fault = fault.map(str::to_owned);
        seen.status = answer.status();
        seen.retry_after_s = retry_after_s(&answer);
        seen.note = note;
    });
    match answer {
        Answer::Whole(response) if request.method == "HEAD" => Ok(head_alone(&response)),
        Answer::Whole(response) => Ok(whole(&response)),
        Answer::CutShort { response, sent_bytes, promised_bytes, cut } => {
            reset.store(cut == Cut::Reset, Ordering::Release);
            Ok(cut_short(&response, sent_bytes, promised_bytes))
        }
        Answer::Nothing(cut) => {
            reset.store(cut == Cut::Reset, Ordering::Release);
            Err(OnPurpose)
        }
        Answer::Hold => {
            open.hold();
            match std::future::pending::<Infallible>().await {}
        }
    }
}

fn retry_after_s(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Whole(response) => response.headers.text("retry-after")?.trim().parse().ok(),
        _ => None,
    }
}

/// Reads a request whole, or says why not.
async fn taken_up(request: hyper::Request<Incoming>) -> Result<Request, counterpart_exchange::Response> {
    let (head, body) = request.into_parts();
    let mut headers = Headers::default();
    for (name, value) in &head.headers {
        headers.append(name.as_str(), HeaderValue::from_bytes(value.as_bytes()));
    }
    let bytes = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let meaning = format!("the request body is over {MAX_REQUEST_BYTES} bytes");
            return Err(crate::forms::plain(413, &meaning));
        }
        Err(error) => {
            let meaning = format!("the request body could not be read: {error}");
            return Err(crate::forms::plain(400, &meaning));
        }
    };
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let body = Body::from_bytes(&bytes, headers.text("content-type"));
    Ok(Request { method: head.method.to_string(), target, headers, body })
}

/// A request that was taken up; however it ends, it is counted as over when this is dropped.
struct OpenRequest {
    shared: Arc<Shared>,
    seq: u64,
    held: bool,
}

impl OpenRequest {
    fn hold(&mut self) {
        self.held = true;
        self.shared.log.hold();
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if self.held {
            self.shared.log.amend(self.seq, |seen| seen.note = SeenNote::ClientGaveUp);
        }
        self.shared.log.finish(self.held);
    }
}

/// A connection that can be made to end with RST.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
