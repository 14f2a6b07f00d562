//! How many webhooks become durable in a second, beside a server that does nothing and one that commits each singly.

use std::time::Duration;

use super::{CONNECTIONS, Table, median};
use crate::Options;
use crate::client::{Outcome, as_fast_as_can_be};
use crate::requests::{Work, deliveries};
use crate::server::{Commits, Server};

/// Deliveries that are made ahead for each second: more than can be taken.
const PER_SECOND: usize = 30_000;

/// What one server took.
pub(crate) struct Taken {
    pub(crate) per_second: f64,
    processor_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Taken {
    fn of(outcome: &Outcome, processor: Duration) -> Self {
        outcome.assert_all_taken();
        Self {
            per_second: outcome.per_second(),
            processor_us: processor.as_secs_f64() * 1_000_000.0 / outcome.count() as f64,
            p50_ms: outcome.percentile_ms(50),
            p99_ms: outcome.percentile_ms(99),
        }
    }
}

pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push([
            no_op(options.lasting).await,
            held_back(options, Commits::Grouped, options.lasting).await,
            applied(options).await,
            held_back(options, Commits::Singly, options.lasting).await,
        ]);
    }
    let names = [
        "ingest, no-op axum",
        "ingest, work held back",
        "ingest, events applied meanwhile",
        "ingest, committed singly",
    ];
    for (place, name) in names.into_iter().enumerate() {
        let of =
            |figure: fn(&Taken) -> f64| median(rounds.iter().map(|round| figure(&round[place])).collect());
        let (rate, processor) = (of(|taken| taken.per_second), of(|taken| taken.processor_us));
        let found = format!("{rate:.0}/s, {processor:.0} µs of the core each");
        let delay = format!("p50 {:.2} ms, p99 {:.2} ms", of(|taken| taken.p50_ms), of(|taken| taken.p99_ms));
        table.row(name, found, &delay);
    }
    let ratio = |one: usize, other: usize| {
        median(rounds.iter().map(|round| round[one].per_second / round[other].per_second).collect())
    };
    table.row("held back / no-op", format!("{:.3}", ratio(1, 0)), "target 0.15");
    table.row("applied / no-op", format!("{:.3}", ratio(2, 0)), "");
    table.row("held back / singly", format!("{:.1}", ratio(1, 3)), "target 3");
}

async fn no_op(lasting: Duration) -> Taken {
    let server = Server::no_op();
    let requests = deliveries("any", Work::HeldBack, 1_000);
    let before = server.processor();
    let outcome = as_fast_as_can_be(server.address, &requests, CONNECTIONS, Some(lasting), true).await;
    Taken::of(&outcome, server.processor() - before)
}

/// The provider that each event is to be sent to never answers, so that all the core does is take.
pub(crate) async fn held_back(options: &Options, commits: Commits, lasting: Duration) -> Taken {
    ingest(options, commits, lasting, Work::HeldBack).await
}

async fn applied(options: &Options) -> Taken {
    ingest(options, Commits::Grouped, options.lasting, Work::Applied).await
}

async fn ingest(options: &Options, commits: Commits, lasting: Duration, work: Work) -> Taken {
    let data = options.data();
    let server = Server::runtime(data.path(), commits);
    server.connect("hooks", work, None).await;
    let count = (PER_SECOND as f64 * lasting.as_secs_f64()) as usize;
    let requests = deliveries("hooks", work, count);
    let before = server.processor();
    let outcome = as_fast_as_can_be(server.address, &requests, CONNECTIONS, Some(lasting), false).await;
    Taken::of(&outcome, server.processor() - before)
}
