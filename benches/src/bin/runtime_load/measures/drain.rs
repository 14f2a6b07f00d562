//! From claim to completion: how many runs a second, and whether rows that are there already make a run dearer.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection as Database, params};

use super::{Table, median};
use crate::Options;
use crate::client::Connection;
use crate::clock;
use crate::requests::{Work, event};
use crate::server::{Commits, Server, unfinished};

/// Runs that are worked on, each of an event of 1 KiB.
const RUNS: usize = 20_000;

/// Finished rows in the small database.
const FEW: i64 = 1_000;

struct Drained {
    per_second: f64,
    processor_us: f64,
}

pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let large = options.data();
    prepare(large.path(), options.rows).await;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let small = options.data();
        prepare(small.path(), FEW).await;
        rounds.push([drain(small.path()).await, drain(large.path()).await]);
    }
    let names = [FEW, options.rows].map(|rows| format!("runs claimed and done, {rows} rows before"));
    for (place, name) in names.iter().enumerate() {
        let of =
            |figure: fn(&Drained) -> f64| median(rounds.iter().map(|round| figure(&round[place])).collect());
        let (rate, processor) = (of(|one| one.per_second), of(|one| one.processor_us));
        table.row(name, format!("{rate:.0}/s, {processor:.0} µs of the core each"), "target 5,000/s");
    }
    let ratio = |figure: fn(&Drained) -> f64| {
        median(rounds.iter().map(|[few, many]| figure(many) / figure(few)).collect())
    };
    let found =
        format!("{:.2} (core {:.2})", 1.0 / ratio(|one| one.per_second), ratio(|one| one.processor_us));
    table.row("cost of a run, many rows / few", found, "target 1.2");
}

/// A database with so many finished runs, and what comes with each.
async fn prepare(data: &Path, rows: i64) {
    let server = Server::runtime(data, Commits::Grouped);
    server.connect("hooks", Work::Applied, None).await;
    drop(server);
    let mut database = Database::open(data.join("runtime.db")).unwrap();
    let transaction = database.transaction().unwrap();
    let (now, now_us) = (clock::timestamp().to_string(), clock::timestamp().as_microsecond());
    let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)";
    let text = "x".repeat(100);
    transaction
        .execute(
            &format!(
                "{numbers} INSERT INTO runs (id, tenant, connection, kind, room, order_key, state, requested_at, finished_at,
                     finished_us, ready_us, epoch, imported)
                 SELECT n, 'bench', 'hooks', 'event', 'old-' || n, 'event:C1/' || n, 'succeeded', ?2, ?2, ?3, ?3, 1, 1
                 FROM numbers"
            ),
            params![rows, now, now_us],
        )
        .unwrap();
    for insert in [
        "INSERT INTO events (run, format, payload) SELECT n, 'slack', ?2 FROM numbers",
        "INSERT INTO hook_events (tenant, connection, id, digest, at_us)
         SELECT 'bench', 'hooks', 'old-' || n, x'0123456789abcdef0123456789abcdef', length(?2) FROM numbers",
        "INSERT INTO messages (tenant, event_id, room_id, sender, kind, body, sent_at_ms)
         SELECT 'bench', 'C1/old-' || n, 'C1', 'U1', 'message', ?2, n FROM numbers",
        "INSERT INTO audit (at, run, tenant, connection, operation, method, path, attempt, status, outcome, detail)
         SELECT '2026-01-05T00:00:00Z', NULL, 'bench', 'hooks', 'webhook', 'POST', '/', 1, 200, 'ok', ?2 FROM numbers",
    ] {
        transaction.execute(&format!("{numbers} {insert}"), params![rows, text]).unwrap();
    }
    transaction.commit().unwrap();
}

/// Adds runs that wait, and starts a runtime that finds them.
async fn drain(data: &Path) -> Drained {
    queue(data);
    let server = Server::runtime(data, Commits::Grouped);
    let mut http = Connection::open(server.address).await;
    let (first, began, before) = (unfinished(&mut http).await, clock::now(), server.processor());
    while unfinished(&mut http).await > 0 {
        clock::sleep(Duration::from_millis(20)).await;
    }
    let (elapsed, processor) = (began.elapsed(), server.processor() - before);
    Drained {
        per_second: first as f64 / elapsed.as_secs_f64(),
        processor_us: processor.as_secs_f64() * 1_000_000.0 / first as f64,
    }
}

fn queue(data: &Path) {
    let mut database = Database::open(data.join("runtime.db")).unwrap();
    let transaction = database.transaction().unwrap();
    let now = clock::timestamp();
    {
        let mut insert_run = transaction
            .prepare(
                "INSERT INTO runs (tenant, connection, kind, room, order_key, state, requested_at, ready_us)
                 VALUES ('bench', 'hooks', 'event', ?1, ?2, 'queued', ?3, ?4)",
            )
            .unwrap();
        let mut insert_event = transaction
            .prepare("INSERT INTO events (run, format, payload) VALUES (?1, 'slack', ?2)")
            .unwrap();
        for number in 0..RUNS {
            let (id, key) = (format!("Ev{now}{number}"), format!("event:C1/{now}{number}"));
            insert_run.execute(params![id, key, now.to_string(), now.as_microsecond()]).unwrap();
            let payload = event(Work::Applied, now.as_microsecond(), number);
            insert_event.execute(params![transaction.last_insert_rowid(), payload]).unwrap();
        }
    }
    transaction.commit().unwrap();
}
