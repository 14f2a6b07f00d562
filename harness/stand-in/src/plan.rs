//! Which fault goes where and how often, and how that is spelled.

use crate::Fault;
use crate::faults::{AtConnection, Effect};
use crate::places::Places;
use counterpart_exchange::{Fixture, OperationName, OperationTemplate, ProviderProfile, suggest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// A fault with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFault {
    /// Where it strikes.
    pub at: FaultSite,
    /// How often.
    pub times: Times,
    /// What it does.
    pub inject: Fault,
}

/// Where a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultSite {
    /// At requests that this recorded exchange would answer: `messages-2` or `matrix/room-history#messages-2`.
    Exchange(String),
    /// At requests of a kind.
    Request {
        /// The operation, or method and path.
        to: RequestSelector,
        /// Only at the n-th of them, from 1.
        #[serde(default)]
        nth: Option<NonZeroU64>,
    },
    /// At a connection, counted from 1: before there is a request.
    Connection(NonZeroU64),
    /// At a webhook that the provider sends: a recorded one, or any of an operation.
    Webhook(WebhookSelector),
}

/// Which webhooks a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookSelector {
    /// This recorded inbound exchange: `event-2` or `slack/messages#event-2`.
    Exchange(String),
    /// All of an operation, by the profile's name.
    Operation(OperationName),
}

/// Requests of a kind: an operation's name, or method and path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestSelector {
    /// `messages`.
    Operation(OperationName),
    /// `POST /_matrix/client/v3/refresh`.
    Template(OperationTemplate),
}

impl PlannedFault {
    /// What is wrong with the fault at this place, if anything.
    ///
    /// # Errors
    /// A sentence that names the nearest place there is, or the kind of place that the fault needs.
    pub fn check(&self, profile: &ProviderProfile, fixtures: &[Fixture]) -> Result<(), String> {
        self.check_among(profile, &Places::of(profile, fixtures))
    }

    /// The same, where the places were taken from the fixtures before.
    pub(crate) fn check_among(&self, profile: &ProviderProfile, places: &Places) -> Result<(), String> {
        self.at.check(profile, places)?;
        let name = self.inject.name();
        let is_at_connection = matches!(self.at, FaultSite::Connection(_));
        if is_at_connection && self.inject.at_connection().is_none() {
            return Err(format!(
                "{name} needs a request, and there is none yet at a connection; place it at an exchange or a request"
            ));
        }
        let is_at_webhook = matches!(self.at, FaultSite::Webhook(_));
        if is_at_webhook != matches!(self.inject.effect(), Effect::AtWebhook(_)) {
            return Err(match is_at_webhook {
                true => format!(
                    "{name} strikes requests to the provider; at a webhook there are those whose names begin with webhook_"
                ),
                false => format!(
                    "{name} strikes what the provider sends; place it at a webhook: {{webhook: {{exchange: ...}}}}, or @webhook:..."
                ),
            });
        }
        if !is_at_connection && matches!(self.inject.effect(), Effect::AtConnectionsOnly) {
            return Err(format!(
                "{name} strikes before there is a request; place it at a connection: {{connection: 1}}, or @connection:1"
            ));
        }
        Ok(())
    }
}

impl FaultSite {
    /// What is wrong with the place, if anything: nothing of that name, or nothing that is ever replayed.
    ///
    /// # Errors
    /// A sentence that names the nearest place there is.
    pub(crate) fn check(&self, profile: &ProviderProfile, places: &Places) -> Result<(), String> {
        match self {
            Self::Exchange(wanted) => places.check(wanted),
            Self::Request { to, .. } => to.check(profile),
            Self::Connection(_) => Ok(()),
            Self::Webhook(selector) => places.check_webhook(selector, profile),
        }
    }
}

impl WebhookSelector {
    /// What is wrong with the selection, if anything: no webhook of the fixtures is of that name or kind.
    ///
    /// # Errors
    /// A sentence that names the nearest webhook there is.
    pub fn check(&self, profile: &ProviderProfile, fixtures: &[Fixture]) -> Result<(), String> {
        Places::of(profile, fixtures).check_webhook(self, profile)
    }

    fn selects(&self, exchange: &str, operation: &OperationName) -> bool {
        match self {
            Self::Exchange(wanted) => {
                exchange == wanted || exchange.rsplit_once('#').is_some_and(|(_, id)| id == wanted)
            }
            Self::Operation(wanted) => wanted == operation,
        }
    }
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So often, and then no more.
    Count(u64),
    /// Whenever there is an occasion.
    Always,
}

