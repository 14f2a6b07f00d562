//! Webhooks in: verified over the raw bytes, split into events, each with its own key and its own tenant.
//!
//! `http::hooks` brings what came. `endpoint` knows whose it may be and how it is verified, `limit` how much of it is
//! taken, `format` what a vendor's events look like; `intake` makes what is accepted durable, many deliveries at once,
//! before anything is answered. What an event does is decided later, by a worker, in `step`: so an event that is not
//! understood today is there to be looked at again tomorrow. Nothing is believed before its signature is.

mod endpoint;
mod format;
mod intake;
mod limit;
mod step;

pub(crate) use self::endpoint::{Endpoint, EndpointError, Endpoints, Incoming, Target, Verdict, owner};
pub(crate) use self::format::Format;
pub(crate) use self::intake::{Intake, IntakeError};
pub(crate) use self::limit::Excess;
pub(crate) use self::step::step;
