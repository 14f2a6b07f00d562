//! How one fixture is named on the command line: `provider/flow`, or the path of its file, and behind a `#` one of its
//! exchanges, shortened where that is unique.

use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::{Exchange, Fixture, FixtureRef, Library, ProviderProfile, suggest};
use std::path::Path;

/// A fixture that was named, with its provider's profile and the exchange that was meant.
pub(crate) struct NamedFixture {
    pub(crate) fixture: Fixture,
    pub(crate) profile: ProviderProfile,
    pub(crate) exchange: Option<String>,
}

/// Reads what an argument names.
pub(crate) fn read(project: &Library, argument: &str) -> Result<NamedFixture, Stop> {
    let (name, exchange) = match argument.split_once('#') {
        Some((name, id)) => (name, Some(id.to_owned())),
        None => (argument, None),
    };
    let path = Path::new(name);
    let flows = if name.contains(['/', '\\', '.']) { Vec::new() } else { project.flows(name) };
    if flows.len() > 1 {
        let all: Vec<String> = flows.iter().map(ToString::to_string).collect();
        return Err(Stop::usage(anyhow!("{name}: holds several fixtures; name one: {}", all.join(", "))));
    }
    let name = flows.first().map_or_else(|| name.to_owned(), ToString::to_string);
    let (fixture, profile) = match name.parse::<FixtureRef>() {
        // What is called so seen from here is meant only where the library has none.
        Ok(name) if project.path_of(&name).is_file() || !path.exists() => (
            project.fixture(&name).map_err(Stop::usage)?,
            project.profile(&name.provider).map_err(Stop::usage)?,
        ),
        _ => of_file(path)?,
    };
    Ok(NamedFixture { fixture, profile, exchange })
}

fn of_file(path: &Path) -> Result<(Fixture, ProviderProfile), Stop> {
    if path.is_dir() {
        return Err(Stop::usage(anyhow!(
            "{}: is a folder; name one fixture, as matrix/room-history or the path of its file",
            path.display()
        )));
    }
    let fixture = Fixture::read(path).map_err(Stop::usage)?;
    let beside = path.parent().unwrap_or(Path::new("")).join("provider.yaml");
    let profile = if beside.is_file() {
        ProviderProfile::read(&beside).map_err(Stop::usage)?
    } else {
        ProviderProfile::unknown(&fixture.provider)
    };
    Ok((fixture, profile))
}

/// The exchange of an id, or of the only one that begins so.
pub(crate) fn exchange<'a>(fixture: &'a Fixture, id: &str) -> Result<&'a Exchange, Stop> {
    let ids = || fixture.exchanges.iter().map(|exchange| exchange.id.as_str());
    if let Some(exact) = fixture.exchanges.iter().find(|exchange| exchange.id.as_str() == id) {
        return Ok(exact);
    }
    let beginning: Vec<&Exchange> =
        fixture.exchanges.iter().filter(|exchange| exchange.id.as_str().starts_with(id)).collect();
    match beginning.as_slice() {
        [only] if !id.is_empty() => Ok(only),
        [] | [_] => {
            let hint = suggest(id, ids()).map_or_else(
                || {
                    format!(
                        "there are {} of them; list them with `counterpart show {}`",
                        ids().count(),
                        fixture.name()
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            Err(Stop::usage(anyhow!("{} has no exchange `{id}`; {hint}", fixture.name())))
        }
        several => {
            let all: Vec<&str> = several.iter().take(10).map(|one| one.id.as_str()).collect();
            Err(Stop::usage(anyhow!(
                "{}: `{id}` is the beginning of {} exchanges: {}",
                fixture.name(),
                several.len(),
                all.join(", ")
            )))
        }
    }
}
