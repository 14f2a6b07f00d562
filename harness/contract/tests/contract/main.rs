//! Contracts from the outside: inferred from fixtures, written, read back, and checked against.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod checked;
mod inferred;
mod properties;
mod sample;
