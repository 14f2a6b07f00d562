//! What exploring tells: while it goes on, and at the end.

use super::files::Written;
use crate::arguments::{Explore as Arguments, Global};
use crate::output::{self, counted};
use counterpart_scenario::{Exploration, Progress, StageCoverage};
use serde_json::{Value, json};

/// One line while it goes on.
pub(super) fn progress(progress: &Progress) -> String {
    let Progress { stage, played, in_stage: (done, planned), grid, pairs, found, elapsed } = progress;
    let of = planned.map_or_else(String::new, |planned| format!(" of {planned}"));
    #[expect(clippy::cast_precision_loss, reason = "a rate is told to a few digits")]
    let rate = *played as f64 / elapsed.as_secs_f64().max(0.001);
    format!(
        "{} {done}{of}; {played} cases, {rate:.0}/s; exchanges x faults {} of {}; pairs {} of {}; {}",
        stage.word(),
        grid.0,
        grid.1,
        pairs.0,
        pairs.1,
        counted(*found, "cause found", "causes found")
    )
}

/// The data, with the files that were written.
pub(super) fn json(exploration: &Exploration, written: &[Written<'_>]) -> Value {
    let mut value = serde_json::to_value(exploration).unwrap_or_default();
    let (unwritten, written): (Vec<_>, Vec<_>) = written.iter().partition(|one| one.problem.is_some());
    let files: Vec<String> = written.iter().map(|one| one.path.display().to_string()).collect();
    value["files"] = json!(files);
    if !unwritten.is_empty() {
        let text = |one: &&Written<'_>| json!({ "name": one.found.name, "text": one.found.text });
        value["unwritten"] = unwritten.iter().map(text).collect();
    }
    value
}

/// The end: a table of what was covered, then what was found.
pub(super) fn summary(
    global: &Global,
    exploration: &Exploration,
    written: &[Written<'_>],
    arguments: &Arguments,
) {
    if !global.quiet {
        output::result(&covered(exploration));
    }
    for one in written {
        output::result(&found(one, arguments));
    }
    for case in &exploration.unreproduced {
        let (broke, faults) = (case.promises.join(", "), told(&case.faults));
        output::result(&match case.cut_short {
            true => format!(
                "not looked into: case {} broke {broke}, and there was no time left to play it by itself: {faults}",
                case.case
            ),
            false => format!(
                "not repeated: case {} broke {broke} and did not when it was played by itself: {faults}",
                case.case
            ),
        });
        case.seen.iter().for_each(|seen| output::result(&format!("  {seen}")));
        if case.cut_short {
            output::result(&again(case.case, exploration, arguments));
        }
    }
    unjudged(exploration, arguments);
    if exploration.not_shrunk > 0 {
        output::result(&format!(
            "{} more failed and were not looked into; mend some of these first",
            counted(exploration.not_shrunk, "case", "cases")
        ));
    }
    if exploration.cut_short > 0 && !global.quiet {
        output::result(&format!(
            "{} under way when it ended; what would have come of it is not known",
            counted(exploration.cut_short, "case was", "cases were")
        ));
    }
    if exploration.found.is_empty() && !global.quiet {
        output::result(&nothing_found(exploration));
    }
}

/// The first cases that could not be judged, with what was in their way, and the way back to the first of them.
fn unjudged(exploration: &Exploration, arguments: &Arguments) {
    for case in &exploration.unjudged {
        output::result(&format!("not judged: case {}: {}", case.case, told(&case.faults)));
        case.why.lines().for_each(|line| output::result(&format!("  {line}")));
    }
    let count: usize = exploration.stages.iter().map(|stage| stage.unjudged).sum();
    if count > exploration.unjudged.len() {
        output::result(&format!("  and {} more", count - exploration.unjudged.len()));
    }
    if let Some(first) = exploration.unjudged.first() {
        output::result(&again(first.case, exploration, arguments));
    }
}

fn told(faults: &[String]) -> String {
    if faults.is_empty() { "no fault".to_owned() } else { faults.join(" ") }
}

/// The command that plays a case again, with those before it.
fn again(case: usize, exploration: &Exploration, arguments: &Arguments) -> String {
    let scenario = arguments.scenario.display();
    let chosen = chosen(arguments);
    format!("    again:    counterpart explore {scenario}{chosen} --seed {} --cases {case}", exploration.seed)
}

/// How much was tried, where it was not all that is planned.
fn nothing_found(exploration: &Exploration) -> String {
    let part = exploration.stages.iter().find_map(|stage| {
        let judged = stage.played.saturating_sub(stage.unjudged);
        let planned = stage.planned.filter(|planned| judged < *planned)?;
        let idle = match stage.without_occasion {
            0 => String::new(),
            count => format!("; in {count} of these the fault had no occasion"),
        };
        Some(format!(" in {judged} of {planned} {}{idle}", stage.stage))
    });
    format!("nothing found{}", part.unwrap_or_default())
}

fn covered(exploration: &Exploration) -> String {
    let mut lines = vec![format!(
        "{:8} {:>8} {:>8} {:>8} {:>8} {:>12} {:>10}",
        "stage", "planned", "played", "kept", "broken", "no occasion", "not judged"
    )];
    lines.extend(exploration.stages.iter().map(line));
    let (grid, pairs) = (exploration.grid, exploration.pairs);
    #[expect(clippy::cast_precision_loss, reason = "seconds are told to a tenth")]
    let wall_s = exploration.wall_ms as f64 / 1000.0;
    lines.push(format!(
        "{}: {} in {wall_s:.1} s, {} cases/s{}; exchanges x faults {} of {}; pairs {} of {}; {} of {} kinds of faults struck",
        exploration.scenario,
        counted(exploration.cases, "case", "cases"),
        rate(exploration.cases_per_s),
        if exploration.found.is_empty() { "" } else { ", shrinking left out" },
        grid.0,
        grid.1,
        pairs.0,
        pairs.1,
        exploration.faults_struck,
        exploration.faults
    ));
    let not_reached: Vec<String> = exploration
        .stages
        .iter()
        .filter(|stage| stage.played == 0)
        .map(|one| one.stage.to_string())
        .collect();
    if !not_reached.is_empty() {
        lines.push(format!(
            "not reached: {}; give it more time, as in --budget 10m (where the subject's clock can be moved, crashes and \
             restarts come in mixes alone)",
            not_reached.join(" and ")
        ));
    }
    if !exploration.reuses_subject {
        lines.push(
            "the subject was started anew for each case: it must know its provider when it starts".to_owned(),
        );
    }
    lines.extend(exploration.not_checked.iter().map(|what| format!("not checked: {what}")));
    lines.join("\n")
}

/// Few cases a second are told to a tenth.
fn rate(cases_per_s: f64) -> String {
    if cases_per_s < 10.0 { format!("{cases_per_s:.1}") } else { format!("{cases_per_s:.0}") }
}

fn line(stage: &StageCoverage) -> String {
    let planned = stage.planned.map_or_else(|| "-".to_owned(), |planned| planned.to_string());
    format!(
        "{:8} {planned:>8} {:>8} {:>8} {:>8} {:>12} {:>10}",
        stage.stage, stage.played, stage.kept, stage.broken, stage.without_occasion, stage.unjudged
    )
}

fn found(written: &Written<'_>, arguments: &Arguments) -> String {
    let Written { found, path, was_there, problem } = written;
    let chosen = chosen(arguments);
    let (there, path) = (if *was_there { " (there already)" } else { "" }, path.display());
    let end = match problem {
        None => format!("{path}{there}\n    again:    counterpart run {path}{chosen}"),
        // Nothing of it is lost: it can be taken from here.
        Some(_) => format!("{path} could not be written; it is\n\n{}", found.text),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds are told to a tenth")]
    let after_s = found.found_after_ms as f64 / 1000.0;
    let records = match found.records {
        (_, 0) => String::new(),
        (left, of) => format!("\n    records:  {left} of {of}"),
    };
    format!(
        "found    {}\n  {}\n    expected: {}\n    actual:   {}\n    faults:   {}{records}\n    first in case {} ({}) after {after_s:.1} s; {} so far; shrunk in {} tries\n    {end}",
        found.cause,
        found.message,
        found.expected,
        found.actual,
        if found.faults.is_empty() { "none".to_owned() } else { found.faults.join(" ") },
        found.first_case,
        found.stage,
        counted(found.cases, "case", "cases"),
        found.tries,
    )
}

/// The subject, as on the command line.
fn chosen(arguments: &Arguments) -> String {
    let plants: String = arguments.plant.iter().map(|plant| format!(" --plant {plant}")).collect();
    match arguments.subject() {
        "reference" => plants,
        name => format!(" --subject {name}{plants}"),
    }
}
