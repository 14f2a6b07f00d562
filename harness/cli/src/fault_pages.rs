//! How faults are told: as one page of Markdown, as a list, and one at a time on a terminal. What is told comes from
//! the faults' own code; the opening of the page stands in fault_pages.md beside this file.

use counterpart_stand_in::{FaultDescription, FaultKind, FaultParameter};
use std::fmt::Write;

/// What all faults have in common. The mark in it gives way to the table of kinds.
const OPENING: &str = include_str!("fault_pages.md");
const KINDS_MARK: &str = "<!-- kinds -->\n";

/// Columns of a terminal page.
const WIDTH: usize = 100;

/// docs/faults.md.
pub(crate) fn markdown(all: &[FaultDescription]) -> String {
    let mut page = OPENING.replace(KINDS_MARK, &kinds_table(all));
    for fault in all {
        let _ = write!(page, "\n## {}\n", fault.name);
        for paragraph in &fault.paragraphs {
            let _ = write!(page, "\n{}\n", wrapped(paragraph, 118, ""));
        }
        page.push_str(&parameters_table(&fault.parameters));
        let _ = write!(page, "\n{}\n", wrapped(&effect(fault), 118, ""));
        let yaml: String = fault.examples.iter().map(|example| example.yaml.as_str()).collect();
        let _ = write!(page, "\n```yaml\n{yaml}```\n\n```\n");
        for example in &fault.examples {
            let _ = writeln!(page, "--fault {}", shell_word(example.command_line));
        }
        page.push_str("```\n");
    }
    page
}

/// What each kind of fault does with the recording.
fn kinds_table(all: &[FaultDescription]) -> String {
    let mut table = "| kind | faults | the recording |\n|---|---|---|\n".to_owned();
    for kind in FaultKind::ALL {
        let of_kind: Vec<String> = all.iter().filter_map(|fault| named_as(fault, kind)).collect();
        let (does, recording) = kind.words();
        if !of_kind.is_empty() {
            let _ = writeln!(table, "| {does} | {} | {recording} |", of_kind.join(", "));
        }
    }
    table
}

/// The fault's name, if it is of a kind; with the example that is, where others are not.
fn named_as(fault: &FaultDescription, kind: FaultKind) -> Option<String> {
    if kind == FaultKind::AtConnections {
        return fault.is_at_connections.then(|| format!("`{}`", fault.name));
    }
    let at_requests = || fault.examples.iter().filter(|one| one.kind != FaultKind::AtConnections);
    let example = at_requests().find(|example| example.kind == kind)?;
    if at_requests().all(|example| example.kind == kind) {
        return Some(format!("`{}`", fault.name));
    }
    let what = example.command_line.rsplit_once('@').map_or(example.command_line, |(what, _)| what);
    Some(format!("`{what}`"))
}

fn parameters_table(parameters: &[FaultParameter]) -> String {
    if parameters.is_empty() {
        return "\nNo parameters.\n".to_owned();
    }
    let mut table = "\n| parameter | takes | meaning |\n|---|---|---|\n".to_owned();
    for parameter in parameters {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} |",
            parameter.name,
            escaped(&takes(parameter)),
            escaped(&meaning(parameter))
        );
    }
    table
}

/// `whole number, 400 to 499; 410 by default`.
fn takes(parameter: &FaultParameter) -> String {
    let default = match &parameter.default_json {
        Some(json) => format!("; `{}` by default", json.trim_matches('"')),
        None if parameter.is_required => "; required".to_owned(),
        None => String::new(),
    };
    format!("{}{default}", parameter.takes)
}

fn meaning(parameter: &FaultParameter) -> String {
    let mut text = parameter.about.clone();
    for (word, about) in &parameter.choices {
        let about = about.trim_end_matches('.');
        let _ = match about {
            "" => write!(text, " `{word}`."),
            about => write!(text, " `{word}`: {about}."),
        };
    }
    text
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
}

