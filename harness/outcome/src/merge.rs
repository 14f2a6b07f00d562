//! Shards become one run again: only where together they are exactly the run that was cut.

use crate::shard::played_digest;
use crate::{Catalogued, Coverage, Environment, Run, Shard, ShardOf, integrations};
use std::path::{Path, PathBuf};

/// Run files that do not make one run.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Nothing to merge.
    #[error("no run file was given; expected one of each shard")]
    Nothing,
    /// Not a shard.
    #[error("{path}: is of a whole run, not of a shard; merge what `counterpart run --shard i/n` wrote", path = path.display())]
    Whole {
        /// The file.
        path: PathBuf,
    },
    /// Two files differ in something that must be the same.
    #[error("{path}: {what} is {found}, but {expected} in {first}; merge shards of one run only", path = path.display(), first = first.display())]
    Foreign {
        /// What differs.
        what: &'static str,
        /// The file that differs.
        path: PathBuf,
        /// What it says.
        found: String,
        /// The file that it differs from.
        first: PathBuf,
        /// What that says.
        expected: String,
    },
    /// A shard that is there twice.
    #[error("shard {shard} is there twice: {first} and {second}; leave one of them out", first = first.display(), second = second.display())]
    Twice {
        /// Which.
        shard: Shard,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Shards that are not there.
    #[error(
        "{} of {count} missing, so not everything was judged; give each shard's run file, or run it again with --shard",
        named(missing)
    )]
    Missing {
        /// Which.
        missing: Vec<u32>,
        /// Of how many.
        count: u32,
    },
    /// A scenario in a shard that it does not belong to.
    #[error("{path}: holds `{name}`, which belongs to shard {belongs}; the file was changed, or written by another build", path = path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// The scenario.
        name: String,
        /// Where it belongs.
        belongs: Shard,
    },
    /// A scenario that is in one shard twice, or in none.
    #[error(
        "the shards hold {found} scenarios, but not those that the run was cut from; run all shards again"
    )]
    Incomplete {
        /// How many there are.
        found: usize,
    },
}

fn named(missing: &[u32]) -> String {
    let numbers: Vec<String> = missing.iter().take(12).map(ToString::to_string).collect();
    let more = match missing.len().saturating_sub(12) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {}{more}", if missing.len() == 1 { "shard" } else { "shards" }, numbers.join(", "))
}

/// One run of the run files of all its shards, in any order.
///
/// It began when the first did, took as long as the longest, and had the fewest processors of all.
///
/// # Errors
/// [`MergeError`].
pub fn merge(shards: Vec<(PathBuf, Run)>) -> Result<Run, MergeError> {
    let mut parts: Vec<(ShardOf, PathBuf, Run)> = Vec::with_capacity(shards.len());
    for (path, run) in shards {
        match run.shard.clone() {
            Some(shard) => parts.push((shard, path, run)),
            None => return Err(MergeError::Whole { path }),
        }
    }
    // What played nothing never met the subject, and cannot know its version.
    let knows = |part: &&(ShardOf, PathBuf, Run)| part.2.subject.version.is_some();
    let Some(first) = parts.iter().find(knows).or(parts.first()) else { return Err(MergeError::Nothing) };
    for other in &parts {
        of_one_run(first, other)?;
    }
    for (shard, path, run) in &parts {
        if let Some(stray) = run.scenarios.iter().find(|scenario| !shard.part.takes(&scenario.name)) {
            let belongs = Shard::of(&stray.name, shard.part.count);
            return Err(MergeError::Misplaced { path: path.clone(), name: stray.name.clone(), belongs });
        }
    }
    let whole = first.0.whole.clone();
    complete(&mut parts)?;
    let mut runs = parts.into_iter().map(|(_, _, run)| run);
    let Some(mut merged) = runs.next() else { return Err(MergeError::Nothing) };
    for run in runs {
        merged.started_at = merged.started_at.min(run.started_at);
        merged.wall_ms = merged.wall_ms.max(run.wall_ms);
        merged.environment.cpus = merged.environment.cpus.min(run.environment.cpus);
        if merged.subject.version.is_none() {
            merged.subject = run.subject;
        }
        merged.scenarios.extend(run.scenarios);
        together(&mut merged.coverage, run.coverage);
    }
    merged.scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    for case in &mut merged.coverage.cases {
        case.covered_by.sort();
        case.failed_in.sort();
    }
    if played_digest(&merged.scenarios) != whole {
        return Err(MergeError::Incomplete { found: merged.scenarios.len() });
    }
    merged.shard = None;
    merged.integrations = integrations(&merged.scenarios);
    Ok(merged)
}

