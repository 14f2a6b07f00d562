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
