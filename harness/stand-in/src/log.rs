//! What the stand-in saw: one entry a request, and the counts that a conductor settles by.

use counterpart_exchange::OperationName;
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};

/// A request that came, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From 1, in order of arrival.
    pub seq: u64,
    /// When it came, on the stand-in's clock.
    pub at: Timestamp,
    /// What was asked, by the profile's name.
    pub operation: OperationName,
    /// The method.
    pub method: String,
    /// Path and query, secrets put back to placeholders.
    pub target: String,
    /// The exchange that answered or would have: `matrix/room-history#messages-2`.
    pub exchange: Option<String>,
    /// The fault that was put in its way.
    pub fault: Option<String>,
    /// The status that was sent; none where no status line was.
    pub status: Option<u16>,
    /// Seconds that the answer told the client to wait.
    pub retry_after_s: Option<u64>,
    /// What was done.
    pub note: SeenNote,
}

/// What was done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenNote {
    /// Being worked on, or held on purpose.
    Open,
    /// Answered as recorded.
    Replayed,
    /// Answered by what the profile declares as behaviour, in words.
    Behaved(&'static str),
    /// A fault was put in its way, in words.
    Faulted(String),
    /// A fault should have been, but could not: why.
    FaultInapplicable(String),
    /// Held until the client went away.
    ClientGaveUp,
    /// The last recorded answer was sent once more.
    Repeated,
    /// No exchange fits: the nearest and its difference.
    Unmatched(String),
}

impl std::fmt::Display for SeenNote {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => formatter.write_str("not answered yet"),
            Self::Replayed => formatter.write_str("replayed"),
            Self::Behaved(what) => formatter.write_str(what),
            Self::Faulted(what) => formatter.write_str(what),
            Self::FaultInapplicable(why) => write!(formatter, "the fault could not be applied: {why}"),
            Self::ClientGaveUp => formatter.write_str("held until the client gave up"),
            Self::Repeated => formatter.write_str("replayed once more: the recording has no further answer"),
            Self::Unmatched(why) => write!(formatter, "unmatched: {why}"),
        }
    }
}

/// Counts by which quiet is told: `received` equals `answered` plus `held` when nothing is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests whose head and body came.
    pub received: u64,
    /// Of them, those that are over: answered, cut off, or given up by the client.
    pub answered: u64,
    /// Of them, those that are held on purpose right now.
    pub held: u64,
}

/// The log of one stand-in.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    seen: Vec<Seen>,
    traffic: Traffic,
}

/// Entries kept; requests past it are still answered and counted.
const MAX_ENTRIES: usize = 100_000;

impl Log {
    fn with<T>(&self, act: impl FnOnce(&mut Entries) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request's arrival and gives it its number.
    pub(crate) fn receive(&self, mut seen: Seen) -> u64 {
        self.with(|entries| {
            entries.traffic.received += 1;
            seen.seq = entries.traffic.received;
            let seq = seen.seq;
            if entries.seen.len() < MAX_ENTRIES {
                entries.seen.push(seen);
            }
            seq
        })
    }

    /// Changes the entry of a request.
    pub(crate) fn amend(&self, seq: u64, change: impl FnOnce(&mut Seen)) {
        self.with(|entries| {
            let index = usize::try_from(seq - 1).unwrap_or(usize::MAX);
            if let Some(seen) = entries.seen.get_mut(index) {
                change(seen);
            }
        });
    }

    pub(crate) fn hold(&self) {
        self.with(|entries| entries.traffic.held += 1);
    }

    pub(crate) fn finish(&self, was_held: bool) {
        self.with(|entries| {
            entries.traffic.answered += 1;
            entries.traffic.held -= u64::from(was_held);
        });
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.with(|entries| entries.seen.clone())
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.with(|entries| entries.traffic)
    }
}
