//! What is said over HTTP of work that is accepted, kept and sent on, said once more of PostgreSQL.
#![allow(clippy::duplicate_mod, reason = "each of these files stands for itself too, on SQLite")]

#[path = "forwarding.rs"]
mod forwarding;
#[path = "holds.rs"]
mod holds;
#[path = "relay.rs"]
mod relay;
#[path = "retries.rs"]
mod retries;
#[path = "shared_endpoints.rs"]
mod shared_endpoints;
