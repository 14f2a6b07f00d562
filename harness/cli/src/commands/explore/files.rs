//! Found scenarios as files: one a cause, and none over another.

use super::super::run::targets::Target;
use crate::arguments::Explore as Arguments;
use anyhow::Context;
use counterpart_exchange::write_atomically;
use counterpart_scenario::{Exploration, FoundScenario};
use std::path::{Path, PathBuf};

/// A found scenario and where it stands.
pub(super) struct Written<'a> {
    pub(super) found: &'a FoundScenario,
    pub(super) path: PathBuf,
    /// Whether it stood there before, letter for letter.
    pub(super) was_there: bool,
    /// Why it could not be written, where it is so.
    pub(super) problem: Option<String>,
}

/// Most files of one cause.
const MOST_ALIKE: usize = 1_000;

/// Where they go, as it is told.
pub(super) fn target(arguments: &Arguments, folder: &Path) -> Target {
    let option = match &arguments.out {
        Some(out) => format!("--out {}", out.display()),
        None => "--out (it is not given)".to_owned(),
    };
    Target { option, path: folder.to_owned() }
}

/// Writes what was found. A file of the same name with another text stays, and the new one gets a number. What cannot be
/// written is told, and the others are written all the same.
pub(super) fn write<'a>(folder: &Path, exploration: &'a Exploration) -> Vec<Written<'a>> {
    let written = |found: &'a FoundScenario| {
        one(folder, found).unwrap_or_else(|problem| Written {
            found,
            path: folder.join(format!("{}.yaml", found.name)),
            was_there: false,
            problem: Some(format!("{problem:#}")),
        })
    };
    exploration.found.iter().map(written).collect()
}

fn one<'a>(folder: &Path, found: &'a FoundScenario) -> anyhow::Result<Written<'a>> {
    let names = std::iter::once(found.name.clone())
        .chain((2..=MOST_ALIKE).map(|number| format!("{}-{number}", found.name)));
    for name in names {
        let path = folder.join(format!("{name}.yaml"));
        match std::fs::read_to_string(&path) {
            Ok(text) if text == found.text => {
                return Ok(Written { found, path, was_there: true, problem: None });
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_atomically(&path, found.text.as_bytes())
                    .with_context(|| format!("{} is not written", path.display()))?;
                return Ok(Written { found, path, was_there: false, problem: None });
            }
            Err(error) => anyhow::bail!("{}: {error}", path.display()),
        }
    }
    anyhow::bail!(
        "{}: there are {MOST_ALIKE} files like {}; take away those that are mended",
        folder.display(),
        found.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn found(text: &str) -> FoundScenario {
        FoundScenario {
            cause: String::new(),
            promise: String::new(),
            faults: Vec::new(),
            message: String::new(),
            expected: String::new(),
            actual: String::new(),
            stage: "singles",
            first_case: 1,
            cases: 1,
            found_after_ms: 0,
            tries: 0,
            records: (0, 0),
            name: "a-cause".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn no_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |text: &str| {
            let found = found(text);
            let written = one(folder.path(), &found).unwrap();
            (written.path.file_name().unwrap().to_string_lossy().into_owned(), written.was_there)
        };
        assert_eq!(path("one"), ("a-cause.yaml".to_owned(), false));
        assert_eq!(path("one"), ("a-cause.yaml".to_owned(), true));
        assert_eq!(path("two"), ("a-cause-2.yaml".to_owned(), false));
        let texts: BTreeSet<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        assert_eq!(texts, BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    }
}
