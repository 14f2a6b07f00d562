//! A recorded answer in the form in which it goes over the wire, so that giving it costs no more than a few
//! counted references; and the store of names and values that a fixture's answers share.

use bytes::Bytes;
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

/// Header names and values that were met before: the same ones are kept once for a whole fixture.
#[derive(Default)]
pub(crate) struct SharedHeaders {
    names: HashSet<HeaderName>,
    values: HashSet<HeaderValue>,
}

impl SharedHeaders {
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
        let mut body = response.body.into_bytes();
        // It is kept as long as the stand-in runs.
        body.shrink_to_fit();
        Prepared {
            status: response.status,
            headers: headers.into_boxed_slice(),
            body: Bytes::from(body),
            recorded_length,
            has_retry_after,
            ended,
            omitted_bytes,
        }
    }
}
