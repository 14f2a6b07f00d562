//! Whether what a command is to write can be written: looked at before anything starts, so that no work is done in vain.

use crate::exit::Stop;
use anyhow::anyhow;
use std::path::{Path, PathBuf};

/// Where something is to be written, and the option that says so.
pub(in crate::commands) struct Target {
    /// As it is told: `--out DIR`.
    pub(in crate::commands) option: String,
    pub(in crate::commands) path: PathBuf,
}

impl Target {
    /// Whether files can be written in this folder, which need not be there yet.
    pub(in crate::commands) fn check_folder(&self) -> Result<(), Stop> {
        // What is not there yet will stand in the nearest folder that is.
        let is_there = |path: &&Path| path.symlink_metadata().is_ok();
        let nearest = self.path.ancestors().map(or_here).find(is_there).unwrap_or(Path::new("."));
        if !nearest.is_dir() {
            return Err(Stop::environment(anyhow!(
                "{}: {} is no folder, and reports can be written in a folder alone; name another one",
                self.option,
                nearest.display()
            )));
        }
        let tried = tempfile::Builder::new().prefix(".counterpart-").tempfile_in(nearest);
        let problem = |error: std::io::Error| {
            let why = without_path(&error);
            Stop::environment(anyhow!(
                "{}: nothing can be written in {}: {why}; let it be written to, or name another folder",
                self.option,
                nearest.display()
            ))
        };
        tried.map(drop).map_err(problem)
    }

    /// Whether this file can be written.
    pub(in crate::commands) fn check_file(&self) -> Result<(), Stop> {
        if self.path.is_dir() {
            return Err(Stop::environment(anyhow!(
                "{}: {} is a folder, and a file is to be written there; name a file",
                self.option,
                self.path.display()
            )));
        }
        let folder = or_here(self.path.parent().unwrap_or(Path::new("."))).to_owned();
        Self { option: self.option.clone(), path: folder }.check_folder()
    }
}

/// A path without any folder in it is in this one.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// What the system said, without the name of a file that was tried.
fn without_path(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((why, _)) => why.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &Path) -> Target {
        Target { option: "--out X".to_owned(), path: path.to_owned() }
    }

    fn told(checked: Result<(), Stop>) -> String {
        checked.unwrap_err().error.to_string()
    }

    #[test]
    fn what_cannot_be_written_is_told_with_its_option() {
        let folder = tempfile::tempdir().unwrap();
        let (file, within) = (folder.path().join("a-file"), folder.path().join("new/newer"));
        std::fs::write(&file, "").unwrap();
        assert!(target(&within).check_folder().is_ok());
        assert!(target(&within.join("report.html")).check_file().is_ok());
        assert!(target(&file).check_file().is_ok(), "it is written anew");
        assert!(!folder.path().join("new").exists(), "looking leaves nothing behind");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        for (told, ending) in [
            (told(target(&file).check_folder()), "a-file is no folder"),
            (told(target(&file.join("below")).check_folder()), "a-file is no folder"),
            (told(target(folder.path()).check_file()), "is a folder, and a file is to be written there"),
        ] {
            assert!(told.starts_with("--out X: ") && told.contains(ending), "{told}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_nobody_may_write_the_folder_is_named() {
        let told = told(target(Path::new("/proc/found")).check_folder());
        assert!(told.starts_with("--out X: nothing can be written in /proc: "), "{told}");
    }
}
