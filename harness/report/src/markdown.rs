//! Markdown for a comment on a pull request: the verdict, the counts, each failure folded away, and what
//! nothing covers.
//!
//! Written for GitHub's dialect and its limit on a comment's length. Texts from outside stand in code
//! spans and fences, or with everything escaped that could format, link, mention or break a table.

use crate::attempt;
use crate::terminal::{self, Style};
use crate::text::{abridged, one_line, visible};
use crate::verdict::Judgement;
use crate::wording;
use counterpart_outcome::{Attempt, CaseKind, Catalogued, Run, ScenarioOutcome, Totals, Verdict, Violation};
use std::fmt::Write as _;

/// GitHub takes 65,536 characters; what is left is for whoever wraps the text in their own.
const COMMENT_BYTES: usize = 60_000;
/// How much of that the entries that nothing covers may take.
const NOT_COVERED_BYTES: usize = 12_000;
/// How much of an expectation's two sides is shown, in characters.
const SIDE_CHARS: usize = 1_000;
/// How long a text gets that must stay on its line, in characters.
const LINE_CHARS: usize = 240;
/// How many violations of one scenario are shown.
const VIOLATIONS: usize = 5;

/// The run as Markdown, no longer than a comment may be.
#[must_use]
pub fn render(run: &Run) -> String {
    let judgement = Judgement::of(run);
    let totals = run.totals();
    let mut text = format!("## {}\n\n", inline(&judgement.headline(), LINE_CHARS));
    let _ = writeln!(text, "{}\n", inline(&judgement.reason, SIDE_CHARS));
    text.push_str(&counts(&totals));
    text.push_str(&about(run));
    let not_covered = not_covered(&run.coverage.cases);
    let room_bytes = COMMENT_BYTES.saturating_sub(text.len() + not_covered.len());
    text.push_str(&failures(run, room_bytes));
    text.push_str(&not_covered);
    text
}

fn counts(totals: &Totals) -> String {
    let mut columns = wording::counts(totals).to_vec();
    if totals.snapshots_pending > 0 {
        columns.push(("snapshots to review", totals.snapshots_pending));
    }
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut table = row(columns.iter().map(|(word, _)| (*word).to_owned()).collect());
    table += &row(columns.iter().map(|_| "---:".to_owned()).collect());
    table += &row(columns.iter().map(|(_, number)| wording::grouped(*number)).collect());
    table + "\n"
}

/// The subject and the circumstances, in a line or two.
fn about(run: &Run) -> String {
    let subject = &run.subject;
    let version = subject.version.as_ref().map(|version| format!(" {}", code(version))).unwrap_or_default();
    let simulated_ms =
        run.scenarios.iter().fold(0, |sum: u64, one| sum.saturating_add(attempt::virtual_ms(one)));
    let mut text = format!(
        "Subject {}{version}, {}, seed {}: {} of real time, {} simulated.\n\n",
        code(&subject.name),
        wording::moment(run.started_at),
        run.seed,
        wording::duration(run.wall_ms),
        wording::duration(simulated_ms),
    );
    if !subject.plants.is_empty() {
        let plants: Vec<String> = subject.plants.iter().map(|plant| code(plant)).collect();
        let _ = writeln!(text, "**Bugs were planted in the subject:** {}\n", plants.join(", "));
    }
    text
}

/// What did not simply pass, under a heading each, as much of it as there is room for.
fn failures(run: &Run, room_bytes: usize) -> String {
    let mut text = String::new();
    let mut unsaid = 0;
    for (word, heading) in [
        ("failed", "Failed"),
        ("errored", "Could not be judged"),
        ("quarantined", "Quarantined: failed, and that is known"),
        ("flaky", "Passed only when tried again"),
        ("skipped", "Skipped"),
    ] {
        let mut said_heading = false;
        for outcome in run.scenarios.iter().filter(|outcome| wording::ended(outcome) == word) {
            let heading = if said_heading { String::new() } else { format!("### {heading}\n\n") };
            let block = heading + &scenario(outcome);
            if text.len() + block.len() > room_bytes.saturating_sub(LINE_CHARS) {
                unsaid += 1;
                continue;
            }
            said_heading = true;
            text.push_str(&block);
        }
    }
    if unsaid > 0 {
        let more = wording::count(unsaid, "more scenario");
        let _ = writeln!(text, "*For want of room, {more} can only be seen in the full report.*\n");
    }
    text
}

