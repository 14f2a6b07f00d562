//! Whether expectations say something, and whether there is something to see it by.

use super::check::Check;
use super::steps::{NO_FILES, has_probe};
use crate::file::{
    Counts, ElapsedExpected, Expectation, FilesExpected, Location, RequestsExpected, ScenarioFile,
    SnapshotOf, Spanned,
};
use crate::files::pattern;
use counterpart_exchange::{Fixture, ProviderProfile, RequestTarget, suggest};
use counterpart_stand_in::RequestSelector;
use counterpart_subject::{ProbeName, SubjectSpec};
use std::collections::BTreeSet;

const EVERY_NUMBER: &str =
    "every number is that, so it cannot fail: give a `count`, an `at_least` from 1, or an `at_most`";

pub(super) fn check_expectations(
    file: &ScenarioFile,
    profiles: &[&ProviderProfile],
    fixtures: &[&Fixture],
    subject: &SubjectSpec,
    check: &mut Check<'_>,
) {
    for expectation in &file.expect {
        let place = expectation.referenced;
        let counts = expectation.value.counts().unwrap_or_default();
        check_counts(place, counts, check);
        match &expectation.value {
            Expectation::Requests(requests) => {
                check_requests(place, requests, profiles, check);
                check_is_known(&requests.to, counts, profiles, fixtures, check);
            }
            Expectation::Order { requests } => {
                if requests.len() < 2 {
                    check.at(place, "an order is one of two requests or more; for one, expect `requests`");
                }
                for selector in requests {
                    check_selector(selector, profiles, check);
                }
            }
            Expectation::Elapsed(elapsed) => check_elapsed(place, *elapsed, check),
            Expectation::Destination(expected) => {
                let says_nothing = expected.same_as.is_none()
                    && expected.unique_by.is_none()
                    && expected.fewer_than_happy_path.is_none()
                    && expected.records.is_empty()
                    && expectation.value.counts().is_none_or(crate::file::Counts::is_empty);
                if says_nothing {
                    check.at(place, "says nothing: give `same_as`, `unique_by`, `records` or a `count`");
                }
            }
            Expectation::Alerts(alerts) if alerts.none == alerts.kinds.is_some() => {
                check.at(place, "give either `none: true` or `kinds`");
            }
            Expectation::Holds(holds) => {
                let counts = expectation.value.counts().unwrap_or_default();
                if counts.is_empty() && holds.reason.is_none() {
                    check.at(place, "says nothing: give `count`, `at_least`, `at_most` or `reason`");
                }
            }
            Expectation::Deliveries(it) => {
                let bounds = [it.count, it.at_least, it.at_most, it.accepted, it.refused, it.faulted];
                if bounds.iter().all(Option::is_none) && it.order.is_none() {
                    check
                        .at(place, "says nothing: give `count`, `accepted`, `refused`, `faulted` or `order`");
                }
            }
            Expectation::Audit(audit) => {
                let counts = expectation.value.counts().unwrap_or_default();
                if audit.entries.is_empty() && counts.is_empty() {
                    check.at(place, "says nothing: give `entries`, `count`, `at_least` or `at_most`");
                }
            }
            Expectation::Files(files) => check_files(place, files, subject, check),
            Expectation::Snapshot { of, .. } => {
                if of.is_empty() {
                    check.at(place, "a snapshot of nothing; give `of`, as in [destination]");
                }
                if of.contains(&SnapshotOf::Files) && subject.files.is_none() {
                    check.at(place, NO_FILES);
                }
            }
            _ => {}
        }
        if let Some(probe) = probe_of(&expectation.value) {
            has_probe(place, probe, subject, check);
        }
    }
}

/// The probe that an expectation reads.
fn probe_of(expectation: &Expectation) -> Option<ProbeName> {
    match expectation {
        Expectation::Destination(_) => Some(ProbeName::Destination),
        Expectation::Alerts(_) => Some(ProbeName::Alerts),
        Expectation::Holds(_) => Some(ProbeName::Holds),
        Expectation::Runs { .. } => Some(ProbeName::Runs),
        Expectation::Audit(_) => Some(ProbeName::Audit),
        Expectation::Probe(expected) => Some(expected.name),
        Expectation::Snapshot { of, .. } if of.contains(&SnapshotOf::Destination) => {
            Some(ProbeName::Destination)
        }
        Expectation::Snapshot { of, .. } if of.contains(&SnapshotOf::Audit) => Some(ProbeName::Audit),
        _ => None,
    }
}

