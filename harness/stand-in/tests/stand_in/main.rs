//! The stand-in over real sockets, seen by a client that writes and reads bytes and knows no HTTP library.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod bearer;
mod conditional;
mod faults;
mod idempotency;
mod provider;
mod quota;
mod recordings;
mod replay;
mod robustness;
mod wire;
