//! How a snapshot changed: line by line, with the words that differ within a line.

use anstyle::{AnsiColor, Style};
use counterpart_scenario::{PendingSnapshot, SnapshotText};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Lines that are shown around a change.
const CONTEXT_LINES: usize = 3;

/// The change, with three lines around it.
pub(super) fn difference(snapshot: &PendingSnapshot) -> anyhow::Result<String> {
    let read = |path: &Path| match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| anyhow::anyhow!("{}: {error}", path.display())),
    };
    let (old, new) = (read(&snapshot.committed)?, read(&snapshot.new)?);
    Ok(of_texts(SnapshotText::content_of(&old), SnapshotText::content_of(&new)))
}

fn of_texts(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if index > 0 {
            let _ = writeln!(out, "  ...");
        }
        for change in group.iter().flat_map(|op| diff.iter_inline_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', Style::new().fg_color(Some(AnsiColor::Red.into()))),
                ChangeTag::Insert => ('+', Style::new().fg_color(Some(AnsiColor::Green.into()))),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let _ = write!(out, "{style}{sign} {style:#}");
            for (differs, part) in change.iter_strings_lossy() {
                let style = if differs { style.underline().bold() } else { style };
                let _ = write!(out, "{style}{}{style:#}", part.trim_end_matches('\n'));
            }
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_differ_are_marked_within_their_line() {
        let (old, new) = ("a\nGET /list -> 200 (replayed)\nb", "a\nGET /list -> 503 (replayed)\nb");
        let shown = of_texts(old, new).replace('\u{1b}', "^");
        insta::assert_snapshot!(shown, @"
          a
        ^[31m- ^[0m^[31mGET /list -> ^[0m^[1m^[4m^[31m200^[0m^[31m (replayed)^[0m
        ^[32m+ ^[0m^[32mGET /list -> ^[0m^[1m^[4m^[32m503^[0m^[32m (replayed)^[0m
          b
        ");
    }

    #[test]
    fn what_did_not_change_is_left_out() {
        let lines = |changed: &str| {
            let numbered =
                (0..30).map(|n| if n == 3 || n == 20 { format!("{changed} {n}") } else { n.to_string() });
            numbered.collect::<Vec<_>>().join("\n")
        };
        let plain = anstream::adapter::strip_str(&of_texts(&lines("x"), &lines("y"))).to_string();
        insta::assert_snapshot!(plain, @"
          0
          1
          2
        - x 3
        + y 3
          4
          5
          6
          ...
          17
          18
          19
        - x 20
        + y 20
          21
          22
          23
        ");
    }
}
