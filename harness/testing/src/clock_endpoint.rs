//! Code under test in another process, whose clock is driven over HTTP by the clock protocol.

use crate::error::TestingError;
use crate::stand_in::TestStandIn;
use counterpart_scenario::Baseline;
use counterpart_subject::{AlreadyRunning, LaunchRequest, Subject, SubjectSpec, Variables};

/// The endpoints `GET /clock` and `POST /clock/advance` of the code under test.
pub struct ClockEndpoint {
    pub(crate) subject: Subject,
    pub(crate) baseline: Baseline,
}

impl std::fmt::Debug for ClockEndpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClockEndpoint").field("at", &self.subject.base_url()).finish_non_exhaustive()
    }
}

impl ClockEndpoint {
    /// Joins what runs at a base URL: both sides count requests from now on. It has to be at rest, and at the stand-in's
    /// time ([`virtual_clock_from`](crate::StandInBuilder::virtual_clock_from)).
    ///
    /// # Errors
    /// [`TestingError::Clock`] where the endpoints do not answer as the protocol says.
    pub async fn join(base_url: &str, stand_in: &TestStandIn) -> Result<Self, TestingError> {
        let spec = serde_json::json!({ "launch": { "url": base_url }, "clock": "endpoint" });
        let told = |problem: String| TestingError::Fixture(format!("the clock at {base_url}: {problem}"));
        let spec: SubjectSpec = serde_json::from_value(spec).map_err(|error| told(error.to_string()))?;
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| told(error.to_string()))?;
        let launch = AlreadyRunning { base_url: base_url.to_owned() };
        let request = LaunchRequest { seed: 1, clock_start: stand_in.began, variables: Variables::default() };
        let subject = Subject::launch(spec, &launch, request, http).await?;
        let state = subject.clock().await?;
        let (now, at) = (stand_in.stand_in.clock().now(), state.map(|state| state.now));
        if at.is_some_and(|at| at != now) {
            let at = at.unwrap_or(now);
            return Err(told(format!(
                "it stands at {at} and the stand-in's at {now}; begin both at one instant"
            )));
        }
        let baseline = Baseline {
            received: stand_in.stand_in.traffic().received,
            started: state.map_or(0, |state| state.started),
        };
        Ok(Self { subject, baseline })
    }
}
