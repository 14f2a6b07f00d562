//! `counterpart merge`: the run files of all shards become one run, with its reports and its exit code.

use super::run::reports;
use crate::arguments::{Format, Global, Merge};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use counterpart_outcome::{Verdict, merge as merged, read_run};
use counterpart_report::terminal;
use std::path::{Path, PathBuf};

pub(crate) fn merge(global: &Global, arguments: &Merge) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let mut shards = Vec::with_capacity(arguments.runs.len());
    for given in &arguments.runs {
        let path = run_file(given);
        let run = read_run(&path).map_err(Stop::usage)?;
        shards.push((path, run));
    }
    let run = merged(shards).map_err(Stop::usage)?;
    reports::check(&project, &arguments.reports)?;
    if global.format == Format::Text {
        let wrong = |verdict: &Verdict| !matches!(verdict, Verdict::Passed | Verdict::Skipped { .. });
        for outcome in run.scenarios.iter().filter(|outcome| wrong(&outcome.verdict)) {
            output::result(&terminal::failure(outcome, output::style()));
        }
    }
    reports::deliver(&project, global, &arguments.reports, &run)
}

/// Pipelines hand artifacts over as folders.
fn run_file(given: &Path) -> PathBuf {
    if given.is_dir() { given.join("run.json") } else { given.to_owned() }
}
