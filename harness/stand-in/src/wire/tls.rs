//! TLS: a certificate authority of the stand-in's own, and a certificate for whatever name a client asks for.
//!
//! A client has to be given the authority's certificate to trust. Certificates that must not be trusted are made
//! here too: expired, of an authority that nobody knows, for another name.

use crate::faults::CertificateFlaw;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::TlsAcceptor;

/// Certificates kept; a client that asks for ever new names gets new ones made, and the old ones go.
const MAX_CERTIFICATES: usize = 1_000;
/// The name on a certificate that is another server's.
const WRONG_NAME: &str = "wrong-name.counterpart.invalid";

/// An authority that signs the stand-in's certificates.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

/// An authority that cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its certificate or key is none, or no key can be made.
    #[error("the certificate authority cannot be used: {0}; make a new one by removing its files")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be spoken with it.
    #[error("TLS cannot be spoken: {0}")]
    Tls(#[from] rustls::Error),
}

impl CertificateAuthority {
    /// A new authority, with a key that nobody has seen.
    ///
    /// # Errors
    /// Where the machine makes no key.
    pub fn generate() -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Counterpart stand-in");
        params.distinguished_name.push(DnType::OrganizationName, "Counterpart");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2120, 1, 1);
        let key = KeyPair::generate()?;
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate_pem })
    }

    /// The authority whose certificate and key these are, both PEM.
    ///
    /// # Errors
    /// Where either is none.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, KeyPair::from_pem(key_pem)?)?;
        Ok(Self { issuer, certificate_pem: certificate_pem.to_owned() })
    }

    /// Its certificate, as clients are given it to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its key, to be kept where nobody else reads it.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    fn certify(&self, name: &str, flaw: Option<CertificateFlaw>) -> Result<CertifiedKey, rcgen::Error> {
        let names = if flaw == Some(CertificateFlaw::WrongName) {
            vec![WRONG_NAME.to_owned()]
        } else {
            vec![name.to_owned()]
        };
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = match flaw {
            Some(CertificateFlaw::Expired) => date_time_ymd(2021, 1, 1),
            _ => date_time_ymd(2120, 1, 1),
        };
        let key = KeyPair::generate()?;
        let certificate = match flaw {
            Some(CertificateFlaw::Untrusted) => params.signed_by(&key, &Self::unknown()?)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key =
            aws_lc_rs::sign::any_supported_type(&key).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }

    fn unknown() -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "An authority that nobody knows");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Ok(Issuer::new(params, KeyPair::generate()?))
    }
}

/// Shakes hands, in good order or with a certificate that has a flaw.
pub(super) struct Handshakes {
    sound: TlsAcceptor,
    flawed: [(CertificateFlaw, TlsAcceptor); 3],
}

impl Handshakes {
    pub(super) fn new(authority: CertificateAuthority, listens_on: IpAddr) -> Result<Self, AuthorityError> {
        let certificates =
            Arc::new(Certificates { authority, listens_on: listens_on.to_string(), made: Mutex::default() });
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

/// Certificates by the name that was asked for and their flaw.
type Made = HashMap<(String, Option<CertificateFlaw>), Arc<CertifiedKey>>;

/// The certificates that were made so far.
struct Certificates {
    authority: CertificateAuthority,
    /// What a client asks for that names nobody: it connects to an address.
    listens_on: String,
    made: Mutex<Made>,
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
        let name = hello.server_name().unwrap_or(&self.certificates.listens_on).to_owned();
        let mut made = self.certificates.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name, self.flaw);
        if let Some(known) = made.get(&key) {
            return Some(Arc::clone(known));
        }
        let certified = match self.certificates.authority.certify(&key.0, self.flaw) {
            Ok(certified) => Arc::new(certified),
            Err(error) => {
                tracing::warn!(%error, name = key.0, "no certificate could be made");
                return None;
            }
        };
        if made.len() >= MAX_CERTIFICATES {
            made.clear();
        }
        made.insert(key, Arc::clone(&certified));
        Some(certified)
    }
}
