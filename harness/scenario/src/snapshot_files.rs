//! Snapshots on the disk: those that wait for somebody to look, and those that no scenario asks for any more.

use crate::file::Expectation;
use crate::file::rows::{Row, rows};
use crate::snapshot::SnapshotText;
use crate::suite::{SelectError, Selection, select};
use counterpart_exchange::{DocumentError, read_text, write_atomically};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Snapshots that cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFilesError {
    /// No scenarios.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A scenario that cannot be read may ask for any snapshot.
    #[error("{0}; until it can be read, nobody knows which snapshots it asks for")]
    Scenario(#[from] DocumentError),
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A snapshot that differs from the committed one, or is new.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingSnapshot {
    /// The committed file; where the snapshot is new, there is none yet.
    pub committed: PathBuf,
    /// The file beside it.
    pub new: PathBuf,
}

impl PendingSnapshot {
    fn of(new: &Path) -> Option<Self> {
        let committed =
            new.to_str()?.strip_suffix(".new").filter(|committed| committed.ends_with(".snap"))?;
        Some(Self { committed: PathBuf::from(committed), new: new.to_owned() })
    }

    /// The file of the scenario that it is of: `a.yaml` for `snapshots/a@requests.snap`. Whether there is one is another
    /// question: insta keeps snapshots of all kinds.
    #[must_use]
    pub fn scenario(&self) -> Option<PathBuf> {
        let (case, _) = self.committed.file_name()?.to_str()?.rsplit_once('@')?;
        let (case, _) = case.split_once('[').unwrap_or((case, ""));
        Some(self.committed.parent()?.parent()?.join(format!("{case}.yaml")))
    }

    /// The title of its scenario, where there is one that can be read.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let path = self.scenario()?;
        let is_of = |row: &Row| {
            let named = row.snapshot_path(&path);
            self.committed.file_name().and_then(|name| name.to_str()?.rsplit_once('@')).map(|(case, _)| case)
                == named.file_stem().and_then(|stem| stem.to_str())
        };
        rows_of(&path).ok()?.into_iter().find(is_of).map(|row| row.file.title)
    }

    /// Puts it in the place of the committed one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn accept(&self) -> io::Result<()> {
        let text = std::fs::read_to_string(&self.new)?;
        write_atomically(&self.committed, without_line_number(&text).as_bytes())?;
        std::fs::remove_file(&self.new)
    }

    /// Takes it away; the committed one stays.
    ///
    /// # Errors
    /// What the file system says.
    pub fn reject(&self) -> io::Result<()> {
        std::fs::remove_file(&self.new)
    }
}

/// Insta notes in a pending file, and in no other, on which line of the source it was asked for.
fn without_line_number(text: &str) -> String {
    let Some((head, body)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) else {
        return text.to_owned();
    };
    let kept: Vec<&str> = head.lines().filter(|line| !line.starts_with("assertion_line:")).collect();
    format!("---\n{}\n---\n{body}", kept.join("\n"))
}

/// All snapshots under a folder that wait for review, sorted; the one itself where a file is given.
///
/// # Errors
/// [`SnapshotFilesError::Io`].
pub fn pending_snapshots(place: &Path) -> Result<Vec<PendingSnapshot>, SnapshotFilesError> {
    if place.is_file() {
        return Ok(PendingSnapshot::of(place).into_iter().collect());
    }
    let mut found = Vec::new();
    walk(place, &|_| true, &mut |path| found.extend(PendingSnapshot::of(path)))?;
    found.sort();
    Ok(found)
}

fn rows_of(path: &Path) -> Result<Vec<Row>, DocumentError> {
    rows(path, &read_text(path)?).map_err(|problems| {
        problems.into_iter().next().unwrap_or_else(|| DocumentError::whole(path, "cannot be read"))
    })
}

