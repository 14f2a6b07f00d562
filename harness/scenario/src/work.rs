//! How far a subject in real time is with what it was triggered to do, as its runs tell. It knows of no clock.

use crate::observed::text_of;
use counterpart_subject::Probe;
use serde_json::Value;

/// What is known of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing but its requests tells.
    SeenByItsRequests,
    /// It says itself that all is done.
    Done,
    /// It says itself that something is not: what, for people.
    Unfinished(String),
}

impl Work {
    /// What the probe of runs says of it.
    pub(crate) fn shown(probe: &Probe, runs: &[Value], triggers: usize) -> Self {
        if runs.len() < triggers {
            let count = runs.len();
            let run = if count == 1 { "run" } else { "runs" };
            return Self::Unfinished(format!(
                "the probe `runs` shows {count} {run} after {triggers} triggers"
            ));
        }
        let state_of = |run: &Value| probe.state.as_ref().and_then(|field| text_of(run, field));
        let is_open = |run: &&Value| state_of(run).is_none_or(|state| !probe.settled.contains(&state));
        let Some(open) = runs.iter().find(is_open) else { return Self::Done };
        let settled = match &probe.settled[..] {
            [] => "and the probe has no `settled`".to_owned(),
            words => format!("which is not in the probe's `settled` ({})", words.join(", ")),
        };
        Self::Unfinished(match (&probe.state, state_of(open)) {
            (Some(field), Some(state)) => {
                format!("the probe `runs` shows a run with the `{field}` {state:?}, {settled}")
            }
            (Some(field), None) => format!("the probe `runs` shows a run without `{field}`"),
            (None, _) => "the probe `runs` has no `state`, so no run is ever settled".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn probe(of: &Value) -> Probe {
        serde_json::from_value(of.clone()).unwrap()
    }

    #[test]
    fn a_run_is_over_in_a_settled_state_and_any_other_is_told() {
        let described = probe(&json!({ "get": "/runs", "state": "status", "settled": ["done", "held"] }));
        let shown = |runs: &Value| Work::shown(&described, runs.as_array().unwrap(), 2);
        assert_eq!(shown(&json!([{ "status": "done" }, { "status": "held" }])), Work::Done);
        let told = [
            json!([{ "status": "done" }]),
            json!([{ "status": "done" }, { "status": "finished" }]),
            json!([{ "status": "done" }, { "state": "done" }]),
        ]
        .map(|runs| shown(&runs));
        let bare = |of: Value| Work::shown(&probe(&of), &[json!({ "status": "done" })], 1);
        let bare = [bare(json!({ "get": "/runs", "state": "status" })), bare(json!({ "get": "/runs" }))];
        insta::assert_debug_snapshot!(told.iter().chain(&bare).collect::<Vec<_>>(), @r##"
        [
            Unfinished(
                "the probe `runs` shows 1 run after 2 triggers",
            ),
            Unfinished(
                "the probe `runs` shows a run with the `status` \"finished\", which is not in the probe's `settled` (done, held)",
            ),
            Unfinished(
                "the probe `runs` shows a run without `status`",
            ),
            Unfinished(
                "the probe `runs` shows a run with the `status` \"done\", and the probe has no `settled`",
            ),
            Unfinished(
                "the probe `runs` has no `state`, so no run is ever settled",
            ),
        ]
        "##);
    }
}
