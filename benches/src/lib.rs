//! What the benchmarks share: the recorded history, played by a stand-in, on an async runtime of its own, and the servers
//! that a stand-in is compared with.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

mod servers;
mod workload;

pub use servers::{Running, Server};
pub use workload::Workload;

use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, Fixture, Headers, JsonText, Library, Request, Response,
};
use counterpart_stand_in::{ErrorForms, ProviderConfig, StandIn, StandInClock, StandInConfig};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use tokio::runtime::Runtime;

/// An async runtime with one worker, as every part of a scenario has it.
///
/// # Panics
/// Where the machine gives no thread.
#[must_use]
pub fn tokio() -> Runtime {
    install_crypto();
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Names the library that does the cryptography, once for the process.
pub fn install_crypto() {
    // A second benchmark of this process finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The recorded room history: thirteen exchanges, ten of them pages.
///
/// # Panics
/// Where the repository's fixtures are not there.
#[must_use]
pub fn history() -> Fixture {
    library().fixture(&"matrix/room-history".parse().unwrap()).unwrap()
}

/// A stand-in that plays it.
///
/// # Panics
/// Where no port is free.
pub async fn stand_in(fixture: Fixture, clock: StandInClock) -> StandIn {
    let profile = library().profile("matrix").unwrap();
    let forms = ErrorForms::from_evidence(&profile, [&fixture]);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    StandIn::start(StandInConfig {
        providers: vec![ProviderConfig { profile, fixtures: vec![fixture], forms, faults: Vec::new() }],
        clock,
        listen,
        tls: None,
    })
    .await
    .unwrap()
}

/// An exchange of JSON, as a recording holds it.
///
/// # Panics
/// Where the bodies are not JSON.
#[must_use]
pub fn exchange(number: usize, method: &str, target: &str, request: &str, answer: &str) -> Exchange {
    let json = |text: &str| {
        let mut headers = Headers::default();
        if text.is_empty() {
            return (headers, Body::None);
        }
        headers.set("content-type", "application/json");
        (headers, Body::Json(JsonText::parse(text).unwrap()))
    };
    let ((headers, body), (answer_headers, answer_body)) = (json(request), json(answer));
    Exchange {
        id: ExchangeId::nth("item", number),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request { method: method.to_owned(), target: target.to_owned(), headers, body },
        response: Some(Response { status: 200, headers: answer_headers, body: answer_body }),
    }
}

fn library() -> Library {
    Library::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"))
}
