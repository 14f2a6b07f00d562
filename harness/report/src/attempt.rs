//! What a reader wants to know of a scenario's attempts: which one to show, and what it left open.
//!
//! Between the data of `counterpart-outcome` and the formats; it puts nothing into words.

use counterpart_outcome::{Attempt, InvariantStatus, ScenarioOutcome, Verdict};
use jiff::Timestamp;

/// The attempt that explains the verdict: the last that ended like the scenario; for a flaky one, the
/// last that failed.
pub(crate) fn deciding(outcome: &ScenarioOutcome) -> Option<&Attempt> {
    let wanted = match &outcome.verdict {
        Verdict::Flaky => &Verdict::Failed,
        other => other,
    };
    let attempts = &outcome.attempts;
    attempts
        .iter()
        .rfind(|attempt| attempt.verdict == *wanted)
        .or_else(|| attempts.iter().rfind(|attempt| attempt.verdict != Verdict::Passed))
        .or(attempts.last())
}

/// Where the attempt's clock stood when it began; nothing where it did not.
pub(crate) fn clock_start(attempt: &Attempt) -> Option<Timestamp> {
    attempt.began_at.or_else(|| attempt.exchanges.iter().map(|exchange| exchange.at).min())
}

/// The real time of all attempts together, in milliseconds.
pub(crate) fn wall_ms(outcome: &ScenarioOutcome) -> u64 {
    outcome.attempts.iter().fold(0, |sum, attempt| sum.saturating_add(attempt.wall_ms))
}

/// The time on the scenario's clock of all attempts together, in milliseconds.
pub(crate) fn virtual_ms(outcome: &ScenarioOutcome) -> u64 {
    outcome.attempts.iter().fold(0, |sum, attempt| sum.saturating_add(attempt.virtual_ms))
}

/// Why an invariant was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// The subject offers no way to see it.
    NotChecked,
    /// The scenario switched it off.
    Off,
}

/// Invariants that were not looked at for one and the same reason.
pub(crate) struct Unlooked<'a> {
    pub(crate) unseen: Unseen,
    pub(crate) reason: &'a str,
    pub(crate) names: Vec<&'a str>,
}

/// The attempt's invariants that were not looked at, by reason.
pub(crate) fn unlooked(attempt: &Attempt) -> Vec<Unlooked<'_>> {
    let mut groups: Vec<Unlooked<'_>> = Vec::new();
    for invariant in &attempt.invariants {
        let (unseen, reason) = match &invariant.status {
            InvariantStatus::NotChecked { reason } => (Unseen::NotChecked, reason),
            InvariantStatus::Off { reason } => (Unseen::Off, reason),
            InvariantStatus::Held | InvariantStatus::Violated => continue,
        };
        match groups.iter_mut().find(|group| group.unseen == unseen && group.reason == reason) {
            Some(group) => group.names.push(&invariant.name),
            None => groups.push(Unlooked { unseen, reason, names: vec![&invariant.name] }),
        }
    }
    groups
}
