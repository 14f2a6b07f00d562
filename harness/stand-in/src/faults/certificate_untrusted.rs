//! A certificate of nobody in particular.

use super::{AtConnection, Effect, Misbehaves};
use counterpart_certificates::CertificateFlaw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The handshake shows a certificate of an authority that nobody knows: a client that checks ends it before it has
/// sent anything. Only where the stand-in speaks TLS.
///
/// A good integration sends nothing, least of all its token, and tells somebody what is wrong with the certificate.
/// It offers no switch that turns the check off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateUntrusted {}

impl Misbehaves for CertificateUntrusted {
    const EXAMPLES: &'static [&'static str] = &["certificate_untrusted@connection:1*always"];

    fn effect(&self) -> Effect<'_> {
        Effect::AtConnectionsOnly
    }

    fn at_connection(&self) -> Option<AtConnection> {
        Some(AtConnection::Certificate(CertificateFlaw::Untrusted))
    }
}
