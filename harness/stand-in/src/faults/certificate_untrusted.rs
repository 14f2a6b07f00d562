//! A certificate of nobody in particular.

use super::{AtConnection, CertificateFlaw, Effect, Misbehaves};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The handshake shows a certificate of an authority that nobody knows: a client that checks ends it. Only where the stand-in speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateUntrusted {}

impl Misbehaves for CertificateUntrusted {
    fn effect(&self) -> Effect<'_> {
        Effect::AtConnectionsOnly
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Certificate(CertificateFlaw::Untrusted))
    }
}
