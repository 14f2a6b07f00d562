//! A scenario that is known to be playable: every name in it stands for something.
//!
//! All problems of a file are told at once, each with its place. Nothing is started here.

use crate::catalogue::Catalogue;
use crate::file::{
    DestinationExpected, Expectation, ScenarioFile, Step, UNIMPLEMENTED_EXPECTATIONS, UNIMPLEMENTED_STEPS,
};
use crate::invariant::INVARIANTS;
use crate::steps::{flattened, happy_steps, same_steps};
use counterpart_exchange::{
    DocumentError, Fixture, FixtureRef, Library, Place, ProviderProfile, parse_document, read_text, suggest,
};
use counterpart_outcome::{Digest, FixtureSeen};
use counterpart_stand_in::{ErrorForms, PlannedFault, WebhookSelector, check_webhooks};
use counterpart_subject::{ProbeName, SubjectSpec, words_of};
use indexmap::IndexMap;
use serde_saphyr::{Location, Spanned};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario, checked and with everything at hand that it needs.
#[derive(Clone)]
pub struct Plan {
    /// Its name: folder and file without ending.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Of its file.
    pub digest: Digest,
    /// What the file says.
    pub file: Arc<ScenarioFile>,
    /// The fixtures, all of one provider.
    pub fixtures: Vec<Fixture>,
    /// The fixtures with their digests.
    pub fixtures_seen: Vec<FixtureSeen>,
    /// The provider's policy.
    pub profile: ProviderProfile,
    /// The provider's forms of its errors.
    pub forms: ErrorForms,
    /// The faults, in the order of the file.
    pub faults: Vec<PlannedFault>,
}

/// Everything that is wrong with some files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PlanError(pub Vec<DocumentError>);

impl From<DocumentError> for PlanError {
    fn from(error: DocumentError) -> Self {
        Self(vec![error])
    }
}

/// Makes plans against one library, catalogue and subject; each fixture is read once.
pub struct Planner<'a> {
    library: &'a Library,
    catalogue: &'a Catalogue,
    subject: &'a SubjectSpec,
    providers: HashMap<String, Provider>,
}

struct Provider {
    profile: ProviderProfile,
    forms: ErrorForms,
    fixtures: HashMap<FixtureRef, (Fixture, Digest)>,
}

impl<'a> Planner<'a> {
    /// A planner that has read nothing yet.
    #[must_use]
    pub fn new(library: &'a Library, catalogue: &'a Catalogue, subject: &'a SubjectSpec) -> Self {
        Self { library, catalogue, subject, providers: HashMap::new() }
    }

