//! Servers with TLS behind a recording proxy, and clients before it.

use crate::wire::{Session, Wire, bounded};
use bytes::Bytes;
use counterpart_certificates::{CertificateAuthority, CertificateFlaw, Life};
use counterpart_recorder::{HostAction, Limits, Others, ProxyConfig, ProxyHost, Recorder};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub(crate) fn authority() -> CertificateAuthority {
    CertificateAuthority::generate(Life::ANY_TIME).unwrap()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A server of TLS, with a certificate of an authority of its own.
pub(crate) struct Origin {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    pub(crate) address: SocketAddr,
    pub(crate) root: CertificateDer<'static>,
}

impl Origin {
    /// One that agrees to those protocols, and is called `localhost`.
    pub(crate) async fn start(protocols: &[&str]) -> Self {
        Self::flawed(protocols, None).await
    }

    pub(crate) async fn flawed(protocols: &[&str], flaw: Option<CertificateFlaw>) -> Self {
        let authority = authority();
        let certified = authority.certify("localhost", Life::ANY_TIME, flaw).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let root = authority.certificate_der().clone();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), address, root }
    }

    /// `localhost:port`.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The next connection, within TLS.
    pub(crate) async fn accept(&self) -> Wire<tokio_rustls::server::TlsStream<TcpStream>> {
        let (stream, _) = bounded(self.listener.accept()).await.unwrap();
        Wire(bounded(self.acceptor.accept(stream)).await.unwrap())
    }

    /// Answers whatever comes.
    pub(crate) fn serve(self, answer: Answer) {
        tokio::spawn(async move {
            while let Ok((stream, _)) = self.listener.accept().await {
                let acceptor = self.acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service =
                        service_fn(move |request| async move { Ok::<_, Infallible>(answer(request).await) });
                    let io = TokioIo::new(stream);
                    let _ = if is_http2 {
                        http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
                    } else {
                        http1::Builder::new().serve_connection(io, service).await
                    };
                });
            }
        });
    }
}

/// What a server says.
pub(crate) type Answer = fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Said>> + Send>>;
pub(crate) type Said = BoxBody<Bytes, Infallible>;

pub(crate) fn said(text: impl Into<Bytes>) -> Said {
    Full::new(text.into()).boxed()
}

/// Says which version a request came in, and what it was.
pub(crate) fn echo(request: Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Said>> + Send>> {
    Box::pin(async move {
        let (version, path) = (request.version(), request.uri().path().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Response::new(said(format!("{version:?} {path} {body}")))
    })
}

/// A recording proxy, and whom its clients have to trust.
pub(crate) struct Proxied {
    pub(crate) session: Session,
    pub(crate) root: CertificateDer<'static>,
}

/// Hosts that become parts of fixtures `<provider>/flow`.
pub(crate) fn recorded(hosts: &[(&str, &str)]) -> Vec<ProxyHost> {
    let host = |(host, provider): &(&str, &str)| ProxyHost {
        pattern: host.parse().unwrap(),
        action: HostAction::Record { provider: (*provider).to_owned(), flow: "flow".into() },
    };
    hosts.iter().map(host).collect()
}

pub(crate) async fn proxy(hosts: Vec<ProxyHost>, trusted: &[&Origin]) -> Proxied {
    proxy_within(hosts, Others::Tunnel, trusted, Limits::default()).await
}

pub(crate) async fn proxy_within(
    hosts: Vec<ProxyHost>,
    others: Others,
    trusted: &[&Origin],
    limits: Limits,
) -> Proxied {
    let authority = authority();
    let root = authority.certificate_der().clone();
    let folder = tempfile::tempdir().unwrap();
    let config = ProxyConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        authority,
        hosts,
        others,
        additional_roots: trusted.iter().map(|origin| origin.root.clone()).collect(),
        out: folder.path().to_owned(),
        until_idle: None,
        known_secrets: Vec::new(),
    };
    let recorder = Recorder::proxy_within(config, limits).await.unwrap();
    Proxied { session: Session { folder, recorder }, root }
}

impl Proxied {
    /// A tunnel to a target; what was answered where there is none.
    pub(crate) async fn tunnel(&self, target: &str) -> Result<Wire, String> {
        let mut wire = self.session.client().await;
        wire.send(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")).await;
        let head = wire.until("\r\n\r\n").await;
        if head.starts_with("HTTP/1.1 200 ") { Ok(wire) } else { Err(head + &wire.rest().await) }
    }

    /// A connection to a target that the client takes for its own.
    pub(crate) async fn tls(&self, target: &str, protocols: &[&str]) -> Wire<TlsStream<TcpStream>> {
        let wire = self.tunnel(target).await.unwrap();
        Wire(shake(wire, target, &self.root, protocols).await.unwrap())
    }

    /// One request on a connection of its own, in HTTP/1.1; the whole of what came back.
    pub(crate) async fn get(&self, target: &str, path: &str) -> String {
        let mut wire = self.tls(target, &["http/1.1"]).await;
        wire.send(&format!("GET {path} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n")).await;
        wire.rest().await
    }

    /// A client of HTTP/2 to a target.
    pub(crate) async fn http2(&self, target: &str) -> hyper::client::conn::http2::SendRequest<Said> {
        let wire = self.tls(target, &["h2"]).await;
        assert_eq!(wire.0.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let io = TokioIo::new(wire.0);
        let (client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

/// Shakes hands as a client that trusts one authority.
pub(crate) async fn shake(
    wire: Wire,
    target: &str,
    root: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let host = target.rsplit_once(':').unwrap().0.to_owned();
    let name = ServerName::try_from(host).unwrap();
    bounded(TlsConnector::from(Arc::new(config)).connect(name, wire.0)).await
}
