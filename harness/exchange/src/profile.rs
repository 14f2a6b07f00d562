//! The provider profile: what a recording cannot show about a third-party API.
//!
//! Written by people, next to the provider's fixtures. It holds policy (what is volatile, what is
//! secret, how the provider authenticates), never evidence. Knows nothing of how the policy is played.

mod auth;
mod conditional;
mod field;
mod hosts;
mod idempotency;
mod paging;
mod permissions;
mod quota;
mod refusal;
mod resources;
mod subscriptions;
mod versions;
mod webhooks;

pub use auth::{
    ApiKeyAuth, Auth, BasicAuth, BearerAuth, ClientAuthentication, KeyPlace, LifeUnit, OAuth2, OnReuse, Pkce,
    PkceMethod, Refresh, RefreshTokens, TokenFields,
};
pub use conditional::{EtagKind, Etags};
pub use field::{FieldName, FieldValue};
pub use idempotency::{
    IdempotencyKey, KeptAnswers, KeyHeader, KeyPathVariable, KeyScope, OtherRequest, Repeated,
};
pub use paging::{AtEnd, NextPage, PageSize, PagedBy, Pagination};
pub use permissions::Permissions;
pub use quota::{
    HeaderTemplate, Limit, LimitFigure, LimitKind, LimitRefusal, Per, Rate, TemplatePart, TimeOfDay,
    WindowBegins,
};
pub use refusal::{Refusal, RetryAfterForm};
pub use resources::{
    ArchivedInList, ArchivedMark, Grow, IdForm, ListFilter, ListOrder, RecordTimestamps, Resource,
};
pub use subscriptions::{Handshake, WebhookSubscriptions};
pub use versions::{ToldBy, Versions};
pub use webhooks::{
    AcceptedAnswers, OlderPayload, WebhookCalls, WebhookEvents, WebhookField, WebhookRetry, WebhookSecret,
    Webhooks,
};

