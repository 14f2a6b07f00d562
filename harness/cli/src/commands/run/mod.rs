//! `counterpart run`: scenarios against an integration, and the reports.

mod last_run;
mod list;
mod play;
pub(super) mod reports;
mod selection;

use crate::arguments::{Global, Run as RunArguments};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use crate::subjects;
use counterpart_outcome::{Digest, Environment, Run, SubjectSeen, Verdict};
use counterpart_scenario::{Catalogue, RunOptions, Runner, SnapshotMode};
use counterpart_subject::{Launch, Stopwatch, SubjectSpec};
use jiff::Timestamp;
use play::Play;
use selection::Chosen;
use tokio::runtime::Handle;

pub(crate) fn run(tokio: &Handle, global: &Global, arguments: &RunArguments) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let subject = subjects::chosen(&project, &arguments.subject, &arguments.plant)?;
    let launch = subjects::launch(&subject)?;
    let catalogue = project.catalogue()?;
    let chosen = selection::choose(&project, arguments, &catalogue, &subject)?;
    if chosen.is_nothing() {
        output::note(&chosen.why_nothing(&project, arguments));
        return Ok(Exit::NothingSelected);
    }
    if arguments.list {
        return list::list(global, &chosen);
    }
    let run = play(tokio, global, arguments, &subject, launch.as_ref(), &catalogue, &chosen)?;
    reports::deliver(&project, global, &arguments.reports, &run)
}

fn play(
    tokio: &Handle,
    global: &Global,
    arguments: &RunArguments,
    subject: &SubjectSpec,
    launch: &dyn Launch,
    catalogue: &Catalogue,
    chosen: &Chosen,
) -> Result<Run, Stop> {
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
    let runner = Runner::new(subject.clone(), launch, http, options).retrying(arguments.retries);
    let jobs = match arguments.jobs.get() {
        jobs if jobs > 1 && launch.is_shared() => {
            output::note(&format!(
                "--jobs {jobs}: one at a time all the same, since all scenarios meet the same process of `{}`",
                arguments.subject
            ));
            1
        }
        jobs => jobs,
    };
    let most_failures = if arguments.fail_fast { Some(1) } else { arguments.max_fail.map(usize::from) };
    let scenarios = Play { runner: &runner, plans: &chosen.plans, jobs, most_failures }.all(tokio, global);
    let judged = scenarios
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Passed | Verdict::Failed | Verdict::Flaky));
    let covered =
        judged.flat_map(|outcome| outcome.covers.iter().map(|id| (outcome.name.as_str(), id.as_str())));
    Ok(Run {
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
        subject: subject_seen(&arguments.subject, subject, runner.subject_version())?,
        coverage: catalogue.coverage(covered),
        scenarios,
        shard: chosen.shard.clone(),
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
