//! Calls within one endpoint: GraphQL, SOAP and JSON-RPC, read as what they are.
//!
//! All three send every call to the same path by POST, so method and path say nothing. The profile names such
//! endpoints; a request to one is read into a [`CanonicalCall`]: which operation it asks for, and a key that is
//! the same for all requests that mean the same. Pure functions over requests and answers: nothing here knows
//! recordings, servers or faults. What cannot be read is told with its reason and is never guessed at.

mod canonical_json;
mod graphql;
mod graphql_document;
mod json_rpc;
mod json_rpc_batch;
mod selector;
mod soap;
mod soap_envelope;
mod soap_fault;

pub use canonical_json::canonical_json;
pub use graphql::{
    GraphQlError, graphql_errors, graphql_partial, is_persisted_query, persisted_query_unknown,
};
pub use json_rpc::{JsonRpcError, json_rpc_error, with_id_of};
pub use json_rpc_batch::{Batch, BatchPart, split_exchange};
pub use selector::{CallSelector, GraphQlKind};
pub use soap_fault::{SoapCode, SoapFault, SoapVersion, soap_fault, soap_version};

use crate::{OperationName, OperationTemplate, ProviderProfile, Request, RequestTarget};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A protocol that a provider speaks at one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// GraphQL over HTTP: POST with JSON, and GET of the same path.
    Graphql(ProtocolEndpoint),
    /// SOAP 1.1 and 1.2 over HTTP.
    Soap(ProtocolEndpoint),
    /// JSON-RPC 2.0 and 1.0 over HTTP, batches included.
    JsonRpc(ProtocolEndpoint),
}

/// Where a protocol is spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolEndpoint {
    /// Method and path template: `POST /graphql`.
    pub endpoint: OperationTemplate,
}

/// Which protocol a call is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolKind {
    /// GraphQL.
    Graphql,
    /// SOAP.
    Soap,
    /// JSON-RPC.
    JsonRpc,
}

impl Protocol {
    /// Which it is.
    #[must_use]
    pub fn kind(&self) -> ProtocolKind {
        match self {
            Self::Graphql(_) => ProtocolKind::Graphql,
            Self::Soap(_) => ProtocolKind::Soap,
            Self::JsonRpc(_) => ProtocolKind::JsonRpc,
        }
    }

    /// Where it is spoken.
    #[must_use]
    pub fn endpoint(&self) -> &OperationTemplate {
        match self {
            Self::Graphql(at) | Self::Soap(at) | Self::JsonRpc(at) => &at.endpoint,
        }
    }

    fn is_spoken_at(&self, method: &str, target: RequestTarget<'_>) -> bool {
        let endpoint = self.endpoint();
        // A server of GraphQL must take POST and may take GET (GraphQL over HTTP, section 3).
        let is_query_by_get = matches!(self, Self::Graphql(_)) && method.eq_ignore_ascii_case("GET");
        let method = if is_query_by_get { &endpoint.method } else { method };
        endpoint.matches(method, target).is_some()
    }
}

impl ProtocolKind {
    /// The first word of operation names that are derived from its calls.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Graphql => "graphql",
            Self::Soap => "soap",
            Self::JsonRpc => "rpc",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Graphql => "GraphQL",
            Self::Soap => "SOAP",
            Self::JsonRpc => "JSON-RPC",
        }
    }
}

/// Whether a call may be sent again without changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads, and says so: a GraphQL query.
    Reads,
    /// It may write.
    MayWrite,
}

/// One part of what a call asks, with what it is called when it is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPart {
    /// `variable "first"`.
    pub label: String,
    /// In a form that is the same for all spellings.
    pub value: String,
}

/// What a request to an endpoint of a protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalCall {
    /// The protocol.
    pub protocol: ProtocolKind,
    /// What would select it among the profile's operations; none for a batch.
    pub selector: Option<CallSelector>,
    /// Whether it may be sent again.
    pub effect: Effect,
    /// All that makes two calls the same, in a fixed order.
    pub parts: Vec<CallPart>,
    /// Values that were left out as volatile where no field of a JSON or form body holds them: place and value.
    pub volatile: Vec<(String, String)>,
    /// Query fields of the target that are part of the call.
    pub query_fields: &'static [&'static str],
}

/// Opens a key that holds a call, so that no body of another kind is taken for one.
const CALL: char = '\u{1d}';
const PART: char = '\u{1e}';
const VALUE: char = '\u{1f}';