use crate::document::{Document, DocumentError, parse_document, read_text};
use crate::operation::slug;
use crate::protocol::{self, CanonicalCall, Protocol, ProtocolKind};
use crate::{OperationName, OperationTemplate, Request, RequestTarget};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `fixtures/<provider>/provider.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderProfile {
    /// Always `provider/1`.
    pub counterpart: String,
    /// The provider's short name: its folder under `fixtures/`.
    pub provider: String,
    /// Its name for people.
    #[serde(default)]
    pub title: String,
    /// Where the vendor documents the API.
    #[serde(default)]
    pub source: String,
    /// The hosts of its API: `api.example.com`, or `*.example.com` for every host that ends so. Where several providers
    /// are served behind one address, a request is theirs whose host it names.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The API versions that the fixtures show.
    #[serde(default)]
    pub api_versions: Vec<String>,
    /// How a request tells its version, where several are served at once.
    #[serde(default)]
    pub versions: Option<Versions>,
    /// Operation name to method and path template.
    #[serde(default)]
    pub operations: IndexMap<OperationName, OperationTemplate>,
    /// Operations that change nothing though their method does not say so, as a search by POST: their last recorded
    /// answer may be given again.
    #[serde(default)]
    pub reads: Vec<OperationName>,
    /// Endpoints where all calls go to one path: GraphQL, SOAP, JSON-RPC.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
    /// How requests are authenticated.
    #[serde(default)]
    pub auth: Auth,
    /// Where it tells what a credential may do.
    #[serde(default)]
    pub permissions: Option<Permissions>,
    /// How the provider says that it is being called too often.
    #[serde(default)]
    pub rate_limit: RateLimit,
    /// How often it lets itself be called: all limits apply at once.
    #[serde(default)]
    pub quota: Vec<Limit>,
    /// Which operations answer conditional requests.
    #[serde(default)]
    pub etags: Option<Etags>,
    /// How the provider hands out a list page by page.
    #[serde(default)]
    pub pagination: Option<Pagination>,
    /// What the provider keeps as state, by a name of its own.
    #[serde(default)]
    pub resources: IndexMap<String, Resource>,
    /// Which resource holds webhook subscriptions, and how they are verified.
    #[serde(default)]
    pub webhook_subscriptions: Option<WebhookSubscriptions>,
    /// How its webhooks are signed, told apart and repeated.
    #[serde(default)]
    pub webhooks: Option<Webhooks>,
    /// How a repeated write is recognised.
    #[serde(default)]
    pub idempotency: Option<IdempotencyKey>,
    /// What differs from call to call without meaning anything.
    #[serde(default)]
    pub volatile: Volatile,
    /// What must never reach a disk.
    #[serde(default)]
    pub secrets: SecretFields,
    /// What looks random and is no secret.
    #[serde(default)]
    pub identifiers: Identifiers,
    /// Which recorded answers show the provider's own form of an error: fault name to its description.
    #[serde(default)]
    pub errors: IndexMap<String, ErrorForm>,
}

/// Where an answer says how long to wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// A top-level JSON field of the answer's body that repeats the wait, in milliseconds.
    #[serde(default)]
    pub retry_after_ms_field: Option<String>,
}

/// What is left out when requests are compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volatile {
    /// Variable segments of paths.
    #[serde(default)]
    pub path_variables: Vec<String>,
    /// Query fields.
    #[serde(default)]
    pub query: Vec<String>,
    /// JSON and form fields, at any depth.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// Secrets by place, beyond those that are known everywhere (`Authorization`, cookies, `password`, ...).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretFields {
    /// JSON and form fields at any depth, and query fields.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Header fields, lower case.
    #[serde(default)]
    pub headers: Vec<String>,
}

/// Values that detectors and entropy must leave alone. Known secrets are replaced even here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifiers {
    /// JSON, form and query fields.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Regular expressions that a whole value must match.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Whole values, as the key of a public sandbox that everybody may know.
    #[serde(default)]
    pub values: Vec<String>,
}

/// Which recorded answer shows an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorForm {
    /// Its status code.
    pub status: u16,
    /// JSON fields that its body must have with these values: a top-level field, or a dotted path into the body,
    /// elements of lists by their index: `errors.0.extensions.code`.
    #[serde(default)]
    pub json: IndexMap<String, serde_json::Value>,
    /// A text that its body must contain, whatever its media type.
    #[serde(default)]
    pub contains: Option<String>,
    /// The operation that was called, where only its answers have this form.
    #[serde(default)]
    pub operation: Option<OperationName>,
}

/// The operation that a request was told to be.
#[derive(Clone, Debug)]
pub struct FittingOperation<'a> {
    /// Its name.
    pub name: &'a OperationName,
    /// Its template.
    pub template: &'a OperationTemplate,
    /// The variable segments of the path, decoded.
    pub variables: Vec<(String, String)>,
}

impl Document for ProviderProfile {
    const KIND: &'static str = "provider";
    const VERSION: u32 = 1;
}

impl ProviderProfile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`DocumentError`] with file, line and column.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        Self::parse(path, &read_text(path)?)
    }

    /// Checks a profile that was read from a file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, DocumentError> {
        let profile: Self = parse_document(path, text)?;
        for pattern in &profile.identifiers.patterns {
            regex::Regex::new(pattern).map_err(|error| {
                DocumentError::whole(
                    path,
                    format!("identifiers.patterns: {pattern:?} is no regular expression: {error}"),
                )
            })?;
        }
        hosts::check(&profile.hosts).map_err(|problem| DocumentError::whole(path, problem))?;
        if let Some(versions) = &profile.versions {
            versions.check().map_err(|problem| DocumentError::whole(path, problem))?;
        }
        profile.auth.check().map_err(|problem| DocumentError::whole(path, problem))?;
        for (index, limit) in profile.quota.iter().enumerate() {
            limit
                .check()
                .map_err(|problem| DocumentError::whole(path, format!("quota[{index}]: {problem}")))?;
        }
        protocol::check(&profile).map_err(|problem| DocumentError::whole(path, problem))?;
        for operation in profile.operations_named() {
            profile.check_operation(operation).map_err(|problem| DocumentError::whole(path, problem))?;
        }
        profile.check_state().map_err(|problem| DocumentError::whole(path, problem))?;
        Ok(profile)
    }

    /// A profile that says nothing: for a provider that has none yet.
    #[must_use]
    pub fn unknown(provider: &str) -> Self {
        Self { counterpart: "provider/1".into(), provider: provider.to_owned(), ..Self::default() }
    }

    /// The dotted path of the records on the pages that an operation answers: of the resource that it lists, or of
    /// `pagination`; nothing where it answers no pages.
    #[must_use]
    pub fn items_of(&self, operation: &OperationName) -> Option<&str> {
        let listed = self.resources.values().find(|resource| resource.list.as_ref() == Some(operation));
        let paged = self.pagination.as_ref().filter(|pages| pages.operations.contains(operation));
        listed.and_then(|resource| resource.items.as_deref()).or(paged.map(|pages| pages.items.as_str()))
    }

    /// The operation of a request: of a call, the one that the profile selects by it, else one derived from it; of
    /// any other request, that of its method and target.
    #[must_use]
    pub fn operation_of_request(&self, request: &Request) -> OperationName {
        match protocol::call_of(self, request) {
            Some(Ok(call)) => self.operation_of_call(&call, request),
            Some(Err(_)) | None => self.operation_of(&request.method, &request.target),
        }
    }

    /// The operation of a call that was read from a request.
    #[must_use]
    pub fn operation_of_call(&self, call: &CanonicalCall, request: &Request) -> OperationName {
        let target = RequestTarget::of(&request.target);
        self.operations
            .iter()
            .filter(|(_, template)| template.call.is_some() && template.call == call.selector)
            // The protocol's endpoint has told that the method is one of its own.
            .filter(|(_, template)| template.matches(&template.method, target).is_some())
            .max_by_key(|(_, template)| template.specificity())
            .map_or_else(|| call.derived_operation(), |(name, _)| name.clone())
    }

    /// Whether there may be an operation of this name: it is among the operations, or is spelled as one that is
    /// derived from the calls of a protocol.
    #[must_use]
    pub fn may_have(&self, operation: &OperationName) -> bool {
        let is_derived = |kind: ProtocolKind| {
            operation
                .0
                .strip_prefix(kind.prefix())
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with('_'))
        };
        self.operations.contains_key(operation)
            || self.protocols.iter().any(|protocol| is_derived(protocol.kind()))
    }

    /// The operation of a method and a target: the most specific template that fits, else method and path slug.
    #[must_use]
    pub fn operation_of(&self, method: &str, target: &str) -> OperationName {
        self.template_of(method, target)
            .map_or_else(|| OperationName(slug(method, target)), |fitting| fitting.name.clone())
    }

    /// The most specific template that fits a method and a target. Those that select a call fit none: nothing is
    /// known of the body here.
    #[must_use]
    pub fn template_of(&self, method: &str, target: &str) -> Option<FittingOperation<'_>> {
        let target = RequestTarget::of(target);
        self.operations
            .iter()
            .filter(|(_, template)| template.call.is_none())
            .filter_map(|(name, template)| {
                Some(FittingOperation { name, template, variables: template.matches(method, target)? })
            })
            .max_by_key(|fitting| fitting.template.specificity())
    }

    /// The names of errors whose forms the profile's behaviours ask for.
    pub fn forms_named(&self) -> impl Iterator<Item = &str> {
        let quota = self.quota.iter().map(|limit| limit.refusal.form.as_str());
        quota.chain(self.idempotency.iter().flat_map(IdempotencyKey::forms_named))
    }

    /// What is wrong with a limit that is not the profile's own, if anything.
    ///
    /// # Errors
    /// What, in words.
    pub fn check_limit(&self, limit: &Limit) -> Result<(), String> {
        limit.check()?;
        limit.operations_named().try_for_each(|operation| self.check_operation(operation))
    }

    fn check_operation(&self, operation: &OperationName) -> Result<(), String> {
        if self.may_have(operation) {
            return Ok(());
        }
        let known = self.operations.keys().map(|name| name.0.as_str());
        let hint = crate::suggest(&operation.0, known)
            .map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        Err(format!("`{operation}` is not among the profile's operations{hint}"))
    }

    /// What is wrong with the parts that are played as state, if anything.
    fn check_state(&self) -> Result<(), String> {
        let mut owners: IndexMap<&OperationName, &str> = IndexMap::new();
        for (name, resource) in &self.resources {
            for operation in resource.operations() {
                if let Some(owner) = owners.insert(operation, name) {
                    return Err(format!(
                        "resources.{name}: `{operation}` already belongs to resources.{owner}; \
                         an operation does one thing to one resource"
                    ));
                }
            }
            if let Some(Grow { to }) = resource.grow.filter(|grow| grow.to > Grow::MAX_TO) {
                let most = Grow::MAX_TO;
                return Err(format!("resources.{name}.grow.to: {to} is over {most}, the most there can be"));
            }
            if resource.list.is_some() && resource.items.is_none() && self.pagination.is_none() {
                return Err(format!(
                    "resources.{name}: nothing says where the records of `list` are; \
                     write `items`, or `pagination.items`"
                ));
            }
        }
        self.webhooks.as_ref().map_or(Ok(()), Webhooks::check)?;
        if let Some(subscriptions) = &self.webhook_subscriptions
            && !self.resources.contains_key(&subscriptions.resource)
        {
            let known = self.resources.keys().map(String::as_str);
            let hint = crate::suggest(&subscriptions.resource, known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "webhook_subscriptions.resource: `{}` is not among the profile's resources{hint}",
                subscriptions.resource
            ));
        }
        Ok(())
    }

    fn operations_named(&self) -> impl Iterator<Item = &OperationName> {
        let limited = self.quota.iter().flat_map(Limit::operations_named);
        self.auth
            .operations_named()
            .into_iter()
            .chain(&self.reads)
            .chain(self.pagination.iter().flat_map(|pagination| &pagination.operations))
            .chain(self.idempotency.iter().flat_map(IdempotencyKey::operations_named))
            .chain(limited)
            .chain(self.etags.iter().flat_map(|etags| &etags.operations))
            .chain(self.resources.values().flat_map(Resource::operations))
            .chain(self.errors.values().filter_map(|form| form.operation.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider.yaml");
        let head = "counterpart: provider/1\nprovider: p\noperations:\n  list: GET /a\n  read: GET /a/{id}\n";
        std::fs::write(&path, format!("{head}{text}")).unwrap();
        match ProviderProfile::read(&path) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn webhooks_have_to_make_sense() {
        for (text, expected) in [
            (
                "webhooks: {scheme: slack, id: {body: a.b}, tenant: {header: x-t}, event_type: path_end}",
                "nothing",
            ),
            ("webhooks: {scheme: slack, headers: {x-a: '{id} {unix_s}'}}", "nothing"),
            ("webhooks: {scheme: slack, headers: {x-a: '{idd}'}}", "did you mean `id`?"),
            ("webhooks: {scheme: slack, retry_headers: {x-a: '{id'}}", "is never closed"),
            ("webhooks: {scheme: slack, id: {body: a..b}}", "is no dotted path"),
            ("webhooks: {scheme: slack, older_version: {without: ['']}}", "is no dotted path"),
            ("webhooks: {scheme: slack, retry: {waits_s: [1], timeout_s: 0}}", "leaves no time to answer"),
            ("webhooks: {scheme: slack, secret: {placeholder: 'Secret 1'}}", "is not a placeholder"),
            ("webhooks: {scheme: slack, secret: {placeholder: 'webhook_secret:1'}}", "nothing"),
            ("webhooks: {schem: slack}", "schem"),
        ] {
            assert!(problem(text).contains(expected), "{text}: {}", problem(text));
        }
        let waits = vec!["1"; 101].join(",");
        assert!(
            problem(&format!("webhooks: {{scheme: slack, retry: {{waits_s: [{waits}]}}}}"))
                .contains("at most 100")
        );
    }

    #[test]
    fn what_is_played_as_state_has_to_fit_together() {
        for (text, expected) in [
            ("resources: {a: {id: id, list: list, items: all}}", "nothing"),
            ("resources: {a: {id: id, list: lst, items: all}}", "did you mean `list`?"),
            ("resources: {a: {id: id, list: list}}", "write `items`, or `pagination.items`"),
            (
                "resources: {a: {id: id, read: read}, b: {id: id, read: read}}",
                "already belongs to resources.a",
            ),
            ("versions: {told_by: {query: v}, default: '1'}", "nothing"),
            ("versions: {told_by: {query: ''}}", "no query field has an empty name"),
            ("versions: {told_by: {header: v}, default: ''}", "leave the key out"),
            ("versions: {told_by: {header: 'a b'}}", "is no name of a header field"),
            ("versions: {told_by: {path_segment: 0}}", "a whole number from 1"),
            ("resources: {a: {id: id, grow: {to: 10000001}}}", "is over 10000000"),
            (
                "resources: {hook: {id: id}}\nwebhook_subscriptions: {resource: hok, url: u}",
                "did you mean `hook`?",
            ),
        ] {
            let found = problem(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
    }
}
