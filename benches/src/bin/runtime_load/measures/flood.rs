//! One connection sends far more than it may; another, which sends modestly, must hardly notice.

use std::time::Duration;

use super::{Table, median};
use crate::Options;
use crate::client::{Outcome, paced};
use crate::requests::{Work, deliveries};
use crate::server::{Commits, Server};

/// What the modest one sends: connections, and deliveries a second.
const MODEST: (usize, f64) = (4, 200.0);

/// What the other sends, at a pace that leaves the client's core room for the modest one.
const FLOOD: (usize, f64) = (32, 5_000.0);

/// What the flood may send: a second, and at once.
const ALLOWED: (f64, u32) = (100.0, 100);

pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push((once(options, false).await, once(options, true).await));
    }
    for (name, percent) in [("p50", 50), ("p99", 99)] {
        let of = |outcome: &Outcome| outcome.percentile_ms(percent);
        let alone = median(rounds.iter().map(|((alone, _), _)| of(alone)).collect());
        let beside = median(rounds.iter().map(|(_, (beside, _))| of(beside)).collect());
        let ratio = median(rounds.iter().map(|((alone, _), (beside, _))| of(beside) / of(alone)).collect());
        let found = format!("{beside:.2} ms, alone {alone:.2} ms: {ratio:.2}");
        let remark = if percent == 99 { "target 1.5" } else { "" };
        table.row(&format!("modest connection beside a flood, {name}"), found, remark);
    }
    let refused = |flood: &Outcome| {
        flood.by_status.get(&429).copied().unwrap_or_default() as f64 / flood.elapsed.as_secs_f64()
    };
    let rates = rounds.iter().filter_map(|(_, (_, flood))| flood.as_ref().map(refused)).collect();
    table.row("the flood, answered with 429", format!("{:.0}/s", median(rates)), "");
}

/// The modest one, and the flood where there is one.
async fn once(options: &Options, with_flood: bool) -> (Outcome, Option<Outcome>) {
    let data = options.data();
    let server = Server::runtime(data.path(), Commits::Grouped);
    server.connect("modest", Work::Applied, None).await;
    server.connect("flood", Work::Applied, Some(ALLOWED)).await;
    // Long enough for a hundredth of it to be more than a few.
    let lasting = options.lasting * 2;
    let count = |(_, per_second): (usize, f64)| {
        (per_second * (lasting + Duration::from_secs(1)).as_secs_f64()) as usize
    };
    let modest = deliveries("modest", Work::Applied, count(MODEST));
    let flood = deliveries("flood", Work::Applied, count(FLOOD));
    let modest = paced(server.address, &modest, MODEST, lasting, true);
    let (modest, flood) = match with_flood {
        false => (modest.await, None),
        true => {
            let (modest, flood) = tokio::join!(modest, paced(server.address, &flood, FLOOD, lasting, false));
            (modest, Some(flood))
        }
    };
    modest.assert_all_taken();
    (modest, flood)
}