    /// Reads and checks a scenario. `name` is what it is called in reports.
    ///
    /// # Errors
    /// [`PlanError`] with all problems of the file.
    pub fn plan(&mut self, path: &Path, name: &str) -> Result<Plan, PlanError> {
        let text = read_text(path)?;
        let file: ScenarioFile = parse_document(path, &text)?;
        let mut check = Check { path, text: &text, problems: Vec::new() };
        self.check_covers(&file, &mut check);
        check_can_fail(&file, &mut check);
        check_steps(&file.steps, self.subject, &mut check);
        let fixtures = self.fixtures(&file, &mut check)?;
        let provider = fixtures.first().map(|(fixture, _)| fixture.provider.clone());
        let Some(provider) =
            provider.and_then(|name| self.providers.get(&name)).filter(|_| check.problems.is_empty())
        else {
            return Err(PlanError(check.problems));
        };
        let played: Vec<Fixture> = fixtures.iter().map(|(fixture, _)| fixture.clone()).collect();
        let faults: Vec<PlannedFault> = file
            .faults
            .iter()
            .map(|fault| PlannedFault {
                at: fault.value.at.value.clone(),
                times: fault.value.times,
                inject: fault.value.inject.clone(),
            })
            .collect();
        for (fault, entry) in faults.iter().zip(&file.faults) {
            if let Err(problem) = fault.check(&provider.profile, &played) {
                check.at(entry.value.at.referenced, problem);
            }
        }
        for (fault, entry) in faults.iter().zip(&file.faults).filter(|_| file.tls.is_none()) {
            if fault.inject.needs_tls() {
                let name = fault.inject.name();
                let message =
                    format!("{name} needs a stand-in that speaks TLS; add `tls: {{}}` to the scenario");
                check.at(entry.value.at.referenced, message);
            }
        }
        check_webhook_steps(&file.steps, &provider.profile, &played, &mut check);
        if let Err(problem) = check_webhooks(&provider.profile) {
            check.whole(problem);
        }
        if let Err(problem) = ErrorForms::check(&provider.profile) {
            check.whole(problem);
        }
        self.check_expectations(&file, provider, &mut check);
        check_invariants(&file, &mut check);
        for (word, _) in file.allow.given().filter(|(_, reason)| reason.trim().is_empty()) {
            check.whole(format!("allow: `{word}` is allowed without a reason; say why it is right here"));
        }
        if !check.problems.is_empty() {
            return Err(PlanError(check.problems));
        }
        let (fixtures, digests): (Vec<_>, Vec<_>) = fixtures.into_iter().unzip();
        let fixtures_seen =
            fixtures.iter().zip(digests).map(|(f, digest)| FixtureSeen { name: f.name(), digest }).collect();
        Ok(Plan {
            name: name.to_owned(),
            path: path.to_owned(),
            digest: Digest::of(text.as_bytes()),
            fixtures,
            fixtures_seen,
            profile: provider.profile.clone(),
            forms: provider.forms.clone(),
            faults,
            file: Arc::new(file),
        })
    }

    fn check_covers(&self, file: &ScenarioFile, check: &mut Check<'_>) {
        for id in &file.covers {
            if !self.catalogue.cases.iter().any(|case| case.id == id.value) {
                let near = suggest(&id.value, self.catalogue.cases.iter().map(|case| case.id.as_str()));
                let hint = near
                    .map_or_else(|| "add it there first".into(), |near| format!("did you mean `{near}`?"));
                check.at(id.referenced, format!("the catalogue has no entry `{}`; {hint}", id.value));
            }
        }
    }

    fn fixtures(
        &mut self,
        file: &ScenarioFile,
        check: &mut Check<'_>,
    ) -> Result<Vec<(Fixture, Digest)>, PlanError> {
        let mut found: Vec<(Fixture, Digest)> = Vec::new();
        if file.fixtures.is_empty() {
            check.whole("`fixtures` is empty; name at least one, as in [matrix/room-history]".to_owned());
        }
        for name in &file.fixtures {
            let reference: FixtureRef = match name.value.parse() {
                Ok(reference) => reference,
                Err(problem) => {
                    check.at(name.referenced, problem);
                    continue;
                }
            };
            if !self.library.path_of(&reference).exists() {
                check.at(name.referenced, self.library.missing(&reference));
                continue;
            }
            let provider = self.provider(&reference.provider)?;
            let Some((fixture, digest)) = provider.fixtures.get(&reference) else { continue };
            if found.first().is_some_and(|(first, _)| first.provider != fixture.provider) {
                let message =
                    "fixtures of several providers in one scenario are not implemented yet; use one provider";
                check.at(name.referenced, message.to_owned());
            }
            found.push((fixture.clone(), digest.clone()));
        }
        Ok(found)
    }

