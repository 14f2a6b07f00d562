//! What a runtime costs that has nothing to do.

use std::time::Duration;

use super::Table;
use crate::Options;
use crate::clock;
use crate::requests::Work;
use crate::server::{Commits, Server};

const WATCHED: Duration = Duration::from_secs(10);

pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let data = options.data();
    let server = Server::runtime(data.path(), Commits::Grouped);
    server.connect("hooks", Work::Applied, None).await;
    clock::block(Duration::from_secs(1));
    let before = server.processor();
    clock::block(WATCHED);
    let share = (server.processor() - before).as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
    let found = format!("{share:.1} % of a core, {:.0} MiB resident", server.resident_mib());
    table.row("idle for 10 s, SQLite", found, "target 1 %, 60 MiB");
}
