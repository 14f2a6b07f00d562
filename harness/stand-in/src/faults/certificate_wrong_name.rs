//! A certificate of somebody else.

use super::{AtConnection, CertificateFlaw, Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The handshake shows a good certificate of another server: a client that checks ends it. Only where the stand-in speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateWrongName {}

impl Misbehaves for CertificateWrongName {
    fn effect(&self) -> Effect<'_> {
        Effect::AtConnectionsOnly
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Certificate(CertificateFlaw::WrongName))
    }
}
