//! What becomes of other tools' recordings: a small file of each format, files that mean harm, and real ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod har;
mod hostile;
mod nock;
mod polly;
mod real_recordings;
mod speed;
mod vcr;

use counterpart_exchange::{Body, Ended, Headers};
use counterpart_interchange::{Format, Imported, import};
use std::fmt::Write;
use std::path::Path;

/// Imports a text.
pub(crate) fn imported(format: Format, text: &str) -> Imported {
    import(format, Path::new("recorded.file"), text.as_bytes()).unwrap()
}

/// Why bytes are refused.
pub(crate) fn refused(format: Format, bytes: impl AsRef<[u8]>) -> String {
    import(format, Path::new("recorded.file"), bytes.as_ref()).unwrap_err().to_string()
}

/// What was imported, for people.
pub(crate) fn shown(imported: &Imported) -> String {
    let mut out = String::new();
    for exchange in &imported.exchanges {
        let times = format!("at {} ms, {} ms", exchange.offset_ms, exchange.latency_ms);
        let ended =
            if exchange.ended == Ended::Complete { String::new() } else { format!(", {:?}", exchange.ended) };
        writeln!(out, "{} {} ({times}{ended})", exchange.request.method, exchange.request.target).unwrap();
        show_message(&mut out, &exchange.request.headers, &exchange.request.body);
        if let Some(response) = &exchange.response {
            writeln!(out, "-> {}", response.status).unwrap();
            show_message(&mut out, &response.headers, &response.body);
        }
    }
    for loss in &imported.losses {
        writeln!(out, "LOSS {loss}").unwrap();
    }
    for warning in &imported.warnings {
        writeln!(out, "WARNING {warning}").unwrap();
    }
    out
}

fn show_message(out: &mut String, headers: &Headers, body: &Body) {
    for (name, values) in headers.iter() {
        for value in values {
            writeln!(out, "   {name}: {value}").unwrap();
        }
    }
    match body {
        Body::None => {}
        Body::Json(json) => writeln!(out, "   JSON {json}").unwrap(),
        other => writeln!(out, "   {other:?}").unwrap(),
    }
}
