//! What must be so of a scenario as a whole: it can fail, and what it leaves out has a reason.

use super::check::Check;
use super::steps::no_such;
use crate::catalogue::Catalogue;
use crate::file::{DestinationExpected, Expectation, ScenarioFile};
use crate::invariant::INVARIANTS;
use crate::steps::{flattened, happy_steps, same_steps};
use counterpart_exchange::suggest;

pub(super) fn check_covers(file: &ScenarioFile, catalogue: &Catalogue, check: &mut Check<'_>) {
    for id in &file.covers {
        let is_required = catalogue.cases.iter().any(|case| case.id == id.value && case.required);
        if is_required && file.quarantine.is_some() {
            let message = format!(
                "`{}` is required of every integration, so its scenario cannot be in quarantine; mend what fails, or \
                 leave it out of `covers`, and the report says that it is not shown",
                id.value
            );
            check.at(id.referenced, message);
        }
        if !catalogue.cases.iter().any(|case| case.id == id.value) {
            if let Some(path) = &catalogue.missing_at {
                let message = format!(
                    "there is no catalogue that `{}` could stand in: {} is not there; write one, or leave the list \
                     empty, as in `covers: []`",
                    id.value,
                    path.display()
                );
                check.at(id.referenced, message);
                continue;
            }
            let near = suggest(&id.value, catalogue.cases.iter().map(|case| case.id.as_str()));
            let hint =
                near.map_or_else(|| "add it there first".into(), |near| format!("did you mean `{near}`?"));
            check.at(id.referenced, format!("the catalogue has no entry `{}`; {hint}", id.value));
        }
    }
}

/// A scenario that does or expects nothing, or compares the happy path with itself, cannot fail.
pub(super) fn check_can_fail(file: &ScenarioFile, check: &mut Check<'_>) {
    if file.title.trim().is_empty() {
        check.whole("`title` is empty; say in a sentence what the scenario shows");
    }
    if file.steps.is_empty() {
        check.whole("`steps` is empty; a scenario begins with a trigger");
    }
    if !file.steps.is_empty() && !flattened(&file.steps).iter().any(|step| step.value.is_act()) {
        check.whole(
            "no step sets anything off; a scenario has a `trigger`, a `webhook`, a `file` or a `call`",
        );
    }
    if file.expect.is_empty() {
        check.whole("`expect` is empty; say what must come of the steps");
    }
    let is_undisturbed = file.faults.is_empty() && file.quota.is_empty();
    let is_happy_path = is_undisturbed && same_steps(&happy_steps(&file.steps), &file.steps);
    for expectation in file.expect.iter().filter(|_| is_happy_path) {
        let Expectation::Destination(DestinationExpected { same_as, fewer_than_happy_path, .. }) =
            &expectation.value
        else {
            continue;
        };
        if same_as.is_some() || fewer_than_happy_path.is_some() {
            let message = "this scenario is the happy path itself: compared with it, it cannot fail; expect a `count` or a `snapshot`";
            check.at(expectation.referenced, message);
        }
    }
}

pub(super) fn check_invariants(file: &ScenarioFile, check: &mut Check<'_>) {
    let known = || INVARIANTS.iter().map(|(name, _)| *name);
    let named = file.invariants.off.keys().chain(&file.invariants.on);
    for name in named.filter(|name| !known().any(|known| known == name.value)) {
        check.at(name.referenced, no_such("invariant", &name.value, known()));
    }
    for (name, reason) in &file.invariants.off {
        if reason.value.trim().is_empty() {
            let message =
                format!("`{}` is switched off without a reason; say why it does not hold here", name.value);
            check.at(reason.referenced, message);
        }
    }
    for name in &file.invariants.on {
        if file.invariants.off.keys().any(|off| off.value == name.value) {
            check.at(name.referenced, format!("`{}` is both `on` and `off`; it is one of them", name.value));
        }
    }
}

pub(super) fn check_reasons(file: &ScenarioFile, check: &mut Check<'_>) {
    for (word, _) in file.allow.given().filter(|(_, reason)| reason.trim().is_empty()) {
        check.whole(format!("allow: `{word}` is allowed without a reason; say why it is right here"));
    }
    let Some(quarantine) = &file.quarantine else { return };
    for (word, text) in [("reason", &quarantine.value.reason), ("owner", &quarantine.value.owner)] {
        if text.trim().is_empty() {
            check.at(
                quarantine.referenced,
                format!("`{word}` is empty; a quarantine says why it fails and who sees to it"),
            );
        }
    }
}
