//! `counterpart run`: scenarios against an integration, and the reports.

mod last_run;
mod list;
mod play;
pub(super) mod reports;
mod selection;
pub(super) mod targets;

use crate::arguments::{Format, Global, Run as RunArguments};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use crate::subjects;
use counterpart_outcome::{Digest, Environment, Run, SubjectSeen, integrations};
use counterpart_scenario::{Catalogue, RunOptions, Runner, SnapshotMode, was_not_run};
use counterpart_subject::{Launch, Stopwatch, SubjectSpec};
use jiff::Timestamp;
use play::Play;
use selection::Chosen;
use tokio::runtime::Handle;

pub(crate) fn run(tokio: &Handle, global: &Global, arguments: &RunArguments) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let name = project.subject_meant(arguments.subject.as_deref())?;
    let arguments = &arguments.about(&name);
    let subject = subjects::chosen(&project, &name, &arguments.plant)?;
    let launch = subjects::launch(&name, &subject)?;
    let catalogue = project.catalogue()?;
    let chosen = selection::choose(&project, arguments, &catalogue, &subject)?;
    if chosen.is_nothing() {
        output::note(&chosen.why_nothing(&project, arguments));
        return Ok(Exit::NothingSelected);
    }
    if arguments.list {
        return list::list(global, &chosen);
    }
    reports::check(&project, &arguments.reports)?;
    if arguments.require_docker {
        tokio.block_on(subjects::require(launch.as_ref()))?;
    }
    let (run, is_cut_short) = play(tokio, global, arguments, &subject, launch.as_ref(), &catalogue, &chosen)?;
    if is_cut_short && run.scenarios.iter().all(was_not_run) {
        output::note("no scenario was judged, so no report is written");
        return Ok(Exit::Interrupted);
    }
    let exit = reports::deliver(&project, global, &arguments.reports, &run)?;
    if is_cut_short {
        return Ok(Exit::Interrupted);
    }
    let is_whole = arguments.paths.is_empty() && arguments.filter.is_none() && chosen.shard.is_none();
    if is_whole && !arguments.rerun_failed && !global.quiet && global.format == Format::Text {
        super::review::note_unreferenced(&project);
    }
    Ok(exit)
}

/// What comes of them, and whether the process was told to stop before all were played.
fn play(
    tokio: &Handle,
    global: &Global,
    arguments: &RunArguments,
    subject: &SubjectSpec,
    launch: &dyn Launch,
    catalogue: &Catalogue,
    chosen: &Chosen,
) -> Result<(Run, bool), Stop> {
    let http = reqwest::Client::builder().no_proxy().build().map_err(Stop::environment)?;
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    // Nobody reviews in CI, nor what a planted bug left behind.
    let is_planted = !subjects::plants(subject).is_empty();
    let snapshots = if in_ci || is_planted { SnapshotMode::ReportOnly } else { SnapshotMode::WritePending };
    let watch = Stopwatch::start();
    let started_at = now();
    let tenants = match launch.is_shared() {
        // It may still hold what the last run wrote.
        true => format!("run-{}", started_at.as_second()),
        false => "tenant".to_owned(),
    };
    let options = RunOptions { seed: chosen.seed, snapshots, tenants };
    let today = started_at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let runner = Runner::new(subject.clone(), launch, http, options).retrying(arguments.retries).on(today);
    let jobs = match arguments.jobs.get() {
        jobs if jobs > 1 && launch.is_shared() => {
            output::note(&format!(
                "--jobs {jobs}: one at a time all the same, since all scenarios meet the same process of `{}`",
                arguments.subject()
            ));
            1
        }
        jobs => jobs,
    };
    let most_failures = if arguments.fail_fast { Some(1) } else { arguments.max_fail.map(usize::from) };
    let play = Play { runner: &runner, plans: &chosen.plans, jobs, most_failures };
    let (scenarios, is_cut_short) = play.all(tokio, global)?;
    let run = Run {
        counterpart: "run/1".to_owned(),
        started_at,
        wall_ms: watch.elapsed_ms(),
        seed: chosen.seed,
        environment: Environment {
            counterpart: env!("CARGO_PKG_VERSION").to_owned(),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        },
        subject: subject_seen(arguments.subject(), subject, runner.subject_version())?,
        coverage: catalogue.coverage(&scenarios),
        integrations: integrations(&scenarios),
        scenarios,
        shard: chosen.shard.clone(),
    };
    Ok((run, is_cut_short))
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