fn scenario(outcome: &ScenarioOutcome) -> String {
    let summary = format!("<code>{}</code> {}", html(&outcome.name), html(&outcome.title));
    let mut text = format!("<details><summary>{summary}</summary>\n\n");
    if let Verdict::Skipped { reason } = &outcome.verdict {
        let _ = writeln!(text, "Skipped: {}\n", inline(reason, SIDE_CHARS));
    }
    if let Some(known) = &outcome.quarantine {
        let _ = writeln!(text, "{}\n", inline(&wording::quarantine(known, &outcome.verdict), SIDE_CHARS));
    }
    if let Some(attempt) = attempt::deciding(outcome) {
        if let Some(error) = &attempt.error {
            let _ = writeln!(text, "{}", fenced(error));
        }
        for violation in attempt.violations.iter().take(VIOLATIONS) {
            text.push_str(&described(attempt, violation));
        }
        if attempt.violations.len() > VIOLATIONS {
            let more = wording::count(attempt.violations.len() - VIOLATIONS, "more violation");
            let _ = writeln!(text, "*{more} can be seen in the full report.*\n");
        }
    }
    text + "</details>\n\n"
}

fn described(attempt: &Attempt, violation: &Violation) -> String {
    let mut text = format!("**{}**\n\n", inline(&violation.message, SIDE_CHARS));
    let _ = writeln!(
        text,
        "{} · not kept: {}\n",
        code(&terminal::place(violation)),
        inline(&wording::promise(&violation.kind), LINE_CHARS)
    );
    let _ = writeln!(
        text,
        "Expected:\n\n{}\nActual:\n\n{}",
        fenced(&violation.expected),
        fenced(&violation.actual)
    );
    let exchanges = terminal::exchanges(attempt, violation, Style::Plain);
    if let Some((caption, table)) = exchanges.split_first() {
        let caption = caption.trim_end_matches(':').replacen("exchanges", "Exchanges", 1).replace('>', "`>`");
        let _ = writeln!(text, "{caption}:\n\n{}", fence(&table.join("\n")));
    }
    text
}

/// What no scenario covers, by kind; nothing where there is no catalogue.
fn not_covered(cases: &[Catalogued]) -> String {
    let open: Vec<&Catalogued> = cases.iter().filter(|case| case.covered_by.is_empty()).collect();
    if cases.is_empty() {
        return String::new();
    }
    let all = wording::count(cases.len(), "entry");
    if open.is_empty() {
        return format!("### Not covered\n\nNothing: each of the catalogue's {all} is covered.\n");
    }
    let mut text =
        format!("### Not covered\n\n{} of the catalogue's {all}:\n\n", wording::grouped(open.len()));
    let mut kinds: Vec<CaseKind> = Vec::new();
    for case in &open {
        if !kinds.contains(&case.kind) {
            kinds.push(case.kind);
        }
    }
    let mut unsaid = 0;
    for kind in kinds {
        let _ = writeln!(text, "- **{}**", wording::case_kind(kind));
        for case in open.iter().filter(|case| case.kind == kind) {
            let item = format!(
                "  - {}: {}. {}\n",
                code(&case.id),
                inline(case.title.trim_end_matches('.'), LINE_CHARS),
                inline(&case.why, LINE_CHARS)
            );
            if text.len() + item.len() > NOT_COVERED_BYTES {
                unsaid += 1;
            } else {
                text.push_str(&item);
            }
        }
    }
    if unsaid > 0 {
        let _ = writeln!(text, "- and {}", wording::count(unsaid, "more entry"));
    }
    text
}

/// A text in a sentence: on one line, and nothing in it means anything to Markdown, HTML or GitHub.
fn inline(text: &str, limit_chars: usize) -> String {
    let mut escaped = String::new();
    for one in one_line(text, limit_chars).chars() {
        match one {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', one]),
            '$' => escaped.push_str("<span>$</span>"),
            _ => push_html(&mut escaped, one),
        }
    }
    unlinked(&escaped)
}

