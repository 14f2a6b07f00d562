//! Listening: accepts clients, so many at a time, and ends in bounded time.

use crate::clock::Clock;
use crate::connection::converse;
use crate::house::House;
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
pub(crate) async fn serve(listener: TcpListener, house: Arc<House>, mut phase: watch::Receiver<Phase>) {
    let slots = Arc::new(Semaphore::new(house.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopping(&mut phase) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                let (house, phase) = (Arc::clone(&house), phase.clone());
                connections.spawn(async move {
                    converse(stream, house, phase).await;
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
    if Clock::within(house.limits.drain, ended).await.is_none() {
        tracing::warn!("exchanges still in flight are kept as far as they came");
        connections.shutdown().await;
    }
    house.streams.end().await;
}

/// Resolves when the recording is to end.
pub(crate) async fn stopping(phase: &mut watch::Receiver<Phase>) {
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
