//! The bundled runtime's durable core under load: what it costs to take webhooks, and to work on what was taken.
//!
//! ```text
//! runtime_load [--rounds N] [--seconds N] [--rows N] [ingest] [burst] [drain] [flood] [idle]
//! runtime_load quick
//! ```
//!
//! Servers run on the first core, the client on the second; each round measures everything once, and medians of the
//! rounds are shown, of ratios within a round where there are two of something. `quick` takes some seconds and fails
//! only over what no noise can bring about.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]
#![allow(clippy::print_stdout, reason = "figures are for whoever asked for them")]

mod client;
mod clock;
mod measures;
mod requests;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use measures::{Table, burst, drain, flood, idle, ingest};

/// What is asked for.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) lasting: Duration,
    /// Finished rows in the large database.
    pub(crate) rows: i64,
    /// Where databases lie: on the disk that holds the build.
    pub(crate) folder: PathBuf,
}

impl Options {
    /// A folder of its own for one server.
    pub(crate) fn data(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.folder).unwrap()
    }
}

const MEASURES: [&str; 5] = ["ingest", "burst", "drain", "flood", "idle"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.first().is_some_and(|word| word.starts_with("serve")) {
        return server::serve(&words);
    }
    pin_to_the_second_core();
    let folder = std::env::current_exe().unwrap().parent().unwrap().join("runtime-load");
    std::fs::create_dir_all(&folder).unwrap();
    let mut options = Options { rounds: 5, lasting: Duration::from_secs(3), rows: 1_000_000, folder };
    let mut asked = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut number = || -> i64 {
            words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{word} N"))
        };
        match word {
            "--rounds" => options.rounds = usize::try_from(number()).unwrap(),
            "--seconds" => options.lasting = Duration::from_secs(u64::try_from(number()).unwrap()),
            "--rows" => options.rows = number(),
            _ if word == "quick" || MEASURES.contains(&word) => asked.push(word),
            _ => panic!("{word:?} is none of {MEASURES:?} and quick"),
        }
    }
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&tokio, run(&options, &asked));
}

async fn run(options: &Options, asked: &[&str]) {
    if asked == ["quick"] {
        return measures::quick(options).await;
    }
    let is_asked = |measure| asked.is_empty() || asked.contains(&measure);
    let mut table = Table::default();
    table.row(
        "disk",
        format!("{:.2} ms", measures::sync_ms(options)),
        "write of 4 KiB and fdatasync, median",
    );
    if is_asked("ingest") {
        ingest::measure(options, &mut table).await;
    }
    if is_asked("burst") {
        burst::measure(options, &mut table).await;
    }
    if is_asked("drain") {
        drain::measure(options, &mut table).await;
    }
    if is_asked("flood") {
        flood::measure(options, &mut table).await;
    }
    if is_asked("idle") {
        idle::measure(options, &mut table).await;
    }
    println!("{table}");
}

fn pin_to_the_second_core() {
    let own = std::process::id().to_string();
    let pinned = std::process::Command::new("taskset").args(["-cp", "1", &own]).output().unwrap();
    assert!(pinned.status.success(), "it needs two cores and taskset");
}
