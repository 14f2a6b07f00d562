//! The provider as one state: what a request is answered with.
//!
//! No I/O here: [`crate::server`] takes requests off the wire, asks this module, and sends what it says.

use crate::answer::{Answer, Cut};
use crate::auth::{Credentials, Judgement, Tokens, refresh_of};
use crate::bindings::Bindings;
use crate::clock::StandInClock;
use crate::data::{Ask, Data};
use crate::faults::{Effect, Fault, Outcome, Surroundings};
use crate::forms::ErrorForms;
use crate::idempotency::{self, FirstAnswers};
use crate::log::SeenNote;
use crate::matching::{Candidate, Recording, RequestKey};
use crate::nearest::{exhausted, nearest_miss};
use crate::plan::{Occasion, Plan, PlannedFault, UnusedFault};
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, Fixture, JsonText, OperationName, Provenance, ProviderProfile, Request,
    Response, StandInValues, redaction,
};
use std::collections::HashMap;

/// A provider, played.
pub(crate) struct Play {
    profile: ProviderProfile,
    forms: ErrorForms,
    clock: StandInClock,
    recording: Recording,
    tokens: Tokens,
    data: Data,
    first_answers: FirstAnswers,
    bindings: Bindings,
    plan: Plan,
    previous_pages: HashMap<OperationName, JsonText>,
    values: Vec<StandInValues>,
}

/// An answer with what is to be noted about it.
pub(crate) struct Decision {
    pub(crate) answer: Answer,
    pub(crate) exchange: Option<String>,
    /// The fault that had an effect, or could not have one.
    pub(crate) fault: Option<&'static str>,
    pub(crate) note: SeenNote,
}

impl Play {
    pub(crate) fn new(
        profile: ProviderProfile,
        fixtures: &[Fixture],
        forms: ErrorForms,
        faults: Vec<PlannedFault>,
        clock: StandInClock,
        base_url: &str,
    ) -> (Self, Credentials, Vec<StandInValues>) {
        let mut values = Vec::new();
        let mut exchanges: Vec<(String, Exchange)> = Vec::new();
        for fixture in fixtures {
            let of_fixture = StandInValues::of(fixture);
            let name = fixture.name();
            exchanges.extend(fixture.exchanges.iter().map(|exchange| {
                let mut played = of_fixture.fill_exchange(exchange);
                if let (Provenance::Recorded(recorded), Some(response)) =
                    (&fixture.provenance, &mut played.response)
                {
                    keep_inside(response, &recorded.upstream, base_url);
                }
                (format!("{name}#{}", exchange.id), played)
            }));
            values.push(of_fixture);
        }
        let (tokens, credentials) = Tokens::learn(&profile, &exchanges);
        let data = Data::learn(&profile, &exchanges, base_url);
        let play = Self {
            recording: Recording::new(&profile, exchanges),
            tokens,
            data,
            first_answers: FirstAnswers::default(),
            bindings: Bindings::default(),
            plan: Plan::new(faults),
            previous_pages: HashMap::new(),
            values: values.clone(),
            profile,
            forms,
            clock,
        };
        (play, credentials, values)
    }

    pub(crate) fn operation_of(&self, request: &Request) -> OperationName {
        self.profile.operation_of(&request.method, &request.target)
    }

    /// The request as it may be shown.
    pub(crate) fn without_secrets(&self, request: &Request) -> Request {
        without_secrets(request, &self.profile)
    }

    pub(crate) fn fresh_tokens(&self) -> Vec<String> {
        self.tokens.fresh().to_vec()
    }

