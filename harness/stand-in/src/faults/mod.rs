//! Faults: one way in which a provider misbehaves, one file each.
//!
//! A fault either answers instead of the recording, changes the provider's state and lets the request go
//! on, or changes the recorded answer. One that answers instead consumes nothing of the recording.

mod archived_record;
mod clock_skew;
mod cursor_loop;
mod deleted_record;
mod duplicate_records;
mod empty_field;
mod expired_cursor;
mod expired_token;
mod field;
mod forbidden;
mod malformed_json;
mod missing_field;
mod out_of_order;
mod page;
mod rate_limited;
mod refresh_refused;
mod reset;
mod server_error;
mod shifting_pages;
mod stale_read;
mod timeout;
mod truncated;

use crate::answer::Answer;
use crate::auth::Tokens;
use crate::data::{Ask, Data};
use crate::forms::ErrorForms;
use counterpart_exchange::{JsonText, OperationName, ProviderProfile, Request, Response, suggest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fault may look at.
pub(crate) struct Surroundings<'a> {
    pub(crate) profile: &'a ProviderProfile,
    pub(crate) forms: &'a ErrorForms,
    pub(crate) operation: &'a OperationName,
    pub(crate) now: Timestamp,
    /// The page that this operation answered before, if it did.
    pub(crate) previous_page: Option<&'a JsonText>,
}

type ChangeState<'a> = Box<dyn FnOnce(&mut Tokens, &ProviderProfile, &Request) -> Result<(), String> + 'a>;
type ChangeAnswer<'a> = Box<dyn FnOnce(Response, &Surroundings<'_>) -> Result<Response, String> + 'a>;
type ChangeData<'a> = Box<dyn FnOnce(&mut Data, &Ask<'_>) -> Result<Outcome<'a>, String> + 'a>;

/// What is left to do once a fault has seen the provider's data.
pub(crate) enum Outcome<'a> {
    /// Nothing: the data is changed, and answers accordingly.
    Done,
    /// Change the answer.
    Alters(ChangeAnswer<'a>),
}

/// What a fault does to a request.
pub(crate) enum Effect<'a> {
    /// Answers it; the recording stays as it is.
    Instead(Box<dyn FnOnce(&Surroundings<'_>) -> Answer + 'a>),
    /// Changes the provider's state; the request then goes its way.
    State(ChangeState<'a>),
    /// Changes the provider's data, or the answer by what the data is.
    Data(ChangeData<'a>),
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
    /// A record was archived meanwhile.
    ArchivedRecord(archived_record) = "archived_record",
    /// The provider's clock is wrong: its Date and its times are off.
    ClockSkew(clock_skew) = "clock_skew",
    /// The next page is this page, again and again.
    CursorLoop(cursor_loop) = "cursor_loop",
    /// A record was deleted meanwhile: refused when it is read, absent from lists.
    DeletedRecord(deleted_record) = "deleted_record",
    /// The page carries the records of the page before once more.
    DuplicateRecords(duplicate_records) = "duplicate_records",
    /// A field of the answer is empty.
    EmptyField(empty_field) = "empty_field",
    /// The cursor has expired: it is refused until the list is begun anew.
    ExpiredCursor(expired_cursor) = "expired_cursor",
    /// The access token has expired: it is refused until it is refreshed.
    ExpiredToken(expired_token) = "expired_token",
    /// The permission was taken away: 403.
    Forbidden(forbidden) = "forbidden",
    /// The body breaks off in the middle of its JSON, with a length that agrees.
    MalformedJson(malformed_json) = "malformed_json",
    /// A field of the answer is missing.
    MissingField(missing_field) = "missing_field",
    /// The records of a page come in another order.
    OutOfOrder(out_of_order) = "out_of_order",
    /// Too many requests: 429, with or without Retry-After.
    RateLimited(rate_limited) = "rate_limited",
    /// The refresh token is refused, then and ever after.
    RefreshRefused(refresh_refused) = "refresh_refused",
    /// The connection is reset (RST), before or in the middle of the answer.
    Reset(reset) = "reset",
    /// The provider fails: 500, or another 5xx.
    ServerError(server_error) = "server_error",
    /// A record came to the front of the list, or left it, between two pages.
    ShiftingPages(shifting_pages) = "shifting_pages",
    /// A read shows the state of before the last write.
    StaleRead(stale_read) = "stale_read",
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