/// What it does to the recording, and where it can stand.
fn effect(fault: &FaultDescription) -> String {
    let mut kinds: Vec<FaultKind> = fault.examples.iter().map(|example| example.kind).collect();
    kinds.dedup();
    let at_requests = kinds.iter().filter(|kind| **kind != FaultKind::AtConnections);
    let told: Vec<String> = at_requests
        .map(|kind| {
            let (does, recording) = kind.words();
            let which = named_as(fault, *kind).filter(|named| *named != format!("`{}`", fault.name));
            format!("{} {does}. The recording {recording}.", which.as_deref().unwrap_or("It"))
        })
        .collect();
    let place = match (told.is_empty(), fault.is_at_connections) {
        (true, _) => "It strikes at a connection, before there is a request.",
        (false, true) => "It can also strike at a connection, before there is a request.",
        (false, false) => "",
    };
    let all: Vec<String> = told.into_iter().chain((!place.is_empty()).then(|| place.to_owned())).collect();
    all.join(" ")
}

/// Every fault with its sentence.
pub(crate) fn list(all: &[FaultDescription]) -> String {
    let width = all.iter().map(|fault| fault.name.len()).max().unwrap_or_default();
    let lines = all.iter().map(|fault| format!("{:width$}  {}\n", fault.name, fault.does));
    let list: String = lines.collect();
    format!("{list}\n`counterpart faults NAME` tells more of one.\n")
}

/// One fault, whole.
pub(crate) fn terminal(fault: &FaultDescription) -> String {
    let mut text = format!("{}\n", fault.name);
    for paragraph in &fault.paragraphs {
        let _ = write!(text, "\n{}\n", wrapped(paragraph, WIDTH, ""));
    }
    if !fault.parameters.is_empty() {
        text.push_str("\nparameters\n");
    }
    for parameter in &fault.parameters {
        let _ = writeln!(text, "  {} ({})", parameter.name, takes(parameter).replace('`', ""));
        let _ = writeln!(text, "{}", wrapped(&parameter.about, WIDTH, "    "));
        for (word, about) in &parameter.choices {
            let _ = writeln!(text, "{}", wrapped(&format!("{word}: {about}"), WIDTH, "      "));
        }
    }
    let _ = write!(text, "\n{}\n\nin a scenario\n", wrapped(&effect(fault), WIDTH, ""));
    for example in &fault.examples {
        for line in example.yaml.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push_str("\non the command line\n");
    for example in &fault.examples {
        let _ = writeln!(text, "  --fault {}", shell_word(example.command_line));
    }
    text
}

/// Text in lines of at most so many columns, where its words allow it.
fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if used == 0 => line.push_str(word),
            Some(line) if indent.len() + used + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

/// A word as a shell takes it: quoted where it has to be. No example has a single quote in it.
fn shell_word(word: &str) -> String {
    let is_plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-@:./".contains(letter));
    if is_plain { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_stand_in::Fault;

    #[test]
    fn no_example_needs_more_than_single_quotes() {
        for example in Fault::ALL.iter().flat_map(|fault| fault.examples) {
            assert!(!example.contains('\''), "{example}");
        }
        assert_eq!(shell_word("timeout@messages-5"), "timeout@messages-5");
        assert_eq!(shell_word("timeout@messages*2"), "'timeout@messages*2'");
    }

    #[test]
    fn lines_end_where_words_do() {
        assert_eq!(wrapped("one two three", 9, "  "), "  one two\n  three");
        assert_eq!(wrapped("longer-than-a-line", 4, ""), "longer-than-a-line");
    }

    #[test]
    fn one_fault_is_told_whole() {
        insta::assert_snapshot!(terminal(&Fault::summary("reset").unwrap().describe().unwrap()));
    }

    #[test]
    fn every_example_reads_as_a_fault_of_a_scenario() {
        for fault in Fault::ALL {
            for example in fault.describe().unwrap().examples {
                let text = format!(
                    "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: []\nsteps: []\nexpect: []\nfaults:\n{}",
                    example.yaml
                );
                let read = counterpart_exchange::parse_document::<counterpart_scenario::ScenarioFile>(
                    "s.yaml".as_ref(),
                    &text,
                );
                let file = read.unwrap_or_else(|error| panic!("{}: {error}", example.command_line));
                let planned: counterpart_stand_in::PlannedFault = example.command_line.parse().unwrap();
                let entry = &file.faults[0].value;
                assert_eq!((&entry.at.value, &entry.inject), (&planned.at, &planned.inject));
                assert_eq!(entry.times, planned.times);
            }
        }
    }
}
