//! A fault with its place and how often it strikes, and how that is spelled: in YAML, in JSON, on the command line.

use crate::Fault;
use crate::faults::Effect;
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

    pub(crate) fn selects(&self, exchange: &str, operation: &OperationName) -> bool {
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
                    None if known.is_empty() => format!(
                        "{} has no operation `{name}`; it has none: its profile, provider.yaml beside its fixtures, \
                         names no operations or is missing; write it, with what `counterpart show` tells of its \
                         exchanges",
                        profile.provider
                    ),
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
}
