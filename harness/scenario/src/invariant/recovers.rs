//! Recovers without a person: at the end every run is over, or held where a person must decide.

use super::Finding;
use crate::observed::{Context, text_of};
use counterpart_subject::ProbeName;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((probe, runs)) = context.probe(ProbeName::Runs) else {
        return Finding::NotChecked("the subject has no probe `runs`");
    };
    let field = probe.state.as_deref().unwrap_or("state");
    let open: Vec<String> = runs
        .iter()
        .filter_map(|run| text_of(run, field))
        .filter(|state| !probe.settled.contains(state))
        .collect();
    if open.is_empty() {
        return Finding::Held;
    }
    Finding::Broken {
        message: format!("{} runs are not over", open.len()),
        expected: probe.settled.join(" or "),
        actual: open.join(", "),
        exchanges: context.observed.seen.last().map(|seen| seen.seq).into_iter().collect(),
    }
}
