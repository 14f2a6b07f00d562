//! The stand-in: a server that plays providers from their fixtures, and fails on request.
//!
//! A request is taken off its connection ([`wire`]), told what it asks for ([`matching`]), judged by what the
//! provider profile declares as behaviour ([`auth`], [`behaviour`], [`data`], [`bindings`]), put in the way of at most one
//! fault ([`faults`]), and answered ([`answer`], [`body`]). [`control`] tells what came of it. The stand-in knows fixtures and profiles; it knows
//! nothing of scenarios, subjects or outcomes.

mod answer;
mod auth;
mod behaviour;
mod bindings;
mod body;
mod clock;
mod control;
mod data;
mod faults;
mod forms;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hosts;
mod identity;
mod journal;
mod key;
mod matching;
mod nearest;
mod owner;
mod places;
mod plan;
mod planned;
mod play;
mod prepared;
mod received;
mod recorded_pages;
mod sent;
mod tally;
mod versions;
mod webhooks;
mod wire;

pub use auth::Credentials;
pub use clock::StandInClock;
pub use control::{Control, ControlConfig, ControlError};
pub use data::{HandshakeDue, Subscription, Verification};
pub use faults::{Fault, FaultDescription, FaultExample, FaultKind, FaultParameter, FaultSummary};
pub use forms::ErrorForms;
pub use identity::RequestIdentity;
pub use journal::{Looseness, Seen, SeenNote, Traffic};
pub use owner::OwnerError;
pub use plan::{FaultState, UnusedFault};
pub use planned::{FaultSite, PlannedFault, RequestSelector, SpecError, Times, WebhookSelector};
pub use play::FaultsAfterReset;
pub use recorded_pages::{keep_records, records_on_page};
pub use sent::SentExchanges;
pub use tally::Counts;
pub use webhooks::{
    Delivered, DeliveriesPaused, DeliveryEnd, DeliveryError, DeliveryReport, GivenWebhook, WebhookKeys,
    check_webhooks,
};
pub use wire::{Provider, ProviderConfig, StandIn, StandInConfig, StandInError};
