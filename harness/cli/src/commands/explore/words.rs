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
pub(super) fn json(exploration: &Exploration, written: &[&Written<'_>]) -> Value {
    let mut value = serde_json::to_value(exploration).unwrap_or_default();
    let files: Vec<String> = written.iter().map(|one| one.path.display().to_string()).collect();
    value["files"] = json!(files);
    value
}

/// The end: a table of what was covered, then what was found.
pub(super) fn summary(
    global: &Global,
    exploration: &Exploration,
    written: &[&Written<'_>],
    arguments: &Arguments,
) {
    if !global.quiet {
        output::result(&covered(exploration));
    }
    for one in written {
        output::result(&found(one, arguments));
    }
    for case in &exploration.unreproduced {
        output::result(&format!(
            "not repeated: case {} broke {} and did not when it was played by itself: {}",
            case.case,
            case.promises.join(", "),
            case.faults.join(" ")
        ));
        case.seen.iter().for_each(|seen| output::result(&format!("  {seen}")));
    }
    if let Some(why) = &exploration.first_unjudged {
        output::result(&format!("not judged: {why}"));
    }
    if exploration.not_shrunk > 0 {
        output::result(&format!(
            "{} more failed for causes beyond those that are told; mend some of these first",
            counted(exploration.not_shrunk, "case", "cases")
        ));
    }
    if exploration.found.is_empty() && !global.quiet {
        output::result("nothing found");
    }
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
        "{}: {} in {wall_s:.1} s, {:.0} cases/s; exchanges x faults {} of {}; pairs {} of {}; {} of {} kinds of faults struck",
        exploration.scenario,
        counted(exploration.cases, "case", "cases"),
        exploration.cases_per_s,
        grid.0,
        grid.1,
        pairs.0,
        pairs.1,
        exploration.faults_struck,
        exploration.faults
    ));
    if !exploration.reuses_subject {
        lines.push(
            "the subject was started anew for each case: it must know its provider when it starts".to_owned(),
        );
    }
    lines.extend(exploration.not_checked.iter().map(|what| format!("not checked: {what}")));
    lines.join("\n")
}

fn line(stage: &StageCoverage) -> String {
    let planned = stage.planned.map_or_else(|| "-".to_owned(), |planned| planned.to_string());
    format!(
        "{:8} {planned:>8} {:>8} {:>8} {:>8} {:>12} {:>10}",
        stage.stage, stage.played, stage.kept, stage.broken, stage.without_occasion, stage.unjudged
    )
}

fn found(written: &Written<'_>, arguments: &Arguments) -> String {
    let Written { found, path, was_there } = written;
    let there = if *was_there { " (there already)" } else { "" };
    let plants: String = arguments.plant.iter().map(|plant| format!(" --plant {plant}")).collect();
    let subject = match arguments.subject() {
        "reference" => String::new(),
        name => format!(" --subject {name}"),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds are told to a tenth")]
    let after_s = found.found_after_ms as f64 / 1000.0;
    let records = match found.records {
        (_, 0) => String::new(),
        (left, of) => format!("\n    records:  {left} of {of}"),
    };
    format!(
        "found    {}\n  {}\n    expected: {}\n    actual:   {}\n    faults:   {}{records}\n    first in case {} ({}) after {after_s:.1} s; {} so far; shrunk in {} tries\n    {}{there}\n    again:    counterpart run {}{subject}{plants}",
        found.cause,
        found.message,
        found.expected,
        found.actual,
        if found.faults.is_empty() { "none".to_owned() } else { found.faults.join(" ") },
        found.first_case,
        found.stage,
        counted(found.cases, "case", "cases"),
        found.tries,
        path.display(),
        path.display(),
    )
}