/// Snapshots under a folder of scenarios that none of these asks for, pending ones too, sorted.
///
/// # Errors
/// [`SnapshotFilesError`], also where a scenario cannot be read.
pub fn unreferenced_snapshots(scenarios: &Path) -> Result<Vec<PathBuf>, SnapshotFilesError> {
    let mut asked_for = BTreeSet::new();
    for selected in select(scenarios, &Selection::default())? {
        for row in rows_of(&selected.path)? {
            let path = row.snapshot_path(&selected.path);
            for expectation in &row.file.expect {
                if let Expectation::Snapshot { of, .. } = &expectation.value {
                    asked_for.extend(of.iter().map(|what| SnapshotText::path(&path, what.word())));
                }
            }
        }
    }
    let mut found = Vec::new();
    // Sources and tests of a crate around the scenarios have snapshots of their own.
    let is_ours =
        |folder: &Path| !matches!(folder.file_name().and_then(|name| name.to_str()), Some("src" | "tests"));
    walk(scenarios, &is_ours, &mut |path| {
        let in_snapshots = path.parent().and_then(Path::file_name).is_some_and(|name| name == "snapshots");
        let Some(name) = path.to_str().filter(|_| in_snapshots) else { return };
        let committed = name.strip_suffix(".new").unwrap_or(name);
        if committed.ends_with(".snap") && !asked_for.contains(Path::new(committed)) {
            found.push(path.to_owned());
        }
    })?;
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    enters: &dyn Fn(&Path) -> bool,
    see: &mut dyn FnMut(&Path),
) -> Result<(), SnapshotFilesError> {
    let io = |source| SnapshotFilesError::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        // A link to a folder is not followed: it may lead back.
        if entry.file_type().map_err(io)?.is_dir() {
            let is_built = path.join("CACHEDIR.TAG").exists();
            if !is_built && enters(&path) {
                walk(&path, enters, see)?;
            }
        } else {
            see(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = "counterpart: scenario/1\ntitle: T\ncovers: []\nfixtures: [p/f]\nsteps: []\nexpect: [{snapshot: {of: [requests]}}]\n";

    fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_waits_is_found_accepted_and_rejected() {
        let folder = folder_of(&[
            ("s/a.yaml", SCENARIO),
            (
                "s/snapshots/a@requests.snap.new",
                "---\nsource: x\nassertion_line: 7\nexpression: y\n---\nnew\n",
            ),
            ("s/snapshots/a@audit.snap.new", "x"),
            ("s/snapshots/a@audit.snap", "old"),
            ("s/.new", ""),
        ]);
        let pending = pending_snapshots(folder.path()).unwrap();
        let [audit, requests] = &pending[..] else { panic!("{pending:?}") };
        assert_eq!(requests.scenario(), Some(folder.path().join("s/a.yaml")));
        assert_eq!(requests.title().as_deref(), Some("T"));
        requests.accept().unwrap();
        audit.reject().unwrap();
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(text(&requests.committed), "---\nsource: x\nexpression: y\n---\nnew\n");
        assert_eq!(text(&audit.committed), "old");
        assert_eq!(pending_snapshots(folder.path()).unwrap(), []);
    }

    #[test]
    fn a_snapshot_that_no_scenario_asks_for_is_told() {
        let folder = folder_of(&[
            ("s/a.yaml", SCENARIO),
            ("s/snapshots/a@requests.snap", ""),
            ("s/snapshots/a@requests.snap.new", ""),
            ("s/snapshots/a@audit.snap", ""),
            ("s/snapshots/gone@requests.snap.new", ""),
            ("s/snapshots/note.md", ""),
            ("tests/snapshots/of_tests.snap", ""),
        ]);
        let names = |found: Vec<PathBuf>| -> Vec<String> {
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        let found = unreferenced_snapshots(folder.path()).unwrap();
        assert_eq!(names(found), ["a@audit.snap", "gone@requests.snap.new"]);
        std::fs::write(folder.path().join("s/b.yaml"), "counterpart: scenario/1\nfoo: 1\n").unwrap();
        let error = unreferenced_snapshots(folder.path()).unwrap_err().to_string();
        assert!(error.contains("b.yaml:") && error.ends_with("which snapshots it asks for"), "{error}");
    }
}
