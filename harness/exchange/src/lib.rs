//! The vocabulary: exchanges, fixtures, provider profiles and redaction.
//!
//! Everything that handles traffic stands on this crate. It does no I/O but reading and writing
//! files, and knows nothing of servers, clocks, subjects or scenarios.

mod body;
pub mod comparison;
mod concealed;
pub mod content_coding;
mod document;
mod exchange;
mod fixture;
mod headers;
mod json_text;
pub mod keep;
mod library;
mod operation;
mod placeholder;
mod plain_words;
mod profile;
pub mod protocol;
pub mod redaction;
mod status;

pub use body::Body;
pub use concealed::concealed;
pub use document::{
    Document, DocumentError, Place, parse_document, parse_spanned, read_text, suggest, write_atomically,
};
pub use exchange::{Direction, Ended, Exchange, ExchangeId, Request, Response};
pub use fixture::{
    BodyFile, Fixture, FixtureError, FixtureOnDisk, Imported, Provenance, Recorded, RedactedBasic,
    RedactedJwt, RedactedValue, Written, YAML_FIXTURE_HEAD,
};
pub use headers::{HeaderValue, Headers};
pub use json_text::{JsonScalar, JsonText, JsonTextError};
pub use library::{FixtureRef, Library};
pub use operation::{OperationName, OperationTemplate, RequestTarget};
pub use placeholder::{Hider, Placeholder, StandInValues, find_placeholders};
pub use plain_words::plain_words;
pub use profile::{
    AcceptedAnswers, ApiKeyAuth, ArchivedInList, ArchivedMark, AtEnd, Auth, BasicAuth, BearerAuth,
    ClientAuthentication, ErrorForm, EtagKind, Etags, FieldName, FieldValue, FittingOperation, Grow,
    Handshake, HeaderTemplate, IdForm, IdempotencyKey, Identifiers, KeptAnswers, KeyHeader, KeyPathVariable,
    KeyPlace, KeyScope, LifeUnit, Limit, LimitFigure, LimitKind, LimitRefusal, ListFilter, ListOrder,
    NextPage, OAuth2, OlderPayload, OnReuse, OtherRequest, PageSize, PagedBy, Pagination, Per, Permissions,
    Pkce, PkceMethod, ProviderProfile, Rate, RateLimit, RecordTimestamps, Refresh, RefreshTokens, Refusal,
    Repeated, Resource, RetryAfterForm, SecretFields, TemplatePart, TimeOfDay, TokenFields, ToldBy, Versions,
    Volatile, WebhookCalls, WebhookEvents, WebhookField, WebhookRetry, WebhookSecret, WebhookSubscriptions,
    Webhooks, WindowBegins,
};
pub use status::{RefusalStatus, StatusWithin};
