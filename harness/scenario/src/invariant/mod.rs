//! Invariants: what every scenario expects unless it says otherwise, one file each.
//!
//! Where the subject offers no way to see one, it is not checked, which is never the same as held.

mod applied_once;
mod audited;
mod least_privilege;
mod loud;
mod names;
mod no_secret;
mod nothing_lost;
mod polite;
mod recovers;
mod tenants_apart;
mod validated;

pub use names::INVARIANTS;

use crate::file::Location;
use crate::observed::Context;
use counterpart_outcome::{InvariantOutcome, InvariantStatus, Violation, ViolationKind};

/// What a check came to.
pub(super) enum Finding {
    Held,
    NotChecked(&'static str),
    Broken { message: String, expected: String, actual: String, exchanges: Vec<u64> },
}

/// Judges every invariant.
pub(crate) fn judge(context: &Context<'_>) -> (Vec<InvariantOutcome>, Vec<Violation>) {
    let mut violations = Vec::new();
    let outcomes = INVARIANTS.iter().map(|(name, title)| {
        let mut off = context.plan.file.invariants.off.iter();
        let status = match off.find(|(off, _)| off.value == *name) {
            Some((_, reason)) => InvariantStatus::Off { reason: reason.value.clone() },
            None => match check(name, context) {
                Finding::Held => InvariantStatus::Held,
                Finding::NotChecked(reason) => InvariantStatus::NotChecked { reason: reason.to_owned() },
                Finding::Broken { message, expected, actual, exchanges } => {
                    let kind = ViolationKind::Invariant((*name).to_owned());
                    let mut violation = context.violation(kind, Location::UNKNOWN, message, expected, actual);
                    violation.exchanges = exchanges;
                    violations.push(violation);
                    InvariantStatus::Violated
                }
            },
        };
        InvariantOutcome { name: (*name).to_owned(), title: (*title).to_owned(), status }
    });
    let outcomes = outcomes.collect();
    (outcomes, violations)
}

/// Where the subject ended by itself: that is what a person has to mend, and no invariant else can be seen.
pub(crate) fn wrecked(context: &Context<'_>, how: &str) -> (Vec<InvariantOutcome>, Violation) {
    let broken = "recovers";
    let outcomes = INVARIANTS.iter().map(|(name, title)| {
        let reason = "the subject ended by itself, so that nothing could be looked at".to_owned();
        let status = match *name == broken {
            true => InvariantStatus::Violated,
            false => InvariantStatus::NotChecked { reason },
        };
        InvariantOutcome { name: (*name).to_owned(), title: (*title).to_owned(), status }
    });
    let kind = ViolationKind::Invariant(broken.to_owned());
    let message = "what the provider did ended the subject".to_owned();
    let expected = "it lives on, whatever a provider does".to_owned();
    let mut violation = context.violation(kind, Location::UNKNOWN, message, expected, how.to_owned());
    violation.exchanges = context.observed.seen.last().map(|seen| seen.seq).into_iter().collect();
    (outcomes.collect(), violation)
}

/// Why the scenario cannot be judged, where an invariant must be checked and nothing shows it.
pub(crate) fn unseen(context: &Context<'_>, outcomes: &[InvariantOutcome]) -> Option<String> {
    let wanted = |outcome: &InvariantOutcome| {
        context.plan.file.invariants.on.iter().any(|name| name.value == outcome.name)
    };
    outcomes.iter().filter(|outcome| wanted(outcome)).find_map(|outcome| match &outcome.status {
        InvariantStatus::NotChecked { reason } => {
            Some(format!("the invariant `{}` must be checked here, and cannot be: {reason}", outcome.name))
        }
        _ => None,
    })
}

fn check(name: &str, context: &Context<'_>) -> Finding {
    match name {
        "applied_once" => applied_once::check(context),
        "nothing_lost" => nothing_lost::check(context),
        "loud" => loud::check(context),
        "recovers" => recovers::check(context),
        "validated" => validated::check(context),
        "polite" => polite::check(context),
        "audited" => audited::check(context),
        "no_secret" => no_secret::check(context),
        "least_privilege" => least_privilege::check(context),
        "tenants_apart" => tenants_apart::check(context),
        _ => Finding::NotChecked("there is no check of this name"),
    }
}
