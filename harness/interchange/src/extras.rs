//! What an exchange holds and another format has no word for, in a place where that format lets others write.
//!
//! An exporter builds the exchange as a plain reader of its format would see it, and [`Extras::between`] keeps what
//! the real one has beyond that. The importer of the format reads both and gets the real exchange back. Other
//! tools pass over it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers};
use serde::{Deserialize, Serialize};

/// What goes beside one exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extras {
    id: String,
    #[serde(default, skip_serializing_if = "is_default")]
    direction: Direction,
    #[serde(default, skip_serializing_if = "is_default")]
    offset_ms: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    latency_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caused_by: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    ended: Ended,
    #[serde(default, skip_serializing_if = "is_default")]
    request: MessageExtras,
    #[serde(default, skip_serializing_if = "is_default")]
    response: MessageExtras,
}

/// What a message really is, each part where a plain reading gives another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageExtras {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// All of them, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<(String, HeaderSpelling)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodySpelling>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum HeaderSpelling {
    Text(String),
    Bytes { base64: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BodySpelling {
    Text(String),
    Base64(String),
    Omitted { size_bytes: u64 },
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Extras {
    /// What is to be added to the `plain` reading of a format to have the `real` exchange.
    pub(crate) fn between(plain: &Exchange, real: &Exchange) -> Self {
        let differs = |plain: &str, real: &str| (plain != real).then(|| real.to_owned());
        let request = MessageExtras {
            method: differs(&plain.request.method, &real.request.method),
            target: differs(&plain.request.target, &real.request.target),
            headers: headers_between(&plain.request.headers, &real.request.headers),
            body: body_between(&plain.request.body, &real.request.body),
        };
        let response = match (&plain.response, &real.response) {
            (Some(plain), Some(real)) => MessageExtras {
                headers: headers_between(&plain.headers, &real.headers),
                body: body_between(&plain.body, &real.body),
                ..MessageExtras::default()
            },
            _ => MessageExtras::default(),
        };
        Self {
            id: real.id.to_string(),
            direction: real.direction,
            offset_ms: real.offset_ms,
            latency_ms: real.latency_ms,
            caused_by: real.caused_by.as_ref().map(ToString::to_string),
            ended: real.ended,
            request,
            response,
        }
    }

    /// Adds it to a plain reading. Says what cannot be: base64 that is none.
    pub(crate) fn add_to(self, exchange: &mut Exchange) -> Result<(), String> {
        exchange.id = ExchangeId::from(self.id.as_str());
        exchange.direction = self.direction;
        exchange.offset_ms = self.offset_ms;
        exchange.latency_ms = self.latency_ms;
        exchange.caused_by = self.caused_by.as_deref().map(ExchangeId::from);
        exchange.ended = self.ended;
        let MessageExtras { method, target, headers, body } = self.request;
        let request = &mut exchange.request;
        if let Some(method) = method {
            request.method = method;
        }
        if let Some(target) = target {
            request.target = target;
        }
        add_message(&mut request.headers, &mut request.body, headers, body)?;
        if let Some(response) = &mut exchange.response {
            let MessageExtras { headers, body, .. } = self.response;
            add_message(&mut response.headers, &mut response.body, headers, body)?;
        }
        Ok(())
    }
}

fn headers_between(plain: &Headers, real: &Headers) -> Option<Vec<(String, HeaderSpelling)>> {
    let spell = |value: &HeaderValue| match value {
        HeaderValue::Text(text) => HeaderSpelling::Text(text.clone()),
        HeaderValue::Bytes(bytes) => HeaderSpelling::Bytes { base64: BASE64.encode(bytes) },
    };
    (plain != real).then(|| {
        real.iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.to_owned(), spell(value))))
            .collect()
    })
}

fn body_between(plain: &Body, real: &Body) -> Option<BodySpelling> {
    if let Body::Omitted { size_bytes } = real {
        return Some(BodySpelling::Omitted { size_bytes: *size_bytes });
    }
    let bytes = real.to_bytes();
    let is_unknown = matches!(plain, Body::Omitted { .. });
    (is_unknown || plain.to_bytes() != bytes).then(|| match String::from_utf8(bytes) {
        Ok(text) => BodySpelling::Text(text),
        Err(error) => BodySpelling::Base64(BASE64.encode(error.as_bytes())),
    })
}

fn add_message(
    headers: &mut Headers,
    body: &mut Body,
    real_headers: Option<Vec<(String, HeaderSpelling)>>,
    real_body: Option<BodySpelling>,
) -> Result<(), String> {
    let decode =
        |text: &str| BASE64.decode(text).map_err(|error| format!("holds base64 that is none: {error}"));
    if let Some(fields) = real_headers {
        *headers = Headers::default();
        for (name, value) in fields {
            let value = match value {
                HeaderSpelling::Text(text) => HeaderValue::Text(text),
                HeaderSpelling::Bytes { base64 } => HeaderValue::from_bytes(&decode(&base64)?),
            };
            headers.append(&name, value);
        }
    }
    let bytes = match real_body {
        Some(BodySpelling::Omitted { size_bytes }) => {
            *body = Body::Omitted { size_bytes };
            return Ok(());
        }
        Some(BodySpelling::Text(text)) => text.into_bytes(),
        Some(BodySpelling::Base64(text)) => decode(&text)?,
        None if matches!(body, Body::Omitted { .. }) => return Ok(()),
        None => std::mem::take(body).into_bytes(),
    };
    // With the real headers the form may be another: JSON is told by its media type.
    *body = Body::from_bytes(&bytes, headers.text("content-type"));
    Ok(())
}
