//! The provider as one state: what a request is answered with.
//!
//! No I/O here: [`crate::server`] takes requests off the wire, asks this module, and sends what it says.

use crate::answer::{Answer, Cut};
use crate::auth::{Credentials, Judgement, Tokens};
use crate::clock::StandInClock;
use crate::faults::{Effect, Fault, Surroundings};
use crate::forms::ErrorForms;
use crate::idempotency::{self, FirstAnswers};
use crate::log::SeenNote;
use crate::matching::{Candidate, Recording, RequestKey};
use crate::nearest::nearest_miss;
use crate::plan::{Occasion, Plan, PlannedFault, UnusedFault};
use counterpart_exchange::{
    Auth, Ended, Exchange, Fixture, JsonText, OperationName, ProviderProfile, Request, Response,
    StandInValues,
};
use std::collections::HashMap;

/// A provider, played.
pub(crate) struct Play {
    profile: ProviderProfile,
    forms: ErrorForms,
    clock: StandInClock,
    recording: Recording,
    tokens: Tokens,
    first_answers: FirstAnswers,
    plan: Plan,
    previous_pages: HashMap<OperationName, JsonText>,
}

/// An answer with what is to be noted about it.
pub(crate) struct Decision {
    pub(crate) answer: Answer,
    pub(crate) exchange: Option<String>,
    pub(crate) fault: Option<String>,
    pub(crate) note: SeenNote,
}

impl Play {
    pub(crate) fn new(
        profile: ProviderProfile,
        fixtures: &[Fixture],
        forms: ErrorForms,
        faults: Vec<PlannedFault>,
        clock: StandInClock,
    ) -> (Self, Credentials, Vec<StandInValues>) {
        let mut values = Vec::new();
        let mut exchanges: Vec<(String, Exchange)> = Vec::new();
        for fixture in fixtures {
            let of_fixture = StandInValues::of(fixture);
            let name = fixture.name();
            exchanges.extend(
                fixture
                    .exchanges
                    .iter()
                    .map(|exchange| (format!("{name}#{}", exchange.id), of_fixture.fill_exchange(exchange))),
            );
            values.push(of_fixture);
        }
        let (tokens, credentials) = Tokens::learn(&profile, &exchanges);
        let play = Self {
            recording: Recording::new(&profile, exchanges),
            tokens,
            first_answers: FirstAnswers::default(),
            plan: Plan::new(faults),
            previous_pages: HashMap::new(),
            profile,
            forms,
            clock,
        };
        (play, credentials, values)
    }

    pub(crate) fn operation_of(&self, request: &Request) -> OperationName {
        self.profile.operation_of(&request.method, &request.target)
    }

    pub(crate) fn unused_faults(&self) -> Vec<UnusedFault> {
        self.plan.unused()
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, operation: &OperationName, request: &Request) -> Decision {
        let key = RequestKey::of(request, &self.profile);
        let candidate = self.recording.peek(&key);
        let exchange = match candidate {
            Candidate::Next(index) | Candidate::LastAgain(index) => {
                Some(self.recording.entries[index].name.clone())
            }
            Candidate::Exhausted(_) | Candidate::None => None,
        };
        let occasion = Occasion {
            exchange: exchange.as_deref(),
            operation,
            method: &request.method,
            target: &request.target,
        };
        let fault = self.plan.strike(&occasion);
        let name = fault.as_ref().map(|fault| fault.name().to_owned());
        let mut decision = self.decide(operation, request, &key, candidate, fault.as_ref());
        decision.exchange = decision.exchange.or(exchange);
        decision.fault = name;
        decision
    }

