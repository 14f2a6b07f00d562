//! What a list of steps amounts to: the happy path in it, and what it asks of a subject.

use crate::file::{CallStep, Settle, Spanned, Step, TriggerStep};

/// What the steps set off, each distinct trigger and call once, in order, each with its own settling, which goes as far
/// as the scenario's own: a schedule that sets its timer again and again would otherwise go on for days.
pub(crate) fn happy_steps(steps: &[Spanned<Step>]) -> Vec<Spanned<Step>> {
    let mut acts: Vec<Spanned<Step>> = Vec::new();
    for step in flattened(steps) {
        let act = match &step.value {
            Step::Trigger(_) | Step::Call(_) | Step::File(_) | Step::Webhook { .. } => {
                Spanned::new(unexpecting(&step.value), step.referenced)
            }
            _ => continue,
        };
        if !acts.iter().any(|known| words(&known.value) == words(&act.value)) {
            acts.push(act);
        }
    }
    let furthest = flattened(steps).into_iter().filter_map(|step| match &step.value {
        Step::Settle(Settle { within }) => Some(*within),
        _ => None,
    });
    let settle = furthest.max().map_or_else(Settle::default, |within| Settle { within });
    acts.into_iter()
        .flat_map(|act| {
            let settle = Step::Settle(settle);
            [act.clone(), Spanned::new(settle, act.referenced)]
        })
        .collect()
}

/// Whether two lists of steps say the same.
pub(crate) fn same_steps(a: &[Spanned<Step>], b: &[Spanned<Step>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| words(&a.value) == words(&b.value))
}

/// The steps in order, those that are repeated once, those that are taken at the same time one after the other.
pub(crate) fn flattened(steps: &[Spanned<Step>]) -> Vec<&Spanned<Step>> {
    steps
        .iter()
        .flat_map(|step| match &step.value {
            Step::Repeat { steps, .. } | Step::Parallel { steps } => flattened(steps),
            _ => vec![step],
        })
        .collect()
}

/// What a step does, without what is expected of it under a fault: that is no matter of the happy path.
fn unexpecting(step: &Step) -> Step {
    match step.clone() {
        Step::Webhook { exchange, .. } => Step::Webhook { exchange, status: None },
        Step::Trigger(trigger) => Step::Trigger(TriggerStep { answer: None, ..trigger }),
        Step::Call(call) => Step::Call(CallStep { answer: None, ..call }),
        other => other,
    }
}

/// What a step says, wherever it stands in its file.
fn words(step: &Step) -> String {
    format!("{step:?}")
}
