//! A subject's own folder: its data, kept over its restarts, and beside them what only counterpart writes.

use crate::launch::LaunchError;
use crate::template::Variables;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that is removed at the end.
pub(crate) struct Folder {
    whole: TempDir,
    data: PathBuf,
}

impl Folder {
    /// A fresh one. `data` gets its value, and `ca_file` where there is an authority: programs take its certificate as a
    /// file, most of them.
    pub(crate) fn new(variables: &mut Variables) -> Result<Self, LaunchError> {
        // In memory where the system has such a folder: a subject that waits for a busy disk at each commit is slow for no
        // reason that a scenario is about.
        let mut builder = tempfile::Builder::new();
        builder.prefix("counterpart-subject-");
        let made = builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir());
        let whole = made.map_err(|error| LaunchError(format!("no data folder can be made: {error}")))?;
        let data = whole.path().join("data");
        std::fs::create_dir(&data).map_err(|error| LaunchError(format!("{}: {error}", data.display())))?;
        variables.set("data", &data.to_string_lossy());
        if let Some(pem) = variables.get("ca_pem").map(str::to_owned) {
            let path = whole.path().join("authority.pem");
            std::fs::write(&path, pem)
                .map_err(|error| LaunchError(format!("{}: {error}", path.display())))?;
            variables.set("ca_file", &path.to_string_lossy());
        }
        Ok(Self { whole, data })
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A file that is none of the subject's data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.whole.path().join(name)
    }
}
