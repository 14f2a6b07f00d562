//! Faults: one way in which a provider misbehaves, one file each.
//!
//! A fault either answers instead of the recording, changes the provider's state and lets the request go
//! on, or changes the answer. One that answers instead consumes nothing of the recording. Faults of the token
//! endpoint do the same to what the provider's state answers there.

mod answer_lost;
mod archived_record;
mod bandwidth;
mod byte_order_mark;
mod certificate_expired;
mod certificate_untrusted;
mod certificate_wrong_name;
mod clock_skew;
mod conflict;
mod cursor_loop;
mod deleted_record;
mod description;
mod duplicate_records;
mod edge_value;
mod empty_body;
mod empty_field;
mod error_with_200;
mod expired_cursor;
mod expired_token;
mod expires_in_missing;
mod expires_in_text;
mod extra_field;
mod field;
mod forbidden;
mod forbidden_for_expiry;
mod garbage;
mod gone;
mod graphql_errors;
mod half_closed;
mod huge_body;
mod json_rpc_error;
mod latency;
mod maintenance_page;
mod malformed_json;
mod missing_field;
mod missing_scope;
mod not_found;
mod null_field;
mod out_of_order;
mod overloaded;
pub(crate) mod page;
mod rate_limited;
mod redirect_loop;
mod refresh_refused;
mod refresh_token_missing;
mod refused;
mod reset;
mod revoked_token;
mod server_error;
mod shifting_pages;
mod slow_drip;
mod soap_fault;
mod stale_read;
mod timeout;
mod token_error_with_200;
mod token_form_encoded;
mod tokens;
mod too_early;
mod truncated;
mod unknown_enum_value;
mod unprocessable;
mod webhook_bad_signature;
mod webhook_batch;
mod webhook_burst;
mod webhook_concurrent_duplicates;
mod webhook_delayed;
mod webhook_duplicate;
mod webhook_lost;
mod webhook_older_version;
mod webhook_out_of_order;
mod webhook_oversize;
mod webhook_replayed;
mod webhook_stale_timestamp;
mod webhook_unknown_type;
mod webhook_wrong_tenant;
mod wrong_content_type;
mod wrong_type;

pub use description::{FaultDescription, FaultExample, FaultKind, FaultParameter};

use crate::answer::{Answer, Pace};
use crate::auth::Tokens;
use crate::behaviour::gate::Gate;
use crate::data::{Ask, Data};
use crate::forms::ErrorForms;
use crate::webhooks::{AtWebhook, Shipment};
use bytes::Bytes;
use counterpart_certificates::CertificateFlaw;
use counterpart_exchange::{JsonText, OperationName, ProviderProfile, Request, Response, suggest};
use jiff::{SignedDuration, Timestamp};
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
    /// The request.
    pub(crate) request: &'a Request,
    /// `http://host:port` of the stand-in.
    pub(crate) base_url: &'a str,
    /// How often the fault struck before.
    pub(crate) strikes_before: u64,
}

