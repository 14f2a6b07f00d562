//! The way of a request that meets a fault.

use super::Play;
use super::given::{Asked, Chosen, Given};
use super::state::ask;
use crate::answer::{Answer, Cut};
use crate::behaviour::idempotency::Ticket;
use crate::faults::{
    ChangeAnswer, ChangeData, ChangeTokens, Effect, Fault, Outcome, SpoilAnswer, Surroundings,
};
use crate::journal::SeenNote;
use crate::plan::{Occasion, Strike};
use counterpart_exchange::{Ended, JsonText, OperationName, Response};

impl Play {
    /// Answers a request with the fault in its way that the plan has for it, if any.
    pub(super) fn through_faults(&mut self, asked: &Asked<'_>) -> Given {
        let exchange = self.exchange_for(asked);
        let struck = self.plan.strike(&Occasion {
            exchange: exchange.as_deref(),
            operation: asked.operation,
            method: asked.received.method().as_str(),
            target: asked.received.target(),
        });
        let Some(strike) = struck else {
            let given = self.by_state(asked);
            return Given { exchange: given.exchange.or(exchange), ..given };
        };
        let mut given = self.apply(asked, &strike);
        given.exchange = given.exchange.or(exchange);
        if given.fault.is_none() {
            // The provider's state answered before the fault had an answer to spoil.
            self.plan.take_back(&strike);
        }
        given
    }

    /// Answers a request with a fault in its way.
    pub(super) fn apply(&mut self, asked: &Asked<'_>, strike: &Strike) -> Given {
        let fault = strike.fault.name();
        if let (Some(batch), Fault::JsonRpcError(_)) = (&asked.batch, &strike.fault) {
            let merged = self.by_calls(asked, batch, Some(strike));
            return merged.map_or_else(|given| *given, |chosen| self.give(asked, chosen)).struck_by(fault);
        }
        match strike.fault.effect().at(&self.profile, asked.operation) {
            Effect::Instead(answer) => Given::faulted(answer(&self.surroundings(asked, None, strike)), fault),
            Effect::Refuses(refuse) => match refuse(&self.surroundings(asked, None, strike)) {
                Ok(answer) => Given::faulted(answer, fault),
                Err(why) => self.by_state(asked).untouched_by(fault, why),
            },
            Effect::Gate(ask) => {
                let (gate, forms) = (&mut self.behaviours.gate, &self.forms);
                match ask(gate, &Surroundings::of(&self.profile, forms, &self.base_url, asked, strike)) {
                    Ok(Some(answer)) => Given::faulted(answer, fault),
                    Ok(None) => self.by_state(asked),
                    Err(why) => self.by_state(asked).untouched_by(fault, why),
                }
            }
            Effect::State(change) => {
                match change(&mut self.tokens, &self.profile, asked.received.request()) {
                    Ok(()) => Given { fault: Some(fault), ..self.by_state(asked) },
                    Err(why) => self.by_state(asked).untouched_by(fault, why),
                }
            }
            Effect::Data(change) => self.disturb(asked, strike, change),
            Effect::Outage(how_long) => Given {
                outage: Some(how_long),
                ..Given::faulted(Answer::Nothing(Cut::ResetConnection), fault)
            },
            Effect::Loses(loss) => {
                let given = self.by_state(asked);
                if given.is_refusal {
                    return given;
                }
                Given { exchange: given.exchange, ..Given::faulted(loss, fault) }
            }
            Effect::Slows(slow) => {
                let pace = slow(&self.surroundings(asked, None, strike));
                let given = self.by_state(asked);
                let answer = Answer::Paced { answer: Box::new(given.answer), pace };
                Given { exchange: given.exchange, ..Given::faulted(answer, fault) }
            }
            Effect::Spoils(spoil) => self.spoil(asked, fault, spoil),
            Effect::Alters(alter) => match self.admit(asked) {
                Ok(ticket) => self.alter(asked, ticket, strike, alter),
                Err(given) => *given,
            },
            Effect::AltersTokens(alter) => self.alter_tokens(asked, strike, alter),
            Effect::InsteadOfTokens(_) | Effect::AtConnectionsOnly | Effect::AtWebhook(_) => {
                let why = "it strikes connections or webhooks, and this is a request".to_owned();
                self.by_state(asked).untouched_by(fault, why)
            }
        }
    }

