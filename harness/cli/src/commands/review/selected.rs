//! Which pending snapshots are meant: all of the project, or those that paths and names tell.

use crate::exit::Stop;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::suggest;
use counterpart_scenario::{PendingSnapshot, pending_snapshots};
use std::path::{Path, PathBuf};

/// The pending snapshots that are meant, in the order of their paths.
pub(super) fn selected(project: &Project, which: &[String]) -> Result<Vec<PendingSnapshot>, Stop> {
    let scenarios = project.scenarios();
    if which.is_empty() {
        return pending_snapshots(&scenarios).map_err(|error| {
            Stop::usage(anyhow!("{error}; scenarios are looked for in {}", scenarios.display()))
        });
    }
    let mut all = Vec::new();
    for wanted in which {
        all.extend(named(&scenarios, wanted)?);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn named(scenarios: &Path, wanted: &str) -> Result<Vec<PendingSnapshot>, Stop> {
    let path = Path::new(wanted);
    if path.is_dir() {
        return pending_snapshots(path).map_err(Stop::usage);
    }
    let known = pending_snapshots(scenarios).map_err(Stop::usage)?;
    let beside = PathBuf::from(format!("{wanted}.new"));
    let is_meant = |snapshot: &PendingSnapshot| {
        let name = name_of(scenarios, snapshot);
        name == wanted
            || name.rsplit_once('@').is_some_and(|(scenario, _)| scenario == wanted)
            || is_same(&snapshot.new, path)
            || is_same(&snapshot.new, &beside)
            || snapshot.scenario().is_some_and(|scenario| is_same(&scenario, path))
    };
    let mut meant: Vec<PendingSnapshot> =
        known.iter().filter(|snapshot| is_meant(snapshot)).cloned().collect();
    // Insta may have written one anywhere.
    for file in [path, &beside] {
        if meant.is_empty() && file.is_file() {
            meant = pending_snapshots(file).map_err(Stop::usage)?;
        }
    }
    if !meant.is_empty() {
        return Ok(meant);
    }
    let names: Vec<String> = known.iter().map(|snapshot| name_of(scenarios, snapshot)).collect();
    let hint = match suggest(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "none waits at all".to_owned(),
        None => format!("there wait: {}", names.join(", ")),
    };
    Err(Stop::usage(anyhow!("no snapshot of {wanted:?} waits for review; {hint}")))
}

/// `chat-import/happy-path@requests`.
fn name_of(scenarios: &Path, snapshot: &PendingSnapshot) -> String {
    let folder = snapshot.committed.parent().and_then(Path::parent).unwrap_or(scenarios);
    let file = snapshot.committed.with_extension("");
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    match folder.strip_prefix(scenarios) {
        Ok(suite) if !suite.as_os_str().is_empty() => format!("{}/{file}", suite.display()),
        _ => file.into_owned(),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}
