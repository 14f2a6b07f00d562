//! What the stand-in saw: one entry a request, and the counts that a conductor settles by.
//!
//! The journal keeps the latest requests and counts all of them; whoever judges by it can tell whether it is whole.

use crate::clock::StandInClock;
use crate::webhooks::Delivered;
use counterpart_exchange::OperationName;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A request that came, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From 1, in order of arrival.
    pub seq: u64,
    /// When it came, on the stand-in's clock.
    pub at: Timestamp,
    /// The provider that was asked.
    pub provider: Arc<str>,
    /// What was asked, by the profile's name.
    pub operation: Arc<OperationName>,
    /// The method.
    pub method: http::Method,
    /// Path and query, secrets put back to placeholders.
    pub target: Arc<str>,
    /// The exchange that answered or would have: `matrix/room-history#messages-2`.
    pub exchange: Option<Arc<str>>,
    /// The fault that was put in its way.
    pub fault: Option<&'static str>,
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
    /// Answered as recorded.
    Replayed,
    /// Answered by what the profile declares as behaviour, in words.
    Behaved(&'static str),
    /// A fault was put in its way, in words.
    Faulted(&'static str),
    /// A fault should have been, but could not: why.
    FaultInapplicable(String),
    /// Held until the client went away.
    ClientGaveUp,
    /// Answered as recorded, though the request is not the recorded one in every respect.
    ReplayedLoosely(Looseness),
    /// The last recorded answer was sent once more.
    Repeated,
    /// Every recorded answer was given, and the request is not safe to repeat: the last exchange.
    Exhausted(String),
    /// No exchange fits: the nearest and its difference.
    Unmatched(String),
}

/// In what a request may differ from the recorded one that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looseness {
    /// In what the profile calls volatile.
    Volatile,
    /// In its body: that of the recorded request was not kept.
    AnyBody,
}

impl std::fmt::Display for Looseness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Volatile => "it differs in what the profile calls volatile",
            Self::AnyBody => "the body that was recorded was not kept, so any body fits",
        })
    }
}

impl SeenNote {
    /// Whether the recording answered, and nothing else.
    #[must_use]
    pub fn is_as_recorded(&self) -> bool {
        matches!(self, Self::Replayed | Self::ReplayedLoosely(_) | Self::Repeated)
    }
}

impl std::fmt::Display for SeenNote {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replayed => formatter.write_str("replayed"),
            Self::Behaved(what) | Self::Faulted(what) => formatter.write_str(what),
            Self::FaultInapplicable(why) => write!(formatter, "the fault could not be applied: {why}"),
            Self::ClientGaveUp => formatter.write_str("held until the client gave up"),
            Self::ReplayedLoosely(how) => write!(formatter, "replayed, though {how}"),
            Self::Exhausted(why) => write!(formatter, "exhausted: {why}"),
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
    /// Connections that a fault ended before a request could be read, or that a client did not trust.
    pub connections_failed: u64,
    /// Connections on which a fault keeps silent right now.
    pub connections_hung: u64,
    /// Attempts to deliver a webhook that are under way right now. One that waits for its time is not.
    pub deliveries_under_way: u64,
    /// Attempts to deliver a webhook so far.
    pub deliveries: u64,
}

/// Entries kept; requests past it are answered and counted, and the oldest entries go.
const MAX_ENTRIES: usize = 100_000;
/// Bytes of delivered bodies kept at once.
const MAX_DELIVERED_BYTES: usize = 64 * 1024 * 1024;

/// The journal of one stand-in.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    seen: VecDeque<Seen>,
    delivered: VecDeque<Delivered>,
    /// Bytes of the bodies among them.
    delivered_bytes: usize,
    /// How many had to go to make room.
    forgotten: u64,
    traffic: Traffic,
}

impl Journal {
    fn with<T>(&self, act: impl FnOnce(&mut Entries) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request's arrival with what is done about it. It is over when what is returned is dropped.
    pub(crate) fn receive(self: &Arc<Self>, mut seen: Seen) -> OpenRequest {
        let seq = self.with(|entries| {
            entries.traffic.received += 1;
            seen.seq = entries.traffic.received;
            let seq = seen.seq;
            if entries.seen.len() == MAX_ENTRIES {
                entries.seen.pop_front();
                entries.forgotten += 1;
            }
            entries.seen.push_back(seen);
            seq
        });
        OpenRequest { journal: Arc::clone(self), seq, hold: None, afterwards: None }
    }

    pub(crate) fn connection_failed(&self) {
        self.with(|entries| entries.traffic.connections_failed += 1);
    }

    /// Counts a connection as hung until what is returned is dropped.
    pub(crate) fn connection_hangs(self: &Arc<Self>) -> HungConnection {
        self.with(|entries| entries.traffic.connections_hung += 1);
        HungConnection(Arc::clone(self))
    }

    /// The requests that are kept, oldest first.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.with(|entries| entries.seen.iter().cloned().collect())
    }

