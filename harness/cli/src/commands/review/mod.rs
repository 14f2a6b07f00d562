//! `counterpart review`, `accept`, `reject`: snapshots that changed, one after the other.

mod difference;
mod selected;

use crate::arguments::{Global, Review, Settled};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anstyle::{AnsiColor, Style};
use counterpart_scenario::{PendingSnapshot, unreferenced_snapshots};
use std::io::{self, Write as _};

/// What becomes of a pending snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Reject,
    Skip,
}

/// An answer, and whether it is meant for all that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    decision: Decision,
    is_for_all: bool,
}

/// Asks about each pending snapshot. Answers are lines of standard input; where it ends, the rest is left as it is.
pub(crate) fn review(global: &Global, arguments: &Review) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    if arguments.unreferenced {
        return unreferenced(&project);
    }
    let pending = selected::selected(&project, &arguments.settled.which)?;
    let mut left = 0;
    let mut for_all = None;
    for (index, snapshot) in pending.iter().enumerate() {
        output::result(&head(index + 1, pending.len(), snapshot));
        output::result(&difference::difference(snapshot).map_err(Stop::environment)?);
        let decision = match for_all {
            Some(decision) => decision,
            None => {
                let answer = ask(&mut io::stdin().lock()).map_err(Stop::environment)?;
                for_all = answer.is_for_all.then_some(answer.decision);
                answer.decision
            }
        };
        settle(snapshot, decision).map_err(Stop::environment)?;
        left += usize::from(decision == Decision::Skip);
    }
    if pending.is_empty() {
        output::note("no snapshot waits for review");
    } else if left > 0 {
        let waits = output::counted(left, "snapshot waits", "snapshots wait");
        output::note(&format!(
            "{waits} still; `counterpart accept` and `counterpart reject` take names as well"
        ));
    }
    Ok(if left == 0 { Exit::Passed } else { Exit::SnapshotsPending })
}

/// Decides about pending snapshots at once: all, or those that are named.
pub(crate) fn settle_all(global: &Global, arguments: &Settled, decision: Decision) -> Result<Exit, Stop> {
    let pending = selected::selected(&Project::find(global)?, &arguments.which)?;
    for snapshot in &pending {
        settle(snapshot, decision).map_err(Stop::environment)?;
        let word = if decision == Decision::Accept { "accepted" } else { "rejected" };
        output::result(&format!("{word} {}", snapshot.committed.display()));
    }
    if pending.is_empty() {
        output::note("no snapshot waits for review");
    }
    Ok(Exit::Passed)
}

/// Beside the results of a run of all scenarios: snapshots that none of them asks for.
pub(crate) fn note_unreferenced(project: &Project) {
    // That nothing can be told of them is no matter of the run.
    let found = unreferenced_snapshots(&project.scenarios()).unwrap_or_default();
    if let Some(first) = found.first() {
        let count = output::counted(found.len(), "snapshot is", "snapshots are");
        output::note(&format!(
            "{count} asked for by no scenario ({}); list with: counterpart review --unreferenced",
            first.display()
        ));
    }
}

fn unreferenced(project: &Project) -> Result<Exit, Stop> {
    let found = unreferenced_snapshots(&project.scenarios()).map_err(Stop::usage)?;
    for path in &found {
        output::result(&path.display().to_string());
    }
    if found.is_empty() {
        output::note("every snapshot is asked for by a scenario");
        return Ok(Exit::Passed);
    }
    output::note("no scenario asks for these; delete them, or put the `snapshot` expectation back");
    Ok(Exit::SnapshotsPending)
}

fn head(number: usize, of: usize, snapshot: &PendingSnapshot) -> String {
    let bold = Style::new().bold();
    let mut text = format!("{bold}{number} of {of}: {}{bold:#}", snapshot.committed.display());
    if let Some(title) = snapshot.title() {
        let scenario = snapshot.scenario().unwrap_or_default();
        text = format!("{text}\n{title}\n{}", scenario.display());
    }
    if !snapshot.committed.exists() {
        text.push_str("\nThere is none yet: all of it is new.");
    }
    text
}

fn settle(snapshot: &PendingSnapshot, decision: Decision) -> anyhow::Result<()> {
    let settled = match decision {
        Decision::Accept => snapshot.accept(),
        Decision::Reject => snapshot.reject(),
        Decision::Skip => Ok(()),
    };
    settled.map_err(|error| anyhow::anyhow!("{}: {error}", snapshot.new.display()))
}

/// The next answer that is one.
fn ask(input: &mut impl io::BufRead) -> io::Result<Answer> {
    let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
    loop {
        anstream::print!("{cyan}[a]ccept, [r]eject, [s]kip, accept a[l]l, [q]uit?{cyan:#} ");
        io::stdout().flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            anstream::println!();
            return Ok(Answer { decision: Decision::Skip, is_for_all: true });
        }
        let (decision, is_for_all) = match line.trim() {
            "a" | "accept" => (Decision::Accept, false),
            "r" | "reject" => (Decision::Reject, false),
            "s" | "skip" => (Decision::Skip, false),
            "l" | "all" => (Decision::Accept, true),
            "q" | "quit" => (Decision::Skip, true),
            _ => continue,
        };
        return Ok(Answer { decision, is_for_all });
    }
}
