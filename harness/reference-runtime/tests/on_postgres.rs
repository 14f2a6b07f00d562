//! What is said over HTTP of work that is accepted, kept and sent on, said once more of PostgreSQL.
//! A binary of its own: by its name the tests' support knows which database to take.

#[path = "runtime/forwarding.rs"]
mod forwarding;
#[path = "runtime/holds.rs"]
mod holds;
#[path = "runtime/relay.rs"]
mod relay;
#[path = "runtime/retries.rs"]
mod retries;
#[path = "runtime/shared_endpoints.rs"]
mod shared_endpoints;
#[path = "runtime/support/mod.rs"]
mod support;
