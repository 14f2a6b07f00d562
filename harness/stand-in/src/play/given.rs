//! What a request asks for, what is chosen for it, and what it is given: the words between the parts of a play.

use crate::answer::Answer;
use crate::behaviour::idempotency::{KeySent, Ticket};
use crate::data::Change;
use crate::journal::SeenNote;
use crate::matching::{Candidate, SequenceIndex};
use crate::received::Received;
use crate::versions::Version;
use counterpart_exchange::protocol::Batch;
use counterpart_exchange::{Ended, OperationName, Response};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// A request, with what it means to the recording and to what the profile declares.
pub(super) struct Asked<'a> {
    pub(super) operation: &'a Arc<OperationName>,
    pub(super) received: &'a Received,
    pub(super) sequence: Option<SequenceIndex>,
    pub(super) key_sent: Option<KeySent>,
    pub(super) candidate: Candidate,
    /// The version of the API that it is for; none where nobody recorded it.
    pub(super) version: Option<Version>,
    /// The calls that it holds, where it is a batch.
    pub(super) batch: Option<Batch>,
    pub(super) now: Timestamp,
}

/// An answer that is about to be given. It is either given or abandoned.
#[must_use = "what it changes is neither kept nor given up"]
pub(super) struct Chosen {
    pub(super) answer: Answer,
    pub(super) exchange: Option<Arc<str>>,
    /// The fault that a call of a batch met.
    pub(super) fault: Option<&'static str>,
    pub(super) note: SeenNote,
    pub(super) ended: Ended,
    pub(super) source: Source,
    /// The idempotency key that it settles, and what the provider keeps for it.
    pub(super) ticket: Option<(Ticket, Option<Response>)>,
}

/// Where an answer comes from: what is so once it is given.
pub(super) enum Source {
    /// The recording: its next answer is used up.
    Recording,
    /// The provider's data, which changes.
    Data(Box<Change>),
    /// The calls of a batch, each of which was given its answer.
    Calls,
}

impl Chosen {
    /// The answer to be changed; none where none came when it was recorded.
    pub(super) fn response(&self) -> Option<Response> {
        match &self.answer {
            Answer::CutShort { response, .. } => Some(response.clone()),
            answer => answer.whole(),
        }
    }
}

/// What a request is given.
pub(super) struct Given {
    pub(super) answer: Answer,
    pub(super) exchange: Option<Arc<str>>,
    pub(super) fault: Option<&'static str>,
    pub(super) note: SeenNote,
    pub(super) outage: Option<SignedDuration>,
    /// Whether the provider's state decided it: there is no answer that a fault could touch.
    pub(super) is_refusal: bool,
}

impl Given {
    pub(super) fn new(answer: Answer, note: SeenNote) -> Self {
        Self { answer, exchange: None, fault: None, note, outage: None, is_refusal: false }
    }

    pub(super) fn refusal(answer: Answer, note: SeenNote) -> Self {
        Self { is_refusal: true, ..Self::new(answer, note) }
    }

    /// What a fault gives in place of any answer.
    pub(super) fn faulted(answer: Answer, fault: &'static str) -> Self {
        Self { fault: Some(fault), ..Self::new(answer, SeenNote::Faulted(fault)) }
    }

    pub(super) fn unmatched(operation: &OperationName, why: String) -> Self {
        let body = serde_json::json!({
            "counterpart": { "error": "unmatched", "operation": operation, "why": why }
        });
        Self::refusal(Answer::Whole(crate::forms::own(501, &body)), SeenNote::Unmatched(why))
    }

    /// The same for a request whose recorded answers are used up.
    pub(super) fn exhausted(operation: &OperationName, why: String) -> Self {
        let body = serde_json::json!({
            "counterpart": { "error": "exhausted", "operation": operation, "why": why }
        });
        Self::refusal(Answer::Whole(crate::forms::own(501, &body)), SeenNote::Exhausted(why))
    }

    /// What a fault was to change and could not: it goes out as it is, with the reason.
    pub(super) fn untouched_by(self, fault: &'static str, why: String) -> Self {
        if self.is_refusal {
            return self;
        }
        Self { fault: Some(fault), note: SeenNote::FaultInapplicable(why), ..self }
    }
}
