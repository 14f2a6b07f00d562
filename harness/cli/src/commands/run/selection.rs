//! Which scenarios a run plays: selected, of its shard, checked.

use super::{last_run, reports};
use crate::arguments::Run as RunArguments;
use crate::exit::Stop;
use crate::project::Project;
use counterpart_exchange::DocumentError;
use counterpart_outcome::{ShardOf, selection_digest};
use counterpart_scenario::{Catalogue, Plan, PlanError, Planner, Selected, Selection, select};
use counterpart_subject::SubjectSpec;

/// Without --seed.
const SEED: u64 = 1;

/// What is played.
pub(super) struct Chosen {
    /// In the order of their names.
    pub(super) plans: Vec<Plan>,
    /// Which part of the scenarios they are, if not all.
    pub(super) shard: Option<ShardOf>,
    pub(super) seed: u64,
    /// With those of other shards.
    count: usize,
    /// Whether something that is to be played again is not there any more.
    is_something_gone: bool,
}

/// Every selected scenario, checked; all problems of all files are told at once, and nothing is run.
pub(super) fn choose(
    project: &Project,
    arguments: &RunArguments,
    catalogue: &Catalogue,
    subject: &SubjectSpec,
) -> Result<Chosen, Stop> {
    let selection = Selection { paths: arguments.paths.clone(), filter: arguments.filter.clone() };
    let mut selected = select(&project.scenarios(), &selection).map_err(Stop::usage)?;
    let mut seed = arguments.seed.unwrap_or(SEED);
    let again = match arguments.rerun_failed {
        true => {
            let last = reports::folder(project, &arguments.reports).join("run.json");
            Some(last_run::read(&last, arguments)?)
        }
        false => None,
    };
    if let Some(again) = &again {
        selected.retain(|scenario| again.may_take(&scenario.name));
        seed = arguments.seed.unwrap_or(again.seed);
    }
    let mut is_something_gone = false;
    let mut plans = plans(project, selected, catalogue, subject)?;
    plans.retain(|plan| selection.takes(&plan.name));
    if let Some(again) = &again {
        plans.retain(|plan| again.takes(&plan.name));
        is_something_gone = again.tell_gone(&plans);
    }
    let count = plans.len();
    let shard = arguments.shard.map(|part| {
        let whole = selection_digest(plans.iter().map(|plan| (plan.name.as_str(), &plan.digest)));
        plans.retain(|plan| part.takes(&plan.name));
        ShardOf { part, whole }
    });
    Ok(Chosen { plans, shard, seed, count, is_something_gone })
}

fn plans(
    project: &Project,
    selected: Vec<Selected>,
    catalogue: &Catalogue,
    subject: &SubjectSpec,
) -> Result<Vec<Plan>, Stop> {
    let library = project.library();
    let mut planner = Planner::new(&library, catalogue, subject).with_contracts(project.contracts());
    let mut plans = Vec::new();
    let mut problems: Vec<DocumentError> = Vec::new();
    for scenario in selected {
        match planner.plans(&scenario.path, &scenario.name) {
            Ok(found) => {
                scenario.check_rows(found.iter().map(|plan| plan.name.as_str())).map_err(Stop::usage)?;
                plans.extend(found.into_iter().filter(|plan| scenario.takes(&plan.name)));
            }
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

impl Chosen {
    /// Whether there is nothing to play in any shard.
    pub(super) fn is_nothing(&self) -> bool {
        self.count == 0
    }

    /// Why there is nothing to play.
    pub(super) fn why_nothing(&self, project: &Project, arguments: &RunArguments) -> String {
        let filter = arguments.filter.as_ref();
        let what = filter.map_or_else(String::new, |filter| format!(" whose name fits {filter:?}"));
        let under = project.scenarios();
        if self.is_something_gone {
            return "so there is nothing to play again".to_owned();
        }
        if arguments.rerun_failed {
            return format!(
                "no scenario{what} under {} failed, errored or was left out in the last run",
                under.display()
            );
        }
        format!("no scenario{what} was found under {}", under.display())
    }
}
