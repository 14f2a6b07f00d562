//! A small disk of its own, in a mount namespace that anybody may make: `unshare -Urm` with a tmpfs in it.
//!
//! A holder process keeps it while runtimes in it come and go.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A disk of so many KiB. It is gone when this is dropped.
pub(crate) struct SmallDisk {
    holder: Child,
    place: TempDir,
}

impl SmallDisk {
    /// None where the system does not let us, with its words.
    pub(crate) fn new(kibibytes: u32) -> Result<Self, String> {
        let place = tempfile::tempdir().unwrap();
        let script = format!("mount -t tmpfs -o size={kibibytes}k small \"$0\" && echo mounted && exec cat");
        let holder = Command::new("unshare")
            .args(["-Urm", "sh", "-c", &script])
            .arg(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut disk = Self { holder, place };
        let mut line = String::new();
        BufReader::new(disk.holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.trim() == "mounted" { Ok(disk) } else { Err(disk.complaint()) }
    }

    fn complaint(&mut self) -> String {
        let _ = self.holder.kill();
        let mut text = String::new();
        if let Some(mut err) = self.holder.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut err, &mut text);
        }
        text.trim().to_owned()
    }

    /// Where it is, for those who are in the namespace.
    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// The words before a program that is to run in the namespace; they become that program.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let holder = self.holder.id().to_string();
        ["nsenter", "--preserve-credentials", "-U", "-m", "-t", &holder, "--"].map(OsString::from).to_vec()
    }

    /// Fills the disk to the last block, or with so many KiB.
    pub(crate) fn put_ballast(&self, kibibytes: Option<u32>) {
        let count = kibibytes.map(|count| format!(" count={count}")).unwrap_or_default();
        // A disk that is full ends dd with an error, which is what was wanted.
        self.shell(&format!("dd if=/dev/zero of=\"$0\" bs=1k{count} 2> /dev/null || true"));
    }

    pub(crate) fn drop_ballast(&self) {
        self.shell("rm \"$0\"");
    }

    fn shell(&self, script: &str) {
        let words = self.words();
        let ballast: PathBuf = self.path().join("ballast");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["sh", "-c", script]).arg(ballast);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
