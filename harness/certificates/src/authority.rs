//! The authority: it signs certificates for servers, sound ones and ones that must not be trusted.

use crate::life::Life;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The name on a certificate that is another server's.
const WRONG_NAME: &str = "wrong-name.counterpart.invalid";
/// A common name is at most so long (RFC 5280, `ub-common-name`); the name that counts is the alternative one.
const MAX_COMMON_NAME_CHARS: usize = 64;

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateFlaw {
    /// Its time is over.
    Expired,
    /// Nobody knows who signed it.
    Untrusted,
    /// It is another server's.
    WrongName,
}

/// An authority that signs the certificates of servers.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    certificate: CertificateDer<'static>,
}

impl fmt::Debug for CertificateAuthority {
    /// Shows nothing of the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CertificateAuthority").finish_non_exhaustive()
    }
}

/// An authority that cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its certificate or key is none, or no key can be made.
    #[error("the certificate authority cannot be used: {0}; make a new one by removing its files")]
    Certificate(#[from] rcgen::Error),
    /// The certificate is no certificate.
    #[error(
        "the certificate authority cannot be used: its certificate is none; make a new one by removing its files"
    )]
    Unreadable,
    /// The key is another certificate's.
    #[error(
        "the certificate authority cannot be used: its key is not that of its certificate; make a new one by removing its files"
    )]
    ForeignKey,
    /// TLS cannot be spoken with it.
    #[error("TLS cannot be spoken: {0}")]
    Tls(#[from] rustls::Error),
}

impl CertificateAuthority {
    /// A new authority, with a key that nobody has seen.
    ///
    /// # Errors
    /// Where the machine makes no key.
    pub fn generate(life: Life) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Counterpart, of this user alone");
        params.distinguished_name.push(DnType::OrganizationName, "Counterpart");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        life.set_in(&mut params);
        let certificate = params.self_signed(&key)?;
        let (certificate_pem, certificate) = (certificate.pem(), certificate.der().clone());
        Ok(Self { issuer: Issuer::new(params, key), certificate_pem, certificate })
    }

    /// The authority whose certificate and key these are, both PEM.
    ///
    /// # Errors
    /// Where either is none, or they are not of each other.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key_pem)?;
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| AuthorityError::Unreadable)?
            .into_owned();
        if public_key_of(&certificate)? != key.subject_public_key_info() {
            return Err(AuthorityError::ForeignKey);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { issuer, certificate_pem: certificate_pem.to_owned(), certificate })
    }

    /// Its certificate, as clients are given it to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its certificate, for a client in the same process.
    #[must_use]
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key, to be kept where nobody else reads it.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// When its certificate is over.
    ///
    /// # Errors
    /// Where the certificate does not say so.
    pub fn expires_at(&self) -> Result<Timestamp, AuthorityError> {
        let (_, certificate) =
            X509Certificate::from_der(&self.certificate).map_err(|_| AuthorityError::Unreadable)?;
        Timestamp::from_second(certificate.validity().not_after.timestamp())
            .map_err(|_| AuthorityError::Unreadable)
    }

    /// A certificate for a host name or an address, with its key.
    ///
    /// # Errors
    /// Where the name is none, or the machine makes no key.
    pub fn certify(
        &self,
        name: &str,
        life: Life,
        flaw: Option<CertificateFlaw>,
    ) -> Result<CertifiedKey, AuthorityError> {
        let subject = if flaw == Some(CertificateFlaw::WrongName) { WRONG_NAME } else { name };
        let mut params = CertificateParams::new(vec![subject.to_owned()])?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let common_name = if name.len() > MAX_COMMON_NAME_CHARS { "Counterpart" } else { name };
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Strict clients (Python since 3.13) want to be told whose signature it is.
        params.use_authority_key_identifier_extension = true;
        let life = if flaw == Some(CertificateFlaw::Expired) { Life::OVER } else { life };
        life.set_in(&mut params);
        let key = KeyPair::generate()?;
        let certificate = match flaw {
            Some(CertificateFlaw::Untrusted) => params.signed_by(&key, &unknown_issuer()?)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = aws_lc_rs::sign::any_supported_type(&key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

fn public_key_of(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, AuthorityError> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| AuthorityError::Unreadable)?;
    Ok(certificate.public_key().raw.to_vec())
}

fn unknown_issuer() -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "An authority that nobody knows");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    Ok(Issuer::new(params, KeyPair::generate()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> CertificateAuthority {
        CertificateAuthority::generate(Life::ANY_TIME).unwrap()
    }

    #[test]
    fn an_authority_comes_back_from_its_files() {
        let (one, other) = (authority(), authority());
        let again = CertificateAuthority::from_pem(one.certificate_pem(), &one.key_pem()).unwrap();
        assert_eq!(again.certificate_der(), one.certificate_der());
        assert_eq!(again.expires_at().unwrap().to_string(), "2120-01-01T00:00:00Z");
        let refused = CertificateAuthority::from_pem(one.certificate_pem(), &other.key_pem()).unwrap_err();
        assert!(matches!(refused, AuthorityError::ForeignKey), "{refused}");
        for (certificate, key) in [("none", one.key_pem()), (one.certificate_pem(), "none".to_owned())] {
            let refused = CertificateAuthority::from_pem(certificate, &key).unwrap_err().to_string();
            assert!(refused.contains("make a new one"), "{refused}");
        }
    }

    #[test]
    fn names_and_addresses_are_certified_as_what_they_are() {
        use x509_parser::extensions::GeneralName;
        let authority = authority();
        let names = |name: &str| {
            let made = authority.certify(name, Life::ANY_TIME, None).unwrap();
            let (_, read) = X509Certificate::from_der(&made.cert[0]).unwrap();
            let names = read.subject_alternative_name().unwrap().unwrap().value.general_names.clone();
            names
                .iter()
                .map(|name| match name {
                    GeneralName::DNSName(name) => format!("name {name}"),
                    GeneralName::IPAddress(bytes) => format!("address {bytes:?}"),
                    other => panic!("{other:?}"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names("api.example.com"), ["name api.example.com"]);
        assert_eq!(names("127.0.0.1"), ["address [127, 0, 0, 1]"]);
        let long = format!("{}.example.com", "a".repeat(63));
        assert_eq!(names(&long), [format!("name {long}")]);
        assert!(authority.certify("é.example", Life::ANY_TIME, None).is_err());
    }

    #[test]
    fn what_is_shown_of_it_is_not_its_key() {
        assert_eq!(format!("{:?}", authority()), "CertificateAuthority { .. }");
    }
}
