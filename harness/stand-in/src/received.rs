//! A request off the wire, as the stand-in works with it: parts are looked at where they lie.
//!
//! Most requests are matched by method, target and a digest of the body alone. What needs more asks for
//! [`Received::request`], which is built at most once.

use bytes::Bytes;
use counterpart_exchange::{Body, HeaderValue, Headers, Request};
use std::sync::OnceLock;

/// A request that was read whole.
#[derive(Debug)]
pub(crate) struct Received {
    head: http::request::Parts,
    body: Bytes,
    request: OnceLock<Request>,
}

impl Received {
    pub(crate) fn new(head: http::request::Parts, body: Bytes) -> Self {
        Self { head, body, request: OnceLock::new() }
    }

    /// A part of a request, as if it had come alone. What cannot be a request's head is left out of it.
    pub(crate) fn part(request: &Request) -> Self {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = request.method.parse().unwrap_or_default();
        head.uri = request.target.parse().unwrap_or_default();
        for (name, values) in request.headers.iter() {
            let Ok(name) = name.parse::<http::HeaderName>() else { continue };
            for value in values.iter().filter_map(|v| http::HeaderValue::from_bytes(v.as_bytes()).ok()) {
                head.headers.append(name.clone(), value);
            }
        }
        Self { head, body: Bytes::from(request.body.to_bytes()), request: OnceLock::from(request.clone()) }
    }

    pub(crate) fn method(&self) -> &http::Method {
        &self.head.method
    }

    /// Path and query, as sent.
    pub(crate) fn target(&self) -> &str {
        self.head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// The host that was asked, with its port where it was named.
    pub(crate) fn authority(&self) -> Option<&str> {
        match self.head.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => self.header("host"),
        }
    }

    /// The host that was asked, without its port.
    pub(crate) fn host(&self) -> Option<&str> {
        let authority = self.authority()?;
        Some(match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        })
    }

    /// The first value of a header field, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The values of all header fields.
    pub(crate) fn header_values(&self) -> impl Iterator<Item = &[u8]> {
        self.head.headers.values().map(http::HeaderValue::as_bytes)
    }

    /// Whether a header field is there more than once.
    pub(crate) fn has_twice(&self, name: &str) -> bool {
        self.head.headers.get_all(name).iter().nth(1).is_some()
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request with path and query cut down to what follows a prefix.
    pub(crate) fn without_prefix(mut self, prefix: &str) -> Self {
        let rest = self.target().strip_prefix(prefix).unwrap_or("/");
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        if let Ok(uri) = rest.parse() {
            self.head.uri = uri;
        }
        self
    }

    /// The request as an exchange holds one.
    pub(crate) fn request(&self) -> &Request {
        self.request.get_or_init(|| {
            let mut headers = Headers::default();
            for (name, value) in &self.head.headers {
                headers.append(name.as_str(), HeaderValue::from_bytes(value.as_bytes()));
            }
            let body = Body::from_bytes(&self.body, headers.text("content-type"));
            Request { method: self.head.method.to_string(), target: self.target().to_owned(), headers, body }
        })
    }
}
