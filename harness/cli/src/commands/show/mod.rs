//! `counterpart show`: what fixtures there are, the exchanges of one, one exchange as it went over the wire.

mod list;
mod table;
mod wire;

use crate::arguments::{Format, Global, Show};
use crate::exit::{Exit, Stop};
use crate::fixture_argument;
use crate::output;
use crate::project::Project;
use counterpart_exchange::{Exchange, Fixture, Provenance};
use jiff::Timestamp;
use serde_json::json;

pub(crate) fn show(global: &Global, arguments: &Show) -> Result<Exit, Stop> {
    let library = Project::find(global)?.library();
    let Some(argument) = &arguments.fixture else { return list::list(global, &library, None) };
    let is_provider = !argument.contains(['/', '\\', '.', '#']);
    if is_provider && !library.flows(argument).is_empty() {
        return list::list(global, &library, Some(argument));
    }
    let named = fixture_argument::read(&library, argument)?;
    let fixture = &named.fixture;
    match arguments.exchange.as_ref().or(named.exchange.as_ref()) {
        Some(id) => {
            let exchange = fixture_argument::exchange(fixture, id)?;
            if global.format == Format::Json {
                output::json(&wire::json(exchange)).map_err(Stop::environment)?;
            } else {
                output::result(&wire::text(exchange));
            }
        }
        None if global.format == Format::Json => {
            let exchanges: Vec<_> = fixture.exchanges.iter().map(table::json).collect();
            let provenance = serde_json::to_value(&fixture.provenance).map_err(Stop::environment)?;
            let told = json!({
                "fixture": fixture.name(),
                "provenance": provenance,
                "secrets": fixture.redacted.len(),
                "exchanges": exchanges,
            });
            output::json(&told).map_err(Stop::environment)?;
        }
        None => output::result(&table::text(fixture, now(), global.verbose > 0)),
    }
    Ok(Exit::Passed)
}

/// Where a fixture comes from, and how old it is: `recorded 2026-11-22 (4 days ago) from http://... (Synapse/1.163.2)`.
fn origin(fixture: &Fixture, now: Timestamp) -> String {
    match &fixture.provenance {
        Provenance::Recorded(recorded) => {
            let server = recorded.server.as_ref().map_or_else(String::new, |server| format!(" ({server})"));
            format!("recorded {} from {}{server}", ago(recorded.at, now), recorded.upstream)
        }
        Provenance::Imported(imported) => format!("imported from {}, {}", imported.source, imported.format),
        Provenance::Written(written) => format!("written after {}", written.after),
    }
}

/// The day, and how long ago that is in the largest unit that says something.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    let day = at.strftime("%Y-%m-%d");
    let counted =
        |count: i64, unit: &str| format!("{count} {unit}{} ago, on {day}", if count == 1 { "" } else { "s" });
    match seconds {
        ..0 => format!("{day} (in the future)"),
        0..60 => format!("{day} (just now)"),
        60..3_600 => counted(seconds / 60, "minute"),
        3_600..86_400 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

#[expect(clippy::disallowed_methods, reason = "a fixture's age is told as of today")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// What came of an exchange: the status, or how it ended without one.
fn outcome(exchange: &Exchange) -> String {
    let ended = serde_json::to_value(exchange.ended).ok().and_then(|it| it.as_str().map(str::to_owned));
    let ended = ended.unwrap_or_default().replace('_', " ");
    match &exchange.response {
        Some(response) if ended == "complete" => response.status.to_string(),
        Some(response) => format!("{}, {ended}", response.status),
        None => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let told = |now: &str| ago(at, now.parse().unwrap());
        insta::assert_snapshot!(
            [
                told("2026-11-22T08:00:30Z"),
                told("2026-11-22T08:01:00Z"),
                told("2026-11-22T11:59:00Z"),
                told("2027-02-01T08:00:00Z"),
                told("2026-11-22T07:59:59Z"),
            ]
            .join("\n"),
            @r#"
        2026-11-22 (just now)
        1 minute ago, on 2026-11-22
        3 hours ago, on 2026-11-22
        71 days ago, on 2026-11-22
        2026-11-22 (in the future)
        "#
        );
    }
}
