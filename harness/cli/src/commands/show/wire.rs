//! One exchange as it went over the wire, but for what stands where secrets were, and JSON over several lines.

use super::outcome;
use counterpart_exchange::{Body, Exchange, Headers};
use serde_json::json;
use std::fmt::Write;

/// Request and answer; lines of the request begin with `>`, those of the answer with `<`.
pub(super) fn text(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let mut out = String::new();
    let cause = exchange.caused_by.as_ref().map_or_else(String::new, |cause| format!(", caused by {cause}"));
    let _ = writeln!(
        out,
        "# {}: at {} ms, took {} ms{cause}",
        exchange.id, exchange.offset_ms, exchange.latency_ms
    );
    let _ = writeln!(out, "> {} {}", request.method, printable(&request.target));
    message(&mut out, '>', &request.headers, &request.body);
    out.push('\n');
    match &exchange.response {
        Some(response) => {
            let _ = writeln!(out, "< {}", outcome(exchange));
            message(&mut out, '<', &response.headers, &response.body);
        }
        None => {
            let _ = writeln!(out, "# no answer: {}", outcome(exchange));
        }
    }
    out
}

fn message(out: &mut String, mark: char, headers: &Headers, body: &Body) {
    for (name, values) in headers.iter() {
        for value in values {
            let _ = writeln!(out, "{mark} {name}: {}", printable(&value.to_string()));
        }
    }
    let text = match body {
        Body::None => return,
        Body::Json(json) => json.pretty(),
        Body::Form(fields) => {
            printable(&fields.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<String>())
        }
        Body::Text(text) => printable(text),
        Body::Binary(bytes) => format!("({} bytes of no text)", bytes.len()),
        Body::Omitted { size_bytes } => format!("({size_bytes} bytes, not kept)"),
    };
    let _ = writeln!(out, "{mark}");
    for line in text.lines() {
        let _ = writeln!(out, "{}", format!("{mark} {line}").trim_end());
    }
}

/// Text without what a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// The same for programs: bodies as text where they are, else their size.
pub(super) fn json(exchange: &Exchange) -> serde_json::Value {
    let headers = |headers: &Headers| -> serde_json::Value {
        headers
            .iter()
            .map(|(name, values)| {
                (name.to_owned(), values.iter().map(ToString::to_string).collect::<Vec<_>>())
            })
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .map(|(name, values)| (name, json!(values)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let body = |body: &Body| match body {
        Body::None => json!(null),
        Body::Json(json) => json!({ "json": json.as_str() }),
        Body::Form(fields) => json!({ "form": fields }),
        Body::Text(text) => json!({ "text": text }),
        Body::Binary(bytes) => json!({ "binary": { "size_bytes": bytes.len() } }),
        Body::Omitted { size_bytes } => json!({ "omitted": { "size_bytes": size_bytes } }),
    };
    let request = &exchange.request;
    json!({
        "id": exchange.id,
        "direction": exchange.direction,
        "offset_ms": exchange.offset_ms,
        "latency_ms": exchange.latency_ms,
        "caused_by": exchange.caused_by,
        "ended": exchange.ended,
        "request": {
            "method": request.method,
            "target": request.target,
            "headers": headers(&request.headers),
            "body": body(&request.body),
        },
        "response": exchange.response.as_ref().map(|response| json!({
            "status": response.status,
            "headers": headers(&response.headers),
            "body": body(&response.body),
        })),
    })
}
