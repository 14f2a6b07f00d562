//! A recorded answer in the form in which it goes over the wire, so that giving it costs no more than a few
//! counted references; and what the answers of a fixture share.

use bytes::{Bytes, BytesMut};
use counterpart_exchange::{Body, Ended, HeaderValue as RecordedValue, Headers, Response};
use http::{HeaderName, HeaderValue};
use std::collections::HashSet;

/// Fields of a recorded answer that the stand-in's own connection decides.
pub(crate) const CONNECTION_FIELDS: [&str; 4] =
    ["connection", "transfer-encoding", "content-length", "keep-alive"];

/// A recorded answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) status: u16,
    /// The header fields that are sent, without those that the connection decides.
    pub(crate) headers: Box<[(HeaderName, HeaderValue)]>,
    pub(crate) body: Bytes,
    /// The length that the recorded head promised, where it promised one.
    pub(crate) recorded_length: Option<u64>,
    /// Whether it tells the client to wait.
    pub(crate) has_retry_after: bool,
    pub(crate) ended: Ended,
    /// The size of a body that was not kept when it was recorded.
    pub(crate) omitted_bytes: Option<u64>,
}

impl Prepared {
    /// Another one, to be changed.
    pub(crate) fn copy(&self) -> Self {
        Self { headers: self.headers.clone(), body: self.body.clone(), ..*self }
    }

    /// The same with further header fields in place of those that have their names.
    pub(crate) fn with_headers(&self, set: &[(String, String)]) -> Self {
        let mut headers = self.headers.to_vec();
        for (name, value) in set {
            let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
                continue;
            };
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        Self { headers: headers.into(), ..self.copy() }
    }

    /// The answer as an exchange holds one, to be changed.
    pub(crate) fn response(&self) -> Response {
        let mut headers = Headers::default();
        for (name, value) in &self.headers {
            headers.append(name.as_str(), RecordedValue::from_bytes(value.as_bytes()));
        }
        if let Some(length) = self.recorded_length {
            headers.append("content-length", RecordedValue::Text(length.to_string()));
        }
        let body = Body::from_bytes(&self.body, headers.text("content-type"));
        Response { status: self.status, headers, body }
    }
}

/// Bodies that are larger have memory of their own.
const MAX_SHARED_BODY_BYTES: usize = 64 * 1024;
/// Memory that is taken at once for those that share it.
const SHARED_BODIES_BYTES: usize = 256 * 1024;

/// What a fixture's answers share: header names and values that were met before are kept once, and bodies lie side by
/// side, counted together.
#[derive(Default)]
pub(crate) struct SharedParts {
    names: HashSet<HeaderName>,
    values: HashSet<HeaderValue>,
    bodies: BytesMut,
}

impl SharedParts {
    pub(crate) fn prepare(&mut self, response: Response, ended: Ended) -> Prepared {
        let recorded_length =
            response.headers.text("content-length").and_then(|length| length.trim().parse().ok());
        let has_retry_after = response.headers.text("retry-after").is_some();
        let mut headers = Vec::new();
        for (name, values) in response.headers.iter().filter(|(name, _)| !CONNECTION_FIELDS.contains(name)) {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            let name = self.names.get(&name).cloned().unwrap_or_else(|| {
                self.names.insert(name.clone());
                name
            });
            for value in values.iter().filter_map(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
                let value = self.values.get(&value).cloned().unwrap_or_else(|| {
                    self.values.insert(value.clone());
                    value
                });
                headers.push((name.clone(), value));
            }
        }
        let omitted_bytes = match response.body {
            Body::Omitted { size_bytes } => Some(size_bytes),
            _ => None,
        };
        let body = self.kept(response.body.into_bytes());
        Prepared {
            status: response.status,
            headers: headers.into_boxed_slice(),
            body,
            recorded_length,
            has_retry_after,
            ended,
            omitted_bytes,
        }
    }

    /// The bytes, kept as long as the stand-in runs.
    fn kept(&mut self, mut bytes: Vec<u8>) -> Bytes {
        if bytes.len() > MAX_SHARED_BODY_BYTES {
            bytes.shrink_to_fit();
            return Bytes::from(bytes);
        }
        if self.bodies.capacity() < bytes.len() {
            self.bodies = BytesMut::with_capacity(SHARED_BODIES_BYTES);
        }
        self.bodies.extend_from_slice(&bytes);
        self.bodies.split().freeze()
    }
}
