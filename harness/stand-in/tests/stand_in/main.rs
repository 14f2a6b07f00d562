//! The stand-in over real sockets, seen by a client that writes and reads bytes and knows no HTTP library.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod bearer;
mod data;
mod faults;
mod faults_data;
mod provider;
mod recordings;
mod replay;
mod robustness;
mod wire;
