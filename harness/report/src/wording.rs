//! How outcomes are put into words: one word an idea, the same in every format.
//!
//! Labels, counts, durations and times. It knows no format and judges nothing.

use counterpart_outcome::{
    CaseKind, InvariantStatus, Quarantine, Replay, Run, ScenarioOutcome, Totals, Verdict, ViolationKind,
};
use jiff::Timestamp;

/// `1 scenario`, `2 scenarios`, `0 scenarios`, `12,000 scenarios`.
pub(crate) fn count(number: usize, one: &str) -> String {
    format!("{} {}", grouped(number), plural(number, one))
}

/// The noun alone: `scenario` for one, `scenarios` for all other numbers.
pub(crate) fn plural(number: usize, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => one.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{one}s"),
    }
}

/// Digits in groups of three: `12,000`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A length of time to two significant units: `412 ms`, `12.3 s`, `4 min 12 s`, `2 h 5 min`, `3 d 3 h`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// How fast scenarios were played: `12.5 scenarios/s`; nothing where none was.
pub(crate) fn rate(run: &Run) -> Option<String> {
    let totals = run.totals();
    let played = u64::try_from(totals.total - totals.skipped).ok().filter(|played| *played > 0)?;
    let tenths = played.saturating_mul(10_000) / run.wall_ms.max(1);
    Some(format!("{}.{} scenarios/s", grouped(usize::try_from(tenths / 10).ok()?), tenths % 10))
}

/// A point in time for people: `2026-03-01 09:00:00 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How far `at` lies behind `since`, so that columns line up: `+00:00:30.250`, `+3d 03:00:00.000`.
pub(crate) fn offset(since: Timestamp, at: Timestamp) -> String {
    let milliseconds = at.as_millisecond().saturating_sub(since.as_millisecond());
    let sign = if milliseconds < 0 { '-' } else { '+' };
    let milliseconds = milliseconds.unsigned_abs();
    let (seconds, fraction) = (milliseconds / 1000, milliseconds % 1000);
    let days = match seconds / 86_400 {
        0 => String::new(),
        days => format!("{days}d "),
    };
    let (hours, minutes) = (seconds % 86_400 / 3_600, seconds % 3_600 / 60);
    format!("{sign}{days}{hours:02}:{minutes:02}:{:02}.{fraction:03}", seconds % 60)
}

/// The word for a verdict.
pub(crate) fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Errored => "errored",
        Verdict::Skipped { .. } => "skipped",
        Verdict::Flaky => "flaky",
    }
}

/// The words for what became of an invariant.
pub(crate) fn status(status: &InvariantStatus) -> &'static str {
    match status {
        InvariantStatus::Held => "held",
        InvariantStatus::Violated => "violated",
        InvariantStatus::NotChecked { .. } => "not checked",
        InvariantStatus::Off { .. } => "off",
    }
}

/// What was broken, for a sentence: `invariant applied_once`.
pub(crate) fn promise(kind: &ViolationKind) -> String {
    match kind {
        ViolationKind::Expectation(word) => format!("expectation {word}"),
        ViolationKind::Invariant(name) => format!("invariant {name}"),
        ViolationKind::Step(step) => format!("step {step}"),
        ViolationKind::Unmatched => "request that no fixture answers".to_owned(),
        ViolationKind::Exhausted => "unsafe request beyond the recording".to_owned(),
        ViolationKind::LooselyMatched => "request whose recorded body is not known".to_owned(),
        ViolationKind::ExchangesUnused => "exchange that was never asked for".to_owned(),
        ViolationKind::FaultUnused => "fault that had no occasion".to_owned(),
    }
}

