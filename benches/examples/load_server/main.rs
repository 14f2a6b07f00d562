//! One server under load: the stand-in, a bare hyper server that answers the same bytes, or a peer.
//!
//! ```text
//! load_server KIND STUBS [get|post]
//! ```
//!
//! It serves on one thread, prints its address, and runs until it is killed. `benches/load.py` pins it to a core, sends
//! load to it from the other, and compares.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

mod bare;
mod peers;
mod stand_in;
mod workload;

use workload::Workload;

fn main() {
    let mut words = std::env::args().skip(1);
    let kind = words.next().unwrap_or_default();
    let stubs = words.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let workload = Workload { stubs, posts: words.next().as_deref() == Some("post") };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        match kind.as_str() {
            "bare" => bare::serve(workload).await,
            "stand-in" => stand_in::serve(workload).await,
            "wiremock" => peers::wiremock(workload).await,
            "httpmock" => peers::httpmock(workload).await,
            other => panic!("{other:?} is no server; there are bare, stand-in, wiremock and httpmock"),
        }
    });
}

/// Tells where it listens, and stays.
async fn stay(address: std::net::SocketAddr) {
    println!("listening on {address}");
    std::future::pending().await
}
