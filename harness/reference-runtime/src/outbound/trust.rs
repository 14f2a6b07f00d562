//! Whom calls trust: the system's authorities, or the one that a connection names instead.
//!
//! There is no way to trust everybody, but for a planted bug.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use reqwest::{Certificate, Client, ClientBuilder};
use rustls::CertificateError;

/// Clients kept for authorities of their own; beyond that they are made anew.
const MAX_CLIENTS: usize = 64;

/// One client for each authority that is trusted.
#[derive(Debug)]
pub(super) struct Clients {
    /// Trusts the system's authorities.
    system: Client,
    by_ca: Mutex<HashMap<String, Client>>,
    on_test_clock: bool,
    trusts_all: bool,
}

impl Clients {
    pub(super) fn new(on_test_clock: bool, trusts_all: bool) -> Result<Self, reqwest::Error> {
        let system = builder(on_test_clock, trusts_all).build()?;
        Ok(Self { system, by_ca: Mutex::default(), on_test_clock, trusts_all })
    }

    /// The client that trusts `ca_pem` alone; `None` where that is no certificate.
    pub(super) fn of(&self, ca_pem: Option<&str>) -> Option<Client> {
        let Some(ca_pem) = ca_pem else { return Some(self.system.clone()) };
        let mut by_ca = self.by_ca.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = by_ca.get(ca_pem) {
            return Some(client.clone());
        }
        let certificates = certificates(ca_pem)?;
        let builder = builder(self.on_test_clock, self.trusts_all).tls_certs_only(certificates);
        let client = builder.build().ok()?;
        if by_ca.len() >= MAX_CLIENTS {
            by_ca.clear();
        }
        by_ca.insert(ca_pem.to_owned(), client.clone());
        Some(client)
    }
}

/// The certificates of a PEM text; `None` where it holds none.
pub(crate) fn certificates(pem: &str) -> Option<Vec<Certificate>> {
    Certificate::from_pem_bundle(pem.as_bytes()).ok().filter(|all| !all.is_empty())
}

fn builder(on_test_clock: bool, trusts_all: bool) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("counterpart-reference-runtime/", env!("CARGO_PKG_VERSION")))
        .tls_backend_rustls()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    // That an idle connection has died is noticed in real time, which a clock that stands still cannot order:
    // with the test clock each request has a connection of its own.
    let builder = if on_test_clock { builder.pool_max_idle_per_host(0) } else { builder };
    if trusts_all { builder.tls_danger_accept_invalid_certs(true) } else { builder }
}

/// What is wrong with the certificate that was shown, if that is why there is no answer.
pub(super) fn flaw(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(rustls::Error::InvalidCertificate(flaw)) = error.downcast_ref() {
        return Some(told(flaw));
    }
    // An I/O error carries what it was made of, and names as its source only the source of that.
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match inner {
        Some(inner) => flaw(inner),
        None => error.source().and_then(flaw),
    }
}

fn told(flaw: &CertificateError) -> &'static str {
    match flaw {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the provider's certificate has expired"
        }
        CertificateError::UnknownIssuer => {
            "the provider's certificate is of an authority that is not trusted"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the provider's certificate is another server's"
        }
        _ => "the provider's certificate is not valid",
    }
}
