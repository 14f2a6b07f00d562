//! The provider as one state: what a request is answered with.
//!
//! The quota is asked first ([`crate::behaviour`]), then the plan of faults ([`strike`]), and either lets what the
//! provider's state says take its way ([`state`]). No I/O here: [`crate::wire`] takes requests off connections,
//! asks this module, and sends what it says.

mod batch;
mod given;
mod state;
mod strike;
#[cfg(test)]
mod tests;

use crate::answer::Answer;
use crate::auth::{Credentials, Tokens};
use crate::behaviour::conditional::Conditional;
use crate::behaviour::idempotency::KeySent;
use crate::behaviour::{Arrival, Behaviours, Pass};
use crate::bindings::Bindings;
use crate::clock::StandInClock;
use crate::data::DataByVersion;
use crate::forms::ErrorForms;
use crate::journal::SeenNote;
use crate::matching::{Candidate, Recording, Wanted};
use crate::places::Places;
use crate::plan::{Plan, UnusedFault};
use crate::planned::PlannedFault;
use crate::received::Received;
use crate::versions::KnownVersions;
use counterpart_exchange::protocol::Batch;
use counterpart_exchange::{
    Direction, Ended, Exchange, Fixture, Hider, IdempotencyKey, OperationName, Provenance, ProviderProfile,
    Request, Response, StandInValues, redaction,
};
use given::{Asked, Given};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

/// A provider, played.
pub(crate) struct Play {
    profile: ProviderProfile,
    forms: ErrorForms,
    clock: StandInClock,
    base_url: String,
    recording: Recording,
    tokens: Tokens,
    behaviours: Behaviours,
    data: DataByVersion,
    bindings: Bindings,
    plan: Plan,
    /// What each operation that pages answered last.
    previous_pages: HashMap<Arc<OperationName>, Answer>,
    hider: Hider,
    places: Places,
    beginning: Beginning,
    /// How often it began anew.
    epoch: u64,
}

/// What the state of a play is before the first request, as far as the profile alone does not tell it. What was
/// recorded is not kept twice: records are shared, and the recording is only rewound.
struct Beginning {
    tokens: Tokens,
    conditional: Conditional,
    data: DataByVersion,
    faults: Vec<PlannedFault>,
}

/// What a play begins with.
pub(crate) struct Script {
    pub(crate) profile: ProviderProfile,
    pub(crate) forms: ErrorForms,
    pub(crate) faults: Vec<PlannedFault>,
    pub(crate) clock: StandInClock,
    pub(crate) base_url: String,
}

/// An answer with what is to be noted about it.
pub(crate) struct Decision {
    pub(crate) answer: Answer,
    pub(crate) operation: Arc<OperationName>,
    /// Path and query, secrets put back to placeholders.
    pub(crate) shown_target: Arc<str>,
    pub(crate) exchange: Option<Arc<str>>,
    /// The fault that had an effect, or could not have one.
    pub(crate) fault: Option<&'static str>,
    pub(crate) note: SeenNote,
    /// How long nobody listens from now on.
    pub(crate) outage: Option<SignedDuration>,
    /// What the request holds: to be given to [`Play::finish`] when it is over.
    pub(crate) pass: Pass,
    /// In which life of the play it was made: goes with the pass.
    pub(crate) epoch: u64,
}

/// What becomes of the faults when a play begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultsAfterReset {
    /// Those of the beginning, none of which has struck.
    #[default]
    AsStarted,
    /// None.
    Cleared,
}

