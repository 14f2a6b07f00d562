//! The fixtures that there are, one a line.

use super::{now, origin};
use crate::arguments::{Format, Global};
use crate::exit::{Exit, Stop};
use crate::output;
use counterpart_exchange::Library;
use serde_json::json;

/// Lists all fixtures, or those of one provider.
pub(super) fn list(global: &Global, library: &Library, provider: Option<&str>) -> Result<Exit, Stop> {
    let names = provider.map_or_else(|| library.names(), |provider| library.flows(provider));
    if names.is_empty() {
        output::note(&format!(
            "{} holds no fixture; record one with: counterpart record --provider P --flow F --upstream URL",
            library.root().display()
        ));
        return Ok(Exit::NothingSelected);
    }
    let fixtures = names
        .iter()
        .map(|name| library.fixture(name).map_err(Stop::usage))
        .collect::<Result<Vec<_>, Stop>>()?;
    if global.format == Format::Json {
        let all = fixtures
            .iter()
            .map(|fixture| {
                Ok(json!({
                    "fixture": fixture.name(),
                    "exchanges": fixture.exchanges.len(),
                    "provenance": serde_json::to_value(&fixture.provenance)?,
                }))
            })
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(Stop::environment)?;
        output::json(&all).map_err(Stop::environment)?;
        return Ok(Exit::Passed);
    }
    let width = names.iter().map(|name| name.to_string().chars().count()).max().unwrap_or_default();
    let now = now();
    for fixture in &fixtures {
        let (name, count) = (fixture.name(), fixture.exchanges.len());
        output::result(&format!("{name:width$}  {count:>5}  {}", origin(fixture, now)));
    }
    Ok(Exit::Passed)
}
