//! The servers that are measured, each in a process of its own on the first core, and what can be asked of one.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use counterpart_reference_runtime::{Runtime, RuntimeConfig};
use serde_json::Value;

use crate::client::Connection;
use crate::clock;
use crate::requests::{self, Work};

/// More than any measure leaves unfinished.
const MOST_UNFINISHED: u32 = 100_000_000;

/// How a runtime commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    Grouped,
    Singly,
}

/// A process that serves, killed when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// A provider that takes connections and says nothing.
    _mute: TcpListener,
    held_at: String,
}

impl Server {
    /// Answers 200 once it has read the body.
    pub(crate) fn no_op() -> Self {
        Self::spawn(&["serve-no-op"])
    }

    /// The runtime on a data directory.
    pub(crate) fn runtime(data: &Path, commits: Commits) -> Self {
        let commits = if commits == Commits::Singly { "singly" } else { "grouped" };
        Self::spawn(&["serve", &data.to_string_lossy(), commits])
    }

    fn spawn(words: &[&str]) -> Self {
        let mute = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let held_at = format!("http://{}", mute.local_addr().unwrap());
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(std::env::current_exe().unwrap()).args(words);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { process, address, _mute: mute, held_at }
    }

    /// Stores a connection. `limit`: what it may send a second, and at once.
    pub(crate) async fn connect(&self, name: &str, work: Work, limit: Option<(f64, u32)>) {
        let request = requests::connection(name, work, &self.held_at, limit);
        let mut http = Connection::open(self.address).await;
        let (status, answer) = http.call(&request).await;
        assert!(status < 300, "{}", String::from_utf8_lossy(answer));
    }

    /// Waits until nothing is unfinished.
    pub(crate) async fn drained(&self) {
        let mut http = Connection::open(self.address).await;
        while unfinished(&mut http).await > 0 {
            clock::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Processor time so far.
    pub(crate) fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        // In hundredths of a second on every Linux that this runs on.
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many runs are unfinished.
pub(crate) async fn unfinished(http: &mut Connection) -> u64 {
    let (_, answer) = http.call(&requests::plain("GET", "/queue", "")).await;
    serde_json::from_slice::<Value>(answer).unwrap()["unfinished"].as_u64().unwrap()
}

/// Serves in this process until it is killed.
pub(crate) fn serve(words: &[&str]) {
    counterpart_benches::install_crypto();
    // As many threads as cores: one, where it is pinned.
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        match words {
            ["serve-no-op"] => {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                tell(listener.local_addr().unwrap());
                let take = async |body: axum::body::Bytes| drop(body);
                let router =
                    axum::Router::new().route("/hooks/{tenant}/{connection}", axum::routing::post(take));
                axum::serve(listener, router).await.unwrap();
            }
            ["serve", data, commits] => {
                let most_per_commit = if *commits == "singly" { 1 } else { 256 };
                let config = RuntimeConfig::new(PathBuf::from(data));
                let config = RuntimeConfig { most_per_commit, most_unfinished: MOST_UNFINISHED, ..config };
                let runtime = Runtime::start(config).await.unwrap();
                tell(runtime.address());
                std::future::pending::<()>().await;
            }
            _ => panic!("{words:?} names no server"),
        }
    });
}

#[allow(clippy::print_stdout, reason = "whoever measures has to know where it listens")]
fn tell(address: SocketAddr) {
    println!("listening on {address}");
}