impl Play {
    pub(crate) fn new(script: Script, fixtures: &[Fixture]) -> (Self, Credentials, Vec<StandInValues>) {
        let Script { profile, forms, faults, clock, base_url } = script;
        let mut values = Vec::new();
        let mut exchanges: Vec<(String, Exchange)> = Vec::new();
        let mut shown_targets = Vec::new();
        for fixture in fixtures {
            let of_fixture = StandInValues::of(fixture);
            let name = fixture.name();
            // What the provider sent tells nothing of how it answers: the token of a webhook is no client's, and its
            // answer is the integration's.
            let calls = || fixture.exchanges.iter().filter(|one| one.direction == Direction::Outbound);
            shown_targets.extend(calls().map(|exchange| exchange.request.target.clone()));
            exchanges.extend(calls().map(|exchange| {
                let name = format!("{name}#{}", exchange.id);
                let mut exchange = of_fixture.fill_exchange(exchange);
                if let (Provenance::Recorded(recorded), Some(response)) =
                    (&fixture.provenance, &mut exchange.response)
                {
                    keep_inside(response, &recorded.upstream, &base_url);
                }
                (name, exchange)
            }));
            values.push(of_fixture);
        }
        let (tokens, credentials) = Tokens::learn(&profile, &exchanges);
        let behaviours = Behaviours::learn(&profile, &exchanges);
        let versions = KnownVersions::learn(&profile, &exchanges);
        let data = DataByVersion::learn(&profile, &exchanges, &base_url, &versions);
        let play = Self {
            places: Places::of(&profile, fixtures),
            beginning: Beginning {
                tokens: tokens.clone(),
                conditional: behaviours.conditional.clone(),
                data: data.clone(),
                faults: faults.clone(),
            },
            epoch: 0,
            tokens,
            behaviours,
            data,
            recording: Recording::new(&profile, exchanges, shown_targets, versions),
            bindings: Bindings::default(),
            plan: Plan::new(faults),
            previous_pages: HashMap::new(),
            hider: Hider::new(&values),
            profile,
            forms,
            clock,
            base_url,
        };
        (play, credentials, values)
    }

    /// Begins anew: the recording is rewound, and what clients did is forgotten.
    pub(crate) fn reset(&mut self, faults: FaultsAfterReset) {
        self.epoch += 1;
        self.recording.rewind();
        self.bindings = Bindings::default();
        self.previous_pages.clear();
        self.tokens = self.beginning.tokens.clone();
        self.behaviours = Behaviours::anew(&self.profile, self.beginning.conditional.clone());
        self.data = self.beginning.data.clone();
        match faults {
            FaultsAfterReset::AsStarted => self.plan.restart(&self.beginning.faults),
            FaultsAfterReset::Cleared => drop(self.plan.clear()),
        }
    }

    /// What is wrong with a fault at its place, if anything.
    pub(crate) fn check(&self, planned: &PlannedFault) -> Result<(), String> {
        planned.check_among(&self.profile, &self.places)
    }

    pub(crate) fn resources(&self) -> Vec<String> {
        self.profile.resources.keys().cloned().collect()
    }

    /// Puts a further fault in the way; its number.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it at its place.
    pub(crate) fn inject(&mut self, planned: PlannedFault) -> Result<u64, String> {
        self.check(&planned)?;
        Ok(self.plan.add(planned))
    }

    pub(crate) fn fresh_tokens(&self) -> Vec<String> {
        self.tokens.fresh().to_vec()
    }

    /// The faults, and how often each has struck.
    pub(crate) fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    pub(crate) fn data(&mut self) -> &mut DataByVersion {
        &mut self.data
    }

    /// Ends the handshake of a subscription; hands back the answer to be given instead, where it failed.
    pub(crate) fn handshake_done(
        &mut self,
        subscription: &str,
        went: Result<(), String>,
    ) -> Option<Response> {
        self.data.handshake_done(subscription, went, &self.forms)
    }

    pub(crate) fn unused_faults(&self) -> Vec<UnusedFault> {
        self.plan.unused()
    }

    pub(crate) fn faults_struck(&self) -> u64 {
        self.plan.strikes()
    }

    pub(crate) fn limits_never_reached(&self) -> Vec<usize> {
        self.behaviours.limits_never_reached()
    }

    /// Exchanges that were never asked for.
    pub(crate) fn unused_exchanges(&self) -> Vec<Arc<str>> {
        self.recording.unused(|operation| !self.data.decides(operation))
    }

    pub(crate) fn hide(&self, text: &str) -> String {
        self.hider.hide(text)
    }

    /// A request is over, however it ended.
    pub(crate) fn finish(&mut self, pass: Pass, epoch: u64) {
        // What was held before the play began anew is no longer held by anybody.
        if epoch == self.epoch {
            self.behaviours.finish(pass);
        }
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, received: &Received) -> Decision {
        let now = self.clock.now();
        let wanted = self.recording.wanted(&self.profile, received);
        let credential = received.header("authorization");
        let (mut given, pass) = match self.behaviours.arrive(&self.forms, &wanted.operation, credential, now)
        {
            Arrival::Admitted(pass) => self.admitted(&wanted, received, now, pass),
            Arrival::Refused(answer, why) => {
                (Given::refusal(Answer::Whole(*answer), SeenNote::Behaved(why)), Pass::default())
            }
        };
        pass.mark(&mut given.answer);
        let shown_target = match (&given.note, wanted.shown_target) {
            // It may carry a real secret, which only the redaction would find.
            (SeenNote::Unmatched(_) | SeenNote::Exhausted(_), _) => {
                self.without_secrets(received.request()).target.into()
            }
            (_, Some(shown)) => shown,
            (_, None) => self.hider.hide(received.target()).into(),
        };
        let Given { answer, exchange, fault, note, outage, .. } = given;
        Decision {
            answer,
            operation: wanted.operation,
            shown_target,
            exchange,
            fault,
            note,
            outage,
            pass,
            epoch: self.epoch,
        }
    }

