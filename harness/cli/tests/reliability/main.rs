//! What the bundled runtime promises about webhooks, proven on the real binary: it is killed, stopped, starved of disk
//! and cut off from its database while a vendor goes on delivering. docs/reliability.md says which promise is held by
//! which file here, and how to run the long form.
//!
//! Each proof has a vendor (`load`), a destination (`sink`) and a judge (`oracle`). The judge knows what was sent, what
//! was answered and what arrived, and nothing of how the runtime works.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod clock;
mod crash_points;
mod dice;
mod disk_full;
mod drain;
mod events;
mod fsync;
mod kill_cycles;
mod load;
mod name_space;
mod oracle;
mod process;
mod runtime_api;
mod settings;
mod several_workers;
mod sink;
mod stalled_worker;
mod system_calls;
mod trial;