    pub(crate) fn data(&mut self) -> &mut Data {
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

    /// Answers one request.
    pub(crate) fn answer(&mut self, operation: &OperationName, request: &Request) -> Decision {
        let key = self.recording.recorded_as(RequestKey::of(request, &self.profile));
        let idempotency_key = idempotency::key_of(&self.profile, request);
        let candidate = self.recording.peek(&key);
        let asked = Asked { operation, request, key, idempotency_key, candidate };
        let exchange = self.exchange_for(&asked);
        let struck = self.plan.strike(&Occasion {
            exchange: exchange.as_deref(),
            operation,
            method: &request.method,
            target: &request.target,
        });
        let mut decision = self.decide(&asked, struck.as_ref().map(|(_, fault)| fault));
        decision.exchange = decision.exchange.or(exchange);
        if let (Some((index, _)), None) = (struck, &decision.fault) {
            // The provider's state answered before the fault had a recorded answer to spoil.
            self.plan.take_back(index);
        }
        decision
    }

    /// The exchange that answers if nothing comes in between.
    fn exchange_for(&self, asked: &Asked<'_>) -> Option<String> {
        if refresh_of(&self.profile).is_some_and(|refresh| refresh.operation == *asked.operation) {
            return self.tokens.next_grant().map(str::to_owned);
        }
        if let Some((first, _)) = self.first_answer(asked) {
            return Some(first.clone());
        }
        match asked.candidate {
            Candidate::Next(index) | Candidate::LastAgain(index) => {
                Some(self.recording.entries[index].name.clone())
            }
            Candidate::Exhausted(_) | Candidate::None => None,
        }
    }

    fn first_answer(&self, asked: &Asked<'_>) -> Option<&(String, Response)> {
        self.first_answers.get(asked.idempotency_key.as_ref()?)
    }

    fn decide(&mut self, asked: &Asked<'_>, fault: Option<&Fault>) -> Decision {
        let Some(fault) = fault else { return self.by_state(asked, None) };
        let name = fault.name();
        match fault.effect() {
            Effect::Instead(answer) => {
                let around = Surroundings {
                    profile: &self.profile,
                    forms: &self.forms,
                    operation: asked.operation,
                    now: self.clock.now(),
                    previous_page: None,
                };
                Decision {
                    fault: Some(name),
                    ..decision(answer(&around), SeenNote::Faulted(name.to_owned()))
                }
            }
            Effect::State(change) => match change(&mut self.tokens, &self.profile, asked.request) {
                Ok(()) => Decision { fault: Some(name), ..self.by_state(asked, None) },
                Err(why) => self.by_state(asked, Some((name, Effect::Alters(Box::new(|_, _| Err(why)))))),
            },
            effect => self.by_state(asked, Some((name, effect))),
        }
    }

    /// What the provider's state says, and where it says nothing, what was recorded.
    fn by_state(&mut self, asked: &Asked<'_>, effect: Option<(&'static str, Effect<'_>)>) -> Decision {
        let now = self.clock.now();
        match self.tokens.judge(&self.profile, &self.forms, asked.operation, asked.request, now) {
            Judgement::Admitted => {}
            Judgement::Answered(response, why, exchange) => {
                return Decision { exchange, ..decision(Answer::Whole(*response), SeenNote::Behaved(why)) };
            }
        }
        if let Some((exchange, first)) = self.first_answer(asked) {
            let note = SeenNote::Behaved("the same key as before: the first answer again");
            return Decision {
                exchange: Some(exchange.clone()),
                ..decision(Answer::Whole(first.clone()), note)
            };
        }
        let effect = match self.by_data(asked, effect, now) {
            Ok(decision) => return decision,
            Err(effect) => effect,
        };
        let (index, note) = match asked.candidate {
            Candidate::Next(index) => (index, SeenNote::Replayed),
            Candidate::LastAgain(index) => (index, SeenNote::Repeated),
            Candidate::Exhausted(_) | Candidate::None => return self.unmatched(asked),
        };
        let entry = &self.recording.entries[index];
        let name = entry.name.clone();
        let ended = entry.exchange.ended;
        let Some(response) = entry.exchange.response.clone() else {
            self.recording.consume(&asked.key);
            let hung_up = Answer::Nothing(Cut::Close);
            return match effect {
                None => decision(hung_up, note),
                Some((fault, _)) => {
                    let why = "no answer came when it was recorded".to_owned();
                    Decision { fault: Some(fault), ..decision(hung_up, SeenNote::FaultInapplicable(why)) }
                }
            };
        };
        if let Body::Omitted { size_bytes } = response.body {
            let why = format!(
                "{name} answered it, but its body of {size_bytes} bytes was not kept when it was recorded"
            );
            return unmatched_because(asked, why);
        }
        self.bindings.learn(&self.profile, &entry.exchange.request, asked.request);
        let response = self.bindings.apply(response);
        let recorded = response.clone();
        let decided = self.apply(effect, asked.operation, response, ended, note);
        if decided.consumes {
            self.recording.consume(&asked.key);
            if let (Some(key), Answer::Whole(_)) = (&asked.idempotency_key, &decided.decision.answer) {
                // What a fault changed on the way is not what the provider keeps.
                self.first_answers.keep(key.clone(), name, &recorded);
            }
        }
        decided.decision
    }

    /// What the provider's data says; the fault back, where it says nothing.
    fn by_data<'e>(
        &mut self,
        asked: &Asked<'_>,
        effect: Option<(&'static str, Effect<'e>)>,
        now: jiff::Timestamp,
    ) -> Result<Decision, Option<(&'static str, Effect<'e>)>> {
        let last_given = self.recording.last_given(&asked.key);
        let ask = Ask {
            profile: &self.profile,
            forms: &self.forms,
            operation: asked.operation,
            request: asked.request,
            now,
            last_given: last_given.and_then(|entry| entry.exchange.response.as_ref()),
        };
        let effect = effect.map(|(name, effect)| (name, seen_by_data(effect, &mut self.data, &ask)));
        let Some(answered) = self.data.answer(&ask) else { return Err(effect) };
        let note = SeenNote::Behaved(answered.note);
        let response = answered.response.clone();
        let decided = self.apply(effect, asked.operation, response, Ended::Complete, note);
        let exchange = answered.exchange;
        if decided.consumes {
            self.data.keep(answered.change);
            if let (Some(key), Answer::Whole(_)) = (&asked.idempotency_key, &decided.decision.answer) {
                let named = exchange.clone().unwrap_or_default();
                self.first_answers.keep(key.clone(), named, &answered.response);
            }
        }
        Ok(Decision { exchange, ..decided.decision })
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
        let around = Surroundings {
            profile: &self.profile,
            forms: &self.forms,
            operation,
            now: self.clock.now(),
            previous_page: previous.as_ref(),
        };
        let fault = effect.as_ref().map(|(name, _)| *name);
        let mut decided = match effect {
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
        };
        decided.decision.fault = fault;
        decided
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
            Ended::Complete => Answer::Whole(response),
            // What broke off when it was recorded breaks off again: nobody knows the rest of it.
            Ended::AnswerCutShort | Ended::ClientWentAway | Ended::Unreachable => {
                Answer::broken_off(response)
            }
        };
        Decided { decision: decision(answer, note), consumes: true }
    }

    fn unmatched(&self, asked: &Asked<'_>) -> Decision {
        let entries = &self.recording.entries;
        let why = match asked.candidate {
            Candidate::Exhausted(index) => exhausted(&entries[index]),
            _ => {
                // It repeats what was sent, and is read by people: a client may have sent a real secret.
                let shown = RequestKey::of(&without_secrets(asked.request, &self.profile), &self.profile);
                nearest_miss(&shown, asked.operation, entries)
            }
        };
        unmatched_because(asked, hide(&self.values, &why))
    }
}

