//! How fast a stand-in replays recorded exchanges, and that it does not slow down as the fixture grows.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that fails has nothing to measure")]

use counterpart_benches::{history, stand_in, tokio};
use counterpart_exchange::{ExchangeId, Fixture};
use counterpart_stand_in::StandInClock;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// The history's first page, asked for under `count` different cursors.
fn grown(count: usize) -> Fixture {
    let mut fixture = history();
    let page = fixture.exchange(&ExchangeId::from("messages-1")).unwrap().clone();
    for number in 0..count {
        let mut another = page.clone();
        another.id = ExchangeId::nth("grown", number + 1);
        another.request.target = format!("{}&from=cursor-{number}", page.request.target);
        fixture.exchanges.push(another);
    }
    fixture
}

fn replay(criterion: &mut Criterion) {
    let tokio = tokio();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(1));
    for count in [10, 1_000, 10_000] {
        let fixture = grown(count);
        let page = fixture.exchange(&ExchangeId::from("messages-1")).unwrap().request.target.clone();
        let stand_in = tokio.block_on(stand_in(fixture, StandInClock::Real));
        let token = stand_in.credentials().access_token.clone().unwrap();
        let url = format!("{}{page}&from=cursor-{}", stand_in.base_url(), count / 2);
        group.bench_function(
            BenchmarkId::new("one page, kept-alive", format!("{count} exchanges")),
            |bencher| {
                bencher.iter(|| {
                    tokio.block_on(async {
                        let answer = http.get(&url).bearer_auth(&token).send().await.unwrap();
                        assert_eq!(answer.status(), 200);
                        answer.bytes().await.unwrap()
                    })
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
