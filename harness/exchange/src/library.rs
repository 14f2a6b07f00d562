//! The fixtures folder: where a provider's profile and flows are found by name.

use crate::document::DocumentError;
use crate::fixture::{Fixture, FixtureError};
use crate::{ProviderProfile, suggest};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The name of a fixture: `matrix/room-history`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixtureRef {
    /// The provider's folder.
    pub provider: String,
    /// The flow's file, without its ending.
    pub flow: String,
}

impl fmt::Display for FixtureRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.provider, self.flow)
    }
}

impl FromStr for FixtureRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
        };
        match text.split_once('/') {
            Some((provider, flow)) if word(provider) && word(flow) => {
                Ok(Self { provider: provider.to_owned(), flow: flow.to_owned() })
            }
            _ => Err(format!(
                "{text:?} is not the name of a fixture; expected provider/flow in lower case, as in matrix/room-history"
            )),
        }
    }
}

/// A folder of fixtures: `<provider>/provider.yaml` and `<provider>/<flow>.yaml`.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    /// The library in a folder. Nothing is read yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a fixture's file is.
    #[must_use]
    pub fn path_of(&self, name: &FixtureRef) -> PathBuf {
        self.root.join(&name.provider).join(format!("{}.yaml", name.flow))
    }

    /// A provider's profile; one that says nothing where the provider has none yet.
    ///
    /// # Errors
    /// [`DocumentError`] where the file is there but cannot be used.
    pub fn profile(&self, provider: &str) -> Result<ProviderProfile, DocumentError> {
        let path = self.root.join(provider).join("provider.yaml");
        if path.exists() { ProviderProfile::read(&path) } else { Ok(ProviderProfile::unknown(provider)) }
    }

    /// Reads a fixture by name.
    ///
    /// # Errors
    /// [`FixtureError`]; where the file is missing the nearest name there is is told.
    pub fn fixture(&self, name: &FixtureRef) -> Result<Fixture, FixtureError> {
        let path = self.path_of(name);
        if !path.exists() {
            return Err(DocumentError::whole(&path, self.missing(name)).into());
        }
        let fixture = Fixture::read(&path)?;
        if fixture.provider != name.provider || fixture.flow != name.flow {
            let message = format!(
                "says that it is {}, but its place says {name}; rename one of the two",
                fixture.name()
            );
            return Err(DocumentError::whole(&path, message).into());
        }
        Ok(fixture)
    }

    /// Why a fixture cannot be found, with the nearest that can.
    #[must_use]
    pub fn missing(&self, name: &FixtureRef) -> String {
        if let Some(why) = self.is_no_folder() {
            return format!("there is no fixture {name}: {why}");
        }
        let all: Vec<String> = self.names().iter().map(ToString::to_string).collect();
        let near = suggest(&name.to_string(), all.iter().map(String::as_str));
        match near {
            Some(near) => format!("there is no fixture {name}; did you mean `{near}`?"),
            None if all.is_empty() => {
                format!("there is no fixture {name}; {} holds none", self.root.display())
            }
            None => format!("there is no fixture {name}; there are: {}", all.join(", ")),
        }
    }

    /// Why there is no fixtures folder at all, and what to do about it.
    #[must_use]
    pub fn is_no_folder(&self) -> Option<String> {
        let root = self.root.display();
        match std::fs::metadata(&self.root) {
            Ok(found) if found.is_dir() => None,
            Ok(_) => Some(format!(
                "the fixtures folder {root} is a file; name a folder with `fixtures` in counterpart.toml"
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(format!(
                "the fixtures folder {root} is not there; make it, or name another with `fixtures` in counterpart.toml"
            )),
            Err(error) => Some(format!("the fixtures folder {root} cannot be read: {error}")),
        }
    }

    /// Whether a provider that has a folder has no profile in it: where that would be.
    #[must_use]
    pub fn missing_profile(&self, provider: &str) -> Option<PathBuf> {
        let folder = self.root.join(provider);
        let path = folder.join("provider.yaml");
        (folder.is_dir() && !path.exists()).then_some(path)
    }

    /// All fixtures of the library, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<FixtureRef> {
        let mut names: Vec<FixtureRef> =
            directories(&self.root).iter().flat_map(|provider| self.flows(provider)).collect();
        names.sort();
        names
    }

    /// The fixtures of one provider, sorted.
    #[must_use]
    pub fn flows(&self, provider: &str) -> Vec<FixtureRef> {
        let Ok(entries) = std::fs::read_dir(self.root.join(provider)) else { return Vec::new() };
        let mut flows: Vec<FixtureRef> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
            .filter(|flow| flow != "provider")
            .filter_map(|flow| format!("{provider}/{flow}").parse().ok())
            .collect();
        flows.sort();
        flows
    }
}

fn directories(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_fixture_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("empty")).unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let name: FixtureRef = "matrix/room-history".parse().unwrap();
        let told = ["nofixtures", "file", "empty"].map(|root| {
            let told = Library::new(folder.path().join(root)).missing(&name);
            told.replace(&folder.path().display().to_string(), "here")
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        there is no fixture matrix/room-history: the fixtures folder here/nofixtures is not there; make it, or name another with `fixtures` in counterpart.toml
        there is no fixture matrix/room-history: the fixtures folder here/file is a file; name a folder with `fixtures` in counterpart.toml
        there is no fixture matrix/room-history; here/empty holds none
        ");
    }

    #[test]
    fn a_folder_without_a_profile_is_known() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("sample")).unwrap();
        let library = Library::new(folder.path());
        assert_eq!(library.missing_profile("sample"), Some(folder.path().join("sample/provider.yaml")));
        assert_eq!(library.missing_profile("other"), None);
        std::fs::write(folder.path().join("sample/provider.yaml"), "").unwrap();
        assert_eq!(library.missing_profile("sample"), None);
    }
}
