//! Connections to upstreams: kept open for the next request, within TLS where the upstream wants it.

use crate::clock::Clock;
use crate::connection::MAX_HEAD_BYTES;
use crate::tee::RequestTee;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Connections to the upstream that lie idle are given up before servers commonly close them (five seconds),
/// so that a request does not run into a closing connection that its client never saw.
const POOL_IDLE: Duration = Duration::from_secs(4);

type UpstreamClient = Client<Within<HttpsConnector<HttpConnector>>, RequestTee>;

/// How a request is to go to its upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/2 where the upstream agrees to it within TLS, HTTP/1.1 otherwise.
    WhatIsAgreed,
    /// HTTP/1.1, the only one in which a connection can be taken over by another protocol.
    Http1,
    /// HTTP/2 from the first byte, without TLS.
    Http2Plain,
}

/// Clients that add nothing, follow nothing, and keep the spelling of header names.
pub(crate) struct Clients {
    agreed: UpstreamClient,
    http1: UpstreamClient,
    http2_plain: UpstreamClient,
}

impl Clients {
    /// Clients that trust those roots, and wait so long for a connection.
    ///
    /// # Errors
    /// Where TLS cannot be spoken at all.
    pub(crate) fn new(roots: RootCertStore, connect: Duration) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let both = connector().enable_http1().enable_http2().wrap_connector(tcp.clone());
        let only_http1 = connector().enable_http1().wrap_connector(tcp.clone());
        let plain = connector().enable_http2().wrap_connector(tcp);
        let within = |inner| Within { inner, bound: connect };
        let mut http2_only = builder();
        http2_only.http2_only(true);
        Ok(Self {
            agreed: builder().build(within(both)),
            http1: builder().build(within(only_http1)),
            http2_plain: http2_only.build(within(plain)),
        })
    }

    pub(crate) async fn request(
        &self,
        request: Request<RequestTee>,
        speaks: Speaks,
    ) -> Result<Response<Incoming>, ClientError> {
        let client = match speaks {
            Speaks::WhatIsAgreed => &self.agreed,
            Speaks::Http1 => &self.http1,
            Speaks::Http2Plain => &self.http2_plain,
        };
        client.request(request).await
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .http1_preserve_header_case(true)
        .http2_max_header_list_size(MAX_HEAD_BYTES)
        .set_host(false);
    builder
}

/// The machine's root certificates, and those that are given.
///
/// # Errors
/// Where there is none.
pub(crate) fn roots(additional: &[CertificateDer<'static>]) -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots.add_parsable_certificates(additional.iter().cloned());
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
        return Err(io::Error::other(reason));
    }
    Ok(roots)
}

/// A connector that has to have connected, TLS included, within a bound.
#[derive(Clone)]
struct Within<C> {
    inner: C,
    bound: Duration,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, bound) = (self.inner.call(uri), self.bound);
        Box::pin(async move {
            Clock::within(bound, connecting).await.unwrap_or_else(|| {
                let message = format!("no connection came about within {} s", bound.as_secs_f32());
                Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
            })
        })
    }
}
