//! Where a fixture is, and everything of its provider that a play of it needs.

use crate::error::TestingError;
use counterpart_exchange::{Fixture, FixtureRef, Library, ProviderProfile};
use counterpart_stand_in::ErrorForms;
use std::path::{Path, PathBuf};

/// The path of a fixture by its name, in the folder `fixtures` of the crate under test or of a folder around it.
///
/// ```
/// use counterpart_testing::fixture;
///
/// assert!(fixture!("matrix/room-history").ends_with("fixtures/matrix/room-history.yaml"));
/// ```
#[macro_export]
macro_rules! fixture {
    ($name:expr) => {
        $crate::fixture_path(env!("CARGO_MANIFEST_DIR"), $name)
    };
}

/// What [`fixture!`] does, in a given folder: the nearest file of that name, or where it would be in the nearest folder
/// of fixtures.
#[must_use]
pub fn fixture_path(manifest: &str, name: &str) -> PathBuf {
    let file = format!("{name}.yaml");
    let folders = || Path::new(manifest).ancestors().map(|folder| folder.join("fixtures"));
    let found = folders().map(|folder| folder.join(&file)).find(|path| path.is_file());
    let nearest =
        || folders().find(|folder| folder.is_dir()).unwrap_or_else(|| Path::new(manifest).join("fixtures"));
    found.unwrap_or_else(|| nearest().join(&file))
}

/// A provider as it is played.
pub(crate) struct Loaded {
    pub(crate) profile: ProviderProfile,
    pub(crate) fixtures: Vec<Fixture>,
    pub(crate) forms: ErrorForms,
}

/// Reads fixtures of one provider, its profile, and what its errors look like in all that was recorded of it.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded, TestingError> {
    let told = |error: &dyn std::fmt::Display| TestingError::Fixture(error.to_string());
    let mut fixtures = Vec::new();
    let mut provider: Option<(Library, String)> = None;
    for path in paths {
        let (library, name) = place_of(path)?;
        let fixture = library.fixture(&name).map_err(|error| told(&error))?;
        if let Some((_, known)) = provider.as_ref().filter(|(_, known)| *known != name.provider) {
            return Err(TestingError::Fixture(format!(
                "{name} is of another provider than {known}; start one stand-in for each provider"
            )));
        }
        provider.get_or_insert((library, name.provider));
        fixtures.push(fixture);
    }
    let Some((library, name)) = provider else {
        return Err(TestingError::Fixture("no fixture was named".to_owned()));
    };
    let profile = library.profile(&name).map_err(|error| told(&error))?;
    let all = library.flows(&name).into_iter().map(|flow| library.fixture(&flow));
    let all: Vec<Fixture> = all.collect::<Result<_, _>>().map_err(|error| told(&error))?;
    let forms = ErrorForms::from_evidence(&profile, &all);
    Ok(Loaded { profile, fixtures, forms })
}

fn place_of(path: &Path) -> Result<(Library, FixtureRef), TestingError> {
    let word = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let folder = path.parent();
    let named = word(folder.and_then(Path::file_name))
        .zip(word(path.file_stem()))
        .and_then(|(provider, flow)| format!("{provider}/{flow}").parse().ok());
    let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
    match (folder.and_then(Path::parent), named) {
        (Some(root), Some(name)) if is_yaml => Ok((Library::new(root), name)),
        _ => Err(TestingError::Path { path: path.to_owned() }),
    }
}
