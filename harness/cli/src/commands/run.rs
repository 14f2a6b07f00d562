//! `counterpart run`: scenarios against an integration, and the reports.

use crate::arguments::{Format, Global, Report, ReportFormat, Run as RunArguments};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use crate::subjects;
use anyhow::Context;
use counterpart_exchange::{DocumentError, write_atomically};
use counterpart_outcome::{Digest, Environment, Run, ScenarioOutcome, SubjectSeen, Verdict, write_run};
use counterpart_report::{html, junit, markdown, terminal};
use counterpart_scenario::{
    Catalogue, Plan, PlanError, Planner, RunOptions, Runner, Selection, SnapshotMode, select,
};
use counterpart_subject::{Launch, LaunchSpec, Stopwatch, SubjectSpec};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

pub(crate) async fn run(global: &Global, arguments: &RunArguments) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let subject = subjects::chosen(&project, &arguments.subject, &arguments.plant)?;
    let launch = subjects::launch(&subject)?;
    let catalogue = project.catalogue()?;
    let plans = plans(&project, arguments, &catalogue, &subject)?;
    if plans.is_empty() {
        let what = arguments
            .filter
            .as_ref()
            .map_or_else(String::new, |filter| format!(" whose name fits {filter:?}"));
        output::note(&format!("no scenario{what} was found under {}", project.scenarios().display()));
        return Ok(Exit::NothingSelected);
    }
    if arguments.list {
        return list(global, &plans);
    }
    let run = play(global, arguments, &subject, launch.as_ref(), &catalogue, &plans).await?;
    let out = arguments.out.clone().unwrap_or_else(|| project.path("target/counterpart/latest"));
    let written = write_reports(&run, &out, &arguments.report).map_err(Stop::environment)?;
    if global.format == Format::Json {
        output::json(&run).map_err(Stop::environment)?;
    } else {
        if !global.quiet || Exit::of(&run) != Exit::Passed {
            output::result(&terminal::summary(&run, output::style()));
        }
        if !global.quiet {
            output::result(&format!(
                "Reports: {}",
                written.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
            ));
        }
        pending(&run);
        if arguments.paths.is_empty() && arguments.filter.is_none() {
            super::review::note_unreferenced(&project);
        }
    }
    Ok(Exit::of(&run))
}

/// Every selected scenario, checked; all problems of all files are told at once, and nothing is run.
fn plans(
    project: &Project,
    arguments: &RunArguments,
    catalogue: &Catalogue,
    subject: &SubjectSpec,
) -> Result<Vec<Plan>, Stop> {
    let selection = Selection { paths: arguments.paths.clone(), filter: arguments.filter.clone() };
    let selected = select(&project.scenarios(), &selection).map_err(Stop::usage)?;
    let library = project.library();
    let mut planner = Planner::new(&library, catalogue, subject);
    let mut plans = Vec::new();
    let mut problems: Vec<DocumentError> = Vec::new();
    for scenario in selected {
        match planner.plan(&scenario.path, &scenario.name) {
            Ok(plan) => plans.push(plan),
            Err(PlanError(found)) => {
                for problem in found {
                    // A fixture that several scenarios use is told once.
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(plans) } else { Err(Stop::usage(PlanError(problems))) }
}

fn list(global: &Global, plans: &[Plan]) -> Result<Exit, Stop> {
    if global.format == Format::Json {
        let entries: Vec<_> = plans
            .iter()
            .map(|plan| {
                serde_json::json!({
                    "name": plan.name,
                    "title": plan.file.title,
                    "file": plan.path,
                    "covers": plan.file.covers.iter().map(|id| &id.value).collect::<Vec<_>>(),
                })
            })
            .collect();
        output::json(&entries).map_err(Stop::environment)?;
    } else {
        let width = plans.iter().map(|plan| plan.name.len()).max().unwrap_or_default();
        for plan in plans {
            output::result(&format!("{:width$}  {}", plan.name, plan.file.title));
        }
    }
    Ok(Exit::Passed)
}

async fn play(
    global: &Global,
    arguments: &RunArguments,
    subject: &SubjectSpec,
    launch: &dyn Launch,
    catalogue: &Catalogue,
    plans: &[Plan],
) -> Result<Run, Stop> {
    let http = reqwest::Client::builder().no_proxy().build().map_err(Stop::environment)?;
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    // Nobody reviews in CI, nor what a planted bug left behind.
    let is_planted = !subjects::plants(subject).is_empty();
    let snapshots = if in_ci || is_planted { SnapshotMode::ReportOnly } else { SnapshotMode::WritePending };
    let watch = Stopwatch::start();
    let started_at = now();
    let tenants = match &subject.launch {
        // It may still hold what the last run wrote.
        LaunchSpec::Url(_) => format!("run-{}", started_at.as_second()),
        _ => "tenant".to_owned(),
    };
    let options = RunOptions { seed: arguments.seed, snapshots, tenants };
    let runner = Runner::new(subject.clone(), launch, http, options);
    let text = global.format == Format::Text;
    let progress = progress(text && !global.quiet, plans.len());
    let mut scenarios: Vec<ScenarioOutcome> = Vec::with_capacity(plans.len());
    for plan in plans {
        progress.set_message(plan.name.clone());
        let outcome = runner.run(plan).await;
        let is_good = matches!(outcome.verdict, Verdict::Passed | Verdict::Skipped { .. });
        if text && (!global.quiet || !is_good) {
            progress.suspend(|| {
                output::result(&terminal::line(&outcome, output::style()));
                if !is_good {
                    output::result(&terminal::failure(&outcome, output::style()));
                }
            });
        }
        progress.inc(1);
        scenarios.push(outcome);
    }
    progress.finish_and_clear();
    let judged = |outcome: &&ScenarioOutcome| {
        matches!(outcome.verdict, Verdict::Passed | Verdict::Failed | Verdict::Flaky)
    };
    let covered = scenarios
        .iter()
        .filter(judged)
        .flat_map(|outcome| outcome.covers.iter().map(|id| (outcome.name.as_str(), id.as_str())));
    Ok(Run {
        counterpart: "run/1".to_owned(),
        started_at,
        wall_ms: watch.elapsed_ms(),
        seed: arguments.seed,
        environment: Environment {
            counterpart: env!("CARGO_PKG_VERSION").to_owned(),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        },
        subject: subject_seen(&arguments.subject, subject, runner.subject_version())?,
        coverage: catalogue.coverage(covered),
        scenarios,
    })
}

fn subject_seen(name: &str, subject: &SubjectSpec, version: Option<String>) -> Result<SubjectSeen, Stop> {
    // The same description of another build is another subject.
    let text = serde_json::to_string(&(subject, &version)).map_err(Stop::usage)?;
    Ok(SubjectSeen {
        name: name.to_owned(),
        kind: subject.launch.kind().to_owned(),
        version,
        digest: Digest::of(text.as_bytes()),
        plants: subjects::plants(subject).to_vec(),
    })
}

#[expect(clippy::disallowed_methods, reason = "a run says when it began in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn progress(shown: bool, count: usize) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    // Indicatif draws on a terminal only.
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style)
}

fn write_reports(run: &Run, out: &Path, further: &[Report]) -> anyhow::Result<Vec<PathBuf>> {
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
