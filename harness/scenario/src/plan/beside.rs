//! Providers that play beside the one that a scenario is about: a connector between two of them needs both.

use super::check::Check;
use super::{Beside, Provider};
use crate::file::ScenarioFile;
use counterpart_exchange::Fixture;
use counterpart_outcome::Digest;
use std::collections::HashMap;

/// `fixtures` are one provider's, and `beside` are others'.
pub(super) fn check(
    file: &ScenarioFile,
    fixtures: &[(Fixture, Digest)],
    others: &[(Fixture, Digest)],
    check: &mut Check<'_>,
) {
    let Some((first, _)) = fixtures.first() else { return };
    for (fixture, _) in fixtures.iter().filter(|(fixture, _)| fixture.provider != first.provider) {
        let message = format!(
            "a scenario is about one provider, which its faults strike, and the first fixture is of {}; put `{}` under \
             `beside`, and it plays there without faults",
            first.provider,
            fixture.name()
        );
        place_of(&file.fixtures, fixture, message, check);
    }
    for (fixture, _) in others.iter().filter(|(fixture, _)| fixture.provider == first.provider) {
        let message = format!(
            "`{}` is of {}, which the scenario is about; put it under `fixtures`",
            fixture.name(),
            first.provider
        );
        place_of(&file.beside, fixture, message, check);
    }
}

fn place_of(
    names: &[crate::file::Spanned<String>],
    fixture: &Fixture,
    message: String,
    check: &mut Check<'_>,
) {
    if let Some(name) = names.iter().find(|name| name.value == fixture.name()) {
        check.at(name.referenced, message);
    }
}

/// The names of all providers, the one that the scenario is about first.
pub(super) fn names(fixtures: &[(Fixture, Digest)], others: &[(Fixture, Digest)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (fixture, _) in fixtures.iter().chain(others) {
        if !names.contains(&fixture.provider) {
            names.push(fixture.provider.clone());
        }
    }
    names
}

/// The other providers, in the order of the file.
pub(super) fn providers(others: &[(Fixture, Digest)], known: &HashMap<String, Provider>) -> Vec<Beside> {
    let mut beside: Vec<Beside> = Vec::new();
    for (fixture, _) in others {
        let of_it = beside.iter_mut().find(|one| one.profile.provider == fixture.provider);
        match (of_it, known.get(&fixture.provider)) {
            (Some(one), _) => one.fixtures.push(fixture.clone()),
            (None, Some(Provider { profile, forms, .. })) => beside.push(Beside {
                profile: profile.clone(),
                forms: forms.clone(),
                fixtures: vec![fixture.clone()],
            }),
            (None, None) => {}
        }
    }
    beside
}