/// A text within an HTML element that Markdown leaves alone.
fn html(text: &str) -> String {
    let mut escaped = String::new();
    for one in one_line(text, LINE_CHARS).chars() {
        push_html(&mut escaped, one);
    }
    unlinked(&escaped)
}

/// Parts what GitHub would make a link of.
fn unlinked(escaped: &str) -> String {
    escaped.replace("://", ":<!-- -->//").replace("www.", "www<!-- -->.")
}

/// Escapes what means something to HTML, and parts what GitHub would make a mention or a reference of.
fn push_html(escaped: &mut String, one: char) {
    match one {
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '&' => escaped.push_str("&amp;"),
        '"' => escaped.push_str("&quot;"),
        '@' | '#' => escaped.extend([&one.to_string(), "<!-- -->"]),
        _ => escaped.push(one),
    }
}

/// A code span, fenced by more backticks than it holds.
fn code(text: &str) -> String {
    let text = one_line(text, LINE_CHARS);
    match longest_run_of_backticks(&text) {
        0 => format!("`{text}`"),
        run => {
            let fence = "`".repeat(run + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

/// A text of somebody else's as a block, cut to size.
fn fenced(text: &str) -> String {
    fence(&abridged(visible(text).trim_end_matches('\n'), SIDE_CHARS))
}

/// A block, fenced by more backticks than it holds.
fn fence(text: &str) -> String {
    let fence = "`".repeat(longest_run_of_backticks(text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}\n")
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|one| one != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_run_reads_like_this() {
        insta::assert_snapshot!(render(&sample::run()));
    }

    #[test]
    fn nothing_from_outside_formats_mentions_or_breaks_out() {
        assert_eq!(
            inline("a|b `c` <b> @team #12 $x$ _y_\n# h", 99),
            "a\\|b \\`c\\` &lt;b&gt; @<!-- -->team #<!-- -->12 <span>$</span>x<span>$</span> \\_y\\_\\\\n#<!-- --> h"
        );
        assert_eq!(inline("see https://x.test", 99), "see https:<!-- -->//x.test");
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(fence("a\n```\nb"), "````text\na\n```\nb\n````\n");
        let text = render(&sample::hostile_run());
        assert!(text.contains("«access_token:1»") && text.len() <= COMMENT_BYTES);
        let mut fence: Option<&str> = None;
        for line in text.lines() {
            match fence {
                Some(open) if line == open => fence = None,
                Some(_) => {}
                // A line that holds more backticks after the first ones is a code span.
                None if line.starts_with("```") && !line.trim_start_matches('`').contains('`') => {
                    fence = Some(line.trim_end_matches("text"));
                }
                None => {
                    // Outside a fence and a code span, every tag is one of ours.
                    let tags = without_code_spans(line);
                    for tag in ["script", "/script", "/pre", "img"] {
                        assert!(!tags.contains(&format!("<{tag}")), "{line}");
                    }
                    assert!(!tags.contains("@everyone"), "{line}");
                }
            }
        }
        assert_eq!(fence, None);
    }

    fn without_code_spans(line: &str) -> String {
        let mut rest = line.replace("\\`", "");
        while let Some(start) = rest.find('`') {
            let run = rest[start..].chars().take_while(|one| *one == '`').count();
            let fence = "`".repeat(run);
            let Some(length) = rest[start + run..].find(&fence) else { break };
            rest.replace_range(start..start + run + length + run, "");
        }
        rest
    }

    #[test]
    fn hundreds_of_failures_still_fit_a_comment() {
        let run = sample::run_of_verdicts(&["failed"; 300]);
        let text = render(&run);
        assert!(text.len() <= COMMENT_BYTES, "{} bytes", text.len());
        assert!(text.contains("more scenarios can only be seen in the full report"));
        assert!(text.contains("### Not covered"));
    }

    #[test]
    fn a_catalogue_that_is_covered_says_so() {
        let mut run = sample::run();
        run.coverage.cases.retain(|case| !case.covered_by.is_empty());
        assert!(render(&run).contains("Nothing: each of the catalogue's 5 entries is covered."));
    }
}
