//! The bundled integration runtime: what the scenarios and benchmarks run against, and a model to copy from.
//!
//! A black box to the harness, which meets it over HTTP alone, as it meets any other subject. Of the workspace's other
//! crates it knows `signatures`, by which webhooks are verified. The way of one unit of work through the modules:
//!
//! `http` accepts a trigger, or `hooks` a webhook -> `store` makes the run durable before anything is answered ->
//! `worker` claims it under a lease -> `chat_import`, `relay` or `hooks` takes one step: at most one call (`calls`, past
//! the provider's `gate`, through `outbound`), judged, and committed with its audit row in one transaction of `store`,
//! if the claim is still good. Every wait is a timer of `clock`; everything noteworthy is a line of `journal`.

mod calls;
mod chat_import;
mod clock;
mod config;
mod crash;
mod credentials;
mod doubt;
mod gate;
mod hooks;
mod http;
mod identity;
mod journal;
mod outbound;
mod outcome;
mod plants;
mod relay;
mod runtime;
mod schedule;
mod store;
mod vocabulary;
mod worker;

pub use config::{ClockMode, RuntimeConfig};
pub use crash::{CrashPoint, UnknownCrashPoint};
pub use plants::{Plant, UnknownPlant};
pub use runtime::{Runtime, StartError};
pub use store::{DatabaseError, StoreError, Synchronous};