/// In the order of their numbers, none twice and none missing.
fn complete(parts: &mut [(ShardOf, PathBuf, Run)]) -> Result<(), MergeError> {
    parts.sort_by_key(|(shard, _, _)| shard.part);
    for pair in parts.windows(2) {
        if let [(a, first, _), (b, second, _)] = pair
            && a.part == b.part
        {
            return Err(MergeError::Twice { shard: a.part, first: first.clone(), second: second.clone() });
        }
    }
    let count = parts.first().map_or(0, |(shard, _, _)| shard.part.count);
    let missing: Vec<u32> =
        (1..=count).filter(|index| parts.iter().all(|(shard, _, _)| shard.part.index != *index)).collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::Missing { missing, count }) }
}

/// Whether two shards were cut from the same run.
fn of_one_run(first: &(ShardOf, PathBuf, Run), other: &(ShardOf, PathBuf, Run)) -> Result<(), MergeError> {
    let ((shard_a, path_a, a), (shard_b, path_b, b)) = (first, other);
    let machine = |environment: &Environment| format!("{} {}", environment.os, environment.arch);
    let subject = |run: &Run| {
        let plants = if run.subject.plants.is_empty() { "" } else { " with bugs planted" };
        format!("`{}` {}{plants}", run.subject.name, run.subject.digest.short())
    };
    let cases = |run: &Run| run.coverage.cases.iter().map(uncovered).collect::<Vec<_>>();
    let catalogue = |run: &Run| {
        let text = format!("{:?}", cases(run));
        format!("of {} entries ({})", run.coverage.cases.len(), crate::Digest::of(text.as_bytes()).short())
    };
    let same = |what, a: String, b: String| match a == b {
        true => Ok(()),
        false => Err(foreign(what, (path_a, a), (path_b, b))),
    };
    same("the number of shards", shard_a.part.count.to_string(), shard_b.part.count.to_string())?;
    same("the seed", a.seed.to_string(), b.seed.to_string())?;
    same("the version of counterpart", a.environment.counterpart.clone(), b.environment.counterpart.clone())?;
    same("the machine", machine(&a.environment), machine(&b.environment))?;
    same("the subject", a.subject.name.clone(), b.subject.name.clone())?;
    if a.subject.version.is_some() == b.subject.version.is_some() {
        same("the subject", subject(a), subject(b))?;
    }
    same("the catalogue", catalogue(a), catalogue(b))?;
    same("the selection of scenarios", shard_a.whole.short(), shard_b.whole.short())
}

fn foreign(what: &'static str, first: (&Path, String), other: (&Path, String)) -> MergeError {
    MergeError::Foreign {
        what,
        path: other.0.to_owned(),
        found: other.1,
        first: first.0.to_owned(),
        expected: first.1,
    }
}

/// An entry of the catalogue as it is before anything covers it.
fn uncovered(case: &Catalogued) -> Catalogued {
    Catalogued { covered_by: Vec::new(), failed_in: Vec::new(), ..case.clone() }
}

fn together(coverage: &mut Coverage, other: Coverage) {
    for (case, other) in coverage.cases.iter_mut().zip(other.cases) {
        case.covered_by.extend(other.covered_by);
        case.failed_in.extend(other.failed_in);
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
