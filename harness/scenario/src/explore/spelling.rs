//! A found case as a scenario file.
//!
//! What stands in flow style is JSON, which is YAML too: names and values need no quoting of our own.

use super::case::Case;
use super::findings::FoundScenario;
use crate::file::{CallStep, Captures, Expectation, SameAs, ScenarioFile, Step};
use crate::plan::Plan;
use serde_json::{Value, json};

/// The text of a scenario that fails by itself. `plan` is the case's own.
pub(super) fn text_of(plan: &Plan, case: &Case, found: &FoundScenario, seed: u64) -> String {
    let file: &ScenarioFile = &plan.file;
    let mut text = String::from("# yaml-language-server: $schema=../../docs/schema/scenario.json\n");
    text.push_str(&format!(
        "# Found by `counterpart explore` from {}, seed {seed}, case {}.\n# Cause: {}.\n",
        one_line(&plan.name),
        found.first_case,
        one_line(&found.cause)
    ));
    text.push_str("counterpart: scenario/1\n");
    let title = format!("Found by exploring: {}", found.message);
    text.push_str(&format!("title: {}\n", json!(one_line(&title))));
    text.push_str("covers: []\n");
    let fixtures: Vec<&str> = file.fixtures.iter().map(|fixture| fixture.value.as_str()).collect();
    text.push_str(&format!("fixtures: {}\n", json!(fixtures)));
    if !file.beside.is_empty() {
        let beside: Vec<&str> = file.beside.iter().map(|fixture| fixture.value.as_str()).collect();
        text.push_str(&format!("beside: {}\n", json!(beside)));
    }
    if !file.records.is_empty() {
        let kept = file.records.iter().map(|(exchange, keep)| (exchange.value.clone(), json!(keep)));
        text.push_str(&format!("records: {}\n", Value::Object(kept.collect())));
    }
    if file.tls.is_some() {
        text.push_str("tls: {}\n");
    }
    if !case.faults.is_empty() {
        text.push_str("faults:\n");
        for fault in &case.faults {
            let value = |of: serde_json::Result<Value>| of.unwrap_or(Value::Null);
            text.push_str(&format!("  - at: {}\n", value(serde_json::to_value(&fault.at))));
            text.push_str(&format!("    times: {}\n", value(serde_json::to_value(fault.times))));
            text.push_str(&format!("    inject: {}\n", value(serde_json::to_value(&fault.inject))));
        }
    }
    text.push_str("steps:\n");
    let further = file.steps.iter().skip(case.steps.len()).map(|step| &step.value);
    for step in case.steps.iter().chain(further) {
        text.push_str(&format!("  - {}\n", step_as_json(step)));
    }
    text.push_str("expect:\n");
    for expectation in &file.expect {
        text.push_str(&format!("  - {}\n", expectation_as_json(&expectation.value)));
    }
    if !file.invariants.off.is_empty() {
        let off = file.invariants.off.iter().map(|(name, why)| (name.value.clone(), json!(why.value)));
        let off: serde_json::Map<String, Value> = off.collect();
        text.push_str(&format!("invariants: {}\n", json!({ "off": off })));
    }
    text.push_str("allow:\n");
    for (word, reason) in file.allow.given() {
        text.push_str(&format!("  {word}: {}\n", json!(reason)));
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn step_as_json(step: &Step) -> Value {
    match step {
        Step::Trigger(trigger) => {
            let mut step = json!(trigger.named);
            captures(&mut step, &trigger.capture);
            json!({ "trigger": step })
        }
        Step::Settle(settle) if *settle == crate::file::Settle::default() => json!({ "settle": {} }),
        Step::Settle(settle) => json!({ "settle": { "within": format!("{}s", settle.within.as_secs()) } }),
        Step::Advance { by } => json!({ "advance": { "by": format!("{}s", by.as_secs()) } }),
        Step::Call(CallStep { request, json: body, status, capture, .. }) => {
            let mut call = json!({ "request": request });
            captures(&mut call, capture);
            if let Some(body) = body {
                call["json"] = body.clone();
            }
            if let Some(status) = status {
                call["status"] = (*status).into();
            }
            json!({ "call": call })
        }
        Step::Webhook { exchange, status } => match status {
            Some(status) => json!({ "webhook": { "exchange": exchange, "status": status } }),
            None => json!({ "webhook": { "exchange": exchange } }),
        },
        // Exploring makes no other step that takes anything.
        other => json!({ other.word(): {} }),
    }
}

fn captures(step: &mut Value, captures: &Captures) {
    if !captures.is_empty() {
        let paths = captures.iter().map(|(name, path)| (name.clone(), path.text.as_str().into()));
        step["capture"] = Value::Object(paths.collect());
    }
}

fn expectation_as_json(expectation: &Expectation) -> Value {
    match expectation {
        Expectation::Destination(expected) => {
            let mut destination = serde_json::Map::new();
            if let Some(same_as) = expected.same_as {
                let word = match same_as {
                    SameAs::HappyPath => "happy_path",
                    SameAs::HappyPathOrHeld => "happy_path_or_held",
                };
                destination.insert("same_as".to_owned(), word.into());
            }
            if let Some(field) = &expected.unique_by {
                destination.insert("unique_by".to_owned(), field.as_str().into());
            }
            json!({ "destination": destination })
        }
        Expectation::Requests(expected) => {
            let at_least = expected.at_least.unwrap_or(1);
            json!({ "requests": { "to": expected.to.value.to_string(), "at_least": at_least } })
        }
        // A judgement of a case makes no other.
        other => json!({ other.word(): {} }),
    }
}
