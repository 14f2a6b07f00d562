//! HAR 1.2 (HTTP Archive, W3C draft of 2012-08-14).
//!
//! Each exchange is an entry. What HAR has no field for stands under `_counterpart` of the entry, which other readers
//! pass over, as HAR asks of names that begin with `_`.

use super::{
    BYTES_IN_HEADERS, Exported, Going, as_text, ended_badly, headers_without, is_inbound, omitted_bodies,
};
use crate::extras::Extras;
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{
    Body, Exchange, Fixture, Headers, Provenance, Request, RequestTarget, Response, StandInValues,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Writes a fixture as HAR 1.2.
#[must_use]
pub fn export_har(fixture: &Fixture) -> Exported {
    let (mut going, values) = Going::of(fixture);
    let place = Place::of(fixture, &values);
    let entries: Vec<Value> = std::mem::take(&mut going.exchanges)
        .iter()
        .enumerate()
        .map(|(index, exchange)| entry(exchange, index, &place, &mut going))
        .collect();
    let har = json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "counterpart", "version": env!("CARGO_PKG_VERSION") },
            "entries": entries,
        }
    });
    Exported { text: format!("{har:#}\n"), losses: going.losses }
}

/// Where and when the exchanges were.
struct Place {
    scheme: String,
    authority: String,
    began: Timestamp,
}

impl Place {
    fn of(fixture: &Fixture, values: &StandInValues) -> Self {
        let elsewhere = ("https".to_owned(), format!("{}.invalid", fixture.provider));
        let Provenance::Recorded(recorded) = &fixture.provenance else {
            let (scheme, authority) = elsewhere;
            return Self { scheme, authority, began: Timestamp::UNIX_EPOCH };
        };
        let upstream = values.fill(&recorded.upstream);
        let (scheme, authority) = upstream
            .split_once("://")
            .map(|(scheme, rest)| (scheme.to_owned(), rest.split('/').next().unwrap_or_default().to_owned()))
            .filter(|(_, authority)| is_authority(authority))
            .unwrap_or(elsewhere);
        Self { scheme, authority, began: recorded.at }
    }

    fn url(&self, request: &Request) -> String {
        let host = request.headers.text("host").filter(|host| is_authority(host));
        let target = query::in_url(&request.target);
        let slash = if target.starts_with('/') { "" } else { "/" };
        format!("{}://{}{slash}{target}", self.scheme, host.unwrap_or(&self.authority))
    }

    fn time(&self, offset_ms: u64) -> Timestamp {
        i64::try_from(offset_ms)
            .ok()
            .and_then(|offset_ms| self.began.checked_add(SignedDuration::from_millis(offset_ms)).ok())
            .unwrap_or(self.began)
    }
}

fn is_authority(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte))
}

fn entry(exchange: &Exchange, index: usize, place: &Place, going: &mut Going) -> Value {
    let (request_headers, request_bytes) = headers_without(&exchange.request.headers, &[]);
    let url = place.url(&exchange.request);
    let plain_target = query::in_url(&exchange.request.target);
    let plain_target = if plain_target == "*" { "/*".to_owned() } else { plain_target };
    let response = exchange.response.as_ref().map(|response| {
        let (headers, bytes) = headers_without(&response.headers, &[]);
        (Response { headers, body: said_body(&response.body), ..response.clone() }, bytes)
    });
    if request_bytes || response.as_ref().is_some_and(|(_, bytes)| *bytes) {
        going.lose(index, BYTES_IN_HEADERS);
    }
    if plain_target != exchange.request.target {
        going.lose(index, "the target, which no URL can have; one near it stands in its place");
    }
    let plain = Exchange {
        request: Request {
            target: plain_target,
            headers: request_headers,
            body: match &exchange.request.body {
                Body::Binary(_) | Body::Omitted { .. } => Body::None,
                body => body.clone(),
            },
            ..exchange.request.clone()
        },
        response: response.map(|(response, _)| response),
        ..exchange.clone()
    };
    if matches!(exchange.request.body, Body::Binary(_)) {
        going.lose(index, "the binary body of the request, for other readers: HAR holds text alone");
    }
    tell_losses(exchange, index, going);
    let bytes = exchange.request.body.to_bytes().len();
    json!({
        "startedDateTime": place.time(exchange.offset_ms).to_string(),
        "time": exchange.latency_ms,
        "request": har_request(&plain.request, &url, bytes),
        "response": har_response(plain.response.as_ref()),
        "cache": {},
        "timings": { "send": 0, "wait": exchange.latency_ms, "receive": 0 },
        "_counterpart": Extras::between(&plain, exchange),
    })
}

