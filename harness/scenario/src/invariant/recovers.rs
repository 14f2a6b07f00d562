//! Recovers without a person: at the end every run is over, or held where a person must decide. A batch is run anew by
//! whoever schedules it: what nothing is in the way of must succeed, whatever the run before came to.

use super::Finding;
use crate::observed::{Context, LastRun, text_of};
use counterpart_subject::ProbeName;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((probe, runs)) = context.probe(ProbeName::Runs) else {
        return match &context.observed.last_run {
            Some(run) => of_batch(run),
            None => Finding::NotChecked("the subject has no probe `runs`"),
        };
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

fn of_batch(run: &LastRun) -> Finding {
    if !run.has_failed {
        return Finding::Held;
    }
    if run.was_disturbed {
        return Finding::NotChecked(
            "the last run of the batch failed at what a provider did; let it run once more",
        );
    }
    Finding::Broken {
        message: "the last run failed, though nothing was in its way".to_owned(),
        expected: "exit code 0; if it is to fail here, switch `recovers` off with the reason".to_owned(),
        actual: run.told.clone(),
        exchanges: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_recovers_if_a_run_that_nothing_is_in_the_way_of_succeeds() {
        let after = |has_failed: bool, was_disturbed: bool| {
            of_batch(&LastRun { has_failed, told: "ended with exit code 1".to_owned(), was_disturbed })
        };
        assert!(matches!(after(true, false), Finding::Broken { .. }));
        assert!(matches!(after(true, true), Finding::NotChecked(_)), "the next run may succeed");
        assert!(matches!(after(false, false), Finding::Held));
        assert!(matches!(after(false, true), Finding::Held));
    }
}
