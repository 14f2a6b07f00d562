//! One server under load: the stand-in, a bare hyper server that answers the same bytes, or a peer.
//!
//! ```text
//! load_server KIND STUBS get|post
//! ```
//!
//! It serves on one thread, prints its address, and runs until it is killed. `benches/load.py` pins it to a core, sends
//! load to it from the other, and compares.
#![allow(clippy::print_stdout, reason = "whoever measures has to know where it listens")]

use counterpart_benches::{Server, Workload, install_crypto};

fn main() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, stubs, method] = words.as_slice() else {
        return Err("expected load_server KIND STUBS get|post".to_owned());
    };
    let server: Server = kind.parse()?;
    let stubs = stubs.parse().map_err(|_| format!("{stubs:?} is no number of stubs"))?;
    let workload = Workload { stubs, posts: method == "post" };
    install_crypto();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
    tokio.map_err(|error| error.to_string())?.block_on(async {
        let running = server.start(workload).await;
        println!("listening on {}", running.address);
        std::future::pending().await
    })
}
