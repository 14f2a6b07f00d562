//! `run --rerun-failed`: what the last run left to be played again.

use crate::arguments::Run as RunArguments;
use crate::exit::Stop;
use crate::output;
use anyhow::{Context, anyhow};
use counterpart_outcome::{ScenarioOutcome, Verdict, read_run};
use counterpart_scenario::{Plan, was_not_run};
use std::collections::BTreeSet;
use std::path::Path;

/// What is to be played again, and how.
pub(super) struct Again {
    names: BTreeSet<String>,
    pub(super) seed: u64,
}

/// What failed, errored or was not run in the last run.
pub(super) fn read(path: &Path, arguments: &RunArguments) -> Result<Again, Stop> {
    if !path.exists() {
        return Err(Stop::usage(anyhow!(
            "{}: there is no last run, so nothing is known to have failed; run once without --rerun-failed, \
             or say with --out where it wrote",
            path.display()
        )));
    }
    let last = read_run(path).context("the last run cannot be read; run once without --rerun-failed");
    let last = last.map_err(Stop::usage)?;
    if last.subject.name != arguments.subject() {
        return Err(Stop::usage(anyhow!(
            "{}: is of the subject `{}`, not of `{}`; choose it with --subject, or run once without --rerun-failed",
            path.display(),
            last.subject.name,
            arguments.subject()
        )));
    }
    let wanted = |outcome: &&ScenarioOutcome| {
        matches!(outcome.verdict, Verdict::Failed | Verdict::Errored) || was_not_run(outcome)
    };
    let names = last.scenarios.iter().filter(wanted).map(|outcome| outcome.name.clone()).collect();
    Ok(Again { names, seed: last.seed })
}

impl Again {
    /// Whether a file may hold something that is to be played again: a row of its table goes by the file's name with the
    /// row in brackets.
    pub(super) fn may_take(&self, file: &str) -> bool {
        self.names.iter().any(|name| name.split('[').next() == Some(file))
    }

    /// Whether a scenario is to be played again.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Tells what is not there any more: nobody may take it for mended. Whether anything is.
    pub(super) fn tell_gone(&self, plans: &[Plan]) -> bool {
        let found: BTreeSet<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        let gone: Vec<&String> = self.names.iter().filter(|name| !found.contains(name.as_str())).collect();
        for gone in &gone {
            output::note(&format!(
                "{gone} did not pass in the last run, and is not among the scenarios of this one"
            ));
        }
        !gone.is_empty()
    }
}
