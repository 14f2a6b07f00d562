//! The provider as one state: what a request is answered with.
//!
//! No I/O here: [`crate::wire`] takes requests off connections, asks this module, and sends what it says.

use crate::answer::{Answer, Cut};
use crate::auth::{Credentials, Judgement, Tokens};
use crate::bindings::Bindings;
use crate::clock::StandInClock;
use crate::faults::{Effect, Surroundings};
use crate::forms::ErrorForms;
use crate::idempotency::{self, FirstAnswers};
use crate::journal::SeenNote;
use crate::key::{KeyDigest, RequestKey};
use crate::matching::{Candidate, Recording};
use crate::nearest::{exhausted, nearest_miss};
use crate::plan::{Occasion, Plan, PlannedFault, Strike, UnusedFault};
use crate::received::Received;
use counterpart_exchange::{
    Direction, Ended, Exchange, Fixture, Hider, IdempotencyKey, JsonText, OperationName, Provenance,
    ProviderProfile, Request, Response, StandInValues, redaction,
};
use jiff::SignedDuration;
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
    first_answers: FirstAnswers,
    bindings: Bindings,
    plan: Plan,
    /// What each operation that pages answered last.
    previous_pages: HashMap<Arc<OperationName>, Answer>,
    hider: Hider,
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
            shown_targets.extend(fixture.exchanges.iter().map(|exchange| exchange.request.target.clone()));
            exchanges.extend(fixture.exchanges.iter().map(|exchange| {
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
        let play = Self {
            recording: Recording::new(&profile, exchanges, shown_targets),
            tokens,
            first_answers: FirstAnswers::default(),
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

    pub(crate) fn fresh_tokens(&self) -> Vec<String> {
        self.tokens.fresh().to_vec()
    }

    /// The faults, and how often each has struck.
    pub(crate) fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    pub(crate) fn unused_faults(&self) -> Vec<UnusedFault> {
        self.plan.unused()
    }

    /// Exchanges that were never asked for.
    pub(crate) fn unused_exchanges(&self) -> Vec<Arc<str>> {
        self.recording.unused()
    }

    pub(crate) fn hide(&self, text: &str) -> String {
        self.hider.hide(text)
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, received: &Received) -> Decision {
        let wanted = self.recording.wanted(&self.profile, received);
        let candidate = self.recording.peek(wanted.key);
        let idempotency_key =
            self.profile.idempotency.as_ref().and_then(|policy| self.idempotency_key(policy, received));
        let asked =
            Asked { operation: &wanted.operation, received, key: wanted.key, idempotency_key, candidate };
        let mut given =
            if self.plan.is_empty() { self.by_state(&asked) } else { self.through_faults(&asked) };
        if given.exchange.is_none() {
            given.exchange = self.exchange_for(&asked);
        }
        let shown_target = match (&given.note, wanted.shown_target) {
            // It may carry a real secret, which only the redaction would find.
            (SeenNote::Unmatched(_), _) => self.without_secrets(received.request()).target.into(),
            (_, Some(shown)) => shown,
            (_, None) => self.hider.hide(received.target()).into(),
        };
        let Given { answer, exchange, fault, note, outage, .. } = given;
        Decision { answer, operation: wanted.operation, shown_target, exchange, fault, note, outage }
    }

    fn idempotency_key(&self, policy: &IdempotencyKey, received: &Received) -> Option<String> {
        if let IdempotencyKey::Header { name } = policy {
            received.header(name)?;
        }
        idempotency::key_of(&self.profile, received.request())
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
        let request = asked.received;
        if let Some(name) = self.tokens.recorded_for(&self.profile, asked.operation, request) {
            return Some(name.into());
        }
        if let Some((first, _)) = self.first_answer(asked) {
            return Some(Arc::clone(first));
        }
        match asked.candidate {
            Candidate::Next(index) | Candidate::LastAgain(index) => {
                Some(Arc::clone(&self.recording.entries[index].name))
            }
            Candidate::Exhausted(_) | Candidate::None => None,
        }
    }

    fn first_answer(&self, asked: &Asked<'_>) -> Option<&(Arc<str>, Answer)> {
        self.first_answers.get(asked.idempotency_key.as_ref()?)
    }

    fn through_faults(&mut self, asked: &Asked<'_>) -> Given {
        let exchange = self.exchange_for(asked);
        let struck = self.plan.strike(&Occasion {
            exchange: exchange.as_deref(),
            operation: asked.operation,
            method: asked.received.method().as_str(),
            target: asked.received.target(),
        });
        let Some(strike) = struck else { return Given { exchange, ..self.by_state(asked) } };
        let mut given = self.apply(asked, &strike);
        given.exchange = given.exchange.or(exchange);
        if given.fault.is_none() {
            // The provider's state answered before the fault had an answer to spoil.
            self.plan.take_back(&strike);
        }
        given
    }

    /// Answers a request with a fault in its way.
    fn apply(&mut self, asked: &Asked<'_>, strike: &Strike) -> Given {
        let fault = strike.fault.name();
        let faulted = |answer| Given { fault: Some(fault), ..Given::new(answer, SeenNote::Faulted(fault)) };
        match strike.fault.effect().at(&self.profile, asked.operation) {
            Effect::Instead(answer) => faulted(answer(&self.surroundings(asked, None, strike))),
            Effect::State(change) => {
                match change(&mut self.tokens, &self.profile, asked.received.request()) {
                    Ok(()) => Given { fault: Some(fault), ..self.by_state(asked) },
                    Err(why) => inapplicable(self.by_state(asked), fault, why),
                }
            }
            Effect::Outage(how_long) => {
                Given { outage: Some(how_long), ..faulted(Answer::Nothing(Cut::ResetConnection)) }
            }
            Effect::Loses(loss) => {
                let given = self.by_state(asked);
                if given.is_refusal {
                    return given;
                }
                Given { answer: loss, fault: Some(fault), note: SeenNote::Faulted(fault), ..given }
            }
            Effect::Slows(slow) => {
                let pace = slow(&self.surroundings(asked, None, strike));
                let given = self.by_state(asked);
                let answer = Answer::Paced { answer: Box::new(given.answer), pace };
                Given { answer, fault: Some(fault), note: SeenNote::Faulted(fault), ..given }
            }
            Effect::Spoils(spoil) => self.spoil(asked, fault, spoil),
            Effect::Alters(alter) => {
                let previous = self.previous_page(asked.operation);
                let chosen = match self.choose(asked) {
                    Ok(chosen) => chosen,
                    Err(given) => return given,
                };
                let Some(response) = chosen.response() else {
                    let why = "no answer came when it was recorded".to_owned();
                    return inapplicable(self.give(asked, chosen), fault, why);
                };
                match alter(response, &self.surroundings(asked, previous.as_ref(), strike)) {
                    Ok(altered) => {
                        let answer = whole_or_broken_off(altered, chosen.ended);
                        let given = self.give(asked, Chosen { answer, ..chosen });
                        Given { fault: Some(fault), note: SeenNote::Faulted(fault), ..given }
                    }
                    Err(why) => inapplicable(self.give(asked, chosen), fault, why),
                }
            }
            Effect::AltersTokens(alter) => {
                let given = self.by_state(asked);
                let Some(response) = given.answer.accepted() else { return given };
                let around = Surroundings {
                    profile: &self.profile,
                    forms: &self.forms,
                    previous_page: None,
                    request: asked.received.request(),
                    base_url: &self.base_url,
                    strikes_before: strike.before,
                };
                match alter(response, &mut self.tokens, &around) {
                    Ok(altered) => Given {
                        answer: Answer::Whole(altered),
                        fault: Some(fault),
                        note: SeenNote::Faulted(fault),
                        ..given
                    },
                    Err(why) => {
                        Given { fault: Some(fault), note: SeenNote::FaultInapplicable(why), ..given }
                    }
                }
            }
            Effect::InsteadOfTokens(_) | Effect::AtConnectionsOnly => {
                let why = "it strikes connections, before there is a request".to_owned();
                inapplicable(self.by_state(asked), fault, why)
            }
        }
    }

    fn spoil(
        &mut self,
        asked: &Asked<'_>,
        fault: &'static str,
        spoil: impl FnOnce(Response) -> Result<Answer, String>,
    ) -> Given {
        let chosen = match self.choose(asked) {
            Ok(chosen) => chosen,
            Err(given) => return given,
        };
        let Some(response) = chosen.response() else {
            let why = "no answer came when it was recorded".to_owned();
            return inapplicable(self.give(asked, chosen), fault, why);
        };
        match spoil(response) {
            Ok(answer) => Given {
                exchange: Some(chosen.exchange),
                fault: Some(fault),
                ..Given::new(answer, SeenNote::Faulted(fault))
            },
            Err(why) => inapplicable(self.give(asked, chosen), fault, why),
        }
    }

    fn surroundings<'a>(
        &'a self,
        asked: &Asked<'a>,
        previous_page: Option<&'a JsonText>,
        strike: &Strike,
    ) -> Surroundings<'a> {
        Surroundings {
            profile: &self.profile,
            forms: &self.forms,
            previous_page,
            request: asked.received.request(),
            base_url: &self.base_url,
            strikes_before: strike.before,
        }
    }

    fn previous_page(&self, operation: &OperationName) -> Option<JsonText> {
        let body = match self.previous_pages.get(operation)? {
            Answer::Prepared(prepared) => prepared.response().body,
            Answer::Whole(response) => response.body.clone(),
            _ => return None,
        };
        body.json().cloned()
    }

    /// What the provider's state says, and where it says nothing, what was recorded.
    fn by_state(&mut self, asked: &Asked<'_>) -> Given {
        match self.choose(asked) {
            Ok(chosen) => self.give(asked, chosen),
            Err(given) => given,
        }
    }

    /// The recorded answer for a request, or what the provider's state says instead.
    fn choose(&mut self, asked: &Asked<'_>) -> Result<Chosen, Given> {
        let now = self.clock.now();
        match self.tokens.judge(&self.profile, &self.forms, asked.operation, asked.received, now) {
            Judgement::Admitted => {}
            Judgement::Answered(response, why, exchange) => {
                let given = Given::new(Answer::Whole(*response), SeenNote::Behaved(why));
                let exchange = exchange.map(Arc::from);
                return Err(Given { exchange, is_refusal: true, ..given });
            }
        }
        if let Some((exchange, first)) = self.first_answer(asked) {
            let note = SeenNote::Behaved("the same key as before: the first answer again");
            let given = Given::new(first.clone(), note);
            return Err(Given { exchange: Some(Arc::clone(exchange)), is_refusal: true, ..given });
        }
        let (index, note) = match asked.candidate {
            Candidate::Next(index) => (index, SeenNote::Replayed),
            Candidate::LastAgain(index) => (index, SeenNote::Repeated),
            Candidate::Exhausted(_) | Candidate::None => return Err(self.unmatched(asked)),
        };
        let entry = &self.recording.entries[index];
        let exchange = Arc::clone(&entry.name);
        let Some(prepared) = &entry.answer else {
            let answer = Answer::Nothing(Cut::Close);
            return Ok(Chosen { answer, exchange, note, ended: Ended::AnswerCutShort });
        };
        if let Some(size_bytes) = prepared.omitted_bytes {
            let why = format!(
                "{exchange} answered it, but its body of {size_bytes} bytes was not kept when it was recorded"
            );
            return Err(unmatched_because(asked, why));
        }
        self.bindings.learn(&self.profile, &entry.chosen, asked.received);
        let bound = self.bindings.apply(prepared, &entry.echoes);
        let ended = bound.ended;
        let answer = match ended {
            Ended::Complete => Answer::Prepared(bound),
            _ => Answer::broken_off(bound.response()),
        };
        Ok(Chosen { answer, exchange, note, ended })
    }

    /// Gives the answer that was chosen: what it takes from the recording is taken.
    fn give(&mut self, asked: &Asked<'_>, chosen: Chosen) -> Given {
        let Chosen { answer, exchange, note, .. } = chosen;
        self.recording.consume(asked.key);
        let is_whole = matches!(answer, Answer::Prepared(_) | Answer::Whole(_));
        if let (Some(key), true) = (&asked.idempotency_key, is_whole)
            // What a fault changed on the way is not what the provider keeps.
            && let Candidate::Next(index) | Candidate::LastAgain(index) = asked.candidate
            && let entry = &self.recording.entries[index]
            && let Some(prepared) = &entry.answer
        {
            let kept = Answer::Prepared(self.bindings.apply(prepared, &entry.echoes));
            self.first_answers.keep(key.clone(), Arc::clone(&exchange), kept);
        }
        let pages = self
            .profile
            .pagination
            .as_ref()
            .is_some_and(|pagination| pagination.operations.contains(asked.operation));
        if pages && is_whole {
            self.previous_pages.insert(Arc::clone(asked.operation), answer.clone());
        }
        Given { exchange: Some(exchange), ..Given::new(answer, note) }
    }

    fn unmatched(&self, asked: &Asked<'_>) -> Given {
        let entries = &self.recording.entries;
        let why = match asked.candidate {
            Candidate::Exhausted(index) => exhausted(&entries[index]),
            _ => {
                // It repeats what was sent, and is read by people: a client may have sent a real secret.
                let shown = self.without_secrets(asked.received.request());
                let key = RequestKey::of(&shown, &self.profile);
                nearest_miss(&key, asked.operation, entries, &self.profile)
            }
        };
        unmatched_because(asked, self.hider.hide(&why))
    }
}

fn whole_or_broken_off(response: Response, ended: Ended) -> Answer {
    match ended {
        Ended::Complete => Answer::Whole(response),
        // What broke off when it was recorded breaks off again: nobody knows the rest of it.
        Ended::AnswerCutShort | Ended::ClientWentAway | Ended::Unreachable => Answer::broken_off(response),
    }
}

/// An answer that a fault was to change and could not: it goes out as it is, with the reason.
fn inapplicable(given: Given, fault: &'static str, why: String) -> Given {
    if given.is_refusal {
        return given;
    }
    Given { fault: Some(fault), note: SeenNote::FaultInapplicable(why), ..given }
}

fn unmatched_because(asked: &Asked<'_>, why: String) -> Given {
    let body = serde_json::json!({
        "counterpart": { "error": "unmatched", "operation": asked.operation.as_ref(), "why": why }
    });
    let answer = Answer::Whole(crate::forms::own(501, &body));
    Given { is_refusal: true, ..Given::new(answer, SeenNote::Unmatched(why)) }
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

/// A request, with what it means to the recording.
struct Asked<'a> {
    operation: &'a Arc<OperationName>,
    received: &'a Received,
    key: KeyDigest,
    idempotency_key: Option<String>,
    candidate: Candidate,
}

/// A recorded answer that is about to be given.
struct Chosen {
    answer: Answer,
    exchange: Arc<str>,
    note: SeenNote,
    ended: Ended,
}

impl Chosen {
    /// The answer to be changed; none where none came when it was recorded.
    fn response(&self) -> Option<Response> {
        match &self.answer {
            Answer::Prepared(prepared) => Some(prepared.response()),
            Answer::Whole(response) | Answer::CutShort { response, .. } => Some(response.clone()),
            _ => None,
        }
    }
}

/// What a request is given.
struct Given {
    answer: Answer,
    exchange: Option<Arc<str>>,
    fault: Option<&'static str>,
    note: SeenNote,
    outage: Option<SignedDuration>,
    /// Whether the provider's state decided it: there is no recorded answer that a fault could touch.
    is_refusal: bool,
}

impl Given {
    fn new(answer: Answer, note: SeenNote) -> Self {
        Self { answer, exchange: None, fault: None, note, outage: None, is_refusal: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::{Body, ExchangeId, Headers, Written};
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
        let script = Script {
            profile: ProviderProfile::unknown("p"),
            forms: ErrorForms::default(),
            faults: Vec::new(),
            clock,
            base_url: "http://stand-in".to_owned(),
        };
        Play::new(script, &[fixture]).0
    }

    fn received(number: usize) -> Received {
        let (head, ()) = http::Request::get(get(number).target).body(()).unwrap().into_parts();
        Received::new(head, bytes::Bytes::new())
    }

    /// How long 500 requests take that are spread over a fixture of so many exchanges.
    #[expect(clippy::disallowed_methods, reason = "two durations are compared, with room for a busy machine")]
    fn lookups(play: &mut Play, size: usize) -> Duration {
        let requests: Vec<_> = (0..500).map(|step| received(step * size / 500)).collect();
        let began = Instant::now();
        for request in &requests {
            let decision = play.answer(request);
            assert_ne!(decision.exchange, None, "{}", request.target());
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
