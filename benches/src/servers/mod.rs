//! Servers that are compared: the stand-in, a bare hyper server that answers the same bytes, and peers.

mod bare;
mod peers;
mod stand_in;

use crate::workload::Workload;
use std::any::Any;
use std::net::SocketAddr;
use std::str::FromStr;

/// A server to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The most that hyper gives.
    Bare,
    /// Ours.
    StandIn,
    /// wiremock-rs.
    Wiremock,
    /// httpmock.
    Httpmock,
}

/// A server that runs as long as this is kept.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    _kept: Box<dyn Any>,
}

impl Server {
    /// Every server.
    pub const ALL: [Self; 4] = [Self::Bare, Self::StandIn, Self::Wiremock, Self::Httpmock];

    /// Its name in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::StandIn => "stand-in",
            Self::Wiremock => "wiremock",
            Self::Httpmock => "httpmock",
        }
    }

    /// Starts it with its stubs.
    pub async fn start(self, workload: Workload) -> Running {
        match self {
            Self::Bare => bare::start(workload).await,
            Self::StandIn => stand_in::start(workload).await,
            Self::Wiremock => peers::wiremock(workload).await,
            Self::Httpmock => peers::httpmock(workload).await,
        }
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|server| server.name() == name);
        known.ok_or_else(|| {
            format!("{name:?} is no server; there are {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}
