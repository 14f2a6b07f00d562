//! How a stand-in of a test is asked for: a fixture, and what is to be different from a plain replay.

use crate::clock::VirtualClock;
use crate::error::TestingError;
use crate::fault::{IntoFault, checked};
use crate::fixture::load;
use crate::problems::Allowed;
use crate::stand_in::TestStandIn;
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_exchange::{Limit, ProviderProfile};
use counterpart_stand_in::{PlannedFault, ProviderConfig, StandIn, StandInClock, StandInConfig};
use jiff::Timestamp;
use std::future::{Future, IntoFuture};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;

/// Where virtual time begins: 2026-01-01T00:00:00Z, as in scenarios.
const CLOCK_START_S: i64 = 1_767_225_600;

/// A stand-in that plays a fixture: `stand_in("fixtures/matrix/room-history.yaml").await`. A path that is not absolute is
/// from where the test runs, which is its crate's folder; [`fixture!`](crate::fixture!) looks in folders around it too.
///
/// The provider's profile is read beside the fixture, as are its other flows, for what its errors look like.
pub fn stand_in(fixture: impl Into<PathBuf>) -> StandInBuilder {
    StandInBuilder {
        fixtures: vec![fixture.into()],
        quota: Vec::new(),
        faults: Vec::new(),
        clock: None,
        is_tls: false,
        allowed: Allowed::default(),
    }
}

/// A stand-in that is being described. Awaiting it starts it, and panics where that cannot be done.
#[must_use = "a stand-in starts when this is awaited"]
#[derive(Debug)]
pub struct StandInBuilder {
    fixtures: Vec<PathBuf>,
    quota: Vec<String>,
    faults: Vec<Result<PlannedFault, String>>,
    clock: Option<Timestamp>,
    is_tls: bool,
    allowed: Allowed,
}

impl StandInBuilder {
    /// Plays a further fixture of the same provider behind the first.
    pub fn and(mut self, fixture: impl Into<PathBuf>) -> Self {
        self.fixtures.push(fixture.into());
        self
    }

    /// Puts a fault in the way, spelled as on the command line (`rate_limited{"retry_after_s":30}@messages-2*3`) or typed.
    pub fn with_fault(mut self, fault: impl IntoFault) -> Self {
        self.faults.push(fault.into_fault());
        self
    }

    /// Puts a limit in the place of those of the profile, or beside the last one, spelled as in a profile's `quota`:
    /// `kind: {calls_per_second: {limit: 3}}`. One that the code under test never used up fails the test.
    pub fn with_quota(mut self, limit: &str) -> Self {
        self.quota.push(limit.to_owned());
        self
    }

    /// Speaks TLS (HTTP/1.1 and HTTP/2), with a certificate of an authority made for this test alone:
    /// [`TestStandIn::ca_pem`].
    pub fn with_tls(mut self) -> Self {
        self.is_tls = true;
        self
    }

    /// Lives in virtual time, which moves only when the test says so: see [`TestStandIn::clock`].
    pub fn virtual_clock(self) -> Self {
        let start = Timestamp::from_second(CLOCK_START_S).unwrap_or(Timestamp::UNIX_EPOCH);
        self.virtual_clock_from(start)
    }

    /// The same, from an instant.
    pub fn virtual_clock_from(mut self, start: Timestamp) -> Self {
        self.clock = Some(start);
        self
    }

    /// Requests that fit nothing do not fail the test.
    pub fn allow_unmatched(mut self) -> Self {
        self.allowed.unmatched = true;
        self
    }

    /// Faults that never struck do not fail the test, nor limits that were never used up.
    pub fn allow_unused_faults(mut self) -> Self {
        self.allowed.unused_faults = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`TestingError`] with the place of what cannot be used.
    pub async fn try_start(self) -> Result<TestStandIn, TestingError> {
        let loaded = load(&self.fixtures)?;
        let (mut profile, fixtures) = (loaded.profile, loaded.fixtures);
        if !self.quota.is_empty() {
            profile.quota =
                self.quota.iter().map(|limit| limited(limit, &profile)).collect::<Result<_, _>>()?;
        }
        let faults = self.faults.into_iter().map(|fault| checked(fault, &profile, &fixtures));
        let faults = faults.collect::<Result<Vec<_>, _>>()?;
        let authority = self.is_tls.then(|| CertificateAuthority::generate(Life::ANY_TIME)).transpose()?;
        let ca_pem = authority.as_ref().map(|authority| authority.certificate_pem().to_owned());
        let provider = ProviderConfig {
            profile: profile.clone(),
            fixtures: fixtures.clone(),
            forms: loaded.forms,
            faults,
        };
        let clock = self.clock.map_or(StandInClock::Real, StandInClock::starting_at);
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let began = clock.now();
        let stand_in =
            StandIn::start(StandInConfig { providers: vec![provider], clock, listen, tls: authority })
                .await?;
        Ok(TestStandIn {
            stand_in,
            profile,
            fixtures,
            ca_pem,
            clock: self.clock.map(VirtualClock::starting_at),
            began,
            allowed: Allowed {
                unused_limits: self.allowed.unused_faults || self.quota.is_empty(),
                ..self.allowed
            },
        })
    }
}

fn limited(text: &str, profile: &ProviderProfile) -> Result<Limit, TestingError> {
    let limit: Result<Limit, String> = text.parse();
    let checked = limit.and_then(|limit| profile.check_limit(&limit).map(|()| limit));
    checked.map_err(TestingError::Quota)
}

impl IntoFuture for StandInBuilder {
    type Output = TestStandIn;
    type IntoFuture = Pin<Box<dyn Future<Output = TestStandIn> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            match self.try_start().await {
                Ok(stand_in) => stand_in,
                #[expect(clippy::panic, reason = "a test that has no stand-in has failed")]
                Err(error) => panic!("{error}"),
            }
        })
    }
}
