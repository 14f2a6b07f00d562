//! One connection: requests are read off it, and what the play says is sent.

use super::accept::Standing;
use super::end::{ConnectionEnd, Ending};
use super::stream::{Protocol, Stream};
use super::{Provider, Shared};
use crate::answer::{Answer, Cut, head_of, head_of_prepared};
use crate::body::AnswerBody;
use crate::clock::within;
use crate::faults::AtConnection;
use crate::journal::{OpenRequest, Seen, SeenNote};
use crate::play::Decision;
use crate::received::Received;
use bytes::Bytes;
use counterpart_exchange::{OperationName, Response};
use http::{HeaderName, HeaderValue};
use http_body::Body as _;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest request body that is read; a longer one is refused with 413.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;
/// Real time in which a request's body must have come; a slower one is refused with 408.
const MAX_REQUEST_TIME: Duration = Duration::from_secs(60);
/// Real time in which a TLS handshake must be over.
const MAX_HANDSHAKE_TIME: Duration = Duration::from_secs(30);
/// Characters of a host or path that are shown where nobody knows them.
const MAX_SHOWN_CHARS: usize = 200;
/// Streams that one HTTP/2 connection may have open at once.
const MAX_STREAMS: u32 = 250;

/// Serves one connection to its end.
pub(super) async fn serve(
    tcp: TcpStream,
    number: u64,
    shared: Arc<Shared>,
    standing: Arc<Standing>,
    end: ConnectionEnd,
) {
    let _ = tcp.set_nodelay(true);
    let struck = shared.strike_connection(number, |effect| match effect {
        // The door refuses, and a handshake shows its certificate.
        AtConnection::Refuse(_) | AtConnection::Certificate(_) => None,
        effect => Some(effect),
    });
    if let Some(effect) = struck {
        shared.journal.connection_failed();
        let hung = (effect == AtConnection::Hang).then(|| shared.journal.connection_hangs());
        misbehave(Stream::bare(tcp, end.clone()), effect, &end).await;
        drop(hung);
        return;
    }
    let Some(mut stream) = shake_hands(tcp, number, &shared, &end).await else { return };
    let server_name: Option<Arc<str>> = stream.server_name().map(Arc::from);
    let Some(protocol) = stream.protocol().await else { return };
    let service = hyper::service::service_fn(|request| {
        let (shared, standing, end) = (Arc::clone(&shared), Arc::clone(&standing), end.clone());
        let server_name = server_name.clone();
        async move {
            standing.busy(true);
            let sender = Sender { server_name: server_name.as_deref(), protocol };
            let handled = handle(request, &shared, &standing, &end, sender).await;
            standing.busy(false);
            handled
        }
    });
    let io = TokioIo::new(stream);
    match protocol {
        Protocol::Http1 => {
            let mut connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .auto_date_header(false)
                .serve_connection(io, service);
            let served = tokio::select! {
                served = &mut connection => served,
                () = end.wait() => Ok(()),
            };
            note(served);
            if let Some(Ending::Raw(_) | Ending::HalfClose) = end.told() {
                leave(connection.into_parts().io.into_inner(), &end).await;
            }
        }
        Protocol::Http2 => {
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .auto_date_header(false)
                .max_concurrent_streams(MAX_STREAMS)
                .serve_connection(io, service);
            tokio::select! {
                served = connection => note(served),
                () = end.wait() => {}
            }
        }
    }
}

/// The stream of a connection once any handshake is over; none where it came to nothing.
async fn shake_hands(tcp: TcpStream, number: u64, shared: &Shared, end: &ConnectionEnd) -> Option<Stream> {
    let Some(handshakes) = &shared.handshakes else { return Some(Stream::bare(tcp, end.clone())) };
    let flaw = shared.strike_connection(number, |effect| match effect {
        AtConnection::Certificate(flaw) => Some(flaw),
        _ => None,
    });
    match within(MAX_HANDSHAKE_TIME, handshakes.acceptor(flaw).accept(tcp)).await {
        Some(Ok(tls)) => Some(Stream::tls(tls, end.clone())),
        other => {
            let error = other.and_then(Result::err).map(|error| error.to_string());
            tracing::debug!(?error, "a handshake came to nothing");
            shared.journal.connection_failed();
            None
        }
    }
}

