//! Virtual time within a test: let it run until nothing more will happen, or for so long.

use crate::clock::VirtualClock;
use crate::clock_endpoint::ClockEndpoint;
use crate::stand_in::TestStandIn;
use counterpart_scenario::{Baseline, Conductor, Settled, Timed};
use jiff::SignedDuration;
use std::time::Duration;

/// A timer further away counts as none, as in scenarios.
const HORIZON: SignedDuration = SignedDuration::from_hours(240);

impl TestStandIn {
    /// The clock that the code under test is to live by.
    ///
    /// # Panics
    /// Where the stand-in lives in real time.
    #[must_use]
    #[track_caller]
    pub fn clock(&self) -> &VirtualClock {
        match &self.clock {
            Some(clock) => clock,
            None => self.fail("this stand-in lives in real time; start it with `.virtual_clock()`"),
        }
    }

    /// Lets virtual time run until nothing more will happen by itself: timers fire one after the other.
    ///
    /// # Panics
    /// Where the code under test never comes to rest.
    pub async fn settle(&self) {
        let clock = self.clock();
        let settled = self.conductor(clock, Baseline::default()).settle(HORIZON).await;
        self.came_to_rest(settled.map_err(|error| error.to_string()));
    }

    /// Lets a length of virtual time pass, firing what falls due in it.
    ///
    /// # Panics
    /// As [`Self::settle`].
    pub async fn advance(&self, by: Duration) {
        let clock = self.clock();
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let settled = self.conductor(clock, Baseline::default()).advance(by).await;
        self.came_to_rest(settled.map_err(|error| error.to_string()));
    }

    /// [`Self::settle`] for code in another process, or with a clock of its own kind that speaks the protocol.
    ///
    /// # Panics
    /// As [`Self::settle`].
    pub async fn settle_with(&self, endpoint: &ClockEndpoint) {
        let settled = self.conductor(&endpoint.subject, endpoint.baseline).settle(HORIZON).await;
        self.came_to_rest(settled.map_err(|error| error.to_string()));
    }

    /// [`Self::settle`] for a clock of the test's own: whatever can tell its [`ClockState`](crate::ClockState) and be moved.
    ///
    /// # Panics
    /// As [`Self::settle`].
    pub async fn settle_clock(&self, clock: &impl Timed) {
        let settled = self.conductor(clock, Baseline::default()).settle(HORIZON).await;
        self.came_to_rest(settled.map_err(|error| error.to_string()));
    }

    fn conductor<'a, T: Timed>(&'a self, clock: &'a T, baseline: Baseline) -> Conductor<'a, T> {
        Conductor { subject: clock, stand_in: &self.stand_in, baseline, triggers: 0 }
    }

    fn came_to_rest(&self, settled: Result<Settled, String>) {
        let why = match settled {
            Ok(Settled::Quiet { .. } | Settled::Calm | Settled::Reached { .. } | Settled::Shown { .. }) => {
                return;
            }
            Ok(Settled::Stuck { held }) => format!(
                "the code under test waits for ever: {held} request(s) are held and no time-out is running"
            ),
            Ok(Settled::Restless { state }) => format!("the code under test does not come to rest: {state}"),
            Ok(Settled::Endless) => "the code under test sets ever new timers".to_owned(),
            Err(error) => error,
        };
        self.fail(&why);
    }
}
