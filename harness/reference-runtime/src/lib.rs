//! The bundled integration runtime: what the scenarios and benchmarks run against, and a model to copy from.
//!
//! A black box to the harness, which meets it over HTTP alone, as it meets any other subject. Of the workspace's other
//! crates it knows `signatures`, by which webhooks are verified. The way of one unit of work through the modules:
//!
//! `http` accepts a trigger -> `store` makes the run durable -> `worker` claims it, one at a time for each
//! connection -> `chat_import` or `relay` takes one step: one call through `outbound`, judged, and committed with its audit
//! row in one transaction of `store`. Every wait is a timer of `clock`; everything noteworthy is a line of
//! `journal`.
//!
//! A webhook takes a shorter way: `http` reads it, `hooks` judges it, and `store` commits what follows from it before it
//! is answered.

mod chat_import;
mod clock;
mod config;
mod credentials;
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
pub use plants::{Plant, UnknownPlant};
pub use runtime::{Runtime, StartError};
pub use store::StoreError;
