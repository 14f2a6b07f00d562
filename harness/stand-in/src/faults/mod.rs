//! Faults: one way in which a provider misbehaves, one file each.
//!
//! A fault either answers instead of the recording, changes the provider's state and lets the request go
//! on, or changes the recorded answer. One that answers instead consumes nothing of the recording. Faults of the
//! token endpoint do the same to what the provider's state answers there.

mod duplicate_records;
mod empty_field;
mod expired_token;
mod expires_in_missing;
mod expires_in_text;
mod field;
mod forbidden;
mod forbidden_for_expiry;
mod malformed_json;
mod missing_field;
mod missing_scope;
mod rate_limited;
mod refresh_refused;
mod refresh_token_missing;
mod reset;
mod revoked_token;
mod server_error;
mod timeout;
mod token_error_with_200;
mod token_form_encoded;
mod tokens;
mod truncated;

use crate::answer::Answer;
use crate::auth::Tokens;
use crate::forms::ErrorForms;
use counterpart_exchange::{JsonText, OperationName, ProviderProfile, Request, Response, suggest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fault may look at.
pub(crate) struct Surroundings<'a> {
    pub(crate) profile: &'a ProviderProfile,
    pub(crate) forms: &'a ErrorForms,
    /// The page that this operation answered before, if it did.
    pub(crate) previous_page: Option<&'a JsonText>,
}

type ChangeState<'a> = Box<dyn FnOnce(&mut Tokens, &ProviderProfile, &Request) -> Result<(), String> + 'a>;
type ChangeAnswer<'a> = Box<dyn FnOnce(Response, &Surroundings<'_>) -> Result<Response, String> + 'a>;
type ChangeTokens<'a> =
    Box<dyn FnOnce(Response, &mut Tokens, &Surroundings<'_>) -> Result<Response, String> + 'a>;

/// What a fault does to a request.
pub(crate) enum Effect<'a> {
    /// Answers it; the recording stays as it is.
    Instead(Box<dyn FnOnce(&Surroundings<'_>) -> Answer + 'a>),
    /// Changes the provider's state; the request then goes its way.
    State(ChangeState<'a>),
    /// Spoils the way back of the recorded answer; the recording stays as it is.
    Spoils(Box<dyn FnOnce(Response) -> Result<Answer, String> + 'a>),
    /// Changes the recorded answer, which is then given.
    Alters(ChangeAnswer<'a>),
    /// Answers instead of the token endpoint; the provider's state stays as it is.
    InsteadOfTokens(Box<dyn FnOnce(&Surroundings<'_>) -> Answer + 'a>),
    /// Changes the tokens that are handed out, be the answer recorded or made by the provider's state.
    AltersTokens(ChangeTokens<'a>),
}

impl Effect<'_> {
    /// What the fault does at an operation: those of the token endpoint can do their work nowhere else.
    pub(crate) fn at(self, profile: &ProviderProfile, operation: &OperationName) -> Self {
        let token_operation = profile.auth.token_operation();
        match self {
            Self::InsteadOfTokens(_) | Self::AltersTokens(_) if token_operation != Some(operation) => {
                let why = match token_operation {
                    Some(there) => format!("`{operation}` hands out no tokens; put the fault at `{there}`"),
                    None => "the provider profile says nothing of `auth.oauth2` or `auth.bearer.refresh`"
                        .to_owned(),
                };
                Self::Alters(Box::new(|_, _| Err(why)))
            }
            Self::InsteadOfTokens(answer) => Self::Instead(answer),
            elsewhere => elsewhere,
        }
    }
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
        pub enum Fault {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant($module::$variant),)+
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
    /// The token answer does not tell how long the token lives.
    ExpiresInMissing(expires_in_missing) = "expires_in_missing",
    /// The token answer tells the token's life as text instead of a number.
    ExpiresInText(expires_in_text) = "expires_in_text",
    /// The permission was taken away: 403.
    Forbidden(forbidden) = "forbidden",
    /// The access token has expired, and 403 tells it instead of 401.
    ForbiddenForExpiry(forbidden_for_expiry) = "forbidden_for_expiry",
    /// The body breaks off in the middle of its JSON, with a length that agrees.
    MalformedJson(malformed_json) = "malformed_json",
    /// A field of the answer is missing.
    MissingField(missing_field) = "missing_field",
    /// The access token lacks a scope, then and ever after: 403.
    MissingScope(missing_scope) = "missing_scope",
    /// Too many requests: 429, with or without Retry-After.
    RateLimited(rate_limited) = "rate_limited",
    /// The refresh token is refused, then and ever after.
    RefreshRefused(refresh_refused) = "refresh_refused",
    /// The token answer has no refresh token where one was due; the old one stays good.
    RefreshTokenMissing(refresh_token_missing) = "refresh_token_missing",
    /// The connection is reset (RST), before or in the middle of the answer.
    Reset(reset) = "reset",
    /// The authorization was revoked: the access token and the refresh token are refused for good.
    RevokedToken(revoked_token) = "revoked_token",
    /// The provider fails: 500, or another 5xx.
    ServerError(server_error) = "server_error",
    /// The provider never answers.
    Timeout(timeout) = "timeout",
    /// The token endpoint refuses with status 200.
    TokenErrorWith200(token_error_with_200) = "token_error_with_200",
    /// The token answer comes as a form instead of JSON.
    TokenFormEncoded(token_form_encoded) = "token_form_encoded",
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
