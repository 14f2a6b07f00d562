//! The servers of `benches/recording.py`: an upstream, and the recorder before it, as it records and as it passes on.
//!
//! ```text
//! recording_server upstream
//! recording_server reverse|record|pass URL
//! ```
//!
//! It prints where it listens, and ends with SIGTERM. What was recorded is dropped: what writing costs comes after the
//! last request, and is another measure.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]
#![allow(clippy::print_stdout, reason = "whoever started it is told where it listens")]

use bytes::Bytes;
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_recorder::{HostAction, Limits, Others, ProxyConfig, ProxyHost, Recorder, RecorderConfig};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// Bytes of a piece of a large body.
const PIECE_BYTES: usize = 64 * 1024;

fn main() {
    counterpart_benches::install_crypto();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let out = tempfile::tempdir().unwrap();
        match words.as_slice() {
            ["upstream"] => upstream().await,
            ["reverse", url] => wait_beside(reverse(url, out.path()).await).await,
            ["record", url] => wait_beside(proxy(url, out.path(), true).await).await,
            ["pass", url] => wait_beside(proxy(url, out.path(), false).await).await,
            _ => panic!("expected `upstream`, or `reverse`, `record` or `pass` with the upstream's URL"),
        }
    });
}

/// Runs until it is told to stop; what runs beside it runs as long.
async fn wait_beside(recorder: Recorder) {
    println!("listening on {}", recorder.address());
    let mut told = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    told.recv().await;
}

/// Nothing of a load is beyond them.
fn bounds() -> Limits {
    Limits { exchanges: usize::MAX, total_bytes: usize::MAX, ..Limits::default() }
}

async fn reverse(upstream: &str, out: &Path) -> Recorder {
    let config = RecorderConfig {
        provider: "provider".into(),
        flow: "load".into(),
        upstream: Some(upstream.parse().unwrap()),
        webhooks: Vec::new(),
        listen: loopback(),
        out: out.to_owned(),
        until_idle: None,
        known_secrets: Vec::new(),
        additional_roots: Vec::new(),
    };
    Recorder::start_within(config, bounds()).await.unwrap()
}

/// A forward proxy, which records the upstream or passes it on.
async fn proxy(upstream: &str, out: &Path, records: bool) -> Recorder {
    let base: http::Uri = upstream.parse().unwrap();
    let pattern = base.host().unwrap().parse().unwrap();
    let action = if records {
        HostAction::Record { provider: "provider".into(), flow: "load".into() }
    } else {
        HostAction::ForwardTo { base }
    };
    let config = ProxyConfig {
        listen: loopback(),
        authority: CertificateAuthority::generate(Life::of_authority(jiff::Timestamp::UNIX_EPOCH)).unwrap(),
        hosts: vec![ProxyHost { pattern, action }],
        others: Others::Refuse,
        additional_roots: Vec::new(),
        out: out.to_owned(),
        until_idle: None,
        known_secrets: Vec::new(),
    };
    Recorder::proxy_within(config, bounds()).await.unwrap()
}

async fn upstream() {
    let listener = tokio::net::TcpListener::bind(loopback()).await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let answer = Bytes::from(counterpart_benches::Workload { stubs: 1, posts: false }.answer_body(0));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answer = answer.clone();
            async move {
                let large = request.uri().path().strip_prefix("/bytes/").map(|bytes| bytes.parse().unwrap());
                let _ = request.into_body().collect().await;
                let response = hyper::Response::builder();
                Ok::<_, Infallible>(match large {
                    Some(bytes) => response.body(zeros(bytes)).unwrap(),
                    None => response
                        .header("content-type", "application/json")
                        .body(Full::new(answer).boxed())
                        .unwrap(),
                })
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// A body of so many bytes, made as it is asked for.
fn zeros(bytes: usize) -> BoxBody<Bytes, Infallible> {
    let piece = Bytes::from(vec![0; PIECE_BYTES]);
    let pieces = (0..bytes.div_ceil(PIECE_BYTES)).map(move |number| {
        let left = bytes - number * PIECE_BYTES;
        Ok(Frame::data(piece.slice(..left.min(PIECE_BYTES))))
    });
    StreamBody::new(futures_util::stream::iter(pieces)).boxed()
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
