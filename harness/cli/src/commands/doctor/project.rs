//! The project's files: whether each can be used.

use super::finding::Finding;
use crate::output::counted;
use crate::project::Project;
use counterpart_contract::{Checker, read_contract};
use counterpart_exchange::DocumentError;
use counterpart_scenario::{PlanError, Planner, Selection, select};
use counterpart_subject::SubjectSpec;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

pub(super) fn looked(project: &Project, subjects: &[(&str, SubjectSpec)]) -> Vec<Finding> {
    let mut findings = vec![config(project)];
    findings.extend(fixtures(project));
    findings.extend(contracts(project));
    findings.extend(scenarios(project, subjects));
    findings.extend([
        can_be_written("reports", &project.path("target/counterpart"), "choose another place with --out"),
        can_be_written(
            "snapshots",
            &project.scenarios(),
            "name another folder with `scenarios` in counterpart.toml: snapshots stand beside their scenarios",
        ),
    ]);
    findings
}

fn config(project: &Project) -> Finding {
    let path = project.path("counterpart.toml");
    if !path.exists() {
        return Finding::warning(
            "config",
            "there is no counterpart.toml here or above, so the defaults hold",
            "counterpart init",
        );
    }
    let subjects = project.subject_names().join(", ");
    Finding::ok("config", format!("{}; subjects: {subjects}", path.display()))
}

fn fixtures(project: &Project) -> Vec<Finding> {
    let library = project.library();
    let root = library.root().display().to_string();
    if let Some(why) = library.is_no_folder() {
        return vec![Finding::warning(
            "fixtures",
            why,
            "counterpart record, counterpart import, or counterpart init for a sample",
        )];
    }
    let names = library.names();
    if names.is_empty() {
        let mend = "counterpart record, counterpart import, or counterpart init for a sample";
        return vec![Finding::warning("fixtures", format!("{root} holds no fixture"), mend)];
    }
    let providers: BTreeSet<&str> = names.iter().map(|name| name.provider.as_str()).collect();
    let profiles = providers.iter().filter_map(|provider| library.profile(provider).err());
    let mut wrong: Vec<Finding> = profiles.map(|error| Finding::of_file("fixtures", error)).collect();
    let broken = names.iter().filter_map(|name| library.fixture(name).err());
    wrong.extend(broken.map(|error| Finding::of_file("fixtures", error)));
    let without = providers.iter().filter_map(|provider| library.missing_profile(provider));
    wrong.extend(without.map(|path| {
        let what =
            format!("{} is not there: nothing is known of this provider but its exchanges", path.display());
        Finding::warning(
            "fixtures",
            what,
            "write it (docs/fixtures.md), as faults and scenarios name its operations",
        )
    }));
    if wrong.is_empty() {
        let found = counted(names.len(), "fixture", "fixtures");
        let of = counted(providers.len(), "provider", "providers");
        wrong.push(Finding::ok("fixtures", format!("{root}: {found} of {of}")));
    }
    wrong
}

fn contracts(project: &Project) -> Vec<Finding> {
    let folder = project.contracts();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![Finding::ok("contracts", "there are none; only `contract check` needs one")];
        }
        Err(error) => {
            let what = format!("{}: {error}", folder.display());
            return vec![Finding::problem("contracts", what, "let your user read the folder")];
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".openapi.yaml"))
        .collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        match read_contract(path) {
            Err(error) => wrong.push(Finding::of_file("contracts", error)),
            Ok(contract) => {
                if let Err(error) = Checker::new(&contract) {
                    wrong.push(Finding::of_file("contracts", format!("{}: {error}", path.display())));
                }
            }
        }
    }
    if wrong.is_empty() {
        let found = counted(paths.len(), "contract", "contracts");
        wrong.push(Finding::ok("contracts", format!("{}: {found}", folder.display())));
    }
    wrong
}

/// A scenario must be one that some subject can be told; which one, it does not say.
fn scenarios(project: &Project, subjects: &[(&str, SubjectSpec)]) -> Vec<Finding> {
    let root = project.scenarios();
    let catalogue = match project.catalogue() {
        Ok(catalogue) => catalogue,
        Err(stop) => return vec![Finding::of_file("scenarios", format!("{:#}", stop.error))],
    };
    let selected = match select(&root, &Selection::default()) {
        Ok(selected) if !selected.is_empty() => selected,
        Ok(_) => {
            let what = format!("{} holds no scenario", root.display());
            return vec![Finding::warning("scenarios", what, "counterpart init for a sample, or write one")];
        }
        Err(error) => {
            let mend = "counterpart init for a sample, or write one";
            return vec![Finding::warning("scenarios", error.to_string(), mend)];
        }
    };
    let library = project.library();
    let mut planners: Vec<Planner<'_>> =
        subjects.iter().map(|(_, subject)| Planner::new(&library, &catalogue, subject)).collect();
    let mut told = BTreeSet::new();
    let mut wrong = Vec::new();
    for scenario in &selected {
        let mut refusals = Vec::new();
        let fits = planners.iter_mut().any(|planner| match planner.plans(&scenario.path, &scenario.name) {
            Ok(_) => true,
            Err(PlanError(problems)) => {
                refusals.push(problems);
                false
            }
        });
        if fits {
            continue;
        }
        for problem in of_all(refusals) {
            if told.insert(problem.to_string()) {
                wrong.push(Finding::of_file("scenarios", problem));
            }
        }
    }
    if wrong.is_empty() {
        let found = counted(selected.len(), "scenario", "scenarios");
        wrong.push(Finding::ok("scenarios", format!("{}: {found}", root.display())));
    }
    wrong
}

/// Of several subjects' problems with one scenario those that all of them have, since the others may be those of a subject
/// that it is not for; where there are none, those of the last subject: what a project describes stands behind what
/// is built in.
fn of_all(mut refusals: Vec<Vec<DocumentError>>) -> Vec<DocumentError> {
    let Some(last) = refusals.pop() else { return Vec::new() };
    let is_everywhere = |problem: &DocumentError| {
        let text = problem.to_string();
        refusals.iter().all(|problems| problems.iter().any(|other| other.to_string() == text))
    };
    let (shared, own): (Vec<_>, Vec<_>) = last.into_iter().partition(is_everywhere);
    if shared.is_empty() { own } else { shared }
}

/// Whether files can be made in a folder, or in the nearest one above it that is there. What is made is taken away again.
fn can_be_written(check: &'static str, folder: &Path, elsewhere: &str) -> Finding {
    let there = folder.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new(""));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    match tempfile::Builder::new().prefix(".counterpart-doctor-").tempfile_in(there) {
        Ok(_) => Finding::ok(check, format!("{} can be written", folder.display())),
        Err(error) => Finding::problem(
            check,
            format!("{}: nothing can be written there: {error}", there.display()),
            format!("let your user write to it, free some space, or {elsewhere}"),
        ),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_written_another_place_is_named() {
        let finding = can_be_written("snapshots", Path::new("/proc/scenarios"), "name another folder");
        assert!(finding.lines().contains("free some space, or name another folder"), "{}", finding.lines());
    }
}