/// A fault that looks at the data, done with it: what is left is to change the answer, or to say why it cannot be.
fn seen_by_data<'a>(effect: Effect<'a>, data: &mut Data, ask: &Ask<'_>) -> Effect<'a> {
    match effect {
        Effect::Data(change) => match change(data, ask) {
            Ok(Outcome::Done) => Effect::Alters(Box::new(|response, _| Ok(response))),
            Ok(Outcome::Alters(alter)) => Effect::Alters(alter),
            Err(why) => Effect::Alters(Box::new(|_, _| Err(why))),
        },
        other => other,
    }
}

fn unmatched_because(asked: &Asked<'_>, why: String) -> Decision {
    let body = serde_json::json!({
        "counterpart": { "error": "unmatched", "operation": asked.operation, "why": why }
    });
    decision(Answer::Whole(crate::forms::own(501, &body)), SeenNote::Unmatched(why))
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

/// The request as it would be recorded.
fn without_secrets(request: &Request, profile: &ProviderProfile) -> Request {
    let exchange = Exchange {
        id: "unmatched-1".into(),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: request.clone(),
        response: None,
    };
    let redacted = redaction::redact(vec![exchange], profile, &[]).exchanges.pop();
    redacted.map_or_else(|| request.clone(), |exchange| exchange.request)
}

/// A request, with what it means to the recording.
struct Asked<'a> {
    operation: &'a OperationName,
    request: &'a Request,
    key: RequestKey,
    idempotency_key: Option<String>,
    candidate: Candidate,
}

