//! The stand-in within TLS: whom a client trusts, and whom it must not.

use crate::faults::{PAGE_1, history, page_1};
use crate::provider::playing;
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_stand_in::{StandIn, StandInError, Traffic};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

cases! {
    certificate_expired: an_expired_certificate_is_shown,
    certificate_untrusted: a_certificate_of_nobody_is_shown,
    certificate_wrong_name: a_certificate_of_another_server_is_shown,
}

/// A stand-in within TLS, and the authority to trust.
pub(crate) async fn within_tls(spec: Option<&str>) -> (StandIn, String) {
    let mut played = playing(history());
    let authority = CertificateAuthority::generate(Life::ANY_TIME).unwrap();
    let certificate = authority.certificate_pem().to_owned();
    played.config.tls = Some(authority);
    let played = match spec {
        Some(spec) => played.fault(spec),
        None => played,
    };
    (played.start().await, certificate)
}

/// Shakes hands as a client that trusts one authority.
pub(crate) async fn connect(
    stand_in: &StandIn,
    trusted: &str,
    name: &str,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let tcp = TcpStream::connect(stand_in.address()).await?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Asks for the first page over HTTP/1.1 and reads until the connection is closed.
async fn page_over(mut tls: TlsStream<TcpStream>, stand_in: &StandIn) -> String {
    let ask = page_1().of_user(stand_in).header("connection", "close");
    tls.write_all(&ask.bytes()).await.unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn any_name_and_address_is_certified() {
    let (stand_in, trusted) = within_tls(None).await;
    assert!(stand_in.base_url().starts_with("https://127.0.0.1:"));
    for name in ["api.example.com", "localhost", "127.0.0.1"] {
        let tls = connect(&stand_in, &trusted, name, &[b"http/1.1"]).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = page_over(tls, &stand_in).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(PAGE_1), "{name}: {answer}");
    }
}

#[tokio::test]
async fn an_authority_comes_back_from_its_files() {
    let authority = CertificateAuthority::generate(Life::ANY_TIME).unwrap();
    let (certificate, key) = (authority.certificate_pem().to_owned(), authority.key_pem());
    let again = CertificateAuthority::from_pem(&certificate, &key).unwrap();
    let mut played = playing(history());
    played.config.tls = Some(again);
    let stand_in = played.start().await;
    connect(&stand_in, &certificate, "a.example", &[]).await.unwrap();
    let Err(error) = CertificateAuthority::from_pem("no certificate", &key) else { panic!("it was read") };
    assert!(error.to_string().contains("make a new one"), "{error}");
}

#[tokio::test]
async fn plain_http_within_tls_is_no_handshake() {
    let (stand_in, _) = within_tls(None).await;
    let mut client = crate::wire::Client::connect(&stand_in).await;
    client.send(&page_1().of_user(&stand_in).bytes()).await;
    let (bytes, _) = client.rest().await;
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    crate::wire::until("the connection to be counted", || stand_in.traffic().connections_failed == 1).await;
}

#[tokio::test]
async fn a_certificate_cannot_be_shown_without_tls() {
    let played = playing(history()).fault("certificate_expired@connection:1");
    let Err(error) = played.try_start().await else { panic!("it started") };
    assert!(matches!(error, StandInError::NeedsTls("certificate_expired")), "{error}");
}

/// The first handshake fails for the reason that is expected, the next one does not.
async fn distrusts(fault: &str, is_reason: impl Fn(&CertificateError) -> bool) {
    let (stand_in, trusted) = within_tls(Some(&format!("{fault}@connection:1"))).await;
    let error = connect(&stand_in, &trusted, "api.example.com", &[]).await.unwrap_err();
    let reason = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::InvalidCertificate(reason)) => assert!(is_reason(reason), "{reason:?}"),
        other => panic!("{other:?}"),
    }
    crate::wire::until("the connection to be counted", || stand_in.traffic().connections_failed == 1).await;
    let tls = connect(&stand_in, &trusted, "api.example.com", &[]).await.unwrap();
    assert!(page_over(tls, &stand_in).await.ends_with(PAGE_1));
    assert_eq!(stand_in.unused_faults(), []);
    assert_eq!(
        stand_in.traffic(),
        Traffic { received: 1, answered: 1, connections_failed: 1, ..Traffic::default() }
    );
}

async fn an_expired_certificate_is_shown(fault: &str) {
    distrusts(fault, |reason| matches!(reason, CertificateError::ExpiredContext { .. })).await;
}

async fn a_certificate_of_nobody_is_shown(fault: &str) {
    distrusts(fault, |reason| matches!(reason, CertificateError::UnknownIssuer)).await;
}

async fn a_certificate_of_another_server_is_shown(fault: &str) {
    distrusts(fault, |reason| matches!(reason, CertificateError::NotValidForNameContext { .. })).await;
}
