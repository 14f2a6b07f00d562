//! TLS: a certificate for whatever name a client asks for, of an authority that the client has been given to trust.
//!
//! Certificates that must not be trusted are shown too, where a fault says so.

use crate::clock::StandInClock;
use counterpart_certificates::{AuthorityError, CertificateAuthority, CertificateFlaw, Leaves, Life};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Shakes hands, in good order or with a certificate that has a flaw.
pub(super) struct Handshakes {
    sound: TlsAcceptor,
    flawed: [(CertificateFlaw, TlsAcceptor); 3],
}

impl Handshakes {
    pub(super) fn new(
        authority: CertificateAuthority,
        listens_on: IpAddr,
        clock: StandInClock,
    ) -> Result<Self, AuthorityError> {
        let leaves = Leaves::new(authority);
        let certificates = Arc::new(Certificates { leaves, listens_on: listens_on.to_string(), clock });
        let acceptor = |flaw| acceptor(Arc::clone(&certificates), flaw);
        let flawed = |flaw| Ok::<_, AuthorityError>((flaw, acceptor(Some(flaw))?));
        Ok(Self {
            sound: acceptor(None)?,
            flawed: [
                flawed(CertificateFlaw::Expired)?,
                flawed(CertificateFlaw::Untrusted)?,
                flawed(CertificateFlaw::WrongName)?,
            ],
        })
    }

    pub(super) fn acceptor(&self, flaw: Option<CertificateFlaw>) -> &TlsAcceptor {
        let flawed = self.flawed.iter().find(|(known, _)| Some(*known) == flaw);
        flawed.map_or(&self.sound, |(_, acceptor)| acceptor)
    }
}

fn acceptor(
    certificates: Arc<Certificates>,
    flaw: Option<CertificateFlaw>,
) -> Result<TlsAcceptor, AuthorityError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Resolver { certificates, flaw }));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A session that is resumed shows no certificate, and a flaw would pass unseen.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates that were made so far.
struct Certificates {
    leaves: Leaves,
    /// What a client asks for that names nobody: it connects to an address.
    listens_on: String,
    clock: StandInClock,
}

impl Certificates {
    /// Where the stand-in's time is virtual, nobody knows by which time its clients judge.
    fn life(&self) -> Life {
        match self.clock {
            StandInClock::Real => Life::of_leaf(self.clock.now()),
            StandInClock::Virtual(_) | StandInClock::Shifted(_) => Life::ANY_TIME,
        }
    }
}

struct Resolver {
    certificates: Arc<Certificates>,
    flaw: Option<CertificateFlaw>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Resolver").field("flaw", &self.flaw).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = &self.certificates;
        let name = hello.server_name().unwrap_or(&certificates.listens_on);
        let made = certificates.leaves.of(name, certificates.life(), self.flaw);
        made.inspect_err(|error| tracing::warn!(%error, name, "no certificate could be made")).ok()
    }
}
