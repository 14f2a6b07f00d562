//! A command with its braces filled in: what is started, and the files that it finds.

use super::process::Start;
use super::spec::{CommandSpec, VersionSpec};
use crate::launch::LaunchError;
use crate::template::{TemplateError, Variables, names_in};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a command is started, whoever describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder of counterpart.toml, absolute.
    pub root: PathBuf,
    /// Variables beside those of this process, for every command.
    pub environment: Vec<(OsString, OsString)>,
    /// The library that shifts dates, where one was found.
    pub faketime: Option<PathBuf>,
}

/// What a command is started as, in one version.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) run: Vec<String>,
    pub(crate) folder: PathBuf,
    pub(crate) env: IndexMap<String, String>,
}

impl Words {
    pub(crate) fn of(spec: &CommandSpec, version: Option<&VersionSpec>) -> Self {
        let mut words = Self { run: spec.run.clone(), folder: spec.folder.clone(), env: spec.env.clone() };
        words.become_version(version);
        words
    }

    /// The same in another version.
    pub(crate) fn become_version(&mut self, version: Option<&VersionSpec>) {
        let Some(version) = version else { return };
        if let Some(run) = &version.run {
            self.run.clone_from(run);
        }
        if let Some(folder) = &version.folder {
            self.folder.clone_from(folder);
        }
        self.env.extend(version.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// The names in its braces.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.run.iter().chain(self.env.values()).flat_map(|text| names_in(text)).collect()
    }

    /// What is to be started.
    pub(crate) fn filled(
        &self,
        variables: &Variables,
        surroundings: &Surroundings,
    ) -> Result<Start, LaunchError> {
        let folder = surroundings.root.join(&self.folder);
        let fill = |what: &str, text: &str| variables.fill(text).map_err(|error| refused(what, &error));
        let mut run = Vec::new();
        for (at, word) in self.run.iter().enumerate() {
            run.push(fill(&format!("run[{at}]"), word)?);
        }
        let Some((program, arguments)) = run.split_first().filter(|(program, _)| !program.is_empty()) else {
            return Err(LaunchError("`run` is empty; expected a program and its arguments".to_owned()));
        };
        let mut environment = surroundings.environment.clone();
        for (name, value) in &self.env {
            let value =
                variables.fill_optional(value).map_err(|error| refused(&format!("env.{name}"), &error))?;
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(LaunchError(format!(
                    "env: {name:?} cannot be the name of an environment variable; expected one like API_URL"
                )));
            }
            if let Some(value) = value {
                environment.push((name.into(), value.into()));
            }
        }
        // A path is relative to the folder, and not to wherever counterpart was started; a bare name is looked for on PATH.
        let is_path = Path::new(program).components().count() > 1;
        let program = if is_path { folder.join(program).into_os_string() } else { program.into() };
        if let Some(text) = run.iter().find(|text| text.contains('\0')) {
            return Err(LaunchError(format!("run: {text:?} holds a NUL, which no argument may")));
        }
        Ok(Start { program, arguments: arguments.iter().map(Into::into).collect(), folder, environment })
    }
}

/// Writes the files that a command finds in its data folder.
pub(crate) fn write_files(
    files: &IndexMap<String, Value>,
    data: &Path,
    variables: &Variables,
) -> Result<(), LaunchError> {
    for (name, content) in files {
        let filled =
            variables.fill_json(content).map_err(|error| refused(&format!("files.{name}"), &error))?;
        let text = match filled {
            Value::String(text) => text,
            other => serde_json::to_string_pretty(&other).unwrap_or_default(),
        };
        let path = inside(data, name).ok_or_else(|| {
            LaunchError(format!(
                "files: {name:?} leads out of the data folder; expected a name like config.json"
            ))
        })?;
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| LaunchError(format!("files.{name}: {}: {error}", path.display())))?;
    }
    Ok(())
}

/// A path within a folder; nothing where it would lead out of it.
pub(crate) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let relative = Path::new(name);
    let is_within = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    (is_within && !name.is_empty()).then(|| folder.join(relative))
}

fn refused(what: &str, error: &TemplateError) -> LaunchError {
    LaunchError(format!("{what}: {error}"))
}
