//! The exchanges of a fixture, one a line, with their times.

use super::{origin, outcome, wire::printable};
use counterpart_exchange::{Body, Direction, Exchange, Fixture};
use jiff::Timestamp;
use serde_json::json;
use std::fmt::Write;

/// Columns of a target that is not told whole.
const TARGET_CHARS: usize = 72;

/// The table, below what the fixture is; targets whole where they are asked for so.
pub(super) fn text(fixture: &Fixture, now: Timestamp, whole: bool) -> String {
    let exchanges = &fixture.exchanges;
    let mut out = format!("{}: {}\n", fixture.name(), origin(fixture, now));
    let count =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let inbound = exchanges.iter().filter(|exchange| exchange.direction == Direction::Inbound).count();
    let _ = write!(out, "{}", count(exchanges.len(), "exchange", "exchanges"));
    if inbound > 0 {
        let _ = write!(out, ", {}", count(inbound, "of them a webhook", "of them webhooks"));
    }
    let _ = writeln!(out, "; {} replaced\n", count(fixture.redacted.len(), "secret", "secrets"));

    let rows: Vec<[String; 5]> = exchanges.iter().map(|exchange| row(exchange, whole)).collect();
    let head = ["at", "took", "exchange", "request", "answer"].map(str::to_owned);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        })
        .collect();
    for [at, took, id, request, answer] in std::iter::once(&head).chain(&rows) {
        let line = format!(
            "{at:>0$}  {took:>1$}  {id:2$}  {request:3$}  {answer}",
            widths[0], widths[1], widths[2], widths[3]
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn row(exchange: &Exchange, whole: bool) -> [String; 5] {
    let request = &exchange.request;
    let arrow = if exchange.direction == Direction::Inbound { "<- " } else { "" };
    let target = if whole { request.target.clone() } else { shortened(&request.target) };
    let mut asked = format!("{arrow}{} {}", request.method, printable(&target));
    if request.body != Body::None {
        let _ = write!(asked, " + {}", body(&request.body));
    }
    let mut answered = outcome(exchange);
    if let Some(response) = exchange.response.as_ref().filter(|response| response.body != Body::None) {
        let _ = write!(answered, " {}", body(&response.body));
    }
    if let Some(cause) = &exchange.caused_by {
        let _ = write!(answered, ", caused by {cause}");
    }
    [
        format!("{}.{:03} s", exchange.offset_ms / 1_000, exchange.offset_ms % 1_000),
        format!("{} ms", exchange.latency_ms),
        exchange.id.to_string(),
        asked,
        answered,
    ]
}

/// The beginning and the end of a long target: the path tells what it is, the end which one.
fn shortened(target: &str) -> String {
    let chars: Vec<char> = target.chars().collect();
    if chars.len() <= TARGET_CHARS {
        return target.to_owned();
    }
    let part = (TARGET_CHARS - 3) / 2;
    let (begin, end) = (&chars[..part], &chars[chars.len() - part..]);
    begin.iter().chain(['.'; 3].iter()).chain(end).collect()
}

/// A body's kind and size.
fn body(body: &Body) -> String {
    let size = |bytes: u64| match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    };
    let size_bytes = size(body.to_bytes().len() as u64);
    match body {
        Body::None => String::new(),
        Body::Json(_) => format!("JSON {size_bytes}"),
        Body::Form(_) => format!("form {size_bytes}"),
        Body::Text(_) => format!("text {size_bytes}"),
        Body::Binary(_) => format!("binary {size_bytes}"),
        Body::Omitted { size_bytes } => format!("{} not kept", size(*size_bytes)),
    }
}

/// The same for programs.
pub(super) fn json(exchange: &Exchange) -> serde_json::Value {
    json!({
        "id": exchange.id,
        "direction": exchange.direction,
        "offset_ms": exchange.offset_ms,
        "latency_ms": exchange.latency_ms,
        "method": exchange.request.method,
        "target": exchange.request.target,
        "status": exchange.response.as_ref().map(|response| response.status),
        "ended": exchange.ended,
        "caused_by": exchange.caused_by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_target_keeps_both_ends() {
        let long = format!("/{}?end=1", "x".repeat(100));
        let short = shortened(&long);
        assert_eq!(short.chars().count(), 71);
        assert!(short.starts_with("/xxx") && short.ends_with("xxx?end=1") && short.contains("x...x"));
        assert_eq!(shortened("/short"), "/short");
    }
}
