//! The recorder between real sockets: what passes, how exchanges end, and what is kept of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod ask_first;
mod bad_input;
mod endings;
mod interception;
mod keeping;
mod ordinary;
mod origin;
mod protocols;
mod proxied;
mod streaming;
mod together;
mod webhooks;
mod wire;
