//! What a recording through a forward proxy is told before it starts.

use crate::host_pattern::HostPattern;
use counterpart_certificates::CertificateAuthority;
use counterpart_exchange::redaction::KnownSecret;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Which hosts a forward proxy records, and what it does with the others.
#[derive(Debug)]
pub struct ProxyConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who signs the certificates that clients are shown. They have to trust it.
    pub authority: CertificateAuthority,
    /// The hosts that are named. The first that fits decides.
    pub hosts: Vec<ProxyHost>,
    /// What is done with the others.
    pub others: Others,
    /// Whom to trust as an upstream beside those whom the machine trusts.
    pub additional_roots: Vec<CertificateDer<'static>>,
    /// The fixtures folder.
    pub out: PathBuf,
    /// How long nothing must happen until [`crate::Recorder::idle`] resolves.
    pub until_idle: Option<Duration>,
    /// Secrets that are known beforehand: replaced however they are spelled.
    pub known_secrets: Vec<KnownSecret>,
}

/// A host, and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHost {
    /// Which.
    pub pattern: HostPattern,
    /// What.
    pub action: HostAction,
}

/// What is done with a host that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostAction {
    /// What it says becomes a part of a fixture. Several hosts may have the same one.
    Record {
        /// The provider's short name.
        provider: String,
        /// The flow's short name.
        flow: String,
    },
    /// Another server answers in its place, and nothing is recorded.
    ForwardTo {
        /// That server: scheme, authority, and a base path if it has one.
        base: http::Uri,
    },
}

/// What is done with hosts that are not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are passed on byte for byte, and counted.
    Tunnel,
    /// They are refused, and counted.
    Refuse,
}