    /// A provider with all its fixtures: any of them may hold the form of an error.
    fn provider(&mut self, name: &str) -> Result<&Provider, PlanError> {
        if !self.providers.contains_key(name) {
            let profile = self.library.profile(name)?;
            let mut fixtures = HashMap::new();
            let mut in_order = Vec::new();
            for reference in self.library.flows(name) {
                let path = self.library.path_of(&reference);
                let fixture = self.library.fixture(&reference).map_err(|error| match error {
                    counterpart_exchange::FixtureError::Document(error) => PlanError::from(error),
                    other => PlanError::from(DocumentError::whole(&path, other.to_string())),
                })?;
                let digest = Digest::of(read_text(&path)?.as_bytes());
                in_order.push(fixture.clone());
                fixtures.insert(reference, (fixture, digest));
            }
            let forms = ErrorForms::from_evidence(&profile, &in_order);
            self.providers.insert(name.to_owned(), Provider { profile, forms, fixtures });
        }
        Ok(&self.providers[name])
    }

    fn check_expectations(&self, file: &ScenarioFile, provider: &Provider, check: &mut Check<'_>) {
        for expectation in &file.expect {
            let word = expectation.value.word();
            if UNIMPLEMENTED_EXPECTATIONS.contains(&word) {
                check.at(expectation.referenced, format!("the expectation `{word}` is not implemented yet"));
            }
            let probe = match &expectation.value {
                Expectation::Requests(requests) => {
                    let bounds = [requests.count, requests.at_least, requests.at_most];
                    if bounds.iter().all(Option::is_none) {
                        check.at(
                            expectation.referenced,
                            "says nothing: give `count`, `at_least` or `at_most`".into(),
                        );
                    }
                    if let Err(problem) = requests.to.value.check(&provider.profile) {
                        check.at(requests.to.referenced, problem);
                    }
                    None
                }
                Expectation::Deliveries(deliveries) => {
                    let bounds =
                        [deliveries.count, deliveries.accepted, deliveries.refused, deliveries.faulted];
                    if bounds.iter().all(Option::is_none) && deliveries.order.is_none() {
                        check.at(
                            expectation.referenced,
                            "says nothing: give `count`, `accepted`, `refused`, `faulted` or `order`".into(),
                        );
                    }
                    None
                }
                Expectation::Destination(_) => Some(ProbeName::Destination),
                Expectation::Alerts(alerts) => {
                    if alerts.none == alerts.kinds.is_some() {
                        check.at(expectation.referenced, "give either `none: true` or `kinds`".into());
                    }
                    Some(ProbeName::Alerts)
                }
                Expectation::Holds(_) => Some(ProbeName::Holds),
                Expectation::Runs { .. } => Some(ProbeName::Runs),
                Expectation::Probe(expected) => {
                    if expected.record.is_empty() {
                        check.at(
                            expectation.referenced,
                            "`record` names no field; any record has none".into(),
                        );
                    }
                    Some(expected.name)
                }
                _ => None,
            };
            if let Some(probe) = probe.filter(|probe| !self.subject.probe.contains_key(probe)) {
                let word = probe.word();
                let message = format!(
                    "the subject has no probe `{word}`; describe it as [subject.<name>.probe.{word}]"
                );
                check.at(expectation.referenced, message);
            }
        }
    }
}

