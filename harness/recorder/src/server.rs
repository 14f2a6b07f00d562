//! Listening: accepts clients, hands their requests to the forwarder, and ends in bounded time.

use crate::clock::Clock;
use crate::config::Limits;
use crate::forward::Forwarder;
use crate::route::Route;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// How long to wait before accepting again where the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Clients are served.
    Recording,
    /// No more are accepted, and those that are served may end.
    Stopping,
}

/// Serves until the phase is [`Phase::Stopping`] or its sender is gone, and then until the last exchange in
/// flight has ended or the drain bound has passed. On return nothing is in flight any more.
pub(crate) async fn serve(
    listener: TcpListener,
    forwarder: Arc<Forwarder>,
    route: Arc<Route>,
    mut phase: watch::Receiver<Phase>,
    limits: Limits,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopping(&mut phase) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                connections.spawn(converse(
                    stream,
                    slot,
                    Arc::clone(&forwarder),
                    Arc::clone(&route),
                    phase.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                Clock::wait(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if Clock::within(limits.drain, ended).await.is_none() {
        tracing::warn!("exchanges still in flight are kept as far as they came");
        connections.shutdown().await;
    }
}

async fn stopping(phase: &mut watch::Receiver<Phase>) {
    // An error means that the recorder itself is gone, which ends the recording as well.
    let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}

/// Serves one client's connection, its requests one after the other.
async fn converse(
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    forwarder: Arc<Forwarder>,
    route: Arc<Route>,
    mut phase: watch::Receiver<Phase>,
) {
    let service = service_fn(move |request| {
        let (forwarder, route) = (Arc::clone(&forwarder), Arc::clone(&route));
        async move { forwarder.answer(request, &route).await }
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