impl RequestSelector {
    /// Whether a request is of the kind.
    #[must_use]
    pub fn selects(&self, operation: &OperationName, method: &str, target: &str) -> bool {
        match self {
            Self::Operation(name) => name == operation,
            Self::Template(template) => {
                template.matches(method, counterpart_exchange::RequestTarget::of(target)).is_some()
            }
        }
    }

    /// What is wrong with it for this provider, if anything: an operation that the profile does not have.
    ///
    /// # Errors
    /// A sentence that names the nearest operation.
    pub fn check(&self, profile: &ProviderProfile) -> Result<(), String> {
        match self {
            Self::Operation(name) if !profile.may_have(name) => {
                let known: Vec<&str> = profile.operations.keys().map(|known| known.0.as_str()).collect();
                let near = suggest(&name.0, known.iter().copied());
                Err(match near {
                    Some(near) => {
                        format!("{} has no operation `{name}`; did you mean `{near}`?", profile.provider)
                    }
                    None => format!(
                        "{} has no operation `{name}`; it has: {}",
                        profile.provider,
                        known.join(", ")
                    ),
                })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for RequestSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(' ') {
            let template: OperationTemplate = text.parse()?;
            match &template.call {
                None => Ok(Self::Template(template)),
                Some(call) => Err(format!(
                    "`{call}` selects one kind of call, which is done by the name of its operation; name it under \
                     `operations` of the provider profile, as in `my_call: {template}`, and write that name here"
                )),
            }
        } else if text.is_empty() {
            Err("an empty selector; expected an operation's name, or method and path".to_owned())
        } else {
            Ok(Self::Operation(OperationName(text.to_owned())))
        }
    }
}

impl fmt::Display for RequestSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(name) => name.fmt(formatter),
            Self::Template(template) => template.fmt(formatter),
        }
    }
}

impl<'de> Deserialize<'de> for RequestSelector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for RequestSelector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for RequestSelector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RequestSelector".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An operation of the provider profile, or method and path template: POST /v3/refresh"
        })
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl serde::de::Visitor<'_> for Spelling {
            type Value = Times;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number from 1, or the word `always`")
            }

            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Times, E> {
                if count == 0 {
                    Err(E::custom("0 times is never; expected a number from 1"))
                } else {
                    Ok(Times::Count(count))
                }
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Times, E> {
                if word == "always" {
                    return Ok(Times::Always);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(word), &self))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

impl Serialize for Times {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Always => serializer.serialize_str("always"),
        }
    }
}

impl JsonSchema for Times {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Times".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "always" }] })
    }
}

/// A fault on the command line that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "{spec:?}: {problem}; expected FAULT[JSON]@PLACE[*TIMES], as in expired_token@messages-2 or rate_limited{{\"retry_after_s\":30}}@messages-2*3"
)]
pub struct SpecError {
    /// What was given.
    pub spec: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FromStr for PlannedFault {
    type Err = SpecError;

    /// `FAULT[JSON]@PLACE[*TIMES]`; the place is an exchange, or an operation where no exchange has that name.
    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let refuse = |problem: String| SpecError { spec: spec.to_owned(), problem };
        let (what, place) = spec.rsplit_once('@').ok_or_else(|| refuse("there is no @ in it".into()))?;
        let (place, times) = match place.rsplit_once('*') {
            None => (place, Times::default()),
            Some((place, "always")) => (place, Times::Always),
            Some((place, count)) => match count.parse() {
                Ok(count) if count > 0 => (place, Times::Count(count)),
                _ => return Err(refuse(format!("{count:?} is neither a number from 1 nor `always`"))),
            },
        };
        let (name, parameters) = named_parameters(what).map_err(refuse)?;
        let inject = Fault::named(name, parameters).map_err(refuse)?;
        let ends_in_number =
            place.rsplit_once('-').is_some_and(|(_, number)| number.parse::<usize>().is_ok());
        let at = if let Some(number) = place.strip_prefix("connection:") {
            let number = number.parse();
            FaultSite::Connection(
                number.map_err(|_| refuse(format!("{place:?} has no number from 1 behind its colon")))?,
            )
        } else if let Some(webhook) = place.strip_prefix("webhook:") {
            FaultSite::Webhook(match ends_in_number {
                true => WebhookSelector::Exchange(webhook.to_owned()),
                false => WebhookSelector::Operation(OperationName(webhook.to_owned())),
            })
        } else if ends_in_number {
            FaultSite::Exchange(place.to_owned())
        } else {
            FaultSite::Request { to: place.parse().map_err(refuse)?, nth: None }
        };
        Ok(Self { at, times, inject })
    }
}

