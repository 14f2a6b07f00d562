//! A running stand-in of a test, and what the test asks it.

use crate::clock::VirtualClock;
use crate::error::TestingError;
use crate::fault::{IntoFault, checked};
use crate::problems::{Allowed, problems};
use counterpart_exchange::{Fixture, ProviderProfile};
use counterpart_stand_in::{Credentials, Delivered, DeliveryReport, Seen, StandIn, WebhookKeys};
use jiff::Timestamp;

/// A provider that is played within a test.
///
/// Dropping it panics where a request fitted nothing or a fault never struck, unless the test said that this is right
/// ([`allow_unmatched`](crate::StandInBuilder::allow_unmatched)) or fails already.
pub struct TestStandIn {
    pub(crate) stand_in: StandIn,
    pub(crate) profile: ProviderProfile,
    pub(crate) fixtures: Vec<Fixture>,
    pub(crate) ca_pem: Option<String>,
    pub(crate) clock: Option<VirtualClock>,
    pub(crate) began: Timestamp,
    pub(crate) allowed: Allowed,
}

impl std::fmt::Debug for TestStandIn {
    // What it knows are credentials, some of it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TestStandIn").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

impl TestStandIn {
    /// Where its API begins: `http://127.0.0.1:port`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.stand_in.base_url()
    }

    /// What the code under test authenticates with.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.stand_in.credentials()
    }

    /// The access token that the recording begins with.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn access_token(&self) -> String {
        match self.credentials().access_token {
            Some(token) => token,
            None => {
                self.fail("the recording has no access token; `value` gives what stands for other secrets")
            }
        }
    }

    /// What stands for a secret of the fixtures, by its placeholder without the marks: `api_key:1`.
    ///
    /// # Panics
    /// Where there is no such placeholder; the message names those there are.
    #[must_use]
    pub fn value(&self, placeholder: &str) -> &str {
        let found = self.stand_in.stand_in_values().find(|(name, _)| name == placeholder);
        match found {
            Some((_, value)) => value,
            None => {
                let known: Vec<String> = self.stand_in.stand_in_values().map(|(name, _)| name).collect();
                self.fail(&format!(
                    "the fixture has no placeholder «{placeholder}»; it has: {}",
                    known.join(", ")
                ))
            }
        }
    }

    /// The certificate of the authority to trust, in PEM; nothing without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What its webhooks are verified with; nothing where its profile says nothing of webhooks.
    #[must_use]
    pub fn webhook_keys(&self) -> Option<WebhookKeys> {
        self.stand_in.webhook_keys().into_iter().next()
    }

    /// Puts a further fault in the way of what comes from now on.
    ///
    /// # Panics
    /// Where the fault makes no sense there.
    pub fn inject(&self, fault: impl IntoFault) {
        let checked = checked(fault.into_fault(), &self.profile, &self.fixtures);
        let injected = checked.map_err(|error| error.to_string()).and_then(|fault| {
            let provider = self.stand_in.providers().first().ok_or_else(|| "nobody is played".to_owned())?;
            provider.inject(fault)
        });
        if let Err(problem) = injected {
            self.fail(&problem);
        }
    }

    /// Delivers a recorded webhook to a URL, signed anew, and waits for the first answers.
    ///
    /// # Errors
    /// [`TestingError::Delivery`].
    pub async fn try_deliver(&self, exchange: &str, to: &str) -> Result<DeliveryReport, TestingError> {
        Ok(self.stand_in.deliver(&self.profile.provider, exchange, to).await?)
    }

    /// The same, as a test wants it.
    ///
    /// # Panics
    /// Where there is no such webhook, or it cannot be sent there.
    pub async fn deliver(&self, exchange: &str, to: &str) -> DeliveryReport {
        match self.try_deliver(exchange, to).await {
            Ok(report) => report,
            Err(error) => self.fail(&error.to_string()),
        }
    }

    /// The attempts to deliver webhooks so far, in the order in which they ended.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.stand_in.delivered()
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.stand_in.seen()
    }

    /// All else that a stand-in can be asked.
    #[must_use]
    pub fn stand_in(&self) -> &StandIn {
        &self.stand_in
    }

    /// What would fail the test if it were over now, each as a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        problems(&self.stand_in, self.allowed)
    }

    /// Fails the test now where something fitted nothing or never struck; what dropping does as well.
    ///
    /// # Panics
    /// Where [`Self::problems`] has one.
    pub fn finish(self) {}

    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub(crate) fn fail(&self, why: &str) -> ! {
        panic!("{why}")
    }
}

impl Drop for TestStandIn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let problems = self.problems();
        if !problems.is_empty() {
            let provider = &self.profile.provider;
            self.fail(&format!(
                "the stand-in for {provider} was left with problems:\n- {}",
                problems.join("\n- ")
            ));
        }
    }
}
