//! The recorder between real sockets: what passes, how exchanges end, and what is kept of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod ask_first;
mod endings;
mod keeping;
mod ordinary;
mod streaming;
mod together;
mod wire;
