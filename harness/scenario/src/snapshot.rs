//! Snapshot files, in the format of insta's `.snap`, so that `cargo insta review` reads them too.
//!
//! A snapshot that differs from the committed one is written beside it as `.snap.new`, for somebody to
//! accept or reject. Format: <https://insta.rs/docs/snapshot-files/>.

use counterpart_exchange::write_atomically;
use std::io;
use std::path::{Path, PathBuf};

/// What becomes of a snapshot that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    /// It is written beside the committed one for review.
    WritePending,
    /// It is reported only: in CI nobody reviews.
    ReportOnly,
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotText {
    /// The file that asks for it.
    pub source: String,
    /// What it is of.
    pub expression: String,
    /// The content, without a newline at the end.
    pub content: String,
}

impl SnapshotText {
    /// Where the snapshot of a scenario is kept: `snapshots/<case>@<what>.snap` beside it.
    #[must_use]
    pub fn path(scenario: &Path, what: &str) -> PathBuf {
        let case = scenario.file_stem().unwrap_or_default().to_string_lossy();
        scenario.with_file_name("snapshots").join(format!("{case}@{what}.snap"))
    }

    /// The file's text.
    #[must_use]
    pub fn to_file(&self) -> String {
        // As the YAML library spells a text, quotes only where they are needed: so does cargo-insta.
        let quoted = |text: &str| {
            let one_line = serde_saphyr::ser_options! { prefer_block_scalars: false };
            serde_saphyr::to_string_with_options(&text, one_line)
                .map_or_else(|_| format!("{text:?}"), |yaml| yaml.trim_end().to_owned())
        };
        format!(
            "---\nsource: {}\nexpression: {}\n---\n{}\n",
            quoted(&self.source),
            quoted(&self.expression),
            self.content
        )
    }

    /// The content of a file's text; a head that is not ours is skipped as one.
    #[must_use]
    pub fn content_of(file: &str) -> &str {
        let body = file
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .map_or(file, |(_, body)| body);
        body.strip_suffix('\n').unwrap_or(body)
    }
}

/// Compares with the committed snapshot; the file to review where it differs.
pub(crate) fn compare(path: &Path, text: &SnapshotText, mode: SnapshotMode) -> io::Result<Option<String>> {
    let pending = pending_path(path);
    let committed = match std::fs::read_to_string(path) {
        Ok(file) => Some(file.replace("\r\n", "\n")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if committed.is_some_and(|file| SnapshotText::content_of(&file) == text.content) {
        if mode == SnapshotMode::WritePending && pending.exists() {
            std::fs::remove_file(&pending)?;
        }
        return Ok(None);
    }
    if mode == SnapshotMode::WritePending {
        write_atomically(&pending, text.to_file().as_bytes())?;
    }
    Ok(Some(pending.display().to_string()))
}

fn pending_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot_files::pending_snapshots;

    #[test]
    fn the_head_is_spelled_as_cargo_insta_spells_it() {
        let head = |source: &str| {
            let text = SnapshotText {
                source: source.into(),
                expression: "requests".into(),
                content: "x\n---\ny".into(),
            };
            assert_eq!(SnapshotText::content_of(&text.to_file()), text.content);
            text.to_file().lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(head("scenarios/a.yaml"), "source: scenarios/a.yaml");
        assert_eq!(head("a: b.yaml"), "source: \"a: b.yaml\"");
        let long = format!("/{}/a b.yaml", "x".repeat(200));
        assert_eq!(head(&long), format!("source: {long}"));
    }

    #[test]
    fn a_changed_snapshot_waits_for_review_and_an_equal_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshots/a@destination.snap");
        let text = |content: &str| SnapshotText {
            source: "a.yaml".into(),
            expression: "destination".into(),
            content: content.into(),
        };
        assert!(compare(&path, &text("one\ntwo"), SnapshotMode::ReportOnly).unwrap().is_some());
        assert!(pending_snapshots(folder.path()).unwrap().is_empty(), "nothing is written in CI");
        assert!(compare(&path, &text("one\ntwo"), SnapshotMode::WritePending).unwrap().is_some());
        let [pending] = &pending_snapshots(folder.path()).unwrap()[..] else { panic!("one is pending") };
        assert_eq!(pending.committed, path);
        pending.accept().unwrap();
        assert!(compare(&path, &text("one\ntwo"), SnapshotMode::WritePending).unwrap().is_none());
        assert!(compare(&path, &text("one\n2"), SnapshotMode::WritePending).unwrap().is_some());
        assert!(compare(&path, &text("one\ntwo"), SnapshotMode::WritePending).unwrap().is_none());
        assert!(
            pending_snapshots(folder.path()).unwrap().is_empty(),
            "a pending file that is no longer true goes"
        );
    }
}