pub(crate) type AskGate<'a> =
    Box<dyn FnOnce(&mut Gate, &Surroundings<'_>) -> Result<Option<Answer>, String> + 'a>;
pub(crate) type ChangeState<'a> =
    Box<dyn FnOnce(&mut Tokens, &ProviderProfile, &Request) -> Result<(), String> + 'a>;
pub(crate) type ChangeAnswer<'a> =
    Box<dyn FnOnce(Response, &Surroundings<'_>) -> Result<Response, String> + 'a>;
pub(crate) type Refuse<'a> = Box<dyn FnOnce(&Surroundings<'_>) -> Result<Answer, String> + 'a>;
pub(crate) type ChangeTokens<'a> =
    Box<dyn FnOnce(Response, &mut Tokens, &Surroundings<'_>) -> Result<Response, String> + 'a>;
pub(crate) type SpoilAnswer<'a> = Box<dyn FnOnce(Response) -> Result<Answer, String> + 'a>;
pub(crate) type ChangeShipment<'a> =
    Box<dyn FnOnce(&mut Shipment, &AtWebhook<'_>) -> Result<(), String> + 'a>;
pub(crate) type ChangeData<'a> = Box<dyn FnOnce(&mut Data, &Ask<'_>) -> Result<Outcome<'a>, String> + 'a>;

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
    /// Looks at how requests come, and may close the gate: answers instead, or lets the request go its way.
    Gate(AskGate<'a>),
    /// Answers it as the protocol of its endpoint does; says why, where that is none of the fault's. The recording
    /// stays as it is.
    Refuses(Refuse<'a>),
    /// Changes the provider's state; the request then goes its way.
    State(ChangeState<'a>),
    /// Changes the provider's data, or the answer by what the data is.
    Data(ChangeData<'a>),
    /// Spoils the way back of the recorded answer; the recording stays as it is.
    Spoils(SpoilAnswer<'a>),
    /// Changes the recorded answer, which is then given.
    Alters(ChangeAnswer<'a>),
    /// Answers instead of the token endpoint; the provider's state stays as it is.
    InsteadOfTokens(Box<dyn FnOnce(&Surroundings<'_>) -> Answer + 'a>),
    /// Changes the tokens that are handed out, be the answer recorded or made by the provider's state.
    AltersTokens(ChangeTokens<'a>),
    /// Whatever is answered is done, and lost on its way back.
    Loses(Answer),
    /// Whatever is answered comes later or slowly.
    Slows(Box<dyn FnOnce(&Surroundings<'_>) -> Pace + 'a>),
    /// Cuts the request off and goes on to do this to every new connection.
    Outage(SignedDuration),
    /// Nothing: it strikes connections, before there is a request.
    AtConnectionsOnly,
    /// Nothing to a request: it changes what goes out for a webhook, or says why it cannot.
    AtWebhook(ChangeShipment<'a>),
}

impl Effect<'_> {
    /// What kind of thing it is, for pages and help.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            Self::Instead(_) | Self::Gate(_) | Self::Refuses(_) => FaultKind::AnswersInstead,
            Self::State(_) => FaultKind::ChangesState,
            Self::Data(_) => FaultKind::ChangesData,
            Self::Spoils(_) => FaultKind::SpoilsTheWayBack,
            Self::Alters(_) => FaultKind::ChangesContent,
            Self::InsteadOfTokens(_) => FaultKind::AnswersInsteadOfTokens,
            Self::AltersTokens(_) => FaultKind::ChangesTokens,
            Self::Loses(_) => FaultKind::LosesTheAnswer,
            Self::Slows(_) => FaultKind::Slows,
            Self::Outage(_) => FaultKind::Outage,
            Self::AtConnectionsOnly => FaultKind::AtConnections,
            Self::AtWebhook(_) => FaultKind::AtWebhooks,
        }
    }

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

/// What a fault does to a connection before there is a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AtConnection {
    /// Nobody listens, for so long.
    Refuse(SignedDuration),
    /// It is reset as soon as it stands.
    Reset,
    /// It stands, and nothing ever comes.
    Hang,
    /// The stand-in closes its half at once.
    HalfClose,
    /// The first request is met with bytes that are no HTTP.
    Garbage(Bytes),
    /// The handshake shows a certificate that must not be trusted.
    Certificate(CertificateFlaw),
}

/// One way to misbehave.
pub(crate) trait Misbehaves {
    /// How it is written, as on the command line: one for each kind of thing that it does, the most usual first.
    const EXAMPLES: &'static [&'static str];

    /// What it does to a request.
    fn effect(&self) -> Effect<'_>;

    /// What it does to a connection before there is a request, if it can.
    fn at_connection(&self) -> Option<AtConnection> {
        None
    }
}

/// A fault's name and what it does, for lists and help.
#[derive(Clone, Copy, Debug)]
pub struct FaultSummary {
    /// Its name in YAML and on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// How it is written on the command line.
    pub examples: &'static [&'static str],
    /// What it is and takes, as a JSON Schema.
    pub(crate) schema: fn() -> schemars::Schema,
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
                $(FaultSummary {
                    name: $name,
                    does: concat!($($doc),+).trim_ascii(),
                    examples: <$module::$variant as Misbehaves>::EXAMPLES,
                    schema: || schemars::schema_for!($module::$variant),
                },)+
            ];

            /// Its name in YAML and on the command line.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            pub(crate) fn effect(&self) -> Effect<'_> {
                match self { $(Self::$variant(fault) => fault.effect(),)+ }
            }

            pub(crate) fn at_connection(&self) -> Option<AtConnection> {
                match self { $(Self::$variant(fault) => fault.at_connection(),)+ }
            }
        }
    };
}

faults! {
    /// The request is carried out, and its answer is lost.
    AnswerLost(answer_lost) = "answer_lost",
    /// A record was archived meanwhile.
    ArchivedRecord(archived_record) = "archived_record",
    /// The body comes over a narrow line.
    Bandwidth(bandwidth) = "bandwidth",
    /// The body begins with a byte order mark.
    ByteOrderMark(byte_order_mark) = "byte_order_mark",
    /// The handshake shows a certificate that has expired.
    CertificateExpired(certificate_expired) = "certificate_expired",
    /// The handshake shows a certificate of an authority that nobody knows.
    CertificateUntrusted(certificate_untrusted) = "certificate_untrusted",
    /// The handshake shows the certificate of another server.
    CertificateWrongName(certificate_wrong_name) = "certificate_wrong_name",
    /// The provider's clock is wrong: its Date and its times are off.
    ClockSkew(clock_skew) = "clock_skew",
    /// The request is in conflict with what is there: 409.
    Conflict(conflict) = "conflict",
    /// The next page is this page, again and again.
    CursorLoop(cursor_loop) = "cursor_loop",
    /// A record was deleted meanwhile: refused when it is read, absent from lists.
    DeletedRecord(deleted_record) = "deleted_record",
    /// The page carries the records of the page before once more.
    DuplicateRecords(duplicate_records) = "duplicate_records",
    /// A field holds a value at the edge of its format.
    EdgeValue(edge_value) = "edge_value",
    /// The right status and no body.
    EmptyBody(empty_body) = "empty_body",
    /// A field of the answer is empty.
    EmptyField(empty_field) = "empty_field",
    /// 200 with a body that tells of an error.
    ErrorWith200(error_with_200) = "error_with_200",
    /// The cursor has expired: it is refused until the list is begun anew.
    ExpiredCursor(expired_cursor) = "expired_cursor",
    /// The access token has expired: it is refused until it is refreshed.
    ExpiredToken(expired_token) = "expired_token",
    /// The token answer does not tell how long the token lives.
    ExpiresInMissing(expires_in_missing) = "expires_in_missing",
    /// The token answer tells the token's life as text instead of a number.
    ExpiresInText(expires_in_text) = "expires_in_text",
    /// The answer has a field that is new.
    ExtraField(extra_field) = "extra_field",
    /// The permission was taken away: 403.
    Forbidden(forbidden) = "forbidden",
    /// The access token has expired, and 403 tells it instead of 401.
    ForbiddenForExpiry(forbidden_for_expiry) = "forbidden_for_expiry",
    /// Bytes come that are no HTTP.
    Garbage(garbage) = "garbage",
    /// What is asked for will never be there again: 410.
    Gone(gone) = "gone",
    /// A GraphQL answer with errors and status 200: nothing else, or one field null.
    GraphqlErrors(graphql_errors) = "graphql_errors",
    /// The provider closes its half of the connection and says nothing.
    HalfClosed(half_closed) = "half_closed",
    /// The body is the recorded one, and 100 MB large.
    HugeBody(huge_body) = "huge_body",
    /// A JSON-RPC call is answered with an error object.
    JsonRpcError(json_rpc_error) = "json_rpc_error",
    /// The answer comes late.
    Latency(latency) = "latency",
    /// 200 with a page of HTML for people.
    MaintenancePage(maintenance_page) = "maintenance_page",
    /// The body breaks off in the middle of its JSON, with a length that agrees.
    MalformedJson(malformed_json) = "malformed_json",
    /// A field of the answer is missing.
    MissingField(missing_field) = "missing_field",
    /// The access token lacks a scope, then and ever after: 403.
    MissingScope(missing_scope) = "missing_scope",
    /// What is asked for is not there: 404.
    NotFound(not_found) = "not_found",
    /// A field of the answer is null.
    NullField(null_field) = "null_field",
    /// The records of a page come in another order.
    OutOfOrder(out_of_order) = "out_of_order",
    /// Above a rate of requests: a misleading error, and no word of slowing down.
    Overloaded(overloaded) = "overloaded",
    /// Too many requests: 429, with or without a wait, true or not.
    RateLimited(rate_limited) = "rate_limited",
    /// The request is redirected to itself.
    RedirectLoop(redirect_loop) = "redirect_loop",
    /// The refresh token is refused, then and ever after.
    RefreshRefused(refresh_refused) = "refresh_refused",
    /// The token answer has no refresh token where one was due; the old one stays good.
    RefreshTokenMissing(refresh_token_missing) = "refresh_token_missing",
    /// Nobody listens for a while: connections are refused.
    Refused(refused) = "refused",
    /// The connection is reset (RST), before or in the middle of the answer.
    Reset(reset) = "reset",
    /// The authorization was revoked: the access token and the refresh token are refused for good.
    RevokedToken(revoked_token) = "revoked_token",
    /// The provider fails: 500, or another 5xx.
    ServerError(server_error) = "server_error",
    /// A record came to the front of the list, or left it, between two pages.
    ShiftingPages(shifting_pages) = "shifting_pages",
    /// The body comes a few bytes at a time.
    SlowDrip(slow_drip) = "slow_drip",
    /// A SOAP call is answered with a fault.
    SoapFault(soap_fault) = "soap_fault",
    /// A read shows the state of before the last write.
    StaleRead(stale_read) = "stale_read",
    /// The provider never answers.
    Timeout(timeout) = "timeout",
    /// The token endpoint refuses with status 200.
    TokenErrorWith200(token_error_with_200) = "token_error_with_200",
    /// The token answer comes as a form instead of JSON.
    TokenFormEncoded(token_form_encoded) = "token_form_encoded",
    /// The provider fears a replay: 425.
    TooEarly(too_early) = "too_early",
    /// The connection is closed before the promised length was sent.
    Truncated(truncated) = "truncated",
    /// A field holds a word that is new.
    UnknownEnumValue(unknown_enum_value) = "unknown_enum_value",
    /// The provider will not have what it was sent: 422.
    Unprocessable(unprocessable) = "unprocessable",
    /// The signature is wrong, missing, or that of another body.
    WebhookBadSignature(webhook_bad_signature) = "webhook_bad_signature",
    /// Several events come in one webhook, of one account or of several.
    WebhookBatch(webhook_batch) = "webhook_batch",
    /// So many webhooks come at once, each under its own id.
    WebhookBurst(webhook_burst) = "webhook_burst",
    /// The same webhook comes several times at the same moment.
    WebhookConcurrentDuplicates(webhook_concurrent_duplicates) = "webhook_concurrent_duplicates",
    /// The webhook comes late.
    WebhookDelayed(webhook_delayed) = "webhook_delayed",
    /// The webhook comes again although it was accepted.
    WebhookDuplicate(webhook_duplicate) = "webhook_duplicate",
    /// The webhook never comes.
    WebhookLost(webhook_lost) = "webhook_lost",
    /// The payload is of an older version.
    WebhookOlderVersion(webhook_older_version) = "webhook_older_version",
    /// Later webhooks overtake this one.
    WebhookOutOfOrder(webhook_out_of_order) = "webhook_out_of_order",
    /// The body is far too large.
    WebhookOversize(webhook_oversize) = "webhook_oversize",
    /// Somebody sends the webhook again later, byte for byte.
    WebhookReplayed(webhook_replayed) = "webhook_replayed",
    /// The webhook was signed long ago.
    WebhookStaleTimestamp(webhook_stale_timestamp) = "webhook_stale_timestamp",
    /// An event of a type comes that nobody has heard of.
    WebhookUnknownType(webhook_unknown_type) = "webhook_unknown_type",
    /// Another customer's webhook comes to this address.
    WebhookWrongTenant(webhook_wrong_tenant) = "webhook_wrong_tenant",
    /// The right body under the wrong content type.
    WrongContentType(wrong_content_type) = "wrong_content_type",
    /// A field of the answer has another type.
    WrongType(wrong_type) = "wrong_type",
}

impl Fault {
    /// Whether it shows in a handshake, and so needs TLS.
    #[must_use]
    pub fn needs_tls(&self) -> bool {
        matches!(self.at_connection(), Some(AtConnection::Certificate(_)))
    }

    /// What there is to tell of the fault of a name.
    ///
    /// # Errors
    /// A sentence that names the nearest fault.
    pub fn summary(name: &str) -> Result<&'static FaultSummary, String> {
        Self::ALL.iter().find(|fault| fault.name == name).ok_or_else(|| {
            let near = suggest(name, Self::ALL.iter().map(|fault| fault.name));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("there are: {}", Self::ALL.iter().map(|f| f.name).collect::<Vec<_>>().join(", "))
                }
            };
            format!("there is no fault `{name}`; {hint}")
        })
    }

    /// A fault by name and parameters, as on the command line.
    ///
    /// # Errors
    /// A sentence that names the nearest fault or the wrong parameter.
    pub fn named(name: &str, parameters: serde_json::Value) -> Result<Self, String> {
        Self::summary(name)?;
        let tagged = serde_json::Value::Object([(name.to_owned(), parameters)].into_iter().collect());
        serde_json::from_value(tagged)
            .map_err(|error| format!("the parameters of {name} do not fit: {error}"))
    }
}
