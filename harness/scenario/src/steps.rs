//! What a list of steps amounts to: the happy path in it, and what it asks of a subject.

use crate::file::{Settle, Step};
use serde_saphyr::Spanned;

/// The distinct triggers in order, each with its own settling.
pub(crate) fn happy_steps(steps: &[Spanned<Step>]) -> Vec<Spanned<Step>> {
    fn collect<'s>(steps: &'s [Spanned<Step>], triggers: &mut Vec<&'s Spanned<Step>>) {
        for step in steps {
            match &step.value {
                Step::Repeat { steps, .. } => collect(steps, triggers),
                Step::Trigger(words) => {
                    let known = |other: &&&Spanned<Step>| matches!(&other.value, Step::Trigger(known) if known == words);
                    if !triggers.iter().any(|other| known(&other)) {
                        triggers.push(step);
                    }
                }
                _ => {}
            }
        }
    }
    let mut triggers = Vec::new();
    collect(steps, &mut triggers);
    triggers
        .into_iter()
        .flat_map(|trigger| {
            let settle = Step::Settle(Settle::default());
            [trigger.clone(), Spanned::new(settle, trigger.referenced, trigger.defined)]
        })
        .collect()
}

pub(crate) fn has_restart(steps: &[Spanned<Step>]) -> bool {
    steps.iter().any(|step| match &step.value {
        Step::Restart(_) => true,
        Step::Repeat { steps, .. } => has_restart(steps),
        _ => false,
    })
}

pub(crate) fn same_steps(a: &[Spanned<Step>], b: &[Spanned<Step>]) -> bool {
    let words =
        |steps: &[Spanned<Step>]| steps.iter().map(|step| format!("{:?}", step.value)).collect::<Vec<_>>();
    words(a) == words(b)
}
