//! How fast the bundled runtime imports the recorded history: trigger to the last commit. Its data lies in memory
//! where the system has a folder there, so this is the code's time, not the disk's.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that fails has nothing to measure")]

use counterpart_benches::{history, stand_in, tokio};
use counterpart_reference_subject::{ReferenceLaunch, spec};
use counterpart_stand_in::{StandIn, StandInClock};
use counterpart_subject::{LaunchRequest, ProbeName, Subject, Variables};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;

/// Messages in the recorded history.
const RECORDS: u64 = 72;

async fn connected(stand_in: &StandIn, http: &reqwest::Client) -> Subject {
    let request =
        LaunchRequest { seed: 1, clock_start: Timestamp::UNIX_EPOCH, variables: Variables::default() };
    let mut subject =
        Subject::launch(spec(), &ReferenceLaunch::default(), request, http.clone()).await.unwrap();
    let mut variables = Variables::default();
    for (name, value) in [
        ("provider", "matrix"),
        ("tenant", "bench"),
        ("base_url", stand_in.base_url()),
        ("access_token", stand_in.credentials().access_token.as_ref().unwrap()),
    ] {
        variables.set(name, value);
    }
    subject.set_up(variables).await.unwrap();
    subject
}

/// Triggers an import and returns when nothing is under way any more.
async fn import(subject: &Subject) {
    let words = [("room".to_owned(), "#history:test.local".to_owned())];
    assert_eq!(subject.trigger("sync", &words).await.unwrap().status, 202);
    loop {
        let clock = subject.clock().await.unwrap().unwrap();
        if clock.busy == 0 && clock.started == clock.finished {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn imports(criterion: &mut Criterion) {
    let tokio = tokio();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (stand_in, subject) = tokio.block_on(async {
        let stand_in = stand_in(history(), StandInClock::starting_at(Timestamp::UNIX_EPOCH)).await;
        let subject = connected(&stand_in, &http).await;
        (stand_in, subject)
    });
    let mut group = criterion.benchmark_group("import");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
    group.bench_function("72 records in 10 pages", |bencher| {
        bencher.iter(|| tokio.block_on(import(&subject)));
    });
    group.finish();
    let records = tokio.block_on(subject.probe(ProbeName::Destination)).unwrap().unwrap();
    assert_eq!(records.len() as u64, RECORDS, "an import that loses records is not fast, it is wrong");
    drop((subject, stand_in));
}

criterion_group!(benches, imports);
criterion_main!(benches);