/// How the recording was used, in a line: what did not occur is left out; nothing where no request came.
pub(crate) fn replay(replay: &Replay) -> Option<String> {
    let counted = replay.requests.named().into_iter().filter(|(_, number)| *number > 0);
    let mut parts: Vec<String> =
        counted.map(|(word, number)| format!("{number} {}", word.replace('_', " "))).collect();
    if !replay.unused_exchanges.is_empty() {
        let number = replay.unused_exchanges.len();
        parts.push(format!("{} never asked for", count(number, "exchange")));
    }
    let allowed: Vec<String> =
        replay.allowed.iter().map(|allowed| format!("{} ({})", allowed.what, allowed.reason)).collect();
    let allowed =
        if allowed.is_empty() { String::new() } else { format!("; allowed: {}", allowed.join(", ")) };
    (!parts.is_empty()).then(|| parts.join(", ") + &allowed)
}

/// The entries of one kind, as a heading.
pub(crate) fn case_kind(kind: CaseKind) -> &'static str {
    match kind {
        CaseKind::EdgeCase => "Edge cases",
        CaseKind::Pattern => "Integration patterns",
        CaseKind::Auth => "Authentication",
        CaseKind::Throttle => "Rate limits",
        CaseKind::Alert => "Alerts",
    }
}

/// `16 scenarios: 13 passed, 2 failed, 1 skipped`. What did not occur is left out.
pub(crate) fn totals(totals: &Totals) -> String {
    let all = count(totals.total, "scenario");
    let parts: Vec<String> = counts(totals)
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(word, number)| format!("{} {word}", grouped(number)))
        .collect();
    if parts.is_empty() { all } else { format!("{all}: {}", parts.join(", ")) }
}

/// Each verdict's word with its number, the worst first after the passed.
pub(crate) fn counts(totals: &Totals) -> Vec<(&'static str, usize)> {
    let mut counts = vec![
        ("passed", totals.passed),
        ("failed", totals.failed),
        ("errored", totals.errored),
        ("flaky", totals.flaky),
        ("skipped", totals.skipped),
    ];
    // Most runs have none, and need not be told so.
    if totals.quarantined > 0 {
        counts.insert(3, ("quarantined", totals.quarantined));
    }
    counts
}

/// The word for how a scenario ended: its verdict's, or that its failure is known.
pub(crate) fn ended(outcome: &ScenarioOutcome) -> &'static str {
    if outcome.is_quarantined() { "quarantined" } else { verdict(&outcome.verdict) }
}

/// `quarantined until 2026-12-31 (data team): The provider sends records twice`, and what is to be done about it.
pub(crate) fn quarantine(quarantine: &Quarantine, verdict: &Verdict) -> String {
    let Quarantine { reason, owner, until, counts } = quarantine;
    match (counts, verdict) {
        (false, _) => format!("its quarantine ended on {until} and counts no more ({owner}): {reason}"),
        (true, Verdict::Passed) => {
            format!("quarantined until {until} ({owner}), and it passes: take the quarantine out. {reason}")
        }
        (true, _) => format!("quarantined until {until} ({owner}): {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nouns_agree() {
        let said: Vec<_> = [0, 1, 2, 999, 1_000, 1_234_567].map(|number| count(number, "entry")).into();
        assert_eq!(
            said,
            ["0 entries", "1 entry", "2 entries", "999 entries", "1,000 entries", "1,234,567 entries"]
        );
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }

    #[test]
    fn durations_keep_two_units() {
        let said: Vec<_> =
            [0, 999, 1_000, 12_345, 60_000, 252_000, 7_500_000, 86_400_000, 270_000_000].map(duration).into();
        assert_eq!(
            said,
            ["0 ms", "999 ms", "1.0 s", "12.3 s", "1 min", "4 min 12 s", "2 h 5 min", "1 d", "3 d 3 h"]
        );
    }

    #[test]
    fn offsets_line_up_and_may_lie_before() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        assert_eq!(offset(at(0), at(30_250)), "+00:00:30.250");
        assert_eq!(offset(at(0), at(270_000_000)), "+3d 03:00:00.000");
        assert_eq!(offset(at(1), at(0)), "-00:00:00.001");
    }
}
