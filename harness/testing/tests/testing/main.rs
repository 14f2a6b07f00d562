//! What a Rust developer's test does, and how it fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod client;
mod clock;
mod mounted;
mod snapshots;
mod stand_in;
mod strategies;