struct Decided {
    decision: Decision,
    consumes: bool,
}

fn decision(answer: Answer, note: SeenNote) -> Decision {
    Decision { answer, exchange: None, fault: None, note }
}

/// Text with every value that stands for a secret put back to its placeholder.
pub(crate) fn hide(values: &[StandInValues], text: &str) -> String {
    values.iter().fold(text.to_owned(), |text, values| values.hide(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::{ExchangeId, Headers, Written};
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    fn get(number: usize) -> Request {
        let target = format!("/items/{number}?expand=all");
        Request { method: "GET".to_owned(), target, headers: Headers::default(), body: Body::None }
    }

    fn exchange(number: usize) -> Exchange {
        let body = Body::Text(number.to_string());
        Exchange {
            id: ExchangeId::nth("items", number),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: 0,
            caused_by: None,
            ended: Ended::Complete,
            request: get(number),
            response: Some(Response { status: 200, headers: Headers::default(), body }),
        }
    }

    /// A provider with so many distinct exchanges.
    fn play_of(size: usize) -> Play {
        let fixture = Fixture {
            provider: "p".to_owned(),
            flow: "f".to_owned(),
            provenance: Provenance::Written(Written { after: "the test".to_owned() }),
            redacted: BTreeMap::new(),
            exchanges: (0..size).map(exchange).collect(),
        };
        let clock = StandInClock::starting_at(jiff::Timestamp::UNIX_EPOCH);
        let profile = ProviderProfile::unknown("p");
        Play::new(profile, &[fixture], ErrorForms::default(), Vec::new(), clock, "http://stand-in").0
    }

    /// How long 500 requests take that are spread over a fixture of so many exchanges.
    #[expect(clippy::disallowed_methods, reason = "two durations are compared, with room for a busy machine")]
    fn lookups(play: &mut Play, size: usize) -> Duration {
        let requests: Vec<_> = (0..500).map(|step| get(step * size / 500)).collect();
        let operation = play.operation_of(&requests[0]);
        let began = Instant::now();
        for request in &requests {
            let decision = play.answer(&operation, request);
            assert_ne!(decision.exchange, None, "{}", request.target);
        }
        began.elapsed()
    }

    #[test]
    fn a_lookup_costs_the_same_in_a_fixture_twenty_times_as_large() {
        let (mut small, mut large) = (play_of(500), play_of(10_000));
        // The best of several rounds: what else the machine does can only add.
        let best = |play: &mut Play, size| (0..7).map(|_| lookups(play, size)).min();
        let (in_small, in_large) = (best(&mut small, 500), best(&mut large, 10_000));
        // A scan would take twenty times as long; memory that is further away, not even twice.
        assert!(in_large < in_small.map(|time| time * 6), "{in_small:?} and {in_large:?}");
    }
}
