//! How a repeated write is recognised, and what a provider answers to one.
//!
//! draft-ietf-httpapi-idempotency-key-header-06 says what a provider should do; vendors differ, so each part
//! can be declared.

use super::{FieldName, FieldValue, Refusal};
use crate::OperationName;
use crate::RefusalStatus;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Where a write carries the key that makes its repetition harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IdempotencyKey {
    /// A header field.
    Header(KeyHeader),
    /// A variable segment of the path of the named operations.
    PathVariable(KeyPathVariable),
}

/// A key in a header field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyHeader {
    /// Its name.
    pub name: FieldName,
    /// The operations that look at it; without any, all that are not safe (RFC 9110 section 9.2.1).
    #[serde(default)]
    pub operations: Vec<OperationName>,
    /// Within what a key is the same key.
    #[serde(default)]
    pub scope: KeyScope,
    /// The operations that refuse a request without it.
    #[serde(default)]
    pub required: Vec<OperationName>,
    /// What such a request is answered: by default 400.
    #[serde(default)]
    pub missing: Option<Refusal>,
    /// What a repetition is answered.
    #[serde(default)]
    pub repeated: Repeated,
}

/// A key in the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPathVariable {
    /// The operations.
    pub operations: Vec<OperationName>,
    /// The variable.
    pub name: String,
    /// What a repetition is answered.
    #[serde(default)]
    pub repeated: Repeated,
}

/// Within what a key is the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// One path with its query: the same word elsewhere is another key.
    #[default]
    Target,
    /// The whole provider: the same word elsewhere is the same key with another request, as Stripe has it.
    Provider,
}

/// What a provider does with a key that comes again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Repeated {
    /// The same key with another request: a refusal, or the first answer all the same. By default a key in a
    /// header is refused with 422, and one in the path gets the first answer.
    pub other_request: Option<OtherRequest>,
    /// The same key while the first request is under way: by default 409.
    pub in_flight: Option<Refusal>,
    /// Header fields that mark an answer as a repetition.
    pub headers: IndexMap<FieldName, FieldValue>,
    /// Which first answers are kept.
    pub keeps: KeptAnswers,
    /// How long, in seconds from the first request; without it, for ever.
    pub retention_s: Option<NonZeroU32>,
}

/// What is answered to a key that comes with another request than the first time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherRequest {
    /// The first answer: the request is not looked at.
    FirstAnswer,
    /// A refusal.
    Refused(Refusal),
}

/// Which first answers are given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptAnswers {
    /// 2xx: what failed may be tried again with the same key.
    #[default]
    Accepted,
    /// Every answer that the recording gave, errors too, as Stripe keeps them.
    Every,
}

impl IdempotencyKey {
    /// What a repetition is answered.
    #[must_use]
    pub fn repeated(&self) -> &Repeated {
        match self {
            Self::Header(header) => &header.repeated,
            Self::PathVariable(path) => &path.repeated,
        }
    }

    /// For how long a repetition is known, as a subject is told: `none` without a key, `unlimited`, or seconds as `86400s`.
    #[must_use]
    pub fn retention(key: Option<&Self>) -> String {
        match key.map(|key| key.repeated().retention_s) {
            None => "none".to_owned(),
            Some(None) => "unlimited".to_owned(),
            Some(Some(seconds)) => format!("{seconds}s"),
        }
    }

    /// What the same key with another request is answered.
    #[must_use]
    pub fn other_request(&self) -> OtherRequest {
        self.repeated().other_request.clone().unwrap_or_else(|| match self {
            Self::Header(_) => OtherRequest::Refused(Refusal::of(RefusalStatus::UNPROCESSABLE)),
            Self::PathVariable(_) => OtherRequest::FirstAnswer,
        })
    }

    /// What the same key is answered while the first request is under way.
    #[must_use]
    pub fn in_flight(&self) -> Refusal {
        self.repeated().in_flight.clone().unwrap_or_else(|| Refusal::of(RefusalStatus::CONFLICT))
    }

    /// What a request without its key is answered, where it needs one.
    #[must_use]
    pub fn missing(&self, operation: &OperationName) -> Option<Refusal> {
        match self {
            Self::Header(header) if header.required.contains(operation) => {
                Some(header.missing.clone().unwrap_or_else(|| Refusal::of(RefusalStatus::BAD_REQUEST)))
            }
            _ => None,
        }
    }

    pub(super) fn operations_named(&self) -> impl Iterator<Item = &OperationName> {
        let (operations, required) = match self {
            Self::Header(header) => (&header.operations, header.required.as_slice()),
            Self::PathVariable(path) => (&path.operations, &[] as &[_]),
        };
        operations.iter().chain(required)
    }

    /// The names among the profile's errors whose forms are asked for.
    pub(super) fn forms_named(&self) -> impl Iterator<Item = &str> {
        let missing = match self {
            Self::Header(header) => header.missing.as_ref(),
            Self::PathVariable(_) => None,
        };
        let repeated = self.repeated();
        let other = match &repeated.other_request {
            Some(OtherRequest::Refused(refusal)) => Some(refusal),
            _ => None,
        };
        [missing, other, repeated.in_flight.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|one| one.form.as_deref())
    }
}