fn note(served: Result<(), hyper::Error>) {
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What a fault does to a connection on which there is no request yet.
async fn misbehave(stream: Stream, effect: AtConnection, end: &ConnectionEnd) {
    match effect {
        AtConnection::Reset => end.tell(Ending::Reset),
        AtConnection::Hang => drain(stream).await,
        AtConnection::HalfClose => {
            end.tell(Ending::HalfClose);
            leave(stream, end).await;
        }
        AtConnection::Garbage(bytes) => {
            end.tell(Ending::Raw(bytes));
            leave(stream, end).await;
        }
        AtConnection::Refuse(_) | AtConnection::Certificate(_) => {}
    }
}

/// Ends a connection as it was told to end.
async fn leave(mut stream: Stream, end: &ConnectionEnd) {
    if let Some(Ending::Raw(_)) = end.told() {
        // Replaced on its way by what was told; with the last of it comes an error.
        while stream.write(b" ").await.is_ok() {}
        let _ = stream.flush().await;
    }
    let _ = stream.shutdown().await;
    // Closed with bytes unread, a connection ends with RST, and the client may lose what was sent.
    drain(stream).await;
}

async fn drain(mut stream: Stream) {
    let mut unread = [0; 4096];
    while matches!(stream.read(&mut unread).await, Ok(1..)) {}
}

/// Why a connection or a stream ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("it ends here on purpose")]
struct OnPurpose;

/// A body of an answer to a request that was taken up, or of one that was not.
type SentBody = Either<AnswerBody, Full<Bytes>>;

/// What the connection of a request tells of it.
#[derive(Clone, Copy)]
struct Sender<'a> {
    /// The host that its TLS handshake named.
    server_name: Option<&'a str>,
    protocol: Protocol,
}

async fn handle(
    request: hyper::Request<Incoming>,
    shared: &Arc<Shared>,
    standing: &Standing,
    end: &ConnectionEnd,
    Sender { server_name, protocol }: Sender<'_>,
) -> Result<hyper::Response<SentBody>, OnPurpose> {
    let received = match taken_up(request).await {
        Ok(received) => received,
        Err(refusal) => return Ok(outright(&refusal)),
    };
    let is_head = received.method() == http::Method::HEAD;
    let (index, received) = match shared.routes.find(received, server_name) {
        Ok(found) => found,
        Err(received) => return Ok(outright(&nobody(shared, &received))),
    };
    let (mut decision, open, mark) = decide(shared, index, &received);
    drop(received);
    if let Some(refusal) = shared.shake_hands(index).await {
        decision.answer = Answer::Whole(refusal);
    }
    if let Some(how_long) = decision.outage {
        standing.outage(how_long);
    }
    let mut response = send(decision.answer, open, Sending { shared, end, protocol, is_head }).await?;
    if let Some((name, value)) = mark {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Asks the play, and notes what it says; with the field, if any, that leaves the request to somebody else.
fn decide(
    shared: &Arc<Shared>,
    index: usize,
    received: &Received,
) -> (Decision, OpenRequest, Option<(HeaderName, HeaderValue)>) {
    let provider = &shared.providers[index];
    let mut decision = match provider.beside_the_api(received) {
        Some(decision) => decision,
        None => provider.play().answer(received),
    };
    let mark = shared.leave(&mut decision.note, received);
    provider.tally.count(&decision.note, decision.fault);
    let at = shared.clock.now();
    let mut open = shared.journal.receive(Seen {
        seq: 0,
        at,
        provider: Arc::clone(&provider.name),
        operation: Arc::clone(&decision.operation),
        method: received.method().clone(),
        target: Arc::clone(&decision.shown_target),
        exchange: decision.exchange.clone(),
        fault: decision.fault,
        status: decision.answer.status(),
        retry_after_s: decision.answer.retry_after_s(at),
        note: decision.note.clone(),
    });
    let is_faulted = decision.fault.is_some();
    shared.sent.take_note(open.seq(), &decision.operation, received, &decision.answer, is_faulted);
    if !decision.pass.holds_nothing() {
        let (shared, pass) = (Arc::clone(shared), std::mem::take(&mut decision.pass));
        let epoch = decision.epoch;
        open.when_over(move || shared.providers[index].play().finish(pass, epoch));
    }
    (decision, open, mark)
}

#[derive(Clone, Copy)]
struct Sending<'a> {
    shared: &'a Shared,
    end: &'a ConnectionEnd,
    protocol: Protocol,
    is_head: bool,
}

async fn send(
    answer: Answer,
    mut open: OpenRequest,
    sending: Sending<'_>,
) -> Result<hyper::Response<SentBody>, OnPurpose> {
    let (answer, portions) = match answer {
        Answer::Paced { answer, pace } => {
            open.may_wait();
            open.wait(sending.shared.clock.clone(), pace.delay).await;
            (*answer, pace.portions)
        }
        answer => (answer, None),
    };
    let (head, body) = match answer {
        Answer::Prepared(prepared) => {
            let head = head_of_prepared(&prepared);
            if sending.is_head {
                return Ok(head_alone(head, prepared.recorded_length, open));
            }
            (head, AnswerBody::whole(prepared.body.clone(), open))
        }
        Answer::Whole(response) => {
            let bytes = Bytes::from(response.body.to_bytes());
            let head = head_of(&response, bytes.len() as u64);
            if sending.is_head {
                let recorded = response.headers.text("content-length").and_then(|length| length.parse().ok());
                return Ok(head_alone(head, recorded, open));
            }
            (head, AnswerBody::whole(bytes, open))
        }
        Answer::Huge { response, filler } => {
            let bytes = Bytes::from(response.body.to_bytes());
            let head = head_of(&response, bytes.len() as u64 + filler.length_bytes);
            (head, AnswerBody::huge(&bytes, filler, open))
        }
        Answer::CutShort { response, sent_bytes, promised_bytes, cut } => {
            let mut bytes = Bytes::from(response.body.to_bytes());
            bytes.truncate(sent_bytes);
            let head = head_of(&response, promised_bytes as u64);
            let body = AnswerBody::broken(bytes, promised_bytes as u64, open);
            (head, if sending.cut(cut) { body.ending(sending.end.clone()) } else { body })
        }
        Answer::Raw(bytes) => {
            sending.end.tell(Ending::Raw(bytes));
            return Err(OnPurpose);
        }
        Answer::Nothing(cut) => {
            if sending.cut(cut) {
                sending.end.now();
            }
            return Err(OnPurpose);
        }
        Answer::Hold | Answer::Paced { .. } => {
            open.hold();
            match std::future::pending::<Infallible>().await {}
        }
    };
    let body = match portions {
        Some(portions) => body.portioned(portions, sending.shared.clock.clone()),
        None => body,
    };
    Ok(hyper::Response::from_parts(head, Either::Left(body)))
}

impl Sending<'_> {
    /// Tells the connection how it is to end, and whether all that it carries ends with this answer.
    fn cut(&self, cut: Cut) -> bool {
        match (cut, self.protocol) {
            (Cut::Close, _) | (Cut::Reset, Protocol::Http2) => false,
            (Cut::Reset | Cut::ResetConnection, Protocol::Http1) => {
                self.end.tell(Ending::Reset);
                false
            }
            (Cut::ResetConnection, Protocol::Http2) => {
                self.end.tell(Ending::Reset);
                true
            }
            (Cut::HalfClose, _) => {
                self.end.tell(Ending::HalfClose);
                self.protocol == Protocol::Http2
            }
        }
    }
}

