//! The door: lets connections in, keeps their number within bounds, and is shut while nobody is to be let in.

use super::connection;
use super::end::ConnectionEnd;
use super::{Shared, StandInError};
use crate::clock::{StandInClock, Waiting, pause};
use crate::faults::AtConnection;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Connections at once. Where a further one comes, the one that is idle the longest is closed.
const MAX_CONNECTIONS: usize = 8_192;
/// Connections that the kernel keeps for us until they are accepted.
const BACKLOG: u32 = 1_024;
/// How long, in real time, a machine that has run out of descriptors is left in peace.
const WHEN_EXHAUSTED: Duration = Duration::from_millis(10);

/// The listening socket.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    pub(super) fn open(wanted: SocketAddr) -> Result<Self, StandInError> {
        let refuse = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StandInError::AddressInUse(wanted),
            _ => StandInError::Listen { address: wanted, source },
        };
        let listener = bound(wanted).and_then(|socket| socket.listen(BACKLOG)).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self { listener, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A socket that has the address and does not listen: the system refuses whoever connects.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// What a connection and the door tell each other.
pub(super) struct Standing {
    /// When it was last of use, by the count of requests of all connections.
    last_used: AtomicU64,
    is_busy: AtomicBool,
    uses: Arc<AtomicU64>,
    outages: mpsc::UnboundedSender<SignedDuration>,
}

impl Standing {
    /// Notes that a request is under way, or no longer.
    pub(super) fn busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
        self.last_used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Shuts the door for so long.
    pub(super) fn outage(&self, how_long: SignedDuration) {
        let _ = self.outages.send(how_long);
    }
}

/// Accepts connections until it is aborted; all of them end with it.
pub(super) async fn accept(door: Door, shared: Arc<Shared>) {
    let Door { listener, address } = door;
    let (outages, mut announced) = mpsc::unbounded_channel();
    let mut connections = Connections::new(outages);
    let mut opening = Opening::Open(listener);
    let mut number = 0;
    loop {
        if let Some(how_long) = refusal_of(&shared, number + 1) {
            opening = shut(opening, address, &shared.clock, how_long);
            number += 1;
        }
        let stream = tokio::select! {
            stream = connections.next(&mut opening) => stream,
            Some(how_long) = announced.recv() => {
                opening = shut(opening, address, &shared.clock, how_long);
                continue;
            }
        };
        number += 1;
        connections.begin(stream, number, &shared);
    }
}

fn refusal_of(shared: &Shared, number: u64) -> Option<SignedDuration> {
    shared.strike_connection(number, |effect| match effect {
        AtConnection::Refuse(how_long) => Some(how_long),
        _ => None,
    })
}

/// Whether somebody listens.
enum Opening {
    Open(TcpListener),
    /// Nobody does until the time has come.
    Shut {
        reopened: mpsc::Receiver<TcpListener>,
        _until: Waiting,
    },
    /// Nobody can: the address was lost while the door was shut.
    Lost,
}

/// Shuts the door and has it opened again when its time has come.
fn shut(opening: Opening, address: SocketAddr, clock: &StandInClock, how_long: SignedDuration) -> Opening {
    // Dropped first: a socket that listens would keep the address to itself.
    drop(opening);
    let socket = match bound(address) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(%error, %address, "the address was lost while the stand-in refused connections");
            return Opening::Lost;
        }
    };
    let (reopen, reopened) = mpsc::channel(1);
    let until = clock.now().saturating_add(how_long).unwrap_or(Timestamp::MAX);
    let socket = Mutex::new(Some(socket));
    let waiting = clock.when(until, move || {
        let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        match socket.map(|socket| socket.listen(BACKLOG)) {
            Some(Ok(listener)) => drop(reopen.try_send(listener)),
            Some(Err(error)) => tracing::error!(%error, %address, "cannot listen again"),
            None => {}
        }
    });
    Opening::Shut { reopened, _until: waiting }
}

/// The connections that stand.
struct Connections {
    tasks: JoinSet<u64>,
    standing: HashMap<u64, (Arc<Standing>, AbortHandle)>,
    uses: Arc<AtomicU64>,
    outages: mpsc::UnboundedSender<SignedDuration>,
}

impl Connections {
    fn new(outages: mpsc::UnboundedSender<SignedDuration>) -> Self {
        Self { tasks: JoinSet::new(), standing: HashMap::new(), uses: Arc::default(), outages }
    }

    /// The next connection, once there is room for it.
    async fn next(&mut self, opening: &mut Opening) -> TcpStream {
        loop {
            let accepted = tokio::select! {
                accepted = accepted(opening) => accepted,
                Some(over) = self.tasks.join_next() => {
                    if let Ok(number) = over {
                        self.standing.remove(&number);
                    }
                    continue;
                }
            };
            match accepted {
                Ok(stream) => {
                    if self.standing.len() >= MAX_CONNECTIONS {
                        self.close_idlest();
                    }
                    return stream;
                }
                // Out of descriptors, or a client that left in the queue: the next may fare better.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    if !self.close_idlest() {
                        pause(WHEN_EXHAUSTED).await;
                    }
                }
            }
        }
    }

    fn begin(&mut self, stream: TcpStream, number: u64, shared: &Arc<Shared>) {
        let standing = Arc::new(Standing {
            last_used: AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed)),
            is_busy: AtomicBool::new(false),
            uses: Arc::clone(&self.uses),
            outages: self.outages.clone(),
        });
        let (shared, theirs) = (Arc::clone(shared), Arc::clone(&standing));
        let task = self.tasks.spawn(async move {
            connection::serve(stream, number, shared, theirs, ConnectionEnd::default()).await;
            number
        });
        self.standing.insert(number, (standing, task));
    }

    /// Closes the connection that has been of no use for the longest time, if any is idle.
    fn close_idlest(&mut self) -> bool {
        let idlest = self
            .standing
            .iter()
            .filter(|(_, (standing, _))| !standing.is_busy.load(Ordering::Relaxed))
            .min_by_key(|(_, (standing, _))| standing.last_used.load(Ordering::Relaxed))
            .map(|(number, _)| *number);
        let Some((_, task)) = idlest.and_then(|number| self.standing.remove(&number)) else { return false };
        task.abort();
        true
    }
}

async fn accepted(opening: &mut Opening) -> io::Result<TcpStream> {
    loop {
        match opening {
            Opening::Open(listener) => return listener.accept().await.map(|(stream, _)| stream),
            Opening::Shut { reopened, .. } => match reopened.recv().await {
                Some(listener) => *opening = Opening::Open(listener),
                None => *opening = Opening::Lost,
            },
            Opening::Lost => std::future::pending().await,
        }
    }
}
