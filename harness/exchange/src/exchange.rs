//! One request with its answer.

use crate::{Body, Headers};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stable, readable name of an exchange within its fixture: `messages-2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ExchangeId(String);

impl ExchangeId {
    /// The `n`th exchange (from 1) of an operation.
    #[must_use]
    pub fn nth(operation: &str, n: usize) -> Self {
        Self(format!("{operation}-{n}"))
    }

    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ExchangeId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who called whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The integration called the provider.
    #[default]
    Outbound,
    /// The provider called the integration: a webhook.
    Inbound,
}

/// How the connection of an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The answer arrived whole.
    #[default]
    Complete,
    /// No connection to the provider could be made.
    Unreachable,
    /// The provider ended the connection before its answer was whole.
    AnswerCutShort,
    /// The integration went away before it had the whole answer.
    ClientWentAway,
}

/// The request of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method as sent.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Header fields.
    pub headers: Headers,
    /// The body, without its transfer coding.
    pub body: Body,
}

/// The answer of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// The body, without its transfer coding; what arrived of it, where the exchange was cut short.
    pub body: Body,
}

/// One request with its answer, if one came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name within the fixture.
    pub id: ExchangeId,
    /// Who called whom.
    pub direction: Direction,
    /// Milliseconds from the start of the recording to the first byte of the request.
    pub offset_ms: u64,
    /// Milliseconds from the first byte of the request to the last byte of the answer.
    pub latency_ms: u64,
    /// The exchange that made this one happen.
    pub caused_by: Option<ExchangeId>,
    /// How its connection ended.
    pub ended: Ended,
    /// What was asked.
    pub request: Request,
    /// What was answered; none where the connection ended before a status line came.
    pub response: Option<Response>,
}
