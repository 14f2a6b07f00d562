//! A certificate whose time is over.

use super::{AtConnection, CertificateFlaw, Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The handshake shows a certificate that expired in 2021: a client that checks ends it. Only where the stand-in speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateExpired {}

impl Misbehaves for CertificateExpired {
    fn effect(&self) -> Effect<'_> {
        Effect::AtConnectionsOnly
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Certificate(CertificateFlaw::Expired))
    }
}