    fn decide(
        &mut self,
        operation: &OperationName,
        request: &Request,
        key: &RequestKey,
        candidate: Candidate,
        fault: Option<&Fault>,
    ) -> Decision {
        let effect = fault.map(|fault| (fault.name(), fault.effect()));
        let effect = match effect {
            Some((name, Effect::Instead(answer))) => {
                let around = Surroundings { profile: &self.profile, forms: &self.forms, previous_page: None };
                return decision(answer(&around), SeenNote::Faulted(name.to_owned()));
            }
            Some((_, Effect::State(change))) => {
                change(&mut self.tokens, &self.profile, request);
                None
            }
            other => other,
        };
        match self.tokens.judge(&self.profile, &self.forms, operation, request, self.clock.now()) {
            Judgement::Admitted => {}
            Judgement::Answered(response, why, exchange) => {
                let mut decision = decision(Answer::Whole(*response), SeenNote::Behaved(why));
                decision.exchange = exchange;
                return decision;
            }
        }
        let idempotency_key = idempotency::key_of(&self.profile, request);
        if let Some((exchange, first)) = idempotency_key.as_ref().and_then(|key| self.first_answers.get(key))
        {
            let mut decision = decision(
                Answer::Whole(first.clone()),
                SeenNote::Behaved("the same key as before: the first answer again"),
            );
            decision.exchange = Some(exchange.clone());
            return decision;
        }
        let (index, note) = match candidate {
            Candidate::Next(index) => (index, SeenNote::Replayed),
            Candidate::LastAgain(index) => (index, SeenNote::Repeated),
            Candidate::Exhausted(_) | Candidate::None => return self.unmatched(operation, key),
        };
        let entry = &self.recording.entries[index];
        let Some(response) = entry.exchange.response.clone() else { return self.unmatched(operation, key) };
        let ended = entry.exchange.ended;
        let name = entry.name.clone();
        let decided = self.apply(effect, operation, response, ended, note);
        if decided.consumes {
            self.recording.consume(key);
            if let (Some(key), Answer::Whole(response)) = (idempotency_key, &decided.decision.answer) {
                self.first_answers.keep(key, name, response);
            }
        }
        decided.decision
    }

    /// Gives a recorded answer, through a fault if there is one.
    fn apply(
        &mut self,
        effect: Option<(&'static str, Effect<'_>)>,
        operation: &OperationName,
        response: Response,
        ended: Ended,
        note: SeenNote,
    ) -> Decided {
        let previous = self.previous_pages.get(operation).cloned();
        let around =
            Surroundings { profile: &self.profile, forms: &self.forms, previous_page: previous.as_ref() };
        match effect {
            Some((name, Effect::Spoils(spoil))) => match spoil(response.clone()) {
                Ok(answer) => Decided {
                    decision: decision(answer, SeenNote::Faulted(name.to_owned())),
                    consumes: false,
                },
                Err(why) => self.give(operation, response, ended, SeenNote::FaultInapplicable(why)),
            },
            Some((name, Effect::Alters(alter))) => match alter(response.clone(), &around) {
                Ok(altered) => self.give(operation, altered, ended, SeenNote::Faulted(name.to_owned())),
                Err(why) => self.give(operation, response, ended, SeenNote::FaultInapplicable(why)),
            },
            _ => self.give(operation, response, ended, note),
        }
    }

    fn give(
        &mut self,
        operation: &OperationName,
        response: Response,
        ended: Ended,
        note: SeenNote,
    ) -> Decided {
        let pages = self
            .profile
            .pagination
            .as_ref()
            .is_some_and(|pagination| pagination.operations.contains(operation));
        if let (true, Some(json)) = (pages, response.body.json()) {
            self.previous_pages.insert(operation.clone(), json.clone());
        }
        let answer = match ended {
            // What was cut short when it was recorded is cut short again.
            Ended::AnswerCutShort => {
                let sent_bytes = response.body.to_bytes().len();
                Answer::CutShort { response, sent_bytes, cut: Cut::Close }
            }
            _ => Answer::Whole(response),
        };
        Decided { decision: decision(answer, note), consumes: true }
    }

    fn unmatched(&self, operation: &OperationName, key: &RequestKey) -> Decision {
        let is_refresh = matches!(&self.profile.auth, Auth::Bearer(bearer)
            if bearer.refresh.as_ref().is_some_and(|refresh| refresh.operation == *operation));
        let why = if is_refresh {
            "the fixture holds no refresh".to_owned()
        } else {
            nearest_miss(key, operation, &self.recording.entries)
        };
        let body = serde_json::json!({ "counterpart": { "error": "unmatched", "operation": operation, "why": why } });
        let mut response = crate::forms::plain(501, "");
        response.body =
            counterpart_exchange::Body::from_bytes(body.to_string().as_bytes(), Some("application/json"));
        decision(Answer::Whole(response), SeenNote::Unmatched(why))
    }
}

struct Decided {
    decision: Decision,
    consumes: bool,
}

fn decision(answer: Answer, note: SeenNote) -> Decision {
    Decision { answer, exchange: None, fault: None, note }
}
