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
    /// Whether the filter takes a scenario of this name, the row of a table in brackets behind it.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| fits(filter, name))
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
    /// The rows of its table that were named; all of them where none was.
    pub rows: Vec<String>,
}

impl Selected {
    /// Whether a scenario of the file is taken, by its name with the row behind it.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.rows.is_empty()
            || row_of(name).is_some_and(|(_, row)| self.rows.iter().any(|named| named == row))
    }

    /// Whether each row that was named is one of its table, given the names of all scenarios of the file.
    ///
    /// # Errors
    /// [`SelectError::NoRow`].
    pub fn check_rows<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), SelectError> {
        let known = names.filter_map(|name| row_of(name).map(|(_, row)| row));
        match self.rows.iter().find(|row| !known.clone().any(|known| known == row.as_str())) {
            None => Ok(()),
            Some(row) => {
                let hint = suggest(row, known.clone()).map_or_else(
                    || crate::file::problem::listed(known.clone()),
                    |near| format!("did you mean `{}[{near}]`?", self.name),
                );
                Err(SelectError::NoRow { name: self.name.clone(), row: row.clone(), hint })
            }
        }
    }
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
    /// A table without this row.
    #[error("{name}[{row}]: the table of {name} has no row `{row}`; {hint}")]
    NoRow {
        /// The scenario's.
        name: String,
        /// What was named.
        row: String,
        /// What may be meant, or what there is.
        hint: String,
    },
    /// A file that would be passed over in silence.
    #[error("{path}: {why}", path = path.display())]
    PassedOver {
        /// The file.
        path: PathBuf,
        /// Why, and how to mend it.
        why: &'static str,
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
    let mut files: Vec<(PathBuf, Option<String>)> = Vec::new();
    let starts = if selection.paths.is_empty() { vec![root.to_owned()] } else { selection.paths.clone() };
    if selection.paths.is_empty() && !root.is_dir() {
        return Err(SelectError::NoFolder { root: root.to_owned() });
    }
    for start in starts {
        let (path, row) = match start.to_str().and_then(row_of) {
            Some((file, row)) if !start.exists() => (PathBuf::from(file), Some(row.to_owned())),
            _ => (start.clone(), None),
        };
        // What a run prints is a name; it may be typed as it was read.
        let named = [root.join(&path), root.join(format!("{}.yaml", path.display()))];
        let found = [&path].into_iter().chain(&named).find(|path| path.exists()).cloned();
        match found {
            // A folder has no rows.
            Some(folder) if folder.is_dir() && row.is_some() => return Err(missing(root, start)),
            Some(folder) if folder.is_dir() => {
                let mut below = Vec::new();
                collect(&folder, &mut below)?;
                files.extend(below.into_iter().map(|file| (file, None)));
            }
            Some(file) => files.push((file, row)),
            None => return Err(missing(root, start)),
        }
    }
    let mut selected: Vec<Selected> = files
        .into_iter()
        .map(|(path, row)| Selected { name: name_of(root, &path), path, rows: row.into_iter().collect() })
        .filter(|scenario| selection.may_take(&scenario.name))
        .collect();
    selected.sort_by(|a, b| a.name.cmp(&b.name));
    selected.dedup_by(|further, first| {
        let is_same = further.name == first.name;
        if is_same && !further.rows.is_empty() && !first.rows.is_empty() {
            first.rows.append(&mut further.rows);
        } else if is_same {
            // One of both is all of it.
            first.rows.clear();
        }
        is_same
    });
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
    let (found, _) = row_of(&found).unwrap_or((&found, ""));
    let found = found.trim_end_matches(".yaml");
    // Its last word alone is what people remember.
    let of_that_case =
        || names.iter().find(|name| name.rsplit('/').next() == Some(found)).map(String::as_str);
    let near = suggest(found, names.iter().map(String::as_str).chain(suites)).or_else(of_that_case);
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
        } else if name == "catalogue.yaml" {
            // It is no scenario.
        } else if name.ends_with(".yaml") {
            if path.is_file() {
                files.push(path);
            } else if !path.exists() {
                let why = "leads to a file that is not there; take the link out, or mend it";
                return Err(SelectError::PassedOver { path, why });
            }
        } else if path.is_file()
            && [".yml", ".yaml"].iter().any(|ending| name.to_lowercase().ends_with(ending))
        {
            let why = "the file of a scenario ends in .yaml, so this one would not be played; rename it";
            return Err(SelectError::PassedOver { path, why });
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
        let rows = |paths: &[&str]| -> Vec<Vec<String>> {
            let paths = paths.iter().map(PathBuf::from).collect();
            let selected = select(root.path(), &Selection { paths, filter: None }).unwrap();
            selected.into_iter().map(|one| one.rows).collect()
        };
        assert_eq!(rows(&["a/two[x]", "b/three", "a/two[y]"]), [vec!["x", "y"], vec![]]);
        assert_eq!(rows(&["a/two[x]", "a"]), [[""; 0]; 2], "all of a folder is all of its files");
        let by_path = format!("{}[x]", root.path().join("a/two.yaml").display());
        assert_eq!(rows(&[&by_path]), [["x"]]);
        let two =
            Selected { name: "a/two".into(), path: "two.yaml".into(), rows: vec!["x".into(), "yy".into()] };
        assert_eq!(["a/two[x]", "a/two[z]", "a/two"].map(|name| two.takes(name)), [true, false, false]);
        assert!(two.check_rows(["a/two[x]", "a/two[yy]"].into_iter()).is_ok());
        let told = |names: &[&'static str]| two.check_rows(names.iter().copied()).unwrap_err().to_string();
        assert!(told(&["a/two[x]", "a/two[yx]"]).ends_with("did you mean `a/two[yx]`?"));
        assert_eq!(told(&["a/two"]), "a/two[x]: the table of a/two has no row `x`; there is none");
        let refused = |name: &str| {
            let selection = Selection { paths: vec![name.into()], filter: None };
            select(root.path(), &selection).unwrap_err().to_string()
        };
        assert!(refused("a[x]").contains("no scenario of that name"), "{}", refused("a[x]"));
        assert!(refused("nowhere").ends_with(&root.path().display().to_string()), "{}", refused("nowhere"));
        for name in ["b/tree", "three", "three[x]"] {
            assert!(refused(name).ends_with("did you mean `b/three`?"), "{}", refused(name));
        }
        for (file, why) in [("a/four.yml", "rename it"), ("a/Five.YAML", "rename it")] {
            std::fs::write(root.path().join(file), "").unwrap();
            let told = select(root.path(), &Selection::default()).unwrap_err().to_string();
            assert!(told.contains(file) && told.ends_with(why), "{told}");
            std::fs::remove_file(root.path().join(file)).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere.yaml", root.path().join("a/link.yaml")).unwrap();
            let told = select(root.path(), &Selection::default()).unwrap_err().to_string();
            assert!(told.contains("a/link.yaml: leads to a file that is not there"), "{told}");
        }
    }
}
