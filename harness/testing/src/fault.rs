//! Faults as a test gives them: spelled as on the command line, or typed.

use crate::error::TestingError;
use counterpart_exchange::{Fixture, ProviderProfile};
use counterpart_stand_in::{FaultSite, PlannedFault, Times, WebhookSelector};

/// What can be put in the way of requests: `"expired_token@messages-2"`, or a [`PlannedFault`].
pub trait IntoFault {
    /// The fault with its place, or what is wrong with how it is spelled.
    ///
    /// # Errors
    /// A sentence.
    fn into_fault(self) -> Result<PlannedFault, String>;
}

impl IntoFault for PlannedFault {
    fn into_fault(self) -> Result<PlannedFault, String> {
        Ok(self)
    }
}

impl IntoFault for &str {
    fn into_fault(self) -> Result<PlannedFault, String> {
        self.parse::<PlannedFault>().map_err(|error| error.to_string())
    }
}

impl IntoFault for String {
    fn into_fault(self) -> Result<PlannedFault, String> {
        self.as_str().into_fault()
    }
}

/// The fault, if it makes sense for this provider.
pub(crate) fn checked(
    fault: Result<PlannedFault, String>,
    profile: &ProviderProfile,
    fixtures: &[Fixture],
) -> Result<PlannedFault, TestingError> {
    let fault =
        fault.map_err(|problem| TestingError::Fault { fault: "cannot be read".to_owned(), problem })?;
    let check = fault.check(profile, fixtures);
    check.map_err(|problem| TestingError::Fault { fault: spelled(&fault), problem })?;
    Ok(fault)
}

/// The fault as it is spelled on the command line, but for its parameters.
pub(crate) fn spelled(fault: &PlannedFault) -> String {
    let place = match &fault.at {
        FaultSite::Exchange(exchange) => exchange.clone(),
        FaultSite::Request { to, nth: None } => to.to_string(),
        FaultSite::Request { to, nth: Some(nth) } => format!("{to} (number {nth})"),
        FaultSite::Connection(number) => format!("connection:{number}"),
        FaultSite::Webhook(WebhookSelector::Exchange(exchange)) => format!("webhook:{exchange}"),
        FaultSite::Webhook(WebhookSelector::Operation(operation)) => format!("webhook:{operation}"),
    };
    let times = match fault.times {
        Times::Count(1) => String::new(),
        Times::Count(count) => format!("*{count}"),
        Times::Always => "*always".to_owned(),
    };
    format!("{}@{place}{times}", fault.inject.name())
}
