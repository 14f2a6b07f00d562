//! `counterpart review`, `accept`, `reject`: snapshots that changed, one after the other.

use crate::arguments::Global;
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anstyle::{AnsiColor, Style};
use counterpart_scenario::{SnapshotText, pending_snapshots};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

/// What becomes of a pending snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Reject,
    Skip,
}

/// Asks about each pending snapshot. Without a terminal it only shows them.
pub(crate) fn review(global: &Global) -> Result<Exit, Stop> {
    let pending = pending(global)?;
    let asks = io::stdin().is_terminal();
    let mut left = 0;
    let mut for_all = None;
    for (index, (committed, new)) in pending.iter().enumerate() {
        output::result(&format!("{} of {}: {}", index + 1, pending.len(), committed.display()));
        output::result(&difference(committed, new).map_err(Stop::environment)?);
        let decision = match for_all {
            Some(decision) => decision,
            None if asks => {
                let (decision, all) = ask().map_err(Stop::environment)?;
                for_all = all.then_some(decision);
                decision
            }
            None => Decision::Skip,
        };
        settle(committed, new, decision).map_err(Stop::environment)?;
        left += usize::from(decision == Decision::Skip);
    }
    if pending.is_empty() {
        output::note("no snapshot waits for review");
    } else if left > 0 && !asks {
        output::note(
            "Standard input is no terminal: nothing was changed. Use `counterpart accept` or `counterpart reject`.",
        );
    }
    Ok(if left == 0 { Exit::Passed } else { Exit::SnapshotsPending })
}

/// Decides about all pending snapshots at once.
pub(crate) fn settle_all(global: &Global, decision: Decision) -> Result<Exit, Stop> {
    let pending = pending(global)?;
    for (committed, new) in &pending {
        settle(committed, new, decision).map_err(Stop::environment)?;
        let word = if decision == Decision::Accept { "accepted" } else { "rejected" };
        output::result(&format!("{word} {}", committed.display()));
    }
    if pending.is_empty() {
        output::note("no snapshot waits for review");
    }
    Ok(Exit::Passed)
}

fn pending(global: &Global) -> Result<Vec<(PathBuf, PathBuf)>, Stop> {
    let scenarios = Project::find(global)?.scenarios();
    pending_snapshots(&scenarios).map_err(|error| {
        Stop::usage(anyhow::anyhow!("{}: {error}; scenarios are looked for there", scenarios.display()))
    })
}

fn settle(committed: &Path, new: &Path, decision: Decision) -> io::Result<()> {
    match decision {
        Decision::Accept => std::fs::rename(new, committed),
        Decision::Reject => std::fs::remove_file(new),
        Decision::Skip => Ok(()),
    }
}

/// The answer, and whether it is meant for all that follow.
fn ask() -> io::Result<(Decision, bool)> {
    let mut lines = io::stdin().lock().lines();
    loop {
        anstream::print!("[a]ccept, [r]eject, [s]kip, accept a[l]l, [q]uit? ");
        io::stdout().flush()?;
        match lines.next().transpose()?.as_deref().map(str::trim) {
            Some("a") => return Ok((Decision::Accept, false)),
            Some("r") => return Ok((Decision::Reject, false)),
            Some("s") => return Ok((Decision::Skip, false)),
            Some("l") => return Ok((Decision::Accept, true)),
            Some("q") | None => return Ok((Decision::Skip, true)),
            Some(_) => {}
        }
    }
}

/// The change, line by line with three lines around it.
fn difference(committed: &Path, new: &Path) -> io::Result<String> {
    let old = match std::fs::read_to_string(committed) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let new = std::fs::read_to_string(new)?;
    let diff = TextDiff::from_lines(SnapshotText::content_of(&old), SnapshotText::content_of(&new));
    let mut out = String::new();
    for group in diff.grouped_ops(3) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", Style::new().fg_color(Some(AnsiColor::Red.into()))),
                ChangeTag::Insert => ("+", Style::new().fg_color(Some(AnsiColor::Green.into()))),
                ChangeTag::Equal => (" ", Style::new()),
            };
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(out, "{style}{sign} {line}{style:#}");
        }
    }
    Ok(out)
}
