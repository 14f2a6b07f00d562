//! Which scenarios a run takes: paths, a filter, and names.

use counterpart_exchange::suggest;
use std::path::{Path, PathBuf};

/// What to take.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Files and folders, or names under the scenarios folder: `chat-import`, `chat-import/happy-path`,
    /// `tokens/refresh[late]` for a row of a table. The whole folder where empty.
    pub paths: Vec<PathBuf>,
    /// Words that must all occur in a scenario's name; one with `!` before it must not.
    pub filter: Option<String>,
}

impl Selection {
    /// Whether a scenario of this name is taken, the row of a table in brackets behind it.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| fits(filter, name)) && self.takes_row(name)
    }

    /// Rows are named one by one; a file whose rows are not named is taken with all of them.
    fn takes_row(&self, name: &str) -> bool {
        let Some((file, _)) = row_of(name) else { return true };
        let is_given = |name: &str| self.paths.iter().any(|path| path == Path::new(name));
        let mut rows = self.paths.iter().filter_map(|path| row_of(path.to_str()?));
        is_given(name) || is_given(file) || !rows.any(|(of, _)| of == file)
    }

    /// Whether the filter takes a file of this name, as far as can be told before its rows are known.
    fn may_take(&self, name: &str) -> bool {
        let Some(filter) = &self.filter else { return true };
        filter.split_whitespace().filter(|word| !word.starts_with('!')).all(|word| {
            let (of_file, row) = word.split_once('[').map_or((word, false), |(file, _)| (file, true));
            if row { name.ends_with(of_file) } else { name.contains(of_file) }
        }) && filter
            .split_whitespace()
            .filter_map(|word| word.strip_prefix('!'))
            .all(|word| word.contains('[') || !name.contains(word))
    }
}

/// A scenario that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Folder and file without ending: `chat-import/happy-path`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
}

/// A path that is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The project has no scenarios at all.
    #[error("{root}: there is no such folder, so there is no scenario to run; write one, or say with --config where the project is", root = root.display())]
    NoFolder {
        /// Where scenarios are looked for.
        root: PathBuf,
    },
    /// Nothing there.
    #[error("{path}: there is no such file or folder, and no scenario of that name under {root}{hint}", path = path.display(), root = root.display())]
    Missing {
        /// What was given.
        path: PathBuf,
        /// What may be meant.
        hint: String,
        /// Where scenarios are.
        root: PathBuf,
    },
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// The scenarios that a selection takes, sorted by name.
///
/// # Errors
/// [`SelectError`].
pub fn select(root: &Path, selection: &Selection) -> Result<Vec<Selected>, SelectError> {
    let mut files = Vec::new();
    let starts = if selection.paths.is_empty() { vec![root.to_owned()] } else { selection.paths.clone() };
    if selection.paths.is_empty() && !root.is_dir() {
        return Err(SelectError::NoFolder { root: root.to_owned() });
    }
    for start in starts {
        // What a run prints is a name; it may be typed as it was read.
        let name = start.to_str().and_then(row_of).map_or(start.as_path(), |(file, _)| Path::new(file));
        let named = [root.join(name), root.join(format!("{}.yaml", name.display()))];
        let found = [&start].into_iter().chain(&named).find(|path| path.exists()).cloned();
        match found {
            Some(folder) if folder.is_dir() => collect(&folder, &mut files)?,
            Some(file) => files.push(file),
            None => return Err(missing(root, start)),
        }
    }
    let mut selected: Vec<Selected> = files
        .into_iter()
        .map(|path| Selected { name: name_of(root, &path), path })
        .filter(|scenario| selection.may_take(&scenario.name))
        .collect();
    selected.sort_by(|a, b| a.name.cmp(&b.name));
    selected.dedup_by(|a, b| a.name == b.name);
    Ok(selected)
}

/// The file and the row of `chat-import/values[empty]`.
fn row_of(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}

