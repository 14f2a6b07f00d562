//! What a recording is told before it starts, and the bounds that it keeps.

use crate::webhook_route::WebhookRoute;
use counterpart_exchange::redaction::KnownSecret;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What to record, from where, and to where.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// The provider's short name: its folder under `out`. Lower-case letters, digits, `-` and `_`.
    pub provider: String,
    /// The flow's short name: the fixture's file. Spelled as the provider's.
    pub flow: String,
    /// The provider: scheme (`http` or `https`), authority, and a base path if it has one. It may be left out where
    /// webhooks are recorded.
    pub upstream: Option<http::Uri>,
    /// Where the provider's webhooks arrive, and where they go on to. They are passed on as they came, fields for the
    /// next hop apart; where the integration gives no answer, the provider gets a 502, so that it tries again.
    pub webhooks: Vec<WebhookRoute>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The fixtures folder.
    pub out: PathBuf,
    /// How long nothing must happen until [`crate::Recorder::idle`] resolves.
    pub until_idle: Option<Duration>,
    /// Secrets that are known beforehand: replaced however they are spelled.
    pub known_secrets: Vec<KnownSecret>,
    /// Whom to trust as the upstream beside those whom the machine trusts.
    pub additional_roots: Vec<CertificateDer<'static>>,
}

/// The bounds of a recording.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections of clients served at a time; further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take for its first bytes, for the head of a request, and for a handshake.
    pub head: Duration,
    /// How long nothing may go over a client's connection, either way, until it is closed.
    pub silence: Duration,
    /// Exchanges kept in one fixture; further ones are proxied, counted, and not kept.
    pub exchanges: usize,
    /// Largest body kept, in bytes; a larger one is recorded as omitted.
    pub body_bytes: usize,
    /// Bytes of heads and bodies kept in all.
    pub total_bytes: usize,
    /// How long a connection to the upstream may take to come about, TLS included.
    pub connect: Duration,
    /// How long [`crate::Recorder::finish`] lets exchanges in flight end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            head: Duration::from_secs(30),
            silence: Duration::from_secs(600),
            exchanges: 10_000,
            body_bytes: 8 * 1024 * 1024,
            total_bytes: 256 * 1024 * 1024,
            connect: Duration::from_secs(10),
            drain: Duration::from_secs(2),
        }
    }
}
