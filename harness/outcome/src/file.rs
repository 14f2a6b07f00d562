//! The run file: `run.json`, versioned.

use crate::Run;
use std::path::{Path, PathBuf};

/// As large as a run file may be: a run of ten thousand scenarios is smaller.
const MOST_MIB: u64 = 1_024;

/// A run file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFileError {
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Larger than any run is.
    #[error("{path}: is of {found_mib} MiB, and a run file of at most {MOST_MIB} MiB is read; is it one?", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found_mib: u64,
    },
    /// Not a run, or not one that this build reads.
    #[error("{path}:{line}:{column}: {problem}; expected a `run/1` file as `counterpart run` writes it", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found.
        problem: String,
    },
    /// Written by a newer build.
    #[error("{path}: written as {found}, newer than the run/1 that this build reads; use a newer counterpart", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
}

/// Writes a run.
///
/// # Errors
/// [`RunFileError::Io`].
pub fn write_run(path: &Path, run: &Run) -> Result<(), RunFileError> {
    let io = |source| RunFileError::Io { path: path.to_owned(), source };
    let json = serde_json::to_string_pretty(run).map_err(|error| io(std::io::Error::other(error)))?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    // Whole or not at all: whoever stops the run while it writes leaves the file of the last one.
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    std::fs::write(&aside, json + "\n").map_err(io)?;
    std::fs::rename(&aside, path).map_err(io)
}

/// Reads a run.
///
/// # Errors
/// [`RunFileError`].
pub fn read_run(path: &Path) -> Result<Run, RunFileError> {
    #[derive(serde::Deserialize)]
    struct Head {
        counterpart: String,
    }
    let io = |source| RunFileError::Io { path: path.to_owned(), source };
    let found_mib = std::fs::metadata(path).map_err(io)?.len() / (1 << 20);
    if found_mib >= MOST_MIB {
        return Err(RunFileError::TooLarge { path: path.to_owned(), found_mib });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let at = |line, column, problem| RunFileError::Malformed { path: path.to_owned(), line, column, problem };
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let lines: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
        let column = lines.last().map_or(1, |last| last.len() + 1);
        at(lines.len(), column, "a byte that is no text".to_owned())
    })?;
    let malformed = |error: &serde_json::Error| {
        let told = error.to_string();
        let problem = told.split(" at line ").next().unwrap_or(&told).to_owned();
        // An empty file has no first line.
        at(error.line().max(1), error.column().max(1), problem)
    };
    let head: Head = serde_json::from_str(&text).map_err(|error| malformed(&error))?;
    let version = head.counterpart.strip_prefix("run/").and_then(|number| number.parse::<u32>().ok());
    match version {
        Some(1) => serde_json::from_str(&text).map_err(|error| malformed(&error)),
        Some(_) => Err(RunFileError::Newer { path: path.to_owned(), found: head.counterpart }),
        None => Err(at(1, 1, format!("this is {:?}", head.counterpart))),
    }
}
