//! Listening: accepts clients, so many at a time, and ends in bounded time. Knows nothing of what is said to them.

use crate::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// How long to wait before accepting again where the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Where what is served stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Clients are served.
    Serving,
    /// No more are accepted, and those that are served may end.
    Stopping,
}

/// The bounds within which clients are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Connections served at a time; further ones wait to be accepted.
    pub(crate) connections: usize,
    /// How long connections may take to end.
    pub(crate) drain: Duration,
}

/// Whether all connections ended in their own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// They did.
    Whole,
    /// Some were cut off.
    CutOff,
}

/// Serves until the phase is [`Phase::Stopping`] or its sender is gone, and then until the last connection has ended or
/// the drain bound has passed. On return no connection is open any more.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    bounds: Bounds,
    mut phase: watch::Receiver<Phase>,
    converse: impl Fn(TcpStream, watch::Receiver<Phase>) -> F,
) -> Drained {
    let slots = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopping(&mut phase) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                let conversation = converse(stream, phase.clone());
                connections.spawn(async move {
                    conversation.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                Clock::wait(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if Clock::within(bounds.drain, ended).await.is_some() {
        return Drained::Whole;
    }
    connections.shutdown().await;
    Drained::CutOff
}

/// Resolves when what is served is to end.
pub(crate) async fn stopping(phase: &mut watch::Receiver<Phase>) {
    // An error means that whoever began it is gone, which ends it as well.
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
