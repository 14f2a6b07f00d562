//! A batch of JSON-RPC calls: one request over HTTP, many for the recording.
//!
//! Each call is answered as if it had come alone, its own faults included. A fault that is placed at the batch
//! itself (`rpc_batch`, or a recorded batch) strikes the whole request. What is no answer of the protocol, such as a
//! 401 or a lost connection, answers the whole request too: there is one status line for all calls.

use super::Play;
use super::given::{Asked, Chosen, Given, Source};
use crate::answer::{Answer, Cut, Pace};
use crate::faults::Fault;
use crate::journal::SeenNote;
use crate::matching::Wanted;
use crate::plan::Strike;
use crate::received::Received;
use counterpart_exchange::protocol::{Batch, BatchPart};
use counterpart_exchange::{Ended, Request, Response};
use std::sync::Arc;

impl Play {
    /// The recorded batch whose calls would answer.
    pub(super) fn exchange_of_batch(&self, asked: &Asked<'_>, batch: &Batch) -> Option<Arc<str>> {
        batch.parts.iter().find_map(|part| {
            let call = Received::part(request_of(part)?);
            let wanted = self.recording.wanted(&self.profile, &call);
            let exchange = self.exchange_for(&self.call(&wanted, &call, asked))?;
            Some(exchange.split_once('[').map_or_else(|| Arc::clone(&exchange), |(whole, _)| whole.into()))
        })
    }

    /// The answers to all calls in one, with a JSON-RPC error in the way of some of them or of none; else the
    /// answer to one call that answers all.
    pub(super) fn by_calls(
        &mut self,
        asked: &Asked<'_>,
        batch: &Batch,
        error: Option<&Strike>,
    ) -> Result<Chosen, Box<Given>> {
        let mut all = Vec::with_capacity(batch.parts.len());
        for (index, part) in batch.parts.iter().enumerate() {
            let Some(request) = request_of(part) else {
                all.push(Given::new(invalid(part), SeenNote::Behaved("no call: -32600 in its place")));
                continue;
            };
            let call = Received::part(request);
            let wanted = self.recording.wanted(&self.profile, &call);
            let of_call = self.call(&wanted, &call, asked);
            all.push(match error {
                Some(strike) if is_at(strike, index) => self.apply(&of_call, strike),
                _ => self.through_faults(&of_call),
            });
        }
        merge(batch, all)
    }

    /// A call of a batch: the key that came with the batch is not the call's.
    fn call<'a>(&self, wanted: &'a Wanted, call: &'a Received, of_batch: &Asked<'_>) -> Asked<'a> {
        Asked { key_sent: None, ..self.asked(wanted, call, of_batch.now) }
    }
}

fn is_at(strike: &Strike, index: usize) -> bool {
    matches!(&strike.fault, Fault::JsonRpcError(error) if error.is_at(index))
}

fn request_of(part: &BatchPart) -> Option<&Request> {
    match part {
        BatchPart::Call(request) | BatchPart::Notification(request) => Some(request),
        BatchPart::Invalid(_) => None,
    }
}

fn invalid(part: &BatchPart) -> Answer {
    match part {
        BatchPart::Invalid(answer) => Answer::Whole(answer.clone()),
        // Not asked for here; nothing is what it would get.
        BatchPart::Call(_) | BatchPart::Notification(_) => Answer::Nothing(Cut::Close),
    }
}

/// What an answer is within a batch, how it ends where it breaks off, and how slowly it comes; nothing where it is none
/// of the protocol.
fn within(answer: &Answer) -> Option<(Response, Option<Cut>, Option<Pace>)> {
    match answer {
        Answer::CutShort { response, cut, .. } => Some((response.clone(), Some(*cut), None)),
        Answer::Paced { answer, pace } => {
            within(answer).map(|(response, cut, slower)| (response, cut, slower.or(Some(*pace))))
        }
        answer => answer.whole().filter(Batch::can_hold).map(|response| (response, None, None)),
    }
}

/// All answers in one; the first that is none of the protocol answers the whole request.
fn merge(batch: &Batch, mut all: Vec<Given>) -> Result<Chosen, Box<Given>> {
    if let Some(alone) = all.iter().position(|one| within(&one.answer).is_none()) {
        let alone = all.swap_remove(alone);
        return Err(Box::new(Given { is_refusal: true, ..alone }));
    }
    let (mut cut, mut slow) = (None, None);
    let answers: Vec<Response> = all
        .iter()
        .filter_map(|one| {
            let (response, how, pace) = within(&one.answer)?;
            (cut, slow) = (cut.or(how), slow.or(pace));
            Some(response)
        })
        .collect();
    let response = batch.assemble(answers);
    let answer = match cut {
        None => Answer::Whole(response),
        Some(cut) => Answer::halved(response.clone(), cut).unwrap_or(Answer::Whole(response)),
    };
    let answer = match slow {
        None => answer,
        Some(pace) => Answer::Paced { answer: Box::new(answer), pace },
    };
    let fault = all.iter().find_map(|one| one.fault);
    let exchange = all.iter().find_map(|one| one.exchange.clone());
    let telling = all.iter().position(|one| one.note != SeenNote::Replayed).unwrap_or_default();
    let note = match all.into_iter().nth(telling) {
        Some(given) => given.note,
        None => SeenNote::Behaved("an empty batch is no call: -32600"),
    };
    Ok(Chosen { answer, exchange, fault, note, ended: Ended::Complete, source: Source::Calls, ticket: None })
}