fn tell_losses(exchange: &Exchange, index: usize, going: &mut Going) {
    if is_inbound(exchange) {
        going.lose(index, "the direction, for other readers: a webhook looks like any other request");
    }
    if let Some(how) = ended_badly(exchange) {
        let stands = if exchange.response.is_none() { "; the status is 0" } else { "" };
        going.lose(index, format!("that {how}, for other readers{stands}"));
    }
    for what in omitted_bodies(exchange) {
        going.lose(index, what);
    }
}

/// A body as HAR can hold it in an answer.
fn said_body(body: &Body) -> Body {
    match body {
        Body::Omitted { .. } => Body::None,
        body => body.clone(),
    }
}

fn har_request(request: &Request, url: &str, body_bytes: usize) -> Value {
    let mut out = json!({
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": request_cookies(&request.headers),
        "headers": har_headers(&request.headers),
        "queryString": query_string(&request.target),
        "headersSize": -1,
        "bodySize": body_bytes,
    });
    if request.body != Body::None {
        out["postData"] = json!({
            "mimeType": request.headers.text("content-type").unwrap_or("x-unknown"),
            "text": String::from_utf8_lossy(&request.body.to_bytes()),
        });
    }
    out
}

fn har_response(response: Option<&Response>) -> Value {
    let none = Headers::default();
    let headers = response.map_or(&none, |response| &response.headers);
    let bytes = response.map(|response| response.body.to_bytes()).unwrap_or_default();
    let mut content =
        json!({ "size": bytes.len(), "mimeType": headers.text("content-type").unwrap_or("x-unknown") });
    let body_bytes = bytes.len();
    if !bytes.is_empty() {
        match String::from_utf8(bytes) {
            Ok(text) => content["text"] = text.into(),
            Err(error) => {
                content["text"] = BASE64.encode(error.as_bytes()).into();
                content["encoding"] = "base64".into();
            }
        }
    }
    json!({
        "status": response.map_or(0, |response| response.status),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": response_cookies(headers),
        "headers": har_headers(headers),
        "content": content,
        "redirectURL": headers.text("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": body_bytes,
    })
}

fn har_headers(headers: &Headers) -> Vec<Value> {
    let each = |name: &str, value: String| json!({ "name": name, "value": value });
    headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| each(name, as_text(value))))
        .collect()
}

fn query_string(target: &str) -> Vec<Value> {
    let fields = RequestTarget::of(target).query.map(query::fields).unwrap_or_default();
    fields
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value.unwrap_or_default() }))
        .collect()
}

fn request_cookies(headers: &Headers) -> Vec<Value> {
    let all = headers.values("cookie").iter().map(as_text);
    all.flat_map(|line| {
        line.split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// RFC 6265, section 4.1: the pair first, then attributes.
fn response_cookies(headers: &Headers) -> Vec<Value> {
    let one = |line: String| {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = json!({ "name": name, "value": value });
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.to_ascii_lowercase().as_str() {
                key @ ("path" | "domain") => cookie[key] = value.into(),
                "httponly" => cookie["httpOnly"] = true.into(),
                "secure" => cookie["secure"] = true.into(),
                _ => {}
            }
        }
        Some(cookie)
    };
    headers.values("set-cookie").iter().map(as_text).filter_map(one).collect()
}
