//! Whether the subject and the fixtures have what the steps name.

use super::check::Check;
use crate::file::problem::{listed, unknown};
use crate::file::{FileStep, Location, Spanned, Step, TriggerStep};
use crate::files::{FileName, MAX_FILE_BYTES};
use crate::steps::flattened;
use counterpart_exchange::{Fixture, ProviderProfile, suggest};
use counterpart_stand_in::WebhookSelector;
use counterpart_subject::{LaunchSpec, ProbeName, SubjectSpec};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The word by which a trigger says for which provider it is meant.
pub(crate) const PROVIDER: &str = "provider";

/// Steps that are taken at the same time.
const MAX_PARALLEL: usize = 64;
/// Times that steps are taken in all, repetitions within repetitions counted.
const MAX_STEPS: u64 = 100_000;

pub(super) fn check_steps(steps: &[Spanned<Step>], subject: &SubjectSpec, check: &mut Check<'_>) {
    if taken(steps) > MAX_STEPS {
        check.whole(format!(
            "the steps come to more than {MAX_STEPS}, repetitions counted; repeat fewer of them"
        ));
    }
    for step in steps {
        check_step(step, subject, check);
    }
}

fn taken(steps: &[Spanned<Step>]) -> u64 {
    let of = |step: &Spanned<Step>| match &step.value {
        Step::Repeat { times, steps } => u64::from(*times).saturating_mul(taken(steps)),
        Step::Parallel { steps } => taken(steps),
        _ => 1,
    };
    steps.iter().map(of).fold(0, u64::saturating_add)
}

fn check_step(step: &Spanned<Step>, subject: &SubjectSpec, check: &mut Check<'_>) {
    match &step.value {
        Step::Trigger(trigger) => check_trigger(step.referenced, trigger, subject, check),
        Step::Webhook { .. } if subject.webhooks.is_none() => {
            let message = "the subject's description does not say where it takes webhooks; \
                           write `webhooks = \"/path\"` under [subject.<name>]";
            check.at(step.referenced, message);
        }
        Step::Call(call) if !call.request.split_once(' ').is_some_and(|(_, path)| path.starts_with('/')) => {
            let message =
                format!("{:?} is no request; expected method and path, as in `GET /health`", call.request);
            check.at(step.referenced, message);
        }
        Step::Repeat { times, steps } => {
            if !(1..=1000).contains(times) {
                check.at(step.referenced, format!("{times} times; expected 1 to 1000"));
            }
            not_empty(steps, step.referenced, "repeat", check);
            for step in steps {
                check_step(step, subject, check);
            }
        }
        Step::File(file) => check_file(step.referenced, file, subject, check),
        Step::Deploy { version } if version.trim().is_empty() => {
            check.at(step.referenced, "`version` is empty; name the version that is put in place");
        }
        Step::Deploy { version } => check_version(step.referenced, version, subject, check),
        Step::Parallel { steps } => check_parallel(step.referenced, steps, subject, check),
        Step::WaitFor(wait) => {
            has_probe(step.referenced, wait.probe, subject, check);
            if wait.counts().is_impossible() || wait.counts().at_least == Some(0) {
                check.at(
                    step.referenced,
                    "waits for nothing: `at_least` is a number from 1, and no more than `count`",
                );
            }
        }
        _ => {}
    }
}

/// The versions of a program stand in its description; those of a container are the tags of its image.
fn check_version(place: Location, version: &str, subject: &SubjectSpec, check: &mut Check<'_>) {
    let is_program = matches!(subject.launch, LaunchSpec::Command(_) | LaunchSpec::Batch(_));
    if is_program && !subject.versions.contains_key(version) {
        let problem = no_such("version", version, subject.versions.keys().map(String::as_str));
        check.at(place, format!("{problem}; each is described as [subject.<name>.versions.<version>]"));
    }
}

fn check_trigger(place: Location, trigger: &TriggerStep, subject: &SubjectSpec, check: &mut Check<'_>) {
    let [(name, words)] = trigger.named.iter().collect::<Vec<_>>()[..] else {
        check.at(place, "a trigger step names one trigger, as in {sync: {}}");
        return;
    };
    match subject.trigger.get(name) {
        Some(trigger) => check_words(place, words, &trigger.words(), check),
        None => {
            let known: Vec<&str> = subject.trigger.keys().map(String::as_str).collect();
            let hint = suggest(name, known.iter().copied()).map_or_else(
                || told_names("it has", known.iter().copied()),
                |near| format!("did you mean `{near}`?"),
            );
            check.at(place, format!("the subject has no trigger `{name}`; {hint}"));
        }
    }
}

/// A trigger may say for which provider it is meant, where several play.
pub(super) fn check_providers(steps: &[Spanned<Step>], known: &[String], check: &mut Check<'_>) {
    for step in flattened(steps) {
        let Step::Trigger(trigger) = &step.value else { continue };
        let Some(named) = trigger.named.values().find_map(|words| words.get(PROVIDER)) else { continue };
        if !known.contains(named) {
            let message = format!("no provider `{named}` plays here; there are: {}", known.join(", "));
            check.at(step.referenced, message);
        }
    }
}

