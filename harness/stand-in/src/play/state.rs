//! The way of a request that meets no fault: tokens, idempotency keys, conditions, the provider's data, and last
//! what was recorded.
//!
//! An answer is chosen first and given afterwards, so that a fault can come between: what an answer uses up or
//! changes is used up and changed when it is given.

use super::Play;
use super::given::{Asked, Chosen, Given, Source};
use crate::answer::{Answer, Cut};
use crate::auth::Judgement;
use crate::behaviour::idempotency::{Repetition, Ticket};
use crate::data::Ask;
use crate::forms::ErrorForms;
use crate::journal::SeenNote;
use crate::key::RequestKey;
use crate::matching::{Candidate, Entry, Recording};
use crate::nearest::{exhausted, nearest_miss};
use counterpart_exchange::protocol::{call_of, is_persisted_query, persisted_query_unknown};
use counterpart_exchange::{Ended, ProviderProfile, Response};
use std::sync::Arc;

impl Play {
    /// What the provider's state says, and where it says nothing, what was recorded.
    pub(super) fn by_state(&mut self, asked: &Asked<'_>) -> Given {
        let chosen = self.admit(asked).and_then(|ticket| self.choose(asked, ticket));
        chosen.map_or_else(|given| *given, |chosen| self.give(asked, chosen))
    }

    /// Judges credentials and the idempotency key: hands out the key where the request is the first that has it.
    pub(super) fn admit(&mut self, asked: &Asked<'_>) -> Result<Option<Ticket>, Box<Given>> {
        // Each call of a batch is judged by itself.
        if asked.batch.is_none() {
            let (operation, received) = (asked.operation, asked.received);
            match self.tokens.judge(&self.profile, &self.forms, operation, received, asked.now) {
                Judgement::Admitted => {}
                Judgement::Answered(response, why, exchange) => {
                    let given = Given::refusal(Answer::Whole(*response), SeenNote::Behaved(why));
                    return Err(Box::new(Given { exchange: exchange.map(Arc::from), ..given }));
                }
            }
        }
        let keys = &mut self.behaviours.idempotency;
        match keys.judge(&self.forms, asked.operation, asked.key_sent, asked.now) {
            Repetition::NoKey => Ok(None),
            Repetition::First(ticket) => Ok(Some(ticket)),
            Repetition::Answered(response, why, exchange) => {
                let given = Given::refusal(Answer::Whole(*response), SeenNote::Behaved(why));
                Err(Box::new(Given { exchange, ..given }))
            }
        }
    }

    /// The answer for a request that is admitted, or what the provider's state says instead.
    pub(super) fn choose(&mut self, asked: &Asked<'_>, ticket: Option<Ticket>) -> Result<Chosen, Box<Given>> {
        match self.look_up(asked) {
            Ok(mut chosen) => {
                // What a fault changes on the way is not what the provider keeps.
                chosen.ticket = ticket.map(|ticket| (ticket, chosen.answer.whole()));
                Ok(chosen)
            }
            Err(given) => {
                if let Some(ticket) = ticket {
                    self.behaviours.idempotency.settle(ticket, None);
                }
                Err(given)
            }
        }
    }

    fn look_up(&mut self, asked: &Asked<'_>) -> Result<Chosen, Box<Given>> {
        if let Some(batch) = &asked.batch {
            return self.by_calls(asked, batch, None);
        }
        let conditional = &self.behaviours.conditional;
        let has_conditions = conditional.governs(asked.operation);
        if has_conditions && let Some(why) = conditional.refuses(asked.operation, asked.received.request()) {
            let refusal = self.forms.form("precondition_failed", 412, why);
            return Err(Box::new(Given::refusal(Answer::Whole(refusal), SeenNote::Behaved(why))));
        }
        let chosen = match self.by_data(asked) {
            Some(chosen) => chosen,
            None => self.by_recording(asked)?,
        };
        if has_conditions
            && let Some(response) = chosen.answer.whole()
            && let Some(unchanged) =
                self.behaviours.conditional.not_modified(asked.operation, asked.received.request(), &response)
        {
            // It stands for that answer: whoever asks with conditions sees the same states in the same order.
            let note = SeenNote::Behaved("not modified: the client has what would be sent");
            self.use_up(asked, chosen.source);
            let given = Given::refusal(Answer::Whole(unchanged), note);
            return Err(Box::new(Given { exchange: chosen.exchange, ..given }));
        }
        Ok(chosen)
    }

    fn by_data(&mut self, asked: &Asked<'_>) -> Option<Chosen> {
        let data = self.data.of(asked.version).filter(|data| data.may_answer(asked.operation))?;
        let ask = ask(&self.profile, &self.forms, &self.recording, asked);
        let answered = data.answer(&ask)?;
        Some(Chosen {
            answer: Answer::Whole(answered.response).with_id_of(&self.profile, ask.request),
            exchange: answered.exchange.map(Arc::from),
            fault: None,
            note: SeenNote::Behaved(answered.note),
            ended: Ended::Complete,
            source: Source::Data(Box::new(answered.change)),
            ticket: None,
        })
    }

