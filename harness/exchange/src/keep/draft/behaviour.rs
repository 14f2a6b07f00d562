//! What a provider does beside answering, where exchanges show it outright: its hosts, keys of repeated writes, the
//! signature of its webhooks, the form of its errors.

use super::credentials::Carried;
use crate::Exchange;
use std::net::IpAddr;

/// Hosts by which a request is told to be this provider's. An address of a network or of this machine is none.
pub(super) fn hosts(exchanges: &[&Exchange]) -> String {
    let mut hosts: Vec<String> = Vec::new();
    for exchange in exchanges {
        let Some(authority) = exchange.request.headers.text("host") else { continue };
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_ascii_lowercase();
        let is_name = host.contains('.')
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
            && host.parse::<IpAddr>().is_err();
        if is_name && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() { String::new() } else { format!("hosts: [{}]\n", hosts.join(", ")) }
}

/// The key of repeated writes, by the field name that vendors and the draft of RFC agree on.
pub(super) fn idempotency(exchanges: &[&Exchange]) -> String {
    let carries_key = |exchange: &&Exchange| {
        !matches!(exchange.request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
            && exchange.request.headers.text("idempotency-key").is_some()
    };
    if exchanges.iter().any(carries_key) {
        "idempotency:\n  header: {name: Idempotency-Key}\n".to_owned()
    } else {
        String::new()
    }
}

/// Which field of a delivery says by which scheme it is signed.
const SIGNATURE_HEADERS: [(&str, &str); 12] = [
    ("stripe-signature", "stripe"),
    ("x-hub-signature-256", "github"),
    ("x-hub-signature", "github_sha1"),
    ("x-slack-signature", "slack"),
    ("webhook-signature", "standard_webhooks"),
    ("svix-signature", "standard_webhooks"),
    ("x-shopify-hmac-sha256", "shopify"),
    ("x-twilio-signature", "twilio"),
    ("x-hubspot-signature-v3", "hubspot"),
    ("x-square-hmacsha256-signature", "square"),
    ("paddle-signature", "paddle"),
    ("x-twilio-email-event-webhook-signature", "sendgrid"),
];

/// The signature scheme of webhooks that were seen.
pub(super) fn webhooks(exchanges: &[&Exchange]) -> String {
    let scheme = SIGNATURE_HEADERS
        .iter()
        .find(|(header, _)| exchanges.iter().any(|exchange| exchange.request.headers.text(header).is_some()));
    scheme.map_or_else(String::new, |(_, scheme)| format!("webhooks:\n  scheme: {scheme}\n"))
}

/// The form of errors, by the first answer that shows each.
pub(super) fn errors(exchanges: &[&Exchange], carried: &Carried) -> String {
    let form_of = |exchange: &Exchange| {
        let status = exchange.response.as_ref()?.status;
        let name = match status {
            401 if carried.is_in(exchange) => "expired_token",
            403 => "forbidden",
            404 => "not_found",
            412 => "precondition_failed",
            429 => "rate_limited",
            500..=599 => "server_error",
            _ => return None,
        };
        Some((name, status))
    };
    let mut forms: Vec<(&str, u16)> = Vec::new();
    for form in exchanges.iter().filter_map(|exchange| form_of(exchange)) {
        if !forms.iter().any(|(known, _)| *known == form.0) {
            forms.push(form);
        }
    }
    let lines: String =
        forms.iter().map(|(name, status)| format!("  {name}: {{status: {status}}}\n")).collect();
    if lines.is_empty() { lines } else { format!("errors:\n{lines}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_that_is_drafted_is_one() {
        for (_, scheme) in SIGNATURE_HEADERS {
            assert!(scheme.parse::<counterpart_signatures::Scheme>().is_ok(), "{scheme}");
        }
    }
}