/// The answer to HEAD: of the body there is at most the length, as recorded.
fn head_alone(
    mut head: http::response::Parts,
    recorded_length: Option<u64>,
    open: OpenRequest,
) -> hyper::Response<SentBody> {
    match recorded_length {
        Some(length) => head.headers.insert(http::header::CONTENT_LENGTH, length.into()),
        None => head.headers.remove(http::header::CONTENT_LENGTH),
    };
    hyper::Response::from_parts(head, Either::Left(AnswerBody::none(open)))
}

/// The answer to what is no request of any provider's.
fn outright(response: &Response) -> hyper::Response<SentBody> {
    let bytes = Bytes::from(response.body.to_bytes());
    let head = head_of(response, bytes.len() as u64);
    hyper::Response::from_parts(head, Either::Right(Full::new(bytes)))
}

/// The answer to a request to nobody, which is counted and noted as unmatched.
fn nobody(shared: &Arc<Shared>, received: &Received) -> Response {
    let names: Vec<&str> = shared.providers.iter().map(Provider::name).collect();
    // What was sent may be of any size, and hold a secret of somebody else's.
    let shown = |text: &str| shared.hide(&text.chars().take(MAX_SHOWN_CHARS).collect::<String>());
    let host = shown(received.host().unwrap_or_default());
    let path = shown(received.target().split('?').next().unwrap_or_default());
    let why = format!(
        "{host:?} is no provider's host, and the path does not begin with a provider's name; there are: {}",
        names.join(", ")
    );
    let note = SeenNote::Unmatched(why.clone());
    shared.strays.count(&note, None);
    // It is over as soon as it is answered.
    drop(shared.journal.receive(Seen {
        seq: 0,
        at: shared.clock.now(),
        provider: "".into(),
        operation: Arc::new(OperationName("none".to_owned())),
        method: received.method().clone(),
        target: path.into(),
        exchange: None,
        fault: None,
        status: Some(404),
        retry_after_s: None,
        note,
    }));
    crate::forms::own(404, &serde_json::json!({ "counterpart": { "error": "no_such_provider", "why": why }}))
}

/// Reads a request whole, or says why not.
async fn taken_up(request: hyper::Request<Incoming>) -> Result<Received, Response> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Received::new(head, Bytes::new()));
    }
    let collected = within(MAX_REQUEST_TIME, Limited::new(body, MAX_REQUEST_BYTES).collect()).await;
    match collected {
        Some(Ok(collected)) => Ok(Received::new(head, collected.to_bytes())),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            Err(crate::forms::plain(413, &format!("the request body is over {MAX_REQUEST_BYTES} bytes")))
        }
        Some(Err(error)) => {
            Err(crate::forms::plain(400, &format!("the request body could not be read: {error}")))
        }
        None => Err(crate::forms::plain(408, "the request body did not come within 60 seconds")),
    }
}