fn check_counts(place: Location, counts: Counts, check: &mut Check<'_>) {
    if counts.is_impossible() {
        check
            .at(place, "no number is that: `at_least` is more than `at_most`, or `count` is outside of them");
    }
    if counts.is_always_so() && !counts.is_empty() {
        check.at(place, EVERY_NUMBER);
    }
}

fn check_requests(
    place: Location,
    requests: &RequestsExpected,
    profiles: &[&ProviderProfile],
    check: &mut Check<'_>,
) {
    let bounds = [requests.count, requests.at_least, requests.at_most];
    if bounds.iter().all(Option::is_none) && requests.apart.is_none() {
        check.at(place, "says nothing: give `count`, `at_least`, `at_most` or `apart`");
    }
    if let Some(apart) = requests.apart {
        check_elapsed(place, apart, check);
    }
    check_selector(&requests.to, profiles, check);
}

/// Requests may go to any provider that plays; what is wrong is told of the one that the scenario is about.
fn check_selector(selector: &Spanned<RequestSelector>, profiles: &[&ProviderProfile], check: &mut Check<'_>) {
    let checked: Vec<_> = profiles.iter().map(|profile| selector.value.check(profile)).collect();
    if checked.iter().all(Result::is_err)
        && let Some(Err(problem)) = checked.into_iter().next()
    {
        check.at(selector.referenced, problem);
    }
}

/// A path that is misspelt is asked for by nobody, so that any number of requests to it at the most is there.
fn check_is_known(
    selector: &Spanned<RequestSelector>,
    counts: Counts,
    profiles: &[&ProviderProfile],
    fixtures: &[&Fixture],
    check: &mut Check<'_>,
) {
    let RequestSelector::Template(template) = &selector.value else { return };
    // Where some are expected, it cannot pass without one.
    if counts.count.or(counts.at_least).is_some_and(|least| least > 0) {
        return;
    }
    let operations = || profiles.iter().flat_map(|profile| profile.operations.values());
    let recorded = || fixtures.iter().flat_map(|fixture| &fixture.exchanges);
    let is_known = operations().any(|known| known == template)
        || recorded().any(|exchange| {
            template.matches(&exchange.request.method, RequestTarget::of(&exchange.request.target)).is_some()
        });
    if is_known {
        return;
    }
    let known: BTreeSet<String> = operations()
        .map(ToString::to_string)
        .chain(recorded().map(|exchange| {
            let path = exchange.request.target.split('?').next().unwrap_or_default();
            format!("{} {path}", exchange.request.method)
        }))
        .collect();
    let none = format!("no operation and no recorded request fits `{template}`");
    let never = counts.count == Some(0) || counts.at_most == Some(0);
    match suggest(&template.to_string(), known.iter().map(String::as_str)) {
        Some(near) => check.at(selector.referenced, format!("{none}; did you mean `{near}`?")),
        None if !never => {
            check.at(
                selector.referenced,
                format!("{none}, so that it can only be expected never: `count: 0`"),
            );
        }
        None => {}
    }
}

fn check_elapsed(place: Location, elapsed: ElapsedExpected, check: &mut Check<'_>) {
    if elapsed.is_always_so() {
        check.at(place, "every length of time is that: give `at_least` or `at_most`, as in `at_least: 30s`");
    }
    if elapsed.is_impossible() {
        check.at(place, "no length of time is that: `at_least` is more than `at_most`");
    }
}

fn check_files(place: Location, files: &FilesExpected, subject: &SubjectSpec, check: &mut Check<'_>) {
    if subject.files.is_none() {
        check.at(place, NO_FILES);
    }
    let patterns =
        files.exist.iter().chain(&files.gone).chain(files.counts.keys()).chain(files.content.keys());
    let mut count = 0;
    for one in patterns {
        count += 1;
        if let Err(problem) = pattern(&one.value) {
            check.at(one.referenced, problem);
        }
    }
    if count == 0 {
        check.at(place, "says nothing: give `exist`, `gone`, `counts` or `content`");
    }
    for (pattern, counts) in &files.counts {
        if counts.is_always_so() || counts.is_impossible() {
            check.at(
                pattern.referenced,
                "no number: give `count`, `at_least` or `at_most`, which can hold together",
            );
        }
    }
}