/// `FAULT[JSON]`: the name and the parameters.
pub(crate) fn named_parameters(what: &str) -> Result<(&str, serde_json::Value), String> {
    let (name, parameters) = match what.find('{') {
        Some(brace) => (&what[..brace], &what[brace..]),
        None => (what, "{}"),
    };
    let parameters =
        serde_json::from_str(parameters).map_err(|error| format!("the parameters are not JSON ({error})"))?;
    Ok((name, parameters))
}

/// A fault that never had an occasion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedFault {
    /// Its index in the plan.
    pub index: usize,
    /// How often it did strike.
    pub struck: u64,
}

/// A fault of a plan, and what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultState {
    /// Its number: it stays while other faults come and go.
    pub number: u64,
    /// The fault with its place.
    pub planned: PlannedFault,
    /// How often it struck.
    pub struck: u64,
    /// Whether it struck less often than planned.
    pub is_unused: bool,
}

/// The faults of one provider, and how often each has struck.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    entries: Vec<Entry>,
    /// How many there ever were: none is numbered like one before.
    numbered: u64,
    /// How many it began with.
    begun_with: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    planned: PlannedFault,
    struck: u64,
    /// Requests so far by the selector of a `nth` fault.
    matched: u64,
    /// Whether nobody listens, or listened, because of it.
    is_shut: bool,
}

/// A fault that strikes now.
#[derive(Debug)]
pub(crate) struct Strike {
    number: u64,
    pub(crate) fault: Fault,
    /// How often it struck before.
    pub(crate) before: u64,
}

impl Plan {
    pub(crate) fn new(faults: Vec<PlannedFault>) -> Self {
        let mut plan = Self::default();
        for planned in faults {
            plan.add(planned);
        }
        plan.begun_with = plan.numbered;
        plan
    }

    /// Puts a fault behind the others; its number.
    pub(crate) fn add(&mut self, planned: PlannedFault) -> u64 {
        self.numbered += 1;
        let number = self.numbered;
        self.entries.push(Entry { number, planned, struck: 0, matched: 0, is_shut: false });
        number
    }

    /// Takes a fault out by its number.
    pub(crate) fn remove(&mut self, number: u64) -> Option<FaultState> {
        let index = self.entries.iter().position(|entry| entry.number == number)?;
        Some(self.entries.remove(index).state())
    }

    /// Takes all faults out; how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.entries).len()
    }

    /// Begins anew with the faults of the beginning, none of which has struck. Numbers are not given twice.
    pub(crate) fn restart(&mut self, faults: &[PlannedFault]) {
        let new = |(number, planned): (u64, &PlannedFault)| Entry {
            number,
            planned: planned.clone(),
            struck: 0,
            matched: 0,
            is_shut: false,
        };
        self.entries = (1..=self.begun_with).zip(faults).map(new).collect();
    }

    /// All faults, in the order in which they are asked.
    pub(crate) fn states(&self) -> Vec<FaultState> {
        self.entries.iter().map(Entry::state).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The fault that strikes this request, if one does. The first in the plan wins.
    pub(crate) fn strike(&mut self, request: &Occasion<'_>) -> Option<Strike> {
        let mut chosen = None;
        for entry in &mut self.entries {
            if !request.fits(&entry.planned.at) {
                continue;
            }
            entry.matched += 1;
            if entry.is_turn() && entry.is_left() && chosen.is_none() {
                chosen = Some(entry.strike());
            }
        }
        chosen
    }

    /// The fault that strikes a webhook, if one does. The first in the plan wins.
    pub(crate) fn strike_webhook(&mut self, exchange: &str, operation: &OperationName) -> Option<Strike> {
        let fits = |entry: &Entry| matches!(&entry.planned.at, FaultSite::Webhook(which) if which.selects(exchange, operation));
        let entry = self.entries.iter_mut().find(|entry| fits(entry) && entry.is_left())?;
        Some(entry.strike())
    }

    /// What the first fault does that strikes the connection of a number, if it is of the kind that is asked for.
    pub(crate) fn strike_connection<T>(
        &mut self,
        number: u64,
        kind: impl FnOnce(AtConnection) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entries.iter_mut().find(|entry| entry.is_at_connection(number))?;
        let effect = entry.planned.inject.at_connection()?;
        // Who is refused is not seen from here: somebody else has to notice.
        let is_seen = !matches!(effect, AtConnection::Refuse(_));
        let effect = kind(effect)?;
        entry.is_shut |= !is_seen;
        entry.struck += u64::from(is_seen);
        Some(effect)
    }

    /// Takes note that somebody was refused while nobody listened.
    pub(crate) fn somebody_was_refused(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.is_shut) {
            entry.struck = entry.struck.max(1);
        }
    }

    /// Whether any of them ends connections before there is a request.
    pub(crate) fn fails_connections(&self) -> bool {
        self.entries.iter().any(|entry| {
            matches!(entry.planned.at, FaultSite::Connection(_))
                || matches!(entry.planned.inject.effect(), Effect::Outage(_))
        })
    }

    /// Takes back the last strike of a fault that came to nothing.
    pub(crate) fn take_back(&mut self, strike: &Strike) {
        // By its number: it may have been taken out meanwhile.
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == strike.number) {
            entry.struck = entry.struck.saturating_sub(1);
        }
    }

    /// The faults that struck less often than planned. One that strikes always must strike once.
    pub(crate) fn unused(&self) -> Vec<UnusedFault> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_unused())
            .map(|(index, entry)| UnusedFault { index, struck: entry.struck })
            .collect()
    }
}