impl CanonicalCall {
    /// The name of the operation where the profile has none for it: `graphql_issues`, `soap_get`, `rpc_issue_list`.
    #[must_use]
    pub fn derived_operation(&self) -> OperationName {
        let name = self.selector.as_ref().map_or("batch", CallSelector::short_name);
        OperationName(format!("{}_{}", self.protocol.prefix(), snake_case(name)))
    }

    /// A text that is the same for all requests that ask the same.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = format!("{CALL}{}", self.protocol.prefix());
        if self.effect == Effect::Reads {
            key.push_str(READS);
        }
        for CallPart { label, value } in &self.parts {
            key.push(PART);
            key.push_str(label);
            key.push(VALUE);
            key.push_str(value);
        }
        key
    }
}

const READS: &str = " reads";

/// The parts that a key was made of; nothing where it is not the key of a call.
#[must_use]
pub fn parts_of_key(key: &str) -> Option<Vec<(&str, &str)>> {
    let rest = key.strip_prefix(CALL)?;
    Some(rest.split(PART).skip(1).filter_map(|part| part.split_once(VALUE)).collect())
}

/// Whether a key is that of a call which only reads.
#[must_use]
pub fn key_only_reads(key: &str) -> bool {
    key.strip_prefix(CALL).and_then(|rest| rest.split(PART).next()).is_some_and(|head| head.ends_with(READS))
}

/// Why a request to an endpoint is no call of its protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is no {} call: {problem}", .protocol.title())]
pub struct Unreadable {
    /// The protocol of the endpoint.
    pub protocol: ProtocolKind,
    /// What is wrong with it.
    pub problem: String,
}

/// The protocol that is spoken where a request goes, if one is.
#[must_use]
pub fn protocol_of(profile: &ProviderProfile, request: &Request) -> Option<ProtocolKind> {
    if profile.protocols.is_empty() {
        return None;
    }
    let target = RequestTarget::of(&request.target);
    let mut fitting = profile.protocols.iter().filter(|one| one.is_spoken_at(&request.method, target));
    fitting.next().map(Protocol::kind)
}

/// Reads a request as a call; nothing where the profile names no protocol for its endpoint.
#[must_use]
pub fn call_of(profile: &ProviderProfile, request: &Request) -> Option<Result<CanonicalCall, Unreadable>> {
    let protocol = protocol_of(profile, request)?;
    let volatile = &profile.volatile.fields;
    let call = match protocol {
        ProtocolKind::Graphql => graphql::call(request, volatile),
        ProtocolKind::Soap => soap::call(request, volatile),
        ProtocolKind::JsonRpc => json_rpc::call(request, volatile),
    };
    Some(call.map_err(|problem| Unreadable { protocol, problem }))
}

/// What is wrong with the profile's protocols, if anything.
pub(crate) fn check(profile: &ProviderProfile) -> Result<(), String> {
    for protocol in &profile.protocols {
        let endpoint = protocol.endpoint();
        if let Some(call) = &endpoint.call {
            return Err(format!(
                "the endpoint `{endpoint}` names a call; write `{call}` behind the endpoint under `operations`, \
                 and the endpoint alone under `protocols`"
            ));
        }
    }
    for (name, template) in &profile.operations {
        let Some(call) = &template.call else { continue };
        let target = RequestTarget::of(&template.path);
        let is_spoken = |one: &&Protocol| {
            one.kind() == call.protocol()
                && (one.endpoint().path == template.path || one.is_spoken_at(&template.method, target))
        };
        if !profile.protocols.iter().any(|one| is_spoken(&one)) {
            let key = match call.protocol() {
                ProtocolKind::Graphql => "graphql",
                ProtocolKind::Soap => "soap",
                ProtocolKind::JsonRpc => "json_rpc",
            };
            return Err(format!(
                "the operation `{name}` is a {} call, but `protocols` names no such endpoint there; add \
                 `- {key}: {{endpoint: {} {}}}`",
                call.protocol().title(),
                template.method,
                template.path
            ));
        }
    }
    Ok(())
}

/// Longer names are cut: they become parts of exchange ids.
const MAX_NAME_CHARS: usize = 48;

/// Words in lower case with `_` between them: `GetIssues` and `issue.list` become `get_issues`, `issue_list`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let begins_word = char.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && chars.peek().is_some_and(char::is_ascii_lowercase)));
        if (begins_word || !char.is_ascii_alphanumeric()) && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if char.is_ascii_alphanumeric() {
            out.push(char.to_ascii_lowercase());
        }
        before = char;
        if out.len() >= MAX_NAME_CHARS {
            break;
        }
    }
    let trimmed = out.trim_end_matches('_');
    if trimmed.is_empty() { "call".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests;
