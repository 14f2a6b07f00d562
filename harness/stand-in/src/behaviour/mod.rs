//! Behaviours: what the profile declares, as state on the stand-in's clock.
//!
//! A request passes the quota first, then (where credentials are good) its idempotency key, then its conditions;
//! only then is the recording asked. Each part knows the profile and what it was told; none knows the wire.

pub(crate) mod conditional;
pub(crate) mod gate;
pub(crate) mod idempotency;
mod keyed;
pub(crate) mod quota;
pub(crate) mod told;

use crate::answer::Answer;
use crate::auth;
use crate::forms::ErrorForms;
use conditional::Conditional;
use counterpart_exchange::{Exchange, OperationName, ProviderProfile, Response};
use gate::Gate;
use idempotency::{Idempotency, Ticket};
use jiff::Timestamp;
use quota::{Admission, Quota, SetHeaders, Slots};
use std::sync::Arc;

/// The behaviours of one stand-in.
#[derive(Debug)]
pub(crate) struct Behaviours {
    quota: Quota,
    pub(crate) gate: Gate,
    pub(crate) conditional: Conditional,
    pub(crate) idempotency: Idempotency,
}

/// What a request takes with it until it is over: give it back to [`Behaviours::finish`].
#[derive(Debug, Default)]
#[must_use = "what a request holds is held until it is given back"]
pub(crate) struct Pass {
    headers: SetHeaders,
    slots: Slots,
    /// The key of a request that is held, if it carries one.
    pub(crate) ticket: Option<Ticket>,
}

/// What happens to a request before anything else is asked.
pub(crate) enum Arrival {
    /// It goes on.
    Admitted(Pass),
    /// It came too often: with what that is answered, and why.
    Refused(Box<Response>, &'static str),
}

impl Behaviours {
    pub(crate) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)]) -> Self {
        Self::anew(profile, Conditional::learn(profile, exchanges))
    }

    /// As nobody has asked yet; `conditional` is what is there at the beginning.
    pub(crate) fn anew(profile: &ProviderProfile, conditional: Conditional) -> Self {
        Self {
            quota: Quota::new(profile),
            gate: Gate::default(),
            conditional,
            idempotency: Idempotency::new(profile),
        }
    }

    /// Counts a request and asks the quota. The credential is what tells clients apart: as it was sent, whatever
    /// its scheme.
    pub(crate) fn arrive(
        &mut self,
        forms: &ErrorForms,
        operation: &OperationName,
        credential: Option<&str>,
        now: Timestamp,
    ) -> Arrival {
        self.gate.arrive(now);
        let (headers, slots) = match self.quota.admit(operation, credential, now) {
            Admission::Admitted { headers, slots } => (headers, slots),
            Admission::Refused(refused) => {
                let mut answer = refused.answer(forms, now);
                set_headers(&mut answer, &refused.headers);
                return Arrival::Refused(Box::new(answer), "refused: the quota is used up");
            }
        };
        if let Some(said) = self.gate.refuses(operation, now) {
            let mut answer = said.answer(forms, now);
            set_headers(&mut answer, &headers);
            self.quota.finish(slots);
            return Arrival::Refused(Box::new(answer), "refused: the provider takes no requests yet");
        }
        Arrival::Admitted(Pass { headers, slots, ticket: None })
    }

    /// The places of the limits of which nobody ever used all.
    pub(crate) fn limits_never_reached(&self) -> Vec<usize> {
        self.quota.never_reached()
    }

    /// A request is over, however it ended.
    pub(crate) fn finish(&mut self, pass: Pass) {
        self.quota.finish(pass.slots);
        if let Some(ticket) = pass.ticket {
            self.idempotency.settle(ticket, None);
        }
    }
}

impl Pass {
    /// Puts the vendor's header fields on an answer.
    pub(crate) fn mark(&self, answer: &mut Answer) {
        if self.headers.is_empty() {
            return;
        }
        match answer {
            Answer::Prepared(prepared) => *prepared = Arc::new(prepared.with_headers(&self.headers)),
            Answer::Whole(response) | Answer::Huge { response, .. } | Answer::CutShort { response, .. } => {
                set_headers(response, &self.headers);
            }
            Answer::Paced { answer, .. } => self.mark(answer),
            Answer::Raw(_) | Answer::Nothing(_) | Answer::Hold => {}
        }
    }

    /// Whether nothing is to be given back.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.slots.is_empty() && self.ticket.is_none()
    }
}

/// Whether an exchange shows a behaviour that the profile declares, and is no answer to be replayed. Repeated writes
/// are told by [`idempotency::Evidence`]: they need the exchanges before.
pub(crate) fn is_evidence(profile: &ProviderProfile, operation: &OperationName, exchange: &Exchange) -> bool {
    auth::is_behaviour(profile, operation, exchange)
        || quota::is_evidence(profile, operation, exchange)
        || conditional::is_evidence(profile, operation, exchange)
}

fn set_headers(response: &mut Response, headers: &SetHeaders) {
    for (name, value) in headers {
        response.headers.set(name, value);
    }
}
