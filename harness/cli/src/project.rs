//! The project: where its files are, and what `counterpart.toml` says.

use crate::arguments::Global;
use crate::config_file;
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::{Library, suggest};
use counterpart_reference_subject as reference;
use counterpart_scenario::Catalogue;
use counterpart_subject::SubjectSpec;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "counterpart.toml";

/// `counterpart.toml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Config")]
pub(crate) struct Config {
    /// Always `config/1`.
    pub(crate) counterpart: String,
    /// The fixtures folder, relative to this file.
    #[serde(default = "fixtures")]
    pub(crate) fixtures: PathBuf,
    /// The scenarios folder.
    #[serde(default = "scenarios")]
    pub(crate) scenarios: PathBuf,
    /// The contracts folder.
    #[serde(default = "contracts")]
    pub(crate) contracts: PathBuf,
    /// Integrations under test, by name.
    #[serde(default)]
    pub(crate) subject: IndexMap<String, SubjectSpec>,
    /// What `counterpart exec` must know of a provider, by the provider's short name.
    #[serde(default)]
    pub(crate) exec: IndexMap<String, ExecSpec>,
}

/// `[exec.PROVIDER]`: how a command that runs beside the recorder or a stand-in is led to it. All of it may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecSpec {
    /// The real API: `https://host[:port][/base]`. What the fixture was recorded from by default.
    #[serde(default)]
    pub(crate) upstream: Option<String>,
    /// Its hosts, `*.example.com` among them, beside those of the provider profile and of the upstream.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// Environment variables that are to hold the API's base URL.
    #[serde(default)]
    pub(crate) base_url_env: Vec<String>,
    /// Environment variables that hold credentials: what each is to hold when the command is answered from a fixture,
    /// as `{access_token}`, `{client_secret}` or `{api_key:1}`. When it is recorded, what they hold is a secret.
    #[serde(default)]
    pub(crate) credentials_env: IndexMap<String, String>,
}

fn fixtures() -> PathBuf {
    "fixtures".into()
}

fn scenarios() -> PathBuf {
    "scenarios".into()
}

fn contracts() -> PathBuf {
    "contracts".into()
}

/// A project that was found.
pub(crate) struct Project {
    root: PathBuf,
    config: Config,
}

impl Project {
    /// Finds the project from the working directory upwards, or takes the one that was named.
    pub(crate) fn find(global: &Global) -> Result<Self, Stop> {
        let path = match &global.config {
            Some(path) => Some(path.clone()),
            None => {
                let here = std::env::current_dir().map_err(Stop::environment)?;
                let found = here.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.exists());
                // Paths are told relative to where the user is, where they can be.
                found.map(|path| path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path))
            }
        };
        let Some(path) = path else {
            let config = Config {
                counterpart: "config/1".into(),
                fixtures: fixtures(),
                scenarios: scenarios(),
                contracts: contracts(),
                subject: IndexMap::new(),
                exec: IndexMap::new(),
            };
            return Ok(Self { root: PathBuf::new(), config });
        };
        let config = config_file::read(&path).map_err(Stop::usage)?;
        Ok(Self { root: path.parent().unwrap_or(Path::new("")).to_owned(), config })
    }

    /// A folder or file of the project.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    pub(crate) fn library(&self) -> Library {
        Library::new(self.path(&self.config.fixtures))
    }

    pub(crate) fn scenarios(&self) -> PathBuf {
        self.path(&self.config.scenarios)
    }

    pub(crate) fn contracts(&self) -> PathBuf {
        self.path(&self.config.contracts)
    }

    pub(crate) fn catalogue(&self) -> Result<Catalogue, Stop> {
        let path = self.scenarios().join("catalogue.yaml");
        if path.exists() { Catalogue::read(&path).map_err(Stop::usage) } else { Ok(Catalogue::missing(path)) }
    }

    /// What `exec` must know of a provider; nothing where nothing is said.
    pub(crate) fn exec(&self, provider: &str) -> ExecSpec {
        self.config.exec.get(provider).cloned().unwrap_or_default()
    }

    /// The names of all subjects, the built-in one first.
    pub(crate) fn subject_names(&self) -> Vec<&str> {
        let described =
            self.config.subject.keys().map(String::as_str).filter(|name| *name != reference::NAME);
        std::iter::once(reference::NAME).chain(described).collect()
    }

    /// The name of the subject that is meant where this is said: the only one that is described where nothing is, and the
    /// built-in one where none is.
    pub(crate) fn subject_meant(&self, said: Option<&str>) -> Result<String, Stop> {
        let described: Vec<&str> = self.config.subject.keys().map(String::as_str).collect();
        match (said, &described[..]) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, []) => Ok(reference::NAME.to_owned()),
            (None, [only]) => Ok((*only).to_owned()),
            (None, several) => Err(Stop::usage(anyhow!(
                "{FILE_NAME} describes several subjects: {}; say with --subject which is meant, or --subject reference \
                 for the bundled runtime",
                several.join(", ")
            ))),
        }
    }

    /// A subject by name; `reference` is built in and may be described anew.
    pub(crate) fn subject(&self, name: &str) -> Result<SubjectSpec, Stop> {
        if let Some(spec) = self.config.subject.get(name) {
            return Ok(spec.clone());
        }
        if name == reference::NAME {
            return Ok(reference::spec());
        }
        let known = self.config.subject.keys().map(String::as_str).chain([reference::NAME]);
        let hint = suggest(name, known.clone()).map_or_else(
            || format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(Stop::usage(anyhow!("{FILE_NAME} describes no subject `{name}`; {hint}")))
    }
}