impl Entry {
    fn state(&self) -> FaultState {
        FaultState {
            number: self.number,
            planned: self.planned.clone(),
            struck: self.struck,
            is_unused: self.is_unused(),
        }
    }

    fn is_unused(&self) -> bool {
        match self.planned.times {
            Times::Count(count) => self.struck < count,
            Times::Always => self.struck == 0,
        }
    }

    fn strike(&mut self) -> Strike {
        self.struck += 1;
        Strike { number: self.number, fault: self.planned.inject.clone(), before: self.struck - 1 }
    }

    fn is_at_connection(&self, number: u64) -> bool {
        let FaultSite::Connection(first) = self.planned.at else { return false };
        let repeats = match self.planned.times {
            Times::Count(count) => count,
            Times::Always => u64::MAX,
        };
        number >= first.get() && number - first.get() < repeats
    }

    fn is_turn(&self) -> bool {
        let FaultSite::Request { nth: Some(nth), .. } = &self.planned.at else { return true };
        let repeats = match self.planned.times {
            Times::Count(count) => count,
            Times::Always => u64::MAX,
        };
        self.matched >= nth.get() && self.matched - nth.get() < repeats
    }

    fn is_left(&self) -> bool {
        match self.planned.times {
            Times::Count(count) => self.struck < count,
            Times::Always => true,
        }
    }
}

/// A request, as far as a fault's place is concerned.
pub(crate) struct Occasion<'a> {
    /// `provider/flow#id` of the exchange that would answer.
    pub(crate) exchange: Option<&'a str>,
    pub(crate) operation: &'a OperationName,
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
}

impl Occasion<'_> {
    fn fits(&self, site: &FaultSite) -> bool {
        match site {
            FaultSite::Exchange(wanted) => self.exchange.is_some_and(|exchange| {
                exchange == wanted || exchange.rsplit_once('#').is_some_and(|(_, id)| id == wanted)
            }),
            FaultSite::Request { to, .. } => to.selects(self.operation, self.method, self.target),
            FaultSite::Connection(_) | FaultSite::Webhook(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_on_the_command_line() {
        let fault: PlannedFault = r#"rate_limited{"retry_after_s":30}@messages-2*3"#.parse().unwrap();
        assert_eq!(fault.at, FaultSite::Exchange("messages-2".into()));
        assert_eq!(fault.times, Times::Count(3));
        let fault: PlannedFault = "timeout@messages*always".parse().unwrap();
        assert_eq!(
            (fault.at, fault.times),
            (
                FaultSite::Request {
                    to: RequestSelector::Operation(OperationName("messages".into())),
                    nth: None
                },
                Times::Always,
            )
        );
        let errors: Vec<String> =
            ["timeout", "timout@x-1", "timeout{@x-1", "timeout@x-1*0", r#"rate_limited{"after":1}@x-1"#]
                .map(|spec| spec.parse::<PlannedFault>().unwrap_err().problem)
                .to_vec();
        insta::assert_debug_snapshot!(errors);
    }

    #[test]
    fn a_fault_strikes_as_often_as_planned() {
        let mut plan = Plan::new(vec![
            "reset@a-1*2".parse().unwrap(),
            PlannedFault {
                at: FaultSite::Request { to: "list".parse().unwrap(), nth: NonZeroU64::new(2) },
                times: Times::Count(1),
                inject: Fault::named("timeout", serde_json::json!({})).unwrap(),
            },
        ]);
        let list = OperationName("list".into());
        let mut strike = |exchange| {
            plan.strike(&Occasion { exchange, operation: &list, method: "GET", target: "/" })
                .map(|strike| strike.fault.name())
        };
        let struck: Vec<_> =
            [None, None, Some("p/f#a-1"), Some("p/f#a-1"), Some("p/f#a-1")].map(&mut strike).to_vec();
        assert_eq!(struck, [None, Some("timeout"), Some("reset"), Some("reset"), None]);
        assert!(plan.unused().is_empty());
    }
}
