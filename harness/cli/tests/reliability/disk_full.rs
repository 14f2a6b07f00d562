//! The disk runs full. The runtime refuses what it cannot keep, stays up, and goes on once there is space; what it
//! acknowledged meanwhile outlives a kill on the full disk.

use crate::clock;
use crate::dice::Dice;
use crate::events;
use crate::load::{Answer, Books, deliver};
use crate::name_space::SmallDisk;
use crate::oracle::judge;
use crate::process::{Launch, Process};
use crate::runtime_api::{self, Connection, Work, client};
use crate::settings;
use crate::sink::{Moods, Sink};
use std::time::Duration;

const DISK_KIB: u32 = 16 * 1024;
/// So much of it comes back, which is room for what waits in the write-ahead log to be moved into the database.
const BALLAST_KIB: u32 = 11 * 1024;
const BODY_BYTES: usize = 24 * 1024;
/// More than the disk could hold.
const MOST_DELIVERIES: usize = 2_000;
/// Deliveries to a disk that is full already.
const FURTHER: usize = 20;
const HEALED_WITHIN: Duration = Duration::from_secs(15);
const CONNECTION: Connection = Connection { tenant: "acme", name: "orders", work: Work::Forward };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_refused_survived_and_healed() {
    let _turn = settings::turn().await;
    let proof = "full disk";
    let disk = match SmallDisk::new(DISK_KIB) {
        Ok(disk) => disk,
        Err(why) => return settings::skip(proof, &format!("no disk of its own: {why}")),
    };
    let watch = clock::Stopwatch::start();
    let sink = Sink::start(Dice::new(settings::seed()), Moods::NONE).await;
    let launch = Launch::new(&disk.path().join("data")).under(disk.words());
    disk.put_ballast(Some(BALLAST_KIB));
    let mut process = launch.start().await;
    CONNECTION.put(process.url(), sink.url()).await;
    let mut vendor = Vendor { http: client(), books: Books::default(), open: Vec::new() };

    // It fills up, since the destination takes nothing; it refuses, and stays up.
    sink.hold();
    let (before, refused) = vendor.fill(&mut process).await;
    sink.let_go();
    // Space comes back, and it goes on by itself.
    disk.drop_ballast();
    let healed = clock::Stopwatch::start();
    let taken = async || vendor.deliver(&process, "healed", 100).await.then_some(());
    wait_until_taken("it takes deliveries once there is space", taken).await;
    let healed = healed.elapsed();

    // Full again, to the last block; it is killed there, and must know everything afterwards.
    disk.put_ballast(None);
    sink.hold();
    let (after, refused_again) = vendor.fill(&mut process).await;
    process.kill();
    sink.let_go();
    disk.drop_ballast();
    let process = launch.start().await;
    vendor.deliver_open(&process).await;
    runtime_api::drained(&process, &[CONNECTION.tenant], Duration::from_secs(60)).await;
    let arrived = sink.arrived();
    let broken = judge(&vendor.books.ledger, &arrived);
    settings::tell(&format!(
        "{proof}: {before} acknowledged until it was full, {refused} refused; healed in {:.2} s; {after} more, \
         {refused_again} refused, then killed; {} applied, {} broken promises, {:.1} s",
        healed.as_secs_f64(),
        arrived.applied.len(),
        broken.len(),
        watch.elapsed().as_secs_f64()
    ));
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!(vendor.books.ledger.acknowledgements(), vendor.books.ledger.len());
}

async fn wait_until_taken(what: &str, taken: impl AsyncFnMut() -> Option<()>) {
    clock::wait_for(what, HEALED_WITHIN, taken).await;
}

/// One sender, which remembers what was never acknowledged.
struct Vendor {
    http: reqwest::Client,
    books: Books,
    open: Vec<(String, Vec<u8>)>,
}

impl Vendor {
    /// Delivers until it is refused and a while longer. Returns how many were acknowledged, and how many refused.
    async fn fill(&mut self, process: &mut Process) -> (usize, usize) {
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..MOST_DELIVERIES {
            if self.deliver(process, "filling", BODY_BYTES).await {
                taken += 1;
            } else {
                refused += 1;
            }
            assert!(!process.has_ended(), "it does not outlive a full disk: {}", process.log());
            if refused == FURTHER {
                assert!(runtime_api::is_healthy(process).await, "{}", process.log());
                return (taken, refused);
            }
        }
        panic!("{taken} deliveries of {BODY_BYTES} bytes fit into {DISK_KIB} KiB");
    }

    /// One new event; whether it was acknowledged. A refusal is 503 with `Retry-After`, and nothing else.
    async fn deliver(&mut self, process: &Process, name: &str, padding: usize) -> bool {
        let id = format!("{name}-{}", self.books.ledger.len());
        let body = events::forwarded(&id, Some("a"), padding);
        self.books.ledger.sent(&id, &body, None);
        let answer = self.send(process, &id, &body).await;
        let acknowledged = self.books.note(&id, Ok(&answer));
        if !acknowledged {
            assert!(answer.status == 503 && answer.retry_after.is_some(), "{answer:?}: {}", process.log());
            self.open.push((id, body));
        }
        acknowledged
    }

    /// Everything that was refused comes again.
    async fn deliver_open(&mut self, process: &Process) {
        for (id, body) in std::mem::take(&mut self.open) {
            let again = async || {
                let answer = self.send(process, &id, &body).await;
                self.books.note(&id, Ok(&answer)).then_some(())
            };
            wait_until_taken("it takes what it refused", again).await;
        }
    }

    async fn send(&self, process: &Process, id: &str, body: &[u8]) -> Answer {
        let answer = deliver(&self.http, process.url(), &CONNECTION, id, body).await;
        answer.unwrap_or_else(|error| panic!("{error}: {}", process.log()))
    }
}