    fn disturb(&mut self, asked: &Asked<'_>, strike: &Strike, change: ChangeData<'_>) -> Given {
        let ticket = match self.admit(asked) {
            Ok(ticket) => ticket,
            Err(given) => return *given,
        };
        let ask = ask(&self.profile, &self.forms, &self.recording, asked);
        let Some(data) = self.data.of(asked.version) else {
            let why = self.recording.versions.unknown(&self.without_secrets(asked.received.request()));
            return self.alter(asked, ticket, strike, Box::new(|_, _| Err(why)));
        };
        let alter: ChangeAnswer<'_> = match change(data, &ask) {
            Ok(Outcome::Done) => Box::new(|response, _| Ok(response)),
            Ok(Outcome::Alters(alter)) => alter,
            Err(why) => Box::new(|_, _| Err(why)),
        };
        self.alter(asked, ticket, strike, alter)
    }

    /// Changes the answer that is due, and gives it.
    fn alter(
        &mut self,
        asked: &Asked<'_>,
        ticket: Option<Ticket>,
        strike: &Strike,
        alter: ChangeAnswer<'_>,
    ) -> Given {
        let fault = strike.fault.name();
        let previous = self.previous_page(asked.operation);
        let chosen = match self.choose(asked, ticket) {
            Ok(chosen) => chosen,
            Err(given) => return *given,
        };
        let Some(response) = chosen.response() else { return self.give_silence(asked, chosen, fault) };
        match alter(response, &self.surroundings(asked, previous.as_ref(), strike)) {
            Ok(altered) => {
                let answer = whole_or_broken_off(altered, chosen.ended);
                self.give(asked, Chosen { answer, ..chosen }).struck_by(fault)
            }
            Err(why) => self.give(asked, chosen).untouched_by(fault, why),
        }
    }

    fn alter_tokens(&mut self, asked: &Asked<'_>, strike: &Strike, alter: ChangeTokens<'_>) -> Given {
        let fault = strike.fault.name();
        let given = self.by_state(asked);
        let Some(response) = given.answer.accepted() else { return given };
        let around = Surroundings::of(&self.profile, &self.forms, &self.base_url, asked, strike);
        match alter(response, &mut self.tokens, &around) {
            Ok(altered) => Given { answer: Answer::Whole(altered), ..given }.struck_by(fault),
            Err(why) => Given { fault: Some(fault), note: SeenNote::FaultInapplicable(why), ..given },
        }
    }

    /// Spoils the way back of the answer that is due: nothing is used up.
    fn spoil(&mut self, asked: &Asked<'_>, fault: &'static str, spoil: SpoilAnswer<'_>) -> Given {
        let chosen = match self.admit(asked).and_then(|ticket| self.choose(asked, ticket)) {
            Ok(chosen) => chosen,
            Err(given) => return *given,
        };
        let Some(response) = chosen.response() else { return self.give_silence(asked, chosen, fault) };
        match spoil(response) {
            Ok(answer) => {
                let exchange = chosen.exchange.clone();
                self.abandon(chosen);
                Given { exchange, ..Given::faulted(answer, fault) }
            }
            Err(why) => self.give(asked, chosen).untouched_by(fault, why),
        }
    }

    fn give_silence(&mut self, asked: &Asked<'_>, chosen: Chosen, fault: &'static str) -> Given {
        let why = "no answer came when it was recorded".to_owned();
        self.give(asked, chosen).untouched_by(fault, why)
    }

    fn surroundings<'a>(
        &'a self,
        asked: &Asked<'a>,
        previous_page: Option<&'a JsonText>,
        strike: &Strike,
    ) -> Surroundings<'a> {
        let around = Surroundings::of(&self.profile, &self.forms, &self.base_url, asked, strike);
        Surroundings { previous_page, ..around }
    }

    fn previous_page(&self, operation: &OperationName) -> Option<JsonText> {
        self.previous_pages.get(operation)?.whole()?.body.json().cloned()
    }
}

impl Given {
    fn struck_by(self, fault: &'static str) -> Self {
        Self { fault: Some(fault), note: SeenNote::Faulted(fault), ..self }
    }
}

impl<'a> Surroundings<'a> {
    fn of(
        profile: &'a counterpart_exchange::ProviderProfile,
        forms: &'a crate::forms::ErrorForms,
        base_url: &'a str,
        asked: &Asked<'a>,
        strike: &Strike,
    ) -> Self {
        Self {
            profile,
            forms,
            base_url,
            operation: asked.operation,
            now: asked.now,
            previous_page: None,
            request: asked.received.request(),
            strikes_before: strike.before,
        }
    }
}

fn whole_or_broken_off(response: Response, ended: Ended) -> Answer {
    match ended {
        Ended::Complete => Answer::Whole(response),
        // What broke off when it was recorded breaks off again: nobody knows the rest of it.
        Ended::AnswerCutShort | Ended::ClientWentAway | Ended::Unreachable => Answer::broken_off(response),
    }
}