fn missing(root: &Path, path: PathBuf) -> SelectError {
    let mut files = Vec::new();
    // What cannot be read is no hint.
    let _ = collect(root, &mut files);
    let names: Vec<String> = files.iter().map(|file| name_of(root, file)).collect();
    let suites = names.iter().filter_map(|name| name.rsplit_once('/').map(|(suite, _)| suite));
    let found = path.to_string_lossy();
    let near = suggest(&found, names.iter().map(String::as_str).chain(suites));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    SelectError::Missing { path, hint, root: root.to_owned() }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), SelectError> {
    let io = |source| SelectError::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A link to a folder is not followed: it may lead back.
        let is_folder = entry.file_type().map_err(io)?.is_dir();
        // A folder with a project's own file is another project, as each of the examples is.
        let is_project = is_folder && path.join("counterpart.toml").is_file();
        if is_folder && !is_project && !matches!(name.as_str(), "snapshots" | "src" | "tests") {
            collect(&path, files)?;
        } else if path.is_file() && name.ends_with(".yaml") && name != "catalogue.yaml" {
            files.push(path);
        }
    }
    Ok(())
}

fn name_of(root: &Path, path: &Path) -> String {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (root, path) = (canonical(root), canonical(path));
    let relative = path.strip_prefix(&root).unwrap_or_else(|_| {
        let tail = path.parent().and_then(Path::parent);
        tail.and_then(|tail| path.strip_prefix(tail).ok()).unwrap_or(&path)
    });
    relative.with_extension("").to_string_lossy().replace('\\', "/")
}

fn fits(filter: &str, name: &str) -> bool {
    filter.split_whitespace().all(|word| match word.strip_prefix('!') {
        Some(word) => !name.contains(word),
        None => name.contains(word),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_found_named_and_filtered() {
        let root = tempfile::tempdir().unwrap();
        for file in
            ["catalogue.yaml", "a/one.yaml", "a/two.yaml", "a/snapshots/x.yaml", "b/three.yaml", "a/note.md"]
                .into_iter()
                // Another project.
                .chain(["examples/node/counterpart.toml", "examples/node/scenarios/four.yaml"])
        {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |selection: &Selection| -> Vec<String> {
            select(root.path(), selection).unwrap().into_iter().map(|one| one.name).collect()
        };
        assert_eq!(names(&Selection::default()), ["a/one", "a/two", "b/three"]);
        assert_eq!(names(&Selection { filter: Some("a/ !two".into()), ..Selection::default() }), ["a/one"]);
        assert_eq!(names(&Selection { paths: vec![root.path().join("b")], filter: None }), ["b/three"]);
        let rows = Selection { filter: Some("two[x !one[z".into()), ..Selection::default() };
        assert_eq!(names(&rows), ["a/two"], "its rows are known only once it is read");
        assert_eq!(["a/two[x]", "a/two[y]"].map(|name| rows.takes(name)), [true, false]);
        let named = |name: &str| names(&Selection { paths: vec![name.into()], filter: None });
        assert_eq!(
            (named("a"), named("b/three")),
            (vec!["a/one".into(), "a/two".into()], vec!["b/three".into()])
        );
        assert_eq!(named("a/two[x]"), ["a/two"], "its rows are known only once it is read");
        let rows =
            |paths: &[&str]| Selection { paths: paths.iter().map(PathBuf::from).collect(), filter: None };
        let taken = |paths: &[&str]| {
            ["a/one[x]", "a/two[x]", "a/two[y]", "b/three"].map(|name| rows(paths).takes(name))
        };
        assert_eq!(taken(&["a/two[x]", "a/one", "b"]), [true, true, false, true]);
        assert_eq!(taken(&["a/two[x]", "a/two"]), [true; 4]);
        assert_eq!(taken(&[]), [true; 4]);
        let refused = |name: &str| {
            let selection = Selection { paths: vec![name.into()], filter: None };
            select(root.path(), &selection).unwrap_err().to_string()
        };
        assert!(refused("nowhere").ends_with(&root.path().display().to_string()), "{}", refused("nowhere"));
        assert!(refused("b/tree").ends_with("did you mean `b/three`?"), "{}", refused("b/tree"));
    }
}