    /// What a request asks for.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn wanted(&self, received: &Received) -> Wanted {
        self.recording.wanted(&self.profile, received)
    }

    /// What the recording has for it.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn peek(&self, wanted: &Wanted) -> Candidate {
        self.recording.peek(wanted.sequence)
    }

    fn admitted(
        &mut self,
        wanted: &Wanted,
        received: &Received,
        now: Timestamp,
        mut pass: Pass,
    ) -> (Given, Pass) {
        let asked = self.asked(wanted, received, now);
        let mut given =
            if self.plan.is_empty() { self.by_state(&asked) } else { self.through_faults(&asked) };
        if given.exchange.is_none() {
            given.exchange = self.exchange_for(&asked);
        }
        if matches!(given.answer, Answer::Hold) {
            pass.ticket = self.behaviours.idempotency.hold(asked.key_sent, now);
        }
        (given, pass)
    }

    /// What a request means to the recording and to what the profile declares.
    fn asked<'a>(&self, wanted: &'a Wanted, received: &'a Received, now: Timestamp) -> Asked<'a> {
        let candidate = self.recording.peek(wanted.sequence);
        // A batch that was refused as a whole when it was recorded is refused again.
        let batch = (candidate == Candidate::None && !self.profile.protocols.is_empty())
            .then(|| Batch::of(&self.profile, received.request()))
            .flatten();
        Asked {
            operation: &wanted.operation,
            received,
            sequence: wanted.sequence,
            key_sent: self.key_sent(wanted, received),
            candidate,
            version: wanted.version,
            batch,
            now,
        }
    }

    fn key_sent(&self, wanted: &Wanted, received: &Received) -> Option<KeySent> {
        // Whether there is one is seen without taking the request apart.
        if let IdempotencyKey::Header(header) = self.profile.idempotency.as_ref()? {
            received.header(header.name.as_str())?;
        }
        KeySent::of(&self.profile, received.request(), wanted.key)
    }

    /// The request as it would be recorded.
    fn without_secrets(&self, request: &Request) -> Request {
        let hidden = Request { target: self.hider.hide(&request.target), ..request.clone() };
        let exchange = Exchange {
            id: "unmatched-1".into(),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: 0,
            caused_by: None,
            ended: Ended::Complete,
            request: hidden,
            response: None,
        };
        let redacted = redaction::redact(vec![exchange], &self.profile, &[]).exchanges.pop();
        redacted.map_or_else(|| request.clone(), |exchange| exchange.request)
    }

    /// The exchange that answers if nothing comes in between.
    fn exchange_for(&self, asked: &Asked<'_>) -> Option<Arc<str>> {
        if let Some(batch) = &asked.batch {
            return self.exchange_of_batch(asked, batch);
        }
        if let Some(name) = self.tokens.recorded_for(&self.profile, asked.operation, asked.received) {
            return Some(name.into());
        }
        let first =
            asked.key_sent.and_then(|sent| self.behaviours.idempotency.first_exchange(sent, asked.now));
        if let Some(first) = first {
            return Some(Arc::clone(first));
        }
        match asked.candidate {
            Candidate::Next(index) | Candidate::LastAgain(index) => {
                Some(Arc::clone(&self.recording.entries[index].name))
            }
            Candidate::Exhausted(_) | Candidate::None => None,
        }
    }
}

/// A redirect to the recorded server leads back to the stand-in: a replay never leaves it.
fn keep_inside(response: &mut Response, upstream: &str, base_url: &str) {
    let inside = response
        .headers
        .text("location")
        .and_then(|location| location.strip_prefix(upstream.trim_end_matches('/')))
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        .map(|rest| format!("{base_url}{rest}"));
    if let Some(inside) = inside {
        response.headers.set("location", &inside);
    }
}
