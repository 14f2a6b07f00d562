//! The reports of a run: written, summed up, and what the run comes to.

use crate::arguments::{Format, Global, Report, ReportFormat, Reports};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::Context;
use counterpart_exchange::write_atomically;
use counterpart_outcome::{Run, write_run};
use counterpart_report::{ctrf, html, junit, markdown, terminal};
use std::path::{Path, PathBuf};

/// Where the reports go.
pub(in crate::commands) fn folder(project: &Project, reports: &Reports) -> PathBuf {
    reports.out.clone().unwrap_or_else(|| project.path("target/counterpart/latest"))
}

/// Writes the reports of a run and sums it up.
pub(in crate::commands) fn deliver(
    project: &Project,
    global: &Global,
    reports: &Reports,
    run: &Run,
) -> Result<Exit, Stop> {
    // The other shards decide; a part without scenarios is no reason to stop a pipeline.
    let empty_shard = run.shard.as_ref().filter(|_| run.scenarios.is_empty());
    let exit = if empty_shard.is_some() { Exit::Passed } else { Exit::of(run) };
    let written = write(run, &folder(project, reports), &reports.report).map_err(Stop::environment)?;
    if global.format == Format::Json {
        output::json(run).map_err(Stop::environment)?;
        return Ok(exit);
    }
    match empty_shard {
        Some(shard) => output::note(&format!(
            "none of the scenarios belongs to shard {}; its run file says so",
            shard.part
        )),
        None if !global.quiet || exit != Exit::Passed => {
            output::result(&terminal::summary(run, output::style()));
        }
        None => {}
    }
    if !global.quiet {
        let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        output::result(&format!("Reports: {}", written.join(", ")));
    }
    pending(run);
    Ok(exit)
}

fn write(run: &Run, out: &Path, further: &[Report]) -> anyhow::Result<Vec<PathBuf>> {
    let standard = [
        (ReportFormat::Json, out.join("run.json")),
        (ReportFormat::Junit, out.join("junit.xml")),
        (ReportFormat::Html, out.join("report.html")),
    ];
    let further = further.iter().map(|report| (report.format, report.file.clone()));
    let mut written = Vec::new();
    for (format, path) in standard.into_iter().chain(further) {
        let text = match format {
            ReportFormat::Json => {
                write_run(&path, run)?;
                written.push(path);
                continue;
            }
            ReportFormat::Junit => junit::render(run)?,
            ReportFormat::Html => html::render(run)?,
            ReportFormat::Markdown => markdown::render(run),
            ReportFormat::Ctrf => ctrf::render(run)?,
        };
        write_atomically(&path, text.as_bytes()).with_context(|| path.display().to_string())?;
        written.push(path);
    }
    Ok(written)
}

fn pending(run: &Run) {
    let files: Vec<&String> = run.scenarios.iter().flat_map(|scenario| &scenario.snapshots_pending).collect();
    if let Some(first) = files.first() {
        let count = files.len();
        let noun = if count == 1 { "snapshot differs" } else { "snapshots differ" };
        output::note(&format!("{count} {noun} ({first}); look with: counterpart review"));
    }
}
