//! The client that calls the subject's URL: one request, a bounded answer.

use super::sealing::Sealed;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::sync::{Mutex, PoisonError};

/// Largest answer that is read; what a receiver says is of no use to a vendor.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) media_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Keeps connections open from one webhook to the next.
#[derive(Debug)]
pub(crate) struct Caller(Mutex<Client<HttpConnector, Full<Bytes>>>);

impl Caller {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(client()))
    }

    /// Has what comes next go over new connections.
    pub(crate) fn begin_anew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = client();
    }

    /// Sends a webhook and waits for the answer to come whole.
    ///
    /// # Errors
    /// A sentence that says why none came.
    pub(crate) async fn send(&self, sealed: &Sealed) -> Result<Answered, String> {
        let mut request = hyper::Request::builder().method(sealed.method.clone()).uri(&sealed.url);
        for (name, value) in &sealed.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(sealed.body.clone()))
            .map_err(|error| format!("the webhook is no HTTP request: {error}"))?;
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let response = client.request(request).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        })?;
        let (head, body) = response.into_parts();
        let media_type = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        // A receiver that has said its status and then breaks off has answered.
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        Ok(Answered {
            status: head.status.as_u16(),
            media_type: media_type.map(str::to_owned),
            body: body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes),
        })
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// A URL that webhooks can be sent to.
///
/// # Errors
/// A sentence that says what is expected.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let shown: String = url.chars().take(120).collect();
    let parsed: Result<http::Uri, _> = url.parse();
    match parsed {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty()) => {
            Ok(())
        }
        Ok(uri) if uri.scheme_str() == Some("https") => {
            Err(format!("{shown:?} speaks TLS, which webhooks do not; give the http:// address behind it"))
        }
        _ => Err(format!("{shown:?} is no URL to send webhooks to; expected http://host:port/path")),
    }
}
