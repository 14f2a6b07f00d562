//! Contracts: inferred from fixtures as OpenAPI 3.1, and checked against them.
//!
//! Stands on the vocabulary of exchanges alone. It reads and writes contract files, and knows
//! nothing of servers, clocks, subjects or scenarios.

mod check;
mod contract;
mod declared;
mod evidence;
mod file;
mod infer;
mod media;
mod node;
mod path_template;
mod scalar;

pub use check::{Checker, ContractRule, ContractViolation, check};
pub use contract::Contract;
pub use evidence::{
    BodyEvidence, Evidence, FieldCount, LeftOut, MediaEvidence, OperationEvidence, ResponseEvidence,
};
pub use file::{ContractError, WrittenContract, read_contract, read_evidence, write_contract};
pub use infer::{Inferred, infer};
pub use node::Malformed;
