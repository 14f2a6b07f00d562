//! Shifted dates by libfaketime (<https://github.com/wolfcw/libfaketime>): the program sees another date, its waits are real.

use super::filled::Surroundings;
use super::folder::Folder;
use crate::clock::real_now;
use crate::launch::LaunchError;
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::PathBuf;

/// The dates of one subject.
pub(crate) struct Faketime {
    library: PathBuf,
    /// Read by the library whenever the program asks what time it is.
    file: PathBuf,
}

impl Faketime {
    pub(crate) fn new(surroundings: &Surroundings, folder: &Folder) -> Result<Self, LaunchError> {
        let library = surroundings.faketime.clone().ok_or_else(|| {
            LaunchError(
                "clock = \"faketime\" needs the library libfaketime, which is not where it usually is; install it (on \
                 Debian and Ubuntu: apt-get install libfaketime; on macOS: brew install libfaketime), or say with the \
                 environment variable COUNTERPART_FAKETIME_LIB where it is"
                    .to_owned(),
            )
        })?;
        Ok(Self { library, file: folder.beside("faketime") })
    }

    /// The date that the program sees from now on, running on in real time.
    pub(crate) fn set(&self, now: Timestamp) -> Result<(), LaunchError> {
        let seconds = now.duration_since(real_now()).as_secs_f64();
        let aside = self.file.with_extension("new");
        let written = std::fs::write(&aside, format!("{seconds:+.6}\n"));
        // In one step: the library may look in between.
        let written = written.and_then(|()| std::fs::rename(&aside, &self.file));
        written.map_err(|error| LaunchError(format!("{}: {error}", self.file.display())))
    }

    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let preload = if cfg!(target_os = "macos") { "DYLD_INSERT_LIBRARIES" } else { "LD_PRELOAD" };
        vec![
            (preload.into(), self.library.clone().into_os_string()),
            ("FAKETIME_TIMESTAMP_FILE".into(), self.file.clone().into_os_string()),
            ("FAKETIME_NO_CACHE".into(), "1".into()),
        ]
    }
}
