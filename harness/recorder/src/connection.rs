//! One client's connection, from its first byte to its last: HTTP, and what HTTP gives way to.
//!
//! A connection speaks HTTP until a request makes it something else: a tunnel, HTTP within TLS, or a WebSocket. All of
//! that is done here one after the other, so that a connection is one task, which ends in bounded time.

use crate::clock::Clock;
use crate::door::{Door, Target};
use crate::duplex::{Duplex, Protocol, attend, listen_in};
use crate::house::House;
use crate::route::Route;
use crate::server::{Phase, stopping};
use crate::websocket::{self, Transcript};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Requests that one connection may have under way.
const MAX_STREAMS: u32 = 250;
/// Bytes of a request's head in HTTP/2, about as many as HTTP/1.1 may have.
pub(crate) const MAX_HEAD_BYTES: u32 = 400 * 1024;

/// What a connection is to do when HTTP on it ends.
#[derive(Clone, Default)]
pub(crate) struct Next(Arc<Mutex<Option<NextStep>>>);

/// What a connection becomes.
pub(crate) enum NextStep {
    /// A tunnel to a host that nobody looks into.
    Tunnel { client_side: OnUpgrade, server: TcpStream },
    /// What the client would say to a host.
    Intercepted { client_side: OnUpgrade, target: Target },
    /// A WebSocket.
    WebSocket { client_side: OnUpgrade, server_side: OnUpgrade, transcript: Box<Transcript> },
}

impl Next {
    pub(crate) fn set(&self, step: NextStep) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
    }

    fn take(&self) -> Option<NextStep> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How requests on a connection find their way.
#[derive(Clone)]
enum Way {
    /// Each by itself.
    Door,
    /// All the same.
    Route(Arc<Route>),
}

/// Serves a client until it or the recording ends.
pub(crate) async fn converse(stream: TcpStream, house: Arc<House>, phase: watch::Receiver<Phase>) {
    let (duplex, pace) = attend(Box::new(stream), house.clock);
    let silence = house.limits.silence;
    let mut conversation = Conversation { house, phase };
    tokio::select! {
        () = conversation.hold(duplex) => {}
        () = pace.silent(silence) => tracing::debug!("a client's connection was silent for too long"),
    }
}

struct Conversation {
    house: Arc<House>,
    phase: watch::Receiver<Phase>,
}

impl Conversation {
    async fn hold(&mut self, duplex: Duplex) {
        let Some((protocol, duplex)) = self.begin(duplex).await else { return };
        let mut step = self.serve(duplex, protocol, Way::Door).await;
        while let Some(now) = step {
            step = match now {
                NextStep::Tunnel { client_side, server } => {
                    self.tunnel(client_side, server).await;
                    None
                }
                NextStep::Intercepted { client_side, target } => self.intercept(client_side, target).await,
                NextStep::WebSocket { client_side, server_side, transcript } => {
                    // Where either fails, the transcript is dropped, which ends its exchange.
                    if let (Ok(client), Ok(server)) = tokio::join!(client_side, server_side) {
                        websocket::converse(client, server, *transcript, self.house.limits.drain).await;
                    }
                    None
                }
            };
        }
    }

    /// The first bytes of a connection; nothing where they do not come in time, or the recording ends before.
    async fn begin(&mut self, duplex: Duplex) -> Option<(Protocol, Duplex)> {
        let first = Clock::within(self.house.limits.head, listen_in(duplex));
        tokio::select! {
            () = stopping(&mut self.phase) => None,
            first = first => first?.ok()?,
        }
    }

    /// Serves HTTP on a connection; gives what it becomes then.
    async fn serve(&mut self, duplex: Duplex, protocol: Protocol, way: Way) -> Option<NextStep> {
        let next = Next::default();
        let service = service_fn({
            let (house, next) = (Arc::clone(&self.house), next.clone());
            move |request| {
                let (house, next, way) = (Arc::clone(&house), next.clone(), way.clone());
                async move {
                    match &way {
                        Way::Door => house.answer(request, &next).await,
                        Way::Route(route) => house.answer_along(request, route, &next).await,
                    }
                }
            }
        });
        let io = TokioIo::new(duplex);
        let phase = &mut self.phase;
        // Both have the same words, and no type in common.
        macro_rules! until_it_ends {
            ($connection:expr) => {{
                let mut connection = pin!($connection);
                tokio::select! {
                    result = connection.as_mut() => result,
                    () = stopping(phase) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }};
        }
        let result = if protocol == Protocol::Http2 {
            let mut http = http2::Builder::new(self.house.streams.clone());
            http.timer(TokioTimer::new())
                .auto_date_header(false)
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(MAX_HEAD_BYTES);
            until_it_ends!(http.serve_connection(io, service))
        } else {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(self.house.limits.head)
                .preserve_header_case(true)
                .auto_date_header(false);
            until_it_ends!(http.serve_connection(io, service).with_upgrades())
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a client's connection ended early");
            if error.is_parse() || error.is_parse_too_large() {
                self.house.tally.invalid();
            }
        }
        next.take()
    }

    /// Passes both directions on, unseen, until both have ended. A tunnel does not outlast the recording.
    async fn tunnel(&mut self, client_side: OnUpgrade, mut server: TcpStream) {
        let Ok(client) = client_side.await else { return };
        let mut client = TokioIo::new(client);
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
            () = stopping(&mut self.phase) => {}
        }
    }

    /// Speaks with a client in the place of a host.
    async fn intercept(&mut self, client_side: OnUpgrade, target: Target) -> Option<NextStep> {
        let Door::Proxy(proxy) = &self.house.door else { return None };
        let client: Duplex = Box::new(TokioIo::new(client_side.await.ok()?));
        let bound = self.house.limits.head;
        let (mut protocol, mut duplex) = Clock::within(bound, listen_in(client)).await?.ok()??;
        let is_encrypted = protocol == Protocol::Tls;
        if is_encrypted {
            let handshake =
                Clock::within(bound, proxy.interception.accept(duplex, &target, self.house.clock));
            match handshake.await {
                Some(Ok(agreed)) => (protocol, duplex) = agreed,
                failed => {
                    let reason = failed.map_or_else(|| "too slow".to_owned(), |it| reason_of(it.err()));
                    tracing::warn!(host = %target, reason, "no TLS with the client");
                    self.house.tally.handshake_failed(&target.to_string());
                    return None;
                }
            }
        }
        let proxy = match &self.house.door {
            Door::Proxy(proxy) => proxy,
            Door::Reverse(_) => return None,
        };
        let route = proxy.route_to(&target, is_encrypted)?;
        self.serve(duplex, protocol, Way::Route(route)).await
    }
}

fn reason_of(error: Option<std::io::Error>) -> String {
    error.map(|error| error.to_string()).unwrap_or_default()
}
