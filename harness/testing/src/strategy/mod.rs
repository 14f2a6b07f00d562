//! Strategies for [`proptest`] from the schemas of a contract: what an API may answer, not only what it did.
//!
//! ```
//! use counterpart_testing::strategy::{MessagePart, read_contract, strategy_for};
//! use proptest::prelude::*;
//!
//! let contract = read_contract("../../contracts/matrix.openapi.yaml".as_ref()).unwrap();
//! let pages = strategy_for(&contract, "messages", MessagePart::Response(200)).unwrap();
//! proptest!(ProptestConfig::with_cases(8), |(page in pages)| {
//!     prop_assert!(page["chunk"].is_array());
//! });
//! ```
//!
//! Honoured are `type`, `enum`, `const`, bounds, `multipleOf`, lengths, `pattern`, `format`, `required`, `properties`,
//! `additionalProperties`, numbers of properties, `items`, numbers of items, `uniqueItems`, `allOf`, `anyOf`, `oneOf`,
//! `not`, and `$ref` within the document, also where schemas contain themselves. Any other keyword that constrains is an
//! error with its place: a value that is not of the schema would prove nothing. Values stay small, and where a schema is
//! silent (further properties, numbers without bounds) they stay tame.

mod alternatives;
mod array;
mod build;
mod merge;
mod number;
mod object;
mod operation;
mod pattern;
mod text;
mod validity;

use build::{Builder, Schema, Stop};
pub use counterpart_contract::{Contract, ContractError, read_contract};
use proptest::strategy::BoxedStrategy;
use serde_json::Value;

/// Which body of an operation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePart {
    /// What a client sends.
    Request,
    /// What the API answers with a status.
    Response(u16),
}

/// A schema that gives no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct StrategyError {
    /// A JSON pointer into the contract.
    pub place: String,
    /// What is there, and what to do.
    pub problem: String,
}

impl StrategyError {
    fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// The JSON bodies that a contract allows.
///
/// # Errors
/// [`StrategyError`]: there is no such operation or answer, or its schema says what cannot be honoured.
pub fn strategy_for(
    contract: &Contract,
    operation: &str,
    part: MessagePart,
) -> Result<BoxedStrategy<Value>, StrategyError> {
    let document = contract.as_value();
    let pointer = operation::schema_of(document, operation, part)?;
    strategy_for_schema(document, &pointer)
}

/// The values that a schema of a document allows, by its JSON pointer: `/components/schemas/Customer`.
///
/// # Errors
/// [`StrategyError`].
pub fn strategy_for_schema(document: &Value, pointer: &str) -> Result<BoxedStrategy<Value>, StrategyError> {
    let Some(schema) = document.pointer(pointer) else {
        return Err(StrategyError::at(pointer, "there is no schema at this place"));
    };
    let mut builder = Builder::new(document);
    builder.build(&Schema::new(schema.clone(), pointer)).map_err(|stop| match stop {
        Stop::Error(error) | Stop::Impossible(error) => error,
        Stop::TooDeep => StrategyError::at(pointer, "contains itself without end: no value is finite"),
    })
}