    fn by_recording(&mut self, asked: &Asked<'_>) -> Result<Chosen, Box<Given>> {
        let (index, note) = match asked.candidate {
            Candidate::Next(index) => {
                let looseness = self.recording.looseness(index, asked.received);
                (index, looseness.map_or(SeenNote::Replayed, SeenNote::ReplayedLoosely))
            }
            Candidate::LastAgain(index) => (index, SeenNote::Repeated),
            Candidate::Exhausted(_) | Candidate::None => return Err(Box::new(self.unmatched(asked))),
        };
        let entry = &self.recording.entries[index];
        let exchange = Some(Arc::clone(&entry.name));
        let (fault, source, ticket) = (None, Source::Recording, None);
        let Some(prepared) = &entry.answer else {
            let (answer, ended) = (Answer::Nothing(Cut::Close), Ended::AnswerCutShort);
            return Ok(Chosen { answer, exchange, fault, note, ended, source, ticket });
        };
        if let Some(size_bytes) = prepared.omitted_bytes {
            let why = format!(
                "{} answered it, but its body of {size_bytes} bytes was not kept when it was recorded",
                entry.name
            );
            return Err(Box::new(Given::unmatched(asked.operation, why)));
        }
        self.bindings.learn(&self.profile, &entry.chosen, asked.received);
        let bound = self.bindings.apply(prepared, &entry.echoes);
        let ended = bound.ended;
        let mut answer = match ended {
            Ended::Complete => Answer::Prepared(bound),
            _ => Answer::broken_off(bound.response()),
        };
        if !self.profile.protocols.is_empty() {
            answer = answer.with_id_of(&self.profile, asked.received.request());
        }
        Ok(Chosen { answer, exchange, fault, note, ended, source, ticket })
    }

    /// Gives the answer that was chosen: what it uses up is used up, and what it changes is changed.
    pub(super) fn give(&mut self, asked: &Asked<'_>, chosen: Chosen) -> Given {
        let Chosen { mut answer, exchange, fault, note, source, ticket, .. } = chosen;
        let is_whole = matches!(answer, Answer::Prepared(_) | Answer::Whole(_));
        if let Some((ticket, kept)) = ticket {
            let kept = kept.filter(|_| is_whole);
            let name = exchange.clone().unwrap_or_default();
            self.behaviours.idempotency.settle(ticket, kept.map(|response| (name, response)));
        }
        if self.behaviours.conditional.governs(asked.operation)
            && let Some(mut response) = answer.whole()
        {
            self.behaviours.conditional.tag(asked.operation, asked.received.request(), &mut response);
            answer = Answer::Whole(response);
        }
        let pages = self
            .profile
            .pagination
            .as_ref()
            .is_some_and(|pagination| pagination.operations.contains(asked.operation));
        if pages && is_whole {
            self.previous_pages.insert(Arc::clone(asked.operation), answer.clone());
        }
        self.use_up(asked, source);
        Given { exchange, fault, ..Given::new(answer, note) }
    }

    /// Does not give the answer that was chosen: it changes nothing, and its key is free again.
    pub(super) fn abandon(&mut self, chosen: Chosen) {
        if let Some((ticket, _)) = chosen.ticket {
            self.behaviours.idempotency.settle(ticket, None);
        }
    }

    fn use_up(&mut self, asked: &Asked<'_>, source: Source) {
        match source {
            Source::Recording => self.recording.consume(asked.sequence),
            Source::Data(change) => {
                if let Some(data) = self.data.of(asked.version) {
                    data.keep(*change);
                }
            }
            Source::Calls => {}
        }
    }

    fn unmatched(&self, asked: &Asked<'_>) -> Given {
        let entries = &self.recording.entries;
        if let Candidate::Exhausted(index) = asked.candidate {
            return Given::exhausted(asked.operation, self.hider.hide(&exhausted(&entries[index])));
        }
        let call = call_of(&self.profile, asked.received.request());
        if call.as_ref().is_some_and(|call| call.as_ref().is_ok_and(is_persisted_query)) {
            let unknown: Response = persisted_query_unknown(self.forms.recorded("persisted_query_not_found"));
            let note = SeenNote::Behaved("the hash of a persisted query that nobody recorded");
            return Given::refusal(Answer::Whole(unknown), note);
        }
        // It repeats what was sent, and is read by people: a client may have sent a real secret.
        let shown = self.without_secrets(asked.received.request());
        let key = RequestKey::of(&shown, &self.profile);
        let host = self.recording.hosts.of(asked.received);
        let may_answer = |entry: &&Entry| host.is_none() || entry.host.is_none() || entry.host == host;
        let of_version = entries.iter().filter(|entry| entry.version == asked.version).filter(may_answer);
        let nearest = match asked.version {
            Some(_) => nearest_miss(&key, asked.operation, of_version, &self.profile),
            None => self.recording.versions.unknown(&shown),
        };
        let why = match call {
            Some(Err(unreadable)) => format!("{unreadable}; {nearest}"),
            _ => nearest,
        };
        Given::unmatched(asked.operation, self.hider.hide(&why))
    }
}

/// A request as the provider's data judges it.
pub(super) fn ask<'a>(
    profile: &'a ProviderProfile,
    forms: &'a ErrorForms,
    recording: &'a Recording,
    asked: &Asked<'a>,
) -> Ask<'a> {
    Ask {
        profile,
        forms,
        operation: asked.operation,
        request: asked.received.request(),
        now: asked.now,
        last_given: recording.last_given(asked.sequence).and_then(|entry| entry.answer.as_deref()),
    }
}
