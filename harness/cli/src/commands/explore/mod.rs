//! `counterpart explore`: cases from a happy path, and a scenario for each cause of failure.

mod files;
mod words;

use super::stop_signal::StopSignal;
use crate::arguments::{Explore as Arguments, Format, Global};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use crate::subjects;
use counterpart_scenario::{
    Exploration, ExploreError, ExploreOptions, Explorer, Plan, Planner, Progress, Selection, select,
};
use counterpart_subject::LaunchSpec;
use indicatif::{ProgressBar, ProgressStyle};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long it goes on where nothing is said.
const DEFAULT_BUDGET: Duration = Duration::from_secs(60);

pub(crate) fn explore(tokio: &Handle, global: &Global, arguments: &Arguments) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let name = project.subject_meant(arguments.subject.as_deref())?;
    let arguments = &arguments.about(&name);
    let subject = subjects::chosen(&project, &name, &arguments.plant)?;
    let launch = subjects::launch(&name, &subject)?;
    let catalogue = project.catalogue()?;
    let library = project.library();
    let mut planner = Planner::new(&library, &catalogue, &subject).with_contracts(project.contracts());
    let plan = plan(&project, arguments, &mut planner)?;
    let folder = arguments.out.clone().unwrap_or_else(|| project.scenarios().join("found"));
    let target = files::target(arguments, &folder);
    target.check_folder()?;
    let tenants = match &subject.launch {
        // It may still hold what the last exploration wrote.
        LaunchSpec::Url(_) => format!("explore-{}", started_s()),
        _ => "tenant".to_owned(),
    };
    let options = ExploreOptions {
        seed: arguments.seed,
        budget: arguments.budget.or_else(|| arguments.cases.is_none().then_some(DEFAULT_BUDGET)),
        most_cases: arguments.cases.map(|cases| usize::try_from(cases).unwrap_or(usize::MAX)),
        jobs: arguments.jobs.unwrap_or_else(processors),
        stops_at_first: arguments.stop_at_first,
        tenants,
        told_to_stop: StopSignal::watched(tokio)?,
    };
    let told_to_stop = options.told_to_stop.clone();
    let explorer = Explorer { plan: &plan, subject: &subject, launch: launch.as_ref(), options };
    let bar = bar(global);
    let explored = explorer.explore(&|progress| show(&bar, progress));
    bar.finish_and_clear();
    let exploration = match explored {
        Err(ExploreError::Stopped { scenario }) => {
            output::note(&format!("{scenario}: nothing was explored: its happy path was still being played"));
            return Ok(Exit::Interrupted);
        }
        explored => explored.map_err(Stop::environment)?,
    };
    let written = files::write(&folder, &exploration);
    if global.format == Format::Json {
        output::json(&words::json(&exploration, &written)).map_err(Stop::environment)?;
    } else {
        words::summary(global, &exploration, &written, arguments);
    }
    for problem in written.iter().filter_map(|one| one.problem.as_ref()) {
        output::error(&anyhow::anyhow!("{}: {problem}", target.option));
    }
    Ok(if *told_to_stop.borrow() { Exit::Interrupted } else { exit(&exploration) })
}

/// The scenario, checked. A folder holds several.
fn plan(project: &Project, arguments: &Arguments, planner: &mut Planner<'_>) -> Result<Plan, Stop> {
    let selection = Selection { paths: vec![arguments.scenario.clone()], filter: None };
    let selected = select(&project.scenarios(), &selection).map_err(Stop::usage)?;
    let [scenario] = &selected[..] else {
        let path = arguments.scenario.display();
        let count = selected.len();
        return Err(Stop::usage(anyhow::anyhow!(
            "{path}: there are {count} scenarios; explore takes the file of one"
        )));
    };
    let plans = planner.plans(&scenario.path, &scenario.name).map_err(Stop::usage)?;
    let names: Vec<String> = plans.iter().map(|plan| plan.name.clone()).collect();
    scenario.check_rows(names.iter().map(String::as_str)).map_err(Stop::usage)?;
    let mut plans = plans.into_iter().filter(|plan| scenario.takes(&plan.name));
    match (plans.next(), plans.next()) {
        (Some(plan), None) => Ok(plan),
        _ => Err(Stop::usage(anyhow::anyhow!(
            "{}: holds several scenarios, one for each row of `cases`; explore takes one: {}",
            scenario.path.display(),
            names.join(", ")
        ))),
    }
}

fn exit(exploration: &Exploration) -> Exit {
    match () {
        () if !exploration.found.is_empty() => Exit::Failed,
        () if exploration.first_unjudged.is_some() || !exploration.unreproduced.is_empty() => {
            Exit::Environment
        }
        () if exploration.cases == 0 => Exit::NothingSelected,
        () => Exit::Passed,
    }
}

fn processors() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[expect(clippy::disallowed_methods, reason = "a tenant's name must be another one each time")]
fn started_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn bar(global: &Global) -> ProgressBar {
    if global.quiet || global.format != Format::Text {
        return ProgressBar::hidden();
    }
    // Indicatif draws on a terminal only.
    let style =
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    if !bar.is_hidden() {
        bar.set_message(words::progress(progress));
        bar.tick();
    }
}
