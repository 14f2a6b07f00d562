//! The reports of a run: written, summed up, and what the run comes to.

use super::targets::Target;
use crate::arguments::{Format, Global, ReportFormat, Reports};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::write_atomically;
use counterpart_outcome::{Run, write_run};
use counterpart_report::{ctrf, html, junit, markdown, terminal};
use std::path::{Path, PathBuf};

/// Where the reports go.
pub(in crate::commands) fn folder(project: &Project, reports: &Reports) -> PathBuf {
    reports.out.clone().unwrap_or_else(|| project.path("target/counterpart/latest"))
}

/// Whether all reports can be written; what cannot is told with the option that asks for it.
pub(in crate::commands) fn check(project: &Project, reports: &Reports) -> Result<(), Stop> {
    let out = folder(project, reports);
    let path = out.clone();
    Target { option: out_option(reports), path }.check_folder()?;
    targets(&out, reports).into_iter().try_for_each(|(_, target)| target.check_file())
}

/// Sums a run up and writes its reports. What cannot be written is told behind the verdict.
pub(in crate::commands) fn deliver(
    project: &Project,
    global: &Global,
    reports: &Reports,
    run: &Run,
) -> Result<Exit, Stop> {
    // The other shards decide; a part without scenarios is no reason to stop a pipeline.
    let empty_shard = run.shard.as_ref().filter(|_| run.scenarios.is_empty());
    let exit = if empty_shard.is_some() { Exit::Passed } else { Exit::of(run) };
    let is_json = global.format == Format::Json;
    match empty_shard {
        _ if is_json => output::json(run).map_err(Stop::environment)?,
        Some(shard) => output::note(&format!(
            "none of the scenarios belongs to shard {}; its run file says so",
            shard.part
        )),
        None if !global.quiet || exit != Exit::Passed => {
            output::result(&terminal::summary(run, output::style()));
        }
        None => {}
    }
    let (written, problems) = write(run, &folder(project, reports), reports);
    problems.iter().for_each(output::error);
    if !global.quiet && !is_json && !written.is_empty() {
        let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        output::result(&format!("Reports: {}", written.join(", ")));
    }
    if !is_json {
        pending(run);
    }
    // A failure stays one, whatever becomes of its reports.
    Ok(if problems.is_empty() || exit == Exit::Failed { exit } else { Exit::Environment })
}

fn out_option(reports: &Reports) -> String {
    match &reports.out {
        Some(out) => format!("--out {}", out.display()),
        None => "--out (it is not given)".to_owned(),
    }
}

/// The files to write: those of every run, and those that were asked for.
fn targets(out: &Path, reports: &Reports) -> Vec<(ReportFormat, Target)> {
    let standard = [
        (ReportFormat::Json, "run.json"),
        (ReportFormat::Junit, "junit.xml"),
        (ReportFormat::Html, "report.html"),
    ]
    .map(|(format, name)| (format, Target { option: out_option(reports), path: out.join(name) }));
    let further = reports.report.iter().map(|report| {
        let word = format!("{:?}", report.format).to_lowercase();
        let option = format!("--report {word}={}", report.file.display());
        (report.format, Target { option, path: report.file.clone() })
    });
    standard.into_iter().chain(further).collect()
}

/// What was written, and why the rest was not.
fn write(run: &Run, out: &Path, reports: &Reports) -> (Vec<PathBuf>, Vec<anyhow::Error>) {
    let (mut written, mut problems) = (Vec::new(), Vec::new());
    for (format, Target { option, path }) in targets(out, reports) {
        match write_one(run, format, &path) {
            Ok(()) => written.push(path),
            Err(error) => problems.push(anyhow!("{option}: {} is not written: {error:#}", path.display())),
        }
    }
    (written, problems)
}

fn write_one(run: &Run, format: ReportFormat, path: &Path) -> anyhow::Result<()> {
    let text = match format {
        ReportFormat::Json => return Ok(write_run(path, run)?),
        ReportFormat::Junit => junit::render(run)?,
        ReportFormat::Html => html::render(run)?,
        ReportFormat::Markdown => markdown::render(run),
        ReportFormat::Ctrf => ctrf::render(run)?,
    };
    Ok(write_atomically(path, text.as_bytes())?)
}

fn pending(run: &Run) {
    let files: Vec<&String> = run.scenarios.iter().flat_map(|scenario| &scenario.snapshots_pending).collect();
    if let Some(first) = files.first() {
        let count = files.len();
        let noun = if count == 1 { "snapshot differs or is new" } else { "snapshots differ or are new" };
        output::note(&format!("{count} {noun} ({first}); look with: counterpart review"));
    }
}
