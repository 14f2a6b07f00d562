//! A project in a folder of its own, and the `counterpart` binary run in it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A subject that is asked once has one row.
pub(crate) const ONE_ROW: &str = r"counterpart: scenario/1
title: One request brings one row
covers: []
fixtures: [matrix/room-history]
steps:
  - trigger: {sync: {}}
  - settle: {}
expect:
  - destination: {count: 1}
allow:
  unused: one request is enough here
";

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A scenario that passes.
pub(crate) const GOOD: &str = r##"counterpart: scenario/1
title: A good one
covers: [pattern/scheduled-import]
fixtures: [matrix/room-history]
steps:
  - trigger: {sync: {room: "#history:test.local"}}
  - settle: {}
expect:
  - destination: {count: 72}
"##;

/// A project whose fixtures are the repository's, unless others are written.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.configure("");
        let catalogue = std::fs::read_to_string(repository().join("scenarios/catalogue.yaml")).unwrap();
        project.write("scenarios/catalogue.yaml", &catalogue);
        project
    }

    /// Its configuration: the repository's fixtures, and what stands in this text.
    pub(crate) fn configure(&self, text: &str) {
        let fixtures = repository().join("fixtures");
        let head = format!("counterpart = \"config/1\"\nfixtures = {fixtures:?}\n");
        self.write("counterpart.toml", &(head + text));
    }

    /// The bundled runtime as anybody would describe their connector, called `mine`, with its launch.
    pub(crate) fn describe_the_runtime(&self, launch: &str, clock: &str) {
        let reference = repository().join("harness/reference-subject/src/reference.toml");
        let text = std::fs::read_to_string(reference).unwrap();
        let (_, rest) = text.split_once("health =").unwrap();
        let rest = rest.replace("\n[", "\n[subject.mine.");
        self.configure(&format!("[subject.mine]\nlaunch = {launch}\nclock = \"{clock}\"\nhealth ={rest}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The processes that its subject left, by the mark in their environment: `TEST_MARK` is the project's folder.
    pub(crate) fn processes_left(&self) -> Vec<String> {
        let mark = format!("TEST_MARK={}", self.path("").display());
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let folder = entry.ok()?.path();
                let environment = std::fs::read(folder.join("environ")).ok()?;
                let is_ours =
                    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
                is_ours.then(|| std::fs::read_to_string(folder.join("cmdline")).unwrap_or_default())
            })
            .collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterpart"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("CI").env("NO_COLOR", "1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// Starts a command that runs until it is told to stop; its first line is read.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Self::started(self.command(arguments))
    }

    /// The same, with so many files that it may have open at once.
    pub(crate) fn start_with_files(&self, files: usize, arguments: &[&str]) -> Running {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -Sn {files} && exec \"$0\" \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_counterpart")]).args(arguments);
        command.current_dir(self.folder.path()).env("NO_COLOR", "1");
        Self::started(command)
    }

    /// Starts a command of the test's own making; its first line is read.
    pub(crate) fn started(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        // A pipe that nobody reads fills up and stops the writer.
        let err = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text).unwrap_or_default()
        });
        let mut first_line = String::new();
        out.read_line(&mut first_line).unwrap();
        Running { child, out, err: Some(err), first_line }
    }
}

/// A command that runs. It is ended when this is dropped.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    err: Option<JoinHandle<String>>,
    pub(crate) first_line: String,
}

impl Running {
    /// The first address in its first line, without the scheme.
    pub(crate) fn address(&self) -> String {
        let line = &self.first_line;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("{line}"));
        url.trim_start_matches("http://").to_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Further lines of what it prints, up to one that begins so.
    pub(crate) fn lines_until(&mut self, beginning: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended after {lines:?}");
            lines.push(line.trim_end().to_owned());
            if line.starts_with(beginning) {
                return lines;
            }
        }
    }

    /// Asks it to stop, as a service manager does, and waits.
    pub(crate) fn terminate(mut self) -> Ran {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> Ran {
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        let err = self.err.take().unwrap().join().unwrap();
        Ran { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}