/// What there is instead; that there is nothing is said too.
fn told_names<'a>(said: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { format!("{said} none") } else { format!("{said}: {}", names.join(", ")) }
}

/// A trigger is given the words that its call asks for, and no others.
fn check_words(
    place: Location,
    given: &IndexMap<String, String>,
    asked: &BTreeSet<String>,
    check: &mut Check<'_>,
) {
    for word in given.keys().filter(|word| !asked.contains(*word) && *word != PROVIDER) {
        let hint = suggest(word, asked.iter().map(String::as_str)).map_or_else(
            || told_names("it asks for", asked.iter().map(String::as_str)),
            |near| format!("did you mean `{near}`?"),
        );
        check.at(place, format!("the trigger does not ask for `{word}`; {hint}"));
    }
    for word in asked.iter().filter(|word| !given.contains_key(*word)) {
        check.at(place, format!("the trigger asks for `{word}`, which is not given"));
    }
}

fn check_file(place: Location, file: &FileStep, subject: &SubjectSpec, check: &mut Check<'_>) {
    if subject.files.is_none() {
        check.at(place, NO_FILES);
    }
    // A name that is filled in later is looked at then.
    if let Err(problem) = FileName::parse(&file.name) {
        check.at(place, problem);
    }
    match (&file.put, &file.text) {
        (None, None) => check.at(
            place,
            "says nothing of what is in the file; give `put`, a file beside the scenario, or `text`",
        ),
        (Some(_), Some(_)) => {
            check.at(place, "gives both `put` and `text`; a file is a copy, or it holds the text");
        }
        (None, Some(_)) => {}
        (Some(put), None) => {
            let source = check.path.parent().unwrap_or(std::path::Path::new("")).join(put);
            match std::fs::metadata(&source) {
                Ok(found) if found.is_file() && found.len() <= MAX_FILE_BYTES => {}
                Ok(found) if found.is_file() => {
                    let message = format!(
                        "{} is {} bytes long; at most {MAX_FILE_BYTES} are put",
                        source.display(),
                        found.len()
                    );
                    check.at(place, message);
                }
                Ok(_) => check.at(place, format!("{} is no file", source.display())),
                Err(error) => {
                    let message =
                        format!("{}: {error}; `put` is a path from the scenario's folder", source.display());
                    check.at(place, message);
                }
            }
        }
    }
}

pub(super) const NO_FILES: &str = "the subject's description does not say where its files are; \
                                   write `files = \"{data}\"` under [subject.<name>]";

fn check_parallel(place: Location, steps: &[Spanned<Step>], subject: &SubjectSpec, check: &mut Check<'_>) {
    not_empty(steps, place, "parallel", check);
    if steps.len() > MAX_PARALLEL {
        check.at(place, format!("{} steps at the same time; at most {MAX_PARALLEL} are taken", steps.len()));
    }
    for step in steps {
        if !step.value.is_act() {
            let word = step.value.word();
            let message = format!(
                "`{word}` cannot be taken at the same time as others; `parallel` takes trigger, call, webhook and file"
            );
            check.at(step.referenced, message);
        }
        check_step(step, subject, check);
    }
}

fn not_empty(steps: &[Spanned<Step>], place: Location, word: &str, check: &mut Check<'_>) {
    if steps.is_empty() {
        check.at(place, format!("`{word}` has no steps, so nothing is done; give it some, or leave it out"));
    }
}

/// A webhook is one that the fixtures hold, and its provider is known to sign.
pub(super) fn check_webhook_steps(
    steps: &[Spanned<Step>],
    profile: &ProviderProfile,
    fixtures: &[Fixture],
    check: &mut Check<'_>,
) {
    for step in flattened(steps) {
        if let Step::Webhook { exchange, .. } = &step.value
            && let Err(problem) = WebhookSelector::Exchange(exchange.clone()).check(profile, fixtures)
        {
            check.at(step.referenced, problem);
        }
    }
}

pub(super) fn has_probe(place: Location, probe: ProbeName, subject: &SubjectSpec, check: &mut Check<'_>) {
    if !subject.probe.contains_key(&probe) {
        let word = probe.word();
        let known: Vec<&str> = subject.probe.keys().map(|known| known.word()).collect();
        let hint = match known.is_empty() {
            true => String::new(),
            false => format!(" ({})", listed(known.into_iter())),
        };
        let message =
            format!("the subject has no probe `{word}`; describe it as [subject.<name>.probe.{word}]{hint}");
        check.at(place, message);
    }
}

/// That a name is none of those that there are.
pub(super) fn no_such<'a>(
    kind: &str,
    found: &str,
    known: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> String {
    unknown(kind, found, known)
}