    /// Up to so many of the kept requests that come after a number and are wanted, and whether there are more.
    pub(crate) fn page(
        &self,
        after: u64,
        limit: usize,
        is_wanted: impl Fn(&Seen) -> bool,
    ) -> (Vec<Seen>, bool) {
        self.with(|entries| {
            let first = entries.seen.partition_point(|seen| seen.seq <= after);
            let mut wanted = entries.seen.range(first..).filter(|seen| is_wanted(seen));
            let page = wanted.by_ref().take(limit).cloned().collect();
            (page, wanted.next().is_some())
        })
    }

    /// Forgets the requests to a provider, or all of them. Numbers go on, and so do the counts of what is under way.
    pub(crate) fn clear(&self, provider: Option<&str>) {
        self.with(|entries| match provider {
            None => {
                entries.seen.clear();
                entries.delivered.clear();
                entries.delivered_bytes = 0;
                entries.forgotten = 0;
            }
            Some(provider) => {
                entries.seen.retain(|seen| *seen.provider != *provider);
                entries.delivered.retain(|delivered| *delivered.provider != *provider);
                entries.delivered_bytes =
                    entries.delivered.iter().map(|delivered| delivered.body.len()).sum();
            }
        });
    }

    /// The attempts to deliver webhooks that are kept, oldest first.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.with(|entries| entries.delivered.iter().cloned().collect())
    }

    /// Counts a delivery as under way until what is returned is dropped.
    pub(crate) fn delivery_begins(self: &Arc<Self>) -> OpenDelivery {
        self.with(|entries| entries.traffic.deliveries_under_way += 1);
        OpenDelivery(Arc::clone(self))
    }

    /// Notes an attempt that is over, or what was not sent at all.
    pub(crate) fn deliver(&self, mut delivered: Delivered) {
        self.with(|entries| {
            entries.traffic.deliveries += 1;
            delivered.number = entries.traffic.deliveries;
            entries.delivered_bytes += delivered.body.len();
            entries.delivered.push_back(delivered);
            while entries.delivered.len() > MAX_ENTRIES || entries.delivered_bytes > MAX_DELIVERED_BYTES {
                let Some(oldest) = entries.delivered.pop_front() else { break };
                entries.delivered_bytes -= oldest.body.len();
            }
        });
    }

    /// How many requests are no longer kept.
    pub(crate) fn forgotten(&self) -> u64 {
        self.with(|entries| entries.forgotten)
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.with(|entries| entries.traffic)
    }
}

/// A connection on which a fault keeps silent.
pub(crate) struct HungConnection(Arc<Journal>);

impl Drop for HungConnection {
    fn drop(&mut self) {
        self.0.with(|entries| entries.traffic.connections_hung -= 1);
    }
}

/// A delivery that is under way.
pub(crate) struct OpenDelivery(Arc<Journal>);

impl Drop for OpenDelivery {
    fn drop(&mut self) {
        self.0.with(|entries| entries.traffic.deliveries_under_way -= 1);
    }
}

/// A request that was taken up; however it ends, it counts as answered when this is dropped.
pub(crate) struct OpenRequest {
    journal: Arc<Journal>,
    seq: u64,
    /// Whether it is held on purpose right now, where it ever was.
    hold: Option<Arc<AtomicBool>>,
    /// What is done when it is over.
    afterwards: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl OpenRequest {
    /// Its number in the journal.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Holds it until the client gives up.
    pub(crate) fn hold(&mut self) {
        let held = self.hold.get_or_insert_default();
        hold(&self.journal, held);
    }

    /// Has something done when it is over.
    pub(crate) fn when_over(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.afterwards = Some(Box::new(act));
    }

    /// Readies it to be held while it waits.
    pub(crate) fn may_wait(&mut self) {
        self.hold.get_or_insert_default();
    }

    /// Holds it for so long on the clock. It counts as held no longer at the very instant at which the time has come.
    pub(crate) fn wait(
        &self,
        clock: StandInClock,
        how_long: SignedDuration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let journal = Arc::clone(&self.journal);
        let held = self.hold.clone().unwrap_or_default();
        let until = clock.now().saturating_add(how_long).unwrap_or(Timestamp::MAX);
        async move {
            if until <= clock.now() {
                return;
            }
            hold(&journal, &held);
            clock.wait_until(until, move || release(&journal, &held)).await;
        }
    }
}

fn hold(journal: &Journal, held: &AtomicBool) {
    if !held.swap(true, Ordering::AcqRel) {
        journal.with(|entries| entries.traffic.held += 1);
    }
}

fn release(journal: &Journal, held: &AtomicBool) {
    if held.swap(false, Ordering::AcqRel) {
        journal.with(|entries| entries.traffic.held -= 1);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if let Some(act) = self.afterwards.take() {
            act();
        }
        let gave_up = self.hold.as_ref().is_some_and(|held| held.swap(false, Ordering::AcqRel));
        self.journal.with(|entries| {
            entries.traffic.answered += 1;
            if gave_up {
                entries.traffic.held -= 1;
                if let Ok(index) = entries.seen.binary_search_by_key(&self.seq, |seen| seen.seq)
                    && let Some(seen) = entries.seen.get_mut(index)
                {
                    seen.note = SeenNote::ClientGaveUp;
                }
            }
        });
    }
}
