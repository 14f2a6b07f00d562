//! No acknowledgement runs ahead of the disk: the runtime is watched by `strace` while webhooks come in one after the
//! other. The same check must say no where the disk is not waited for (`--sqlite-synchronous normal`).

use crate::clock;
use crate::dice::Dice;
use crate::events;
use crate::load::deliver;
use crate::process::Launch;
use crate::runtime_api::{Connection, Work, client};
use crate::settings;
use crate::sink::{Moods, Sink};
use crate::system_calls::{Acknowledgement, acknowledgements, read};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Few enough that the write-ahead log is not moved into the database meanwhile: that syncs it in any case.
const DELIVERIES: usize = 12;
const TRACED: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,\
                      fsync,fdatasync";
/// A page of the database is shown whole.
const SHOWN_BYTES: &str = "8192";
const CONNECTION: Connection = Connection { tenant: "acme", name: "orders", work: Work::Forward };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledgement_waits_for_the_disk() {
    let _turn = settings::turn().await;
    let proof = "fsync";
    if !can_trace() {
        settings::skip(proof, "strace cannot be run here");
        return;
    }
    let watch = clock::Stopwatch::start();
    let full = watched(&[]).await;
    let ahead: Vec<_> = full.iter().filter(|one| one.ahead_of_disk.is_some()).collect();
    assert!(ahead.is_empty(), "{} of {DELIVERIES} were acknowledged too early: {ahead:?}", ahead.len());
    let normal = watched(&[("--sqlite-synchronous", "normal")]).await;
    let ahead =
        normal.iter().filter(|one| one.ahead_of_disk == Some("no sync between its write and the 2xx"));
    let ahead = ahead.count();
    assert_eq!(ahead, DELIVERIES, "the check must see that nobody waited for the disk: {normal:?}");
    settings::tell(&format!(
        "{proof}: {DELIVERIES} deliveries acknowledged after their sync; with synchronous=NORMAL {ahead} of \
         {DELIVERIES} before it; {:.1} s",
        watch.elapsed().as_secs_f64()
    ));
}

fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "-e", "trace=fsync", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

/// Deliveries to a runtime on a new database, and what the system calls say of each.
async fn watched(options: &[(&str, &str)]) -> Vec<Acknowledgement> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("system-calls");
    // With -D the tracer stands aside, and the runtime is this process's own child.
    let words = ["strace", "-D", "-f", "-yy", "-s", SHOWN_BYTES, "-e", TRACED, "-o"];
    let words = words.map(OsString::from).into_iter().chain([log.clone().into_os_string()]);
    let mut launch = Launch::new(&folder.path().join("data")).under(words);
    for (option, value) in options {
        launch = launch.with(option, value);
    }
    let sink = Sink::start(Dice::new(settings::seed()), Moods::NONE).await;
    let process = launch.start().await;
    CONNECTION.put(process.url(), sink.url()).await;
    let http = client();
    let mut ids = Vec::new();
    for number in 0..DELIVERIES {
        let id = format!("synced-{number:02}");
        let body = events::forwarded(&id, Some("a"), 40);
        let answer = deliver(&http, process.url(), &CONNECTION, &id, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        ids.push(id);
    }
    process.kill();
    let text = whole_log(&log).await;
    let calls = read(&text).unwrap();
    acknowledgements(&calls, &ids, "/runtime.db-wal")
}

/// The tracer ends after what it traces; its last line tells of the first thread's end.
async fn whole_log(log: &Path) -> String {
    let ended = async || {
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        text.trim_end().ends_with("+++ killed by SIGKILL +++").then_some(text)
    };
    let text = clock::wait_for("the tracer ends", Duration::from_secs(10), ended).await;
    // Several threads end at once: what follows is about ends alone.
    assert!(text.contains("fsync") || text.contains("pwrite64"), "nothing was traced");
    text
}
