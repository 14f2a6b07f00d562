//! TLS in the place of a host: with a certificate that the user's own authority makes for it.

use crate::clock::Clock;
use crate::door::Target;
use crate::duplex::{Duplex, Protocol};
use counterpart_certificates::{CertificateAuthority, Leaves, Life};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::TlsAcceptor;

/// Hosts whose sessions can be resumed; with ever new ones, the old ones are forgotten.
const MAX_HOSTS: usize = 1_000;

/// Speaks TLS for any host.
pub(crate) struct Interception {
    leaves: Arc<Leaves>,
    acceptors: Mutex<HashMap<String, TlsAcceptor>>,
}

impl Interception {
    pub(crate) fn new(authority: CertificateAuthority) -> Self {
        Self { leaves: Arc::new(Leaves::new(authority)), acceptors: Mutex::default() }
    }

    /// Shakes hands with a client that takes us for the target; gives what they agreed to speak.
    pub(crate) async fn accept(
        &self,
        client: Duplex,
        target: &Target,
        clock: Clock,
    ) -> io::Result<(Protocol, Duplex)> {
        let acceptor = self.acceptor(target, clock).map_err(io::Error::other)?;
        let stream = acceptor.accept(client).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((if is_http2 { Protocol::Http2 } else { Protocol::Http1 }, Box::new(stream)))
    }

    /// One for each host, so that its clients can resume their sessions with it and with no other.
    fn acceptor(&self, target: &Target, clock: Clock) -> Result<TlsAcceptor, rustls::Error> {
        let mut acceptors = self.acceptors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = acceptors.get(target.host()) {
            return Ok(known.clone());
        }
        let host = target.host().trim_matches(['[', ']']).to_owned();
        let resolver = Resolver { leaves: Arc::clone(&self.leaves), host, clock };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if acceptors.len() >= MAX_HOSTS {
            acceptors.clear();
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        acceptors.insert(target.host().to_owned(), acceptor.clone());
        Ok(acceptor)
    }
}

struct Resolver {
    leaves: Arc<Leaves>,
    /// What a client asks for that names nobody.
    host: String,
    clock: Clock,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resolver").field("host", &self.host).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(&self.host);
        let made = self.leaves.of(name, Life::of_leaf(self.clock.wall()), None);
        made.inspect_err(|error| tracing::warn!(%error, name, "no certificate could be made")).ok()
    }
}
