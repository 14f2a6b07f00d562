//! The control API: what a stand-in saw and is about to do, told and changed over HTTP on a port of its own.
//!
//! [`guard`] decides who is heard, [`routes`] what is asked for, [`asked`] reads what was sent, [`shown`] says what is
//! so, and [`problem`] why something cannot be. It knows the stand-in from outside: it never answers in a provider's
//! name. `docs/control-api.md` describes it for its users.

mod asked;
mod guard;
mod problem;
mod routes;
mod shown;
mod webhooks;

use crate::clock::{pause, within};
use crate::webhooks::check_url;
use crate::wire::{Shared, StandIn};
use asked::read;
use bytes::Bytes;
use guard::Guard;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use problem::Problem;
use serde_json::Value;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 64;
/// Largest request body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Largest request head that is read.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Real time in which a request's body must have come.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);
/// Real time in which a connection must be over.
const MAX_CONNECTION_TIME: Duration = Duration::from_secs(60);
/// How long, in real time, a machine that has run out of descriptors is left in peace.
const WHEN_EXHAUSTED: Duration = Duration::from_millis(10);

/// Where the control API listens, and who is heard.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names by which it may be called, beside its own address and those of the loopback.
    pub names: Vec<String>,
    /// Where webhooks go, if a request does not say.
    pub webhooks_to: Option<String>,
}

/// A control API that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Somebody else listens there.
    #[error("{0} is in use; stop what listens there, or give the control API port 0 to get a free one")]
    AddressInUse(SocketAddr),
    /// The system said no.
    #[error("the control API cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// Webhooks cannot go there.
    #[error("webhooks cannot go to {url}: {problem}")]
    WebhooksTo {
        /// Where.
        url: String,
        /// Why not.
        problem: String,
    },
}

/// A control API that runs. Dropping it ends it; the stand-in goes on.
pub struct Control {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Control {
    /// Listens and serves.
    ///
    /// # Errors
    /// [`ControlError`] where the address cannot be had.
    pub async fn start(stand_in: &StandIn, config: ControlConfig) -> Result<Self, ControlError> {
        let ControlConfig { listen, names, webhooks_to } = config;
        if let Some(url) = &webhooks_to {
            check_url(url).map_err(|problem| ControlError::WebhooksTo { url: url.clone(), problem })?;
        }
        let refuse = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ControlError::AddressInUse(listen),
            _ => ControlError::Listen { address: listen, source },
        };
        let listener = TcpListener::bind(listen).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let controlled = Arc::new(Controlled {
            guard: Guard::new(address.ip(), names),
            shared: Arc::clone(stand_in.shared()),
            base_url: stand_in.base_url().to_owned(),
            webhooks_to,
        });
        Ok(Self { address, accepting: tokio::spawn(accept(listener, controlled)) })
    }

    /// `http://host:port`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What requests are about.
struct Controlled {
    guard: Guard,
    shared: Arc<Shared>,
    base_url: String,
    webhooks_to: Option<String>,
}

async fn accept(listener: TcpListener, controlled: Arc<Controlled>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let controlled = Arc::clone(&controlled);
                connections.spawn(async move {
                    let _place = place;
                    within(MAX_CONNECTION_TIME, serve(stream, controlled)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection of the control API could not be accepted");
                pause(WHEN_EXHAUSTED).await;
            }
        }
    }
}

/// One request, and the connection is over: nobody asks so often that it would matter, and nobody keeps a place.
async fn serve(stream: TcpStream, controlled: Arc<Controlled>) {
    let service = hyper::service::service_fn(|request| {
        let controlled = Arc::clone(&controlled);
        async move { Ok::<_, Infallible>(answer(request, &controlled).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the control API ended early");
    }
}

async fn answer(request: hyper::Request<Incoming>, controlled: &Controlled) -> hyper::Response<Full<Bytes>> {
    let (status, mut value) = match heard(request, controlled).await {
        Ok(answer) => answer,
        Err(problem) => problem.answer(),
    };
    hide(&mut value, &controlled.shared);
    let mut text = value.to_string();
    text.push('\n');
    let mut response = hyper::Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", http::HeaderValue::from_static("nosniff"));
    response
}

async fn heard(request: hyper::Request<Incoming>, controlled: &Controlled) -> Result<(u16, Value), Problem> {
    let (head, body) = request.into_parts();
    controlled.guard.admit(&head)?;
    let body = match within(MAX_BODY_TIME, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Some(Ok(collected)) => collected.to_bytes(),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Problem::new(413, "body_too_large")
                .expected(format!("a body of at most {MAX_BODY_BYTES} bytes")));
        }
        Some(Err(_)) => return Err(Problem::new(400, "body_unreadable").expected("a whole body")),
        None => {
            return Err(Problem::new(408, "body_too_slow")
                .expected(format!("a body within {} seconds", MAX_BODY_TIME.as_secs())));
        }
    };
    routes::answer(controlled, &head, &body).await
}

/// Puts what stands for secrets back to placeholders, wherever it turned up. Names of fields are ours.
fn hide(value: &mut Value, shared: &Shared) {
    match value {
        Value::String(text) => {
            let hidden = shared.hide(text);
            if hidden != *text {
                *text = hidden;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, shared)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide(field, shared)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
