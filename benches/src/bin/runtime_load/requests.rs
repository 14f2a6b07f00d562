//! Requests as bytes, made and signed ahead.

use std::rc::Rc;

use counterpart_signatures::{Delivery, Scheme, Secret};
use serde_json::{Value, json};

use crate::clock;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Bytes of a body.
const BODY_BYTES: usize = 1_024;

/// What is done about a connection's events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// They are applied to the destination.
    Applied,
    /// They are to be sent on to a provider that never answers: none is done.
    HeldBack,
}

/// A connection that takes webhooks, by its name; all are of one tenant.
pub(crate) fn connection(name: &str, work: Work, held_at: &str, limit: Option<(f64, u32)>) -> Vec<u8> {
    let (max_per_second, burst) = limit.unwrap_or((10_000.0, u32::MAX));
    let mut webhook = json!({ "scheme": "standard_webhooks", "secret": SECRET, "max_per_second": max_per_second,
        "burst": burst });
    let provider = match work {
        Work::Applied => {
            webhook["account"] = json!("T1");
            "slack"
        }
        Work::HeldBack => {
            webhook["forward"] = json!("/events");
            "http"
        }
    };
    let body = json!({ "provider": provider, "base_url": held_at, "access_token": "a", "webhook": webhook });
    plain("PUT", &format!("/connections/bench/{name}"), &body.to_string())
}

pub(crate) fn plain(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Signed deliveries to a connection, each of an event of its own.
pub(crate) fn deliveries(name: &str, work: Work, count: usize) -> Rc<Vec<Vec<u8>>> {
    let (secret, now) = (Secret::new(SECRET), clock::timestamp());
    let round = now.as_microsecond();
    let signed = (0..count).map(|number| {
        let (id, body) = (format!("msg_{round}_{number}"), event(work, round, number));
        let url = format!("http://bench/hooks/bench/{name}");
        let headers = [("webhook-id".to_owned(), id)];
        let unsigned = Delivery { method: "POST", url: &url, headers: &headers, body: body.as_bytes() };
        let signed = Scheme::StandardWebhooks.sign(&secret, &unsigned, now).unwrap();
        let mut all = headers.to_vec();
        signed.set_headers(&mut all);
        let lines: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        format!(
            "POST /hooks/bench/{name} HTTP/1.1\r\nhost: bench\r\nuser-agent: provider/1.0\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{lines}\r\n{body}"
        )
        .into_bytes()
    });
    Rc::new(signed.collect())
}

/// An event of 1 KiB.
pub(crate) fn event(work: Work, round: i64, number: usize) -> String {
    let with = |text: &str| match work {
        Work::HeldBack => json!({ "type": "order.created", "number": number, "text": text }),
        Work::Applied => slack(round, number, text),
    };
    let text = "x".repeat(BODY_BYTES - with("").to_string().len());
    with(&text).to_string()
}

fn slack(round: i64, number: usize, text: &str) -> Value {
    let at = format!("{}.{number:06}", round / 1_000_000);
    json!({ "team_id": "T1", "event_id": format!("Ev{round}{number}"), "type": "event_callback",
        "authorizations": [], "event": { "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": at,
        "event_ts": at } })
}
