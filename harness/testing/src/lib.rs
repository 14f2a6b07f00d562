//! Providers from fixtures in Rust's own tests.
//!
//! A [`stand_in`] plays a provider from a fixture, fails where the test says so, and tells what it was asked:
//!
//! ```
//! use counterpart_testing::{fixture, stand_in};
//!
//! # async fn create_customer(base_url: &str, token: &str) -> u16 {
//! #     let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
//! #     let client = reqwest::Client::builder().no_proxy().build().unwrap();
//! #     let ask = client.post(format!("{base_url}/v1/customers")).bearer_auth(token);
//! #     let ask = ask.header("content-type", "application/x-www-form-urlencoded").header("idempotency-key", "1");
//! #     ask.body("name=Ann+Example&metadata%5Border%5D=1001").send().await.unwrap().status().as_u16()
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let provider = stand_in(fixture!("stripe/create-customer"))
//!     .with_fault("server_error@create_customer-1")
//!     .await;
//! // The code under test is given where the API is and what to authenticate with.
//! assert_eq!(create_customer(provider.base_url(), &provider.access_token()).await, 500);
//! assert_eq!(create_customer(provider.base_url(), &provider.access_token()).await, 200);
//! provider.assert_requests("create_customer", 2);
//! # }
//! ```
//!
//! Dropping it fails the test where a request fitted nothing, or a fault never struck. The same exchanges can be mounted
//! on a `wiremock` server, code whose clock can be driven waits in [virtual time](VirtualClock), what was asked is held by
//! snapshots (`assert_requests_snapshot!`), and contracts give strategies for `proptest`.
//!
//! The crate knows nothing of how scenarios are written; how time is settled and how a snapshot reads it shares with
//! them. It panics: a test is failed that way.

mod assertions;
mod builder;
mod clock;
mod clock_endpoint;
mod error;
mod fault;
mod fixture;
mod problems;
mod settle;
mod snapshot;
mod stand_in;
#[cfg(feature = "proptest")]
pub mod strategy;
#[cfg(feature = "wiremock")]
pub mod wiremock;

pub use builder::{StandInBuilder, stand_in};
pub use clock::{TimedOut, VirtualClock};
pub use clock_endpoint::ClockEndpoint;
pub use error::TestingError;
pub use fault::IntoFault;
pub use fixture::fixture_path;
pub use stand_in::TestStandIn;

/// What the macros name.
#[doc(hidden)]
#[cfg(feature = "insta")]
pub mod macros {
    pub use insta;
}

pub use counterpart_scenario::{Settled, Timed, Work};
pub use counterpart_stand_in::{
    Credentials, Delivered, DeliveryEnd, DeliveryReport, Fault, FaultSite, PlannedFault, RequestSelector,
    Seen, SeenNote, Times, WebhookKeys, WebhookSelector,
};
pub use counterpart_subject::{ClockState, SubjectError as ClockError};
