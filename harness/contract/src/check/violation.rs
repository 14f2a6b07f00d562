//! One way in which an exchange breaks its contract, and how it is told.

use counterpart_exchange::ExchangeId;
use serde_json::Value;
use std::fmt;

/// Longest part of a recorded value that is shown.
const MAX_SHOWN_CHARS: usize = 80;

/// The rules of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContractRule {
    /// No path of the contract fits.
    UnknownPath,
    /// The path is there, the method is not.
    UndeclaredMethod,
    /// The contract has webhooks, and none of this name and method.
    UnknownWebhook,
    /// A required query parameter is not there.
    MissingQueryParameter,
    /// A query parameter does not fit its schema.
    WrongQueryParameter,
    /// A required request body is not there.
    MissingRequestBody,
    /// The request body's media type is not declared.
    UndeclaredRequestMediaType,
    /// The request body does not fit its schema.
    WrongRequestBody,
    /// Neither the status, nor its range, nor a default is declared.
    UndeclaredStatus,
    /// A required header field of the answer is not there.
    MissingResponseHeader,
    /// A declared body of an answer is not there.
    MissingResponseBody,
    /// The answer's media type is not declared.
    UndeclaredResponseMediaType,
    /// The answer's body does not fit its schema.
    WrongResponseBody,
    /// The contract's own schema cannot be used, so nothing was judged by it.
    UnusableSchema,
}

impl fmt::Display for ContractRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownPath => "the path is not in the contract",
            Self::UndeclaredMethod => "the method is not declared for this path",
            Self::UnknownWebhook => "the webhook is not in the contract",
            Self::MissingQueryParameter => "a required query parameter is missing",
            Self::WrongQueryParameter => "a query parameter does not fit its schema",
            Self::MissingRequestBody => "the required request body is missing",
            Self::UndeclaredRequestMediaType => "the request's media type is not declared",
            Self::WrongRequestBody => "the request body does not fit its schema",
            Self::UndeclaredStatus => "the status is not declared",
            Self::MissingResponseHeader => "a required response header is missing",
            Self::MissingResponseBody => "the declared response body is missing",
            Self::UndeclaredResponseMediaType => "the response's media type is not declared",
            Self::WrongResponseBody => "the response body does not fit its schema",
            Self::UnusableSchema => "the contract's schema cannot be used",
        })
    }
}

/// One way in which an exchange breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractViolation {
    /// The fixture: `matrix/room-history`.
    pub fixture: String,
    /// The exchange.
    pub exchange: ExchangeId,
    /// The contract's operation or webhook, where one fits.
    pub operation: Option<String>,
    /// The rule.
    pub rule: ContractRule,
    /// Where: a JSON pointer into the body (empty for the body itself), else the name of a parameter,
    /// header or status, or the path.
    pub place: String,
    /// What the contract asks for.
    pub expected: String,
    /// What the exchange has: at most 80 characters of any value.
    pub actual: String,
}

impl fmt::Display for ContractViolation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.fixture, self.exchange)?;
        if let Some(operation) = &self.operation {
            write!(formatter, " ({operation})")?;
        }
        write!(formatter, ": {}", self.rule)?;
        if !self.place.is_empty() {
            write!(formatter, " at `{}`", self.place)?;
        }
        write!(formatter, ": expected {}, found {}.", self.expected, self.actual)
    }
}

/// A text, quoted and escaped, cut after what may be shown.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    let mark = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{mark}")
}

/// A value: scalars as they are, objects and lists by what they are.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    }
}

/// What a contract says, cut after what may be shown.
pub(crate) fn shortened(text: &str) -> String {
    let cut: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_eighty_characters_of_a_value_are_shown() {
        let long = "é".repeat(200);
        assert_eq!(quoted(&long).matches('é').count(), 80);
        assert_eq!(shown(&Value::from(long.as_str())).matches('é').count(), 80);
        assert_eq!(shown(&serde_json::json!([long])), "a list of 1");
        assert_eq!(quoted("short"), "\"short\"");
    }
}
