//! Faults: one way in which a provider misbehaves, one file each.
//!
//! A fault either answers instead of the recording, changes the provider's state and lets the request go
//! on, or changes the recorded answer. One that answers instead consumes nothing of the recording.

mod duplicate_records;
mod empty_field;
mod expired_token;
mod field;
mod forbidden;
mod malformed_json;
mod missing_field;
mod overloaded;
mod rate_limited;
mod refresh_refused;
mod reset;
mod server_error;
mod timeout;
mod truncated;

use crate::answer::Answer;
use crate::auth::Tokens;
use crate::behaviour::gate::Gate;
use crate::forms::ErrorForms;
use counterpart_exchange::{JsonText, OperationName, ProviderProfile, Request, Response, suggest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fault may look at.
pub(crate) struct Surroundings<'a> {
    pub(crate) profile: &'a ProviderProfile,
    pub(crate) forms: &'a ErrorForms,
    /// The page that this operation answered before, if it did.
    pub(crate) previous_page: Option<&'a JsonText>,
}

/// What a fault of the gate may know of the request.
pub(crate) struct Asking<'a> {
    pub(crate) operation: &'a OperationName,
    pub(crate) now: Timestamp,
}

type AskGate<'a> =
    Box<dyn FnOnce(&mut Gate, &Asking<'_>, &Surroundings<'_>) -> Result<Option<Answer>, String> + 'a>;
type ChangeState<'a> = Box<dyn FnOnce(&mut Tokens, &ProviderProfile, &Request) -> Result<(), String> + 'a>;
type ChangeAnswer<'a> = Box<dyn FnOnce(Response, &Surroundings<'_>) -> Result<Response, String> + 'a>;

/// What a fault does to a request.
pub(crate) enum Effect<'a> {
    /// Answers it; the recording stays as it is.
    Instead(Box<dyn FnOnce(&Surroundings<'_>) -> Answer + 'a>),
    /// Looks at how requests come, and may close the gate: answers instead, or lets the request go its way.
    Gate(AskGate<'a>),
    /// Changes the provider's state; the request then goes its way.
    State(ChangeState<'a>),
    /// Spoils the way back of the recorded answer; the recording stays as it is.
    Spoils(Box<dyn FnOnce(Response) -> Result<Answer, String> + 'a>),
    /// Changes the recorded answer, which is then given.
    Alters(ChangeAnswer<'a>),
}

/// A fault's name and what it does, for lists and help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultSummary {
    /// Its name in YAML and on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident($module:ident) = $name:literal,)+) => {
        /// One way in which a provider misbehaves.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant($module::$variant),)+
        }

        impl Fault {
            /// Every fault, in the order of their names.
            pub const ALL: &'static [FaultSummary] = &[
                $(FaultSummary { name: $name, does: concat!($($doc),+).trim_ascii() },)+
            ];

            /// Its name in YAML and on the command line.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            pub(crate) fn effect(&self) -> Effect<'_> {
                match self { $(Self::$variant(fault) => fault.effect(),)+ }
            }
        }
    };
}

faults! {
    /// The page carries the records of the page before once more.
    DuplicateRecords(duplicate_records) = "duplicate_records",
    /// A field of the answer is empty.
    EmptyField(empty_field) = "empty_field",
    /// The access token has expired: it is refused until it is refreshed.
    ExpiredToken(expired_token) = "expired_token",
    /// The permission was taken away: 403.
    Forbidden(forbidden) = "forbidden",
    /// The body breaks off in the middle of its JSON, with a length that agrees.
    MalformedJson(malformed_json) = "malformed_json",
    /// A field of the answer is missing.
    MissingField(missing_field) = "missing_field",
    /// Above a rate of requests: a misleading error, and no word of slowing down.
    Overloaded(overloaded) = "overloaded",
    /// Too many requests: 429, with or without a wait, true or not.
    RateLimited(rate_limited) = "rate_limited",
    /// The refresh token is refused, then and ever after.
    RefreshRefused(refresh_refused) = "refresh_refused",
    /// The connection is reset (RST), before or in the middle of the answer.
    Reset(reset) = "reset",
    /// The provider fails: 500, or another 5xx.
    ServerError(server_error) = "server_error",
    /// The provider never answers.
    Timeout(timeout) = "timeout",
    /// The connection is closed before the promised length was sent.
    Truncated(truncated) = "truncated",
}

impl Fault {
    /// A fault by name and parameters, as on the command line.
    ///
    /// # Errors
    /// A sentence that names the nearest fault or the wrong parameter.
    pub fn named(name: &str, parameters: serde_json::Value) -> Result<Self, String> {
        if !Self::ALL.iter().any(|fault| fault.name == name) {
            let near = suggest(name, Self::ALL.iter().map(|fault| fault.name));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("there are: {}", Self::ALL.iter().map(|f| f.name).collect::<Vec<_>>().join(", "))
                }
            };
            return Err(format!("there is no fault `{name}`; {hint}"));
        }
        let tagged = serde_json::Value::Object([(name.to_owned(), parameters)].into_iter().collect());
        serde_json::from_value(tagged)
            .map_err(|error| format!("the parameters of {name} do not fit: {error}"))
    }
}
