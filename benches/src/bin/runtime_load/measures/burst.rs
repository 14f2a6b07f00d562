//! Many webhooks at once: each acknowledged, none lost, and how long the work takes that they bring.

use rusqlite::Connection as Database;

use super::{CONNECTIONS, Table, median};
use crate::Options;
use crate::client::as_fast_as_can_be;
use crate::clock;
use crate::requests::{Work, deliveries};
use crate::server::{Commits, Server};

const DELIVERIES: usize = 10_000;

pub(crate) struct Burst {
    pub(crate) taken_s: f64,
    /// From the last acknowledgement to the end of the last run.
    drained_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(once(options, DELIVERIES).await);
    }
    let of = |figure: fn(&Burst) -> f64| median(rounds.iter().map(figure).collect());
    let found = format!(
        "{:.2} s, p50 {:.1} ms, p99 {:.1} ms",
        of(|one| one.taken_s),
        of(|one| one.p50_ms),
        of(|one| one.p99_ms)
    );
    table.row("burst of 10,000, acknowledged", found, "all 200, none lost: asserted");
    table.row("burst of 10,000, drained after", format!("{:.2} s", of(|one| one.drained_s)), "");
}

pub(crate) async fn once(options: &Options, count: usize) -> Burst {
    let data = options.data();
    let server = Server::runtime(data.path(), Commits::Grouped);
    server.connect("hooks", Work::Applied, None).await;
    let requests = deliveries("hooks", Work::Applied, count);
    let outcome = as_fast_as_can_be(server.address, &requests, CONNECTIONS, None, false).await;
    let acknowledged = clock::now();
    server.drained().await;
    let drained_s = acknowledged.elapsed().as_secs_f64();
    outcome.assert_all_taken();
    drop(server);
    let database = Database::open(data.path().join("runtime.db")).unwrap();
    for sql in ["SELECT count(*) FROM runs WHERE state = 'succeeded'", "SELECT count(*) FROM messages"] {
        let found: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(found).unwrap(), count, "{sql}");
    }
    Burst {
        taken_s: outcome.elapsed.as_secs_f64(),
        drained_s,
        p50_ms: outcome.percentile_ms(50),
        p99_ms: outcome.percentile_ms(99),
    }
}