fn check_steps(steps: &[Spanned<Step>], subject: &SubjectSpec, check: &mut Check<'_>) {
    for step in steps {
        let word = step.value.word();
        if UNIMPLEMENTED_STEPS.contains(&word) {
            check.at(step.referenced, format!("the step `{word}` is not implemented yet"));
        }
        match &step.value {
            Step::Trigger(trigger) => {
                let [name] = trigger.keys().collect::<Vec<_>>()[..] else {
                    check
                        .at(step.referenced, "a trigger step names one trigger, as in {sync: {}}".to_owned());
                    continue;
                };
                if !subject.trigger.contains_key(name) {
                    let known: Vec<&str> = subject.trigger.keys().map(String::as_str).collect();
                    let hint = suggest(name, known.iter().copied()).map_or_else(
                        || format!("it has: {}", known.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    check.at(step.referenced, format!("the subject has no trigger `{name}`; {hint}"));
                } else {
                    check_words(step.referenced, &trigger[name], &words_of(&subject.trigger[name]), check);
                }
            }
            Step::Webhook { .. } if subject.webhooks.is_none() => {
                let message = "the subject's description does not say where it takes webhooks; \
                               write `webhooks = \"/path\"` under [subject.<name>]";
                check.at(step.referenced, message.to_owned());
            }
            Step::Call { request, .. }
                if !request.split_once(' ').is_some_and(|(_, path)| path.starts_with('/')) =>
            {
                let message =
                    format!("{request:?} is no request; expected method and path, as in `GET /health`");
                check.at(step.referenced, message);
            }
            Step::Repeat { times, steps } => {
                if !(1..=1000).contains(times) {
                    check.at(step.referenced, format!("{times} times; expected 1 to 1000"));
                }
                check_steps(steps, subject, check);
            }
            _ => {}
        }
    }
}

/// A webhook is one that the fixtures hold, and its provider is known to sign.
fn check_webhook_steps(
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

/// A trigger is given the words that its call asks for, and no others.
fn check_words(
    place: Location,
    given: &IndexMap<String, String>,
    asked: &BTreeSet<String>,
    check: &mut Check<'_>,
) {
    for word in given.keys().filter(|word| !asked.contains(*word)) {
        let hint = suggest(word, asked.iter().map(String::as_str)).map_or_else(
            || format!("it asks for: {}", asked.iter().cloned().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        check.at(place, format!("the trigger does not ask for `{word}`; {hint}"));
    }
    for word in asked.iter().filter(|word| !given.contains_key(*word)) {
        check.at(place, format!("the trigger asks for `{word}`, which is not given"));
    }
}

/// A scenario that does or expects nothing, or compares the happy path with itself, cannot fail.
fn check_can_fail(file: &ScenarioFile, check: &mut Check<'_>) {
    if file.steps.is_empty() {
        check.whole("`steps` is empty; a scenario begins with a trigger".to_owned());
    }
    let acts = |step: &&Spanned<Step>| {
        matches!(step.value, Step::Trigger(_) | Step::Call { .. } | Step::Webhook { .. })
    };
    if !file.steps.is_empty() && !flattened(&file.steps).iter().any(acts) {
        check.whole(
            "no step sets anything off; a scenario has a `trigger`, a `webhook` or a `call`".to_owned(),
        );
    }
    if file.expect.is_empty() {
        check.whole("`expect` is empty; say what must come of the steps".to_owned());
    }
    let is_happy_path = file.faults.is_empty() && same_steps(&happy_steps(&file.steps), &file.steps);
    for expectation in file.expect.iter().filter(|_| is_happy_path) {
        let Expectation::Destination(DestinationExpected { same_as, fewer_than_happy_path, .. }) =
            &expectation.value
        else {
            continue;
        };
        if same_as.is_some() || fewer_than_happy_path.is_some() {
            let message = "this scenario is the happy path itself: compared with it, it cannot fail; expect a `count` or a `snapshot`";
            check.at(expectation.referenced, message.to_owned());
        }
    }
}

fn check_invariants(file: &ScenarioFile, check: &mut Check<'_>) {
    let known = || INVARIANTS.iter().map(|(name, _)| *name);
    for name in file.invariants.off.keys().filter(|name| !known().any(|known| known == name.as_str())) {
        let hint = suggest(name, known()).map_or_else(
            || format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        check.whole(format!("invariants.off: there is no invariant `{name}`; {hint}"));
    }
    for (name, _) in file.invariants.off.iter().filter(|(_, reason)| reason.trim().is_empty()) {
        check.whole(format!(
            "invariants.off: `{name}` is switched off without a reason; say why it does not hold here"
        ));
    }
}

struct Check<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<DocumentError>,
}

impl Check<'_> {
    fn at(&mut self, location: Location, message: String) {
        self.problems.push(DocumentError::at(self.path, self.text, Place::from(location), message));
    }

    fn whole(&mut self, message: String) {
        self.problems.push(DocumentError::whole(self.path, message));
    }
}
