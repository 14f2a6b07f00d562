//! The stand-in: a server that plays the provider from its fixtures, and fails on request.
//!
//! A request is taken up ([`server`]), told what it asks for ([`matching`]), judged by what the provider
//! profile declares as behaviour ([`auth`], [`data`], [`idempotency`], [`bindings`]), put in the way of at most one fault
//! ([`faults`]), and answered ([`answer`]). The stand-in knows fixtures and profiles; it knows nothing of
//! scenarios, subjects or outcomes.

mod answer;
mod auth;
mod bindings;
mod clock;
mod data;
mod faults;
mod forms;
mod idempotency;
mod log;
mod matching;
mod nearest;
mod plan;
mod play;
mod server;

pub use answer::{Answer, Cut};
pub use auth::Credentials;
pub use clock::StandInClock;
pub use data::{HandshakeDue, Subscription, Verification};
pub use faults::{Fault, FaultSummary};
pub use forms::ErrorForms;
pub use log::{Seen, SeenNote, Traffic};
pub use plan::{FaultSite, PlannedFault, RequestSelector, SpecError, Times, UnusedFault};
pub use server::{StandIn, StandInConfig, StandInError};
