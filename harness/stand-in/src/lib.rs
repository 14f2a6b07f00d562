//! The stand-in: a server that plays providers from their fixtures, and fails on request.
//!
//! A request is taken off its connection ([`wire`]), told what it asks for ([`matching`]), judged by what the
//! provider profile declares as behaviour ([`auth`], [`behaviour`], [`data`], [`bindings`]), put in the way of at most one
//! fault ([`faults`]), and answered ([`answer`], [`body`]). The stand-in knows fixtures and profiles; it knows
//! nothing of scenarios, subjects or outcomes.

mod answer;
mod auth;
mod behaviour;
mod bindings;
mod body;
mod clock;
mod data;
mod faults;
mod forms;
mod journal;
mod key;
mod matching;
mod nearest;
mod plan;
mod play;
mod prepared;
mod received;
mod webhooks;
mod wire;

pub use auth::Credentials;
pub use clock::StandInClock;
pub use data::{HandshakeDue, Subscription, Verification};
pub use faults::{Fault, FaultSummary};
pub use forms::ErrorForms;
pub use journal::{Seen, SeenNote, Traffic};
pub use plan::{FaultSite, PlannedFault, RequestSelector, SpecError, Times, UnusedFault, WebhookSelector};
pub use webhooks::{
    Delivered, DeliveriesPaused, DeliveryEnd, DeliveryError, DeliveryReport, GivenWebhook, WebhookKeys,
    check_webhooks,
};
pub use wire::{
    AuthorityError, CertificateAuthority, Provider, ProviderConfig, StandIn, StandInConfig, StandInError,
};
