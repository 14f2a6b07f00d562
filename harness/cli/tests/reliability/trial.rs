//! What most proofs have: a data folder, a destination, a vendor with six connections, an operator, and the verdict at
//! the end.

use crate::clock::{self, Stopwatch};
use crate::dice::Dice;
use crate::load::Load;
use crate::oracle::judge;
use crate::process::{Launch, Process};
use crate::runtime_api::{self, Connection, Work};
use crate::settings;
use crate::sink::{Moods, Sink};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

/// Everything that is left to do at the end is done within this.
const DRAIN: Duration = Duration::from_secs(90);
/// Deliveries are acknowledged again within this, once the runtime is up.
const RECOVERY: Duration = Duration::from_secs(60);
/// So much work may wait.
const MOST_UNFINISHED: &str = "600";
/// Operators look at what is held less often.
const BETWEEN_RELEASES: Duration = Duration::from_secs(1);
/// How many broken promises are printed.
const SHOWN: usize = 20;

pub(crate) const TENANTS: [&str; 2] = ["acme", "umbra"];

pub(crate) const CONNECTIONS: [Connection; 6] = [
    Connection { tenant: "acme", name: "plain", work: Work::Forward },
    Connection { tenant: "acme", name: "in-order", work: Work::ForwardInOrder },
    Connection { tenant: "acme", name: "chat", work: Work::Apply },
    Connection { tenant: "umbra", name: "plain", work: Work::Forward },
    Connection { tenant: "umbra", name: "in-order", work: Work::ForwardInOrder },
    Connection { tenant: "umbra", name: "chat", work: Work::Apply },
];

/// One proof under load.
pub(crate) struct Trial {
    proof: String,
    folder: TempDir,
    database: Option<String>,
    pub(crate) sink: Sink,
    pub(crate) load: Load,
    watch: Stopwatch,
}

impl Trial {
    /// With so many senders for each connection; with a database's URL, the data is there and not in the folder.
    pub(crate) async fn new(proof: &str, senders: u64, dice: &Dice, database: Option<String>) -> Self {
        let load = Load::start(&CONNECTIONS, senders, dice);
        tokio::spawn(operator(load.runtimes()));
        Self {
            proof: proof.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            database,
            sink: Sink::start(dice.apart(1), Moods::USUAL).await,
            load,
            watch: Stopwatch::start(),
        }
    }

    /// How a process on this data is started. Its queue is short, so that a vendor that is faster than the destination
    /// is asked to wait, however long the proof is.
    pub(crate) fn launch(&self) -> Launch {
        Launch::new(self.folder.path())
            .with_database(self.database.as_deref())
            .with("--most-unfinished", MOST_UNFINISHED)
    }

    /// Makes the connections known. Once: they are data, and must be there after a crash.
    pub(crate) async fn connect(&self, process: &Process) {
        for connection in &CONNECTIONS {
            connection.put(process.url(), self.sink.url()).await;
        }
    }

    /// Lets the load run for a while, or until the process has ended; whether it has.
    pub(crate) async fn run(&self, process: &mut Process, span: Duration) -> bool {
        let watch = Stopwatch::start();
        while watch.elapsed() < span {
            if process.has_ended() {
                return true;
            }
            clock::pause(Duration::from_millis(2)).await;
        }
        process.has_ended()
    }

    /// Waits until so many more deliveries were acknowledged.
    pub(crate) async fn acknowledged(&self, more: usize) {
        let count = || self.load.books().ledger.acknowledgements();
        let goal = count() + more;
        clock::wait_for("deliveries", RECOVERY, async || (count() >= goal).then_some(())).await;
    }

    /// The vendor delivers what it has begun, the runtime does what is left, and the judge decides. Returns how long
    /// that took.
    pub(crate) async fn judge(mut self, process: &Process, summary: &str) -> Duration {
        let draining = Stopwatch::start();
        self.load.aim(&[process.url()]);
        if !self.load.finish(RECOVERY).await {
            let queue = runtime_api::queue(process).await;
            panic!("deliveries were refused for {RECOVERY:?}: {queue:?}\n{}", process.log());
        }
        runtime_api::drained(process, &TENANTS, DRAIN).await;
        let drained = draining.elapsed();
        let mut arrived = self.sink.arrived();
        arrived.records = runtime_api::records(process, &TENANTS).await;
        let books = self.load.books();
        let broken = judge(&books.ledger, &arrived);
        let seconds = self.watch.elapsed().as_secs_f64();
        settings::tell(&format!(
            "{}: {summary}; {} events, {} acknowledged, {} deliveries ({} unanswered, {} asked to wait, {} answered as \
             duplicates), {} applied in {} requests, {} records, {} broken promises, {seconds:.1} s",
            self.proof,
            books.ledger.len(),
            books.ledger.acknowledgements(),
            books.deliveries,
            books.unanswered,
            books.asked_to_wait,
            books.duplicates,
            arrived.applied.len(),
            arrived.requests,
            arrived.records.len(),
            broken.len(),
        ));
        let told: Vec<String> = broken.iter().take(SHOWN).map(ToString::to_string).collect();
        assert!(broken.is_empty(), "{} broken promises, the first:\n{}", broken.len(), told.join("\n"));
        assert!(books.ledger.acknowledgements() > 0, "nothing was sent");
        drained
    }
}

/// The operator: tells what is held to go on, at once where there is another runtime, and now and then after that, until
/// the load is gone. What stays in order behind it is unfinished, and a queue full of that would take nothing any more.
async fn operator(mut runtimes: watch::Receiver<Vec<String>>) {
    loop {
        let runtime = runtimes.borrow_and_update().first().cloned();
        if let Some(runtime) = runtime {
            for tenant in TENANTS {
                // It may be ended over this.
                let _ = runtime_api::release(&runtime, tenant).await;
            }
        }
        tokio::select! {
            changed = runtimes.changed() => if changed.is_err() { return },
            () = clock::pause(BETWEEN_RELEASES) => {}
        }
    }
}
