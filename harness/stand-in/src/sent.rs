//! What was really sent: requests with their bodies and the answers to them, kept where somebody asks for it.
//!
//! The journal keeps no bodies, since most plays need none. Whoever holds a play against a contract does.

use crate::answer::Answer;
use crate::received::Received;
use counterpart_exchange::{Direction, Ended, Exchange, ExchangeId, OperationName};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Bytes of bodies that are kept at once.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Exchanges that are kept at once.
const MAX_EXCHANGES: usize = 20_000;

/// What was sent, with the values that stand for secrets in it.
#[derive(Clone, Default)]
pub struct SentExchanges {
    /// Each with the number of its request in the journal. An answer is there where it was sent whole, and no fault had
    /// a hand in it.
    pub exchanges: Vec<(u64, Exchange)>,
    /// How many there was no room for.
    pub left_out: u64,
}

#[derive(Default)]
pub(crate) struct Sent(OnceLock<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    sent: SentExchanges,
    bytes: usize,
}

impl Sent {
    /// Keeps what is sent from now on.
    pub(crate) fn keep(&self) {
        self.0.get_or_init(Mutex::default);
    }

    pub(crate) fn take_note(
        &self,
        seq: u64,
        operation: &OperationName,
        received: &Received,
        answer: &Answer,
        is_faulted: bool,
    ) {
        let Some(kept) = self.0.get() else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let response = if is_faulted { None } else { answer.whole() };
        let bytes =
            received.body().len() + response.as_ref().map_or(0, |response| response.body.to_bytes().len());
        if kept.sent.exchanges.len() == MAX_EXCHANGES || kept.bytes + bytes > MAX_BYTES {
            kept.sent.left_out += 1;
            return;
        }
        kept.bytes += bytes;
        let exchange = Exchange {
            id: ExchangeId::nth(&operation.0, usize::try_from(seq).unwrap_or(usize::MAX)),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: 0,
            caused_by: None,
            ended: Ended::Complete,
            request: received.request().clone(),
            response,
        };
        kept.sent.exchanges.push((seq, exchange));
    }

    pub(crate) fn kept(&self) -> SentExchanges {
        let kept = self.0.get().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).sent.clone());
        kept.unwrap_or_default()
    }
}
