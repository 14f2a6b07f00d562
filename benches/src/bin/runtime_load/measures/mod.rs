//! What is measured: one file each, and what they share.

pub(crate) mod burst;
pub(crate) mod drain;
pub(crate) mod flood;
pub(crate) mod idle;
pub(crate) mod ingest;

use std::fmt;
use std::io::Write;
use std::time::Duration;

use crate::Options;
use crate::clock;
use crate::server::Commits;

/// Connections that send at once.
pub(crate) const CONNECTIONS: usize = 64;

/// Lines of what was measured, how much, and what that is to be.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 3]>);

impl Table {
    pub(crate) fn row(&mut self, what: &str, found: String, remark: &str) {
        println!("... {what}: {found}");
        self.0.push([what.to_owned(), found, remark.to_owned()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\n| measure | found | |\n|---|---|---|")?;
        self.0
            .iter()
            .try_for_each(|[what, found, remark]| writeln!(formatter, "| {what} | {found} | {remark} |"))
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How long the disk takes to keep a page.
pub(crate) fn sync_ms(options: &Options) -> f64 {
    let data = options.data();
    let mut file = std::fs::File::create(data.path().join("file")).unwrap();
    let times = (0..200).map(|_| {
        let began = clock::now();
        file.write_all(&[7; 4_096]).unwrap();
        file.sync_data().unwrap();
        began.elapsed().as_secs_f64() * 1_000.0
    });
    median(times.collect())
}

/// Some seconds of it: nothing is refused or lost, and commits that are shared bring what they must.
pub(crate) async fn quick(options: &Options) {
    let lasting = Duration::from_secs(1);
    let burst = burst::once(options, 2_000).await;
    let grouped = ingest::held_back(options, Commits::Grouped, lasting).await;
    let singly = ingest::held_back(options, Commits::Singly, lasting).await;
    let ratio = grouped.per_second / singly.per_second;
    println!(
        "2,000 taken in {:.2} s, none lost; shared commits take {ratio:.1} times as many",
        burst.taken_s
    );
    assert!(ratio > 1.5, "deliveries do not share commits: {ratio:.1} times as many as singly");
}
