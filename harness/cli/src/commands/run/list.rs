//! `run --list`: the scenarios that would run, with what a pipeline needs to spread them.

use super::selection::Chosen;
use crate::arguments::{Format, Global};
use crate::exit::{Exit, Stop};
use crate::output;

pub(super) fn list(global: &Global, chosen: &Chosen) -> Result<Exit, Stop> {
    let plans = &chosen.plans;
    if global.format == Format::Json {
        let shard = chosen.shard.as_ref().map(|shard| shard.part);
        let entries: Vec<_> = plans
            .iter()
            .map(|plan| {
                serde_json::json!({
                    "name": plan.name,
                    "title": plan.file.title,
                    "file": plan.path,
                    "digest": plan.digest,
                    "covers": plan.file.covers.iter().map(|id| &id.value).collect::<Vec<_>>(),
                    "fixtures": plan.fixtures_seen,
                    "shard": shard,
                })
            })
            .collect();
        output::json(&entries).map_err(Stop::environment)?;
    } else {
        let width = plans.iter().map(|plan| plan.name.chars().count()).max().unwrap_or_default();
        for plan in plans {
            output::result(&format!("{:width$}  {}", plan.name, plan.file.title));
        }
    }
    Ok(Exit::Passed)
}
