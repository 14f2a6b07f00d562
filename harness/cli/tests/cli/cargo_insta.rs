//! Snapshots of scenarios beside the real insta: what the one writes, the other reviews.
//!
//! `cargo insta` is taken from `COUNTERPART_CARGO_INSTA` or the PATH (`cargo install cargo-insta`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use crate::support::{GOOD, Project};
use counterpart_scenario::SnapshotText;
use std::path::PathBuf;
use std::process::Command;

/// Where insta is to write, and what, when this program is run anew for it.
const FOLDER: &str = "COUNTERPART_TEST_INSTA_FOLDER";
const CONTENT: &str = "COUNTERPART_TEST_INSTA_CONTENT";

/// A crate around scenarios, as `cargo insta` wants one; two snapshots are new.
fn project() -> Project {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", &format!("{GOOD}  - snapshot: {{of: [requests, audit]}}\n"));
    let manifest = "[package]\nname = \"around\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    project.write("Cargo.toml", manifest);
    project.write("src/lib.rs", "");
    project
}

fn cargo_insta() -> Option<PathBuf> {
    let named = std::env::var_os("COUNTERPART_CARGO_INSTA").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("cargo-insta")).find(|file| file.is_file());
    let program = named.or(found);
    if program.is_none() {
        eprintln!("SKIPPED: cargo-insta is neither in COUNTERPART_CARGO_INSTA nor on the PATH");
    }
    program
}

fn insta(program: &PathBuf, project: &Project, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.arg("insta").args(arguments).current_dir(project.path("")).env_remove("CI").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{err}");
    format!("{}{err}", String::from_utf8_lossy(&output.stdout))
}

#[test]
fn cargo_insta_reviews_what_a_run_wrote() {
    let Some(program) = cargo_insta() else { return };
    let project = project();
    let file = |name: &str| project.path(&format!("scenarios/s/snapshots/good@{name}"));
    assert_eq!(project.run(&["run"]).code, 6);
    let written = std::fs::read_to_string(file("requests.snap.new")).unwrap();
    let listed = insta(&program, &project, &["pending-snapshots", "--as-json"]);
    assert_eq!(
        listed.lines().filter(|line| line.contains("scenarios/s/snapshots/good@")).count(),
        2,
        "{listed}"
    );

    insta(&program, &project, &["accept", "--snapshot", "scenarios/s/snapshots/good@requests.snap"]);
    assert!(!file("requests.snap.new").exists() && file("audit.snap.new").exists());
    assert_eq!(std::fs::read_to_string(file("requests.snap")).unwrap(), written, "to the byte");
    insta(&program, &project, &["reject"]);
    assert!(!file("audit.snap.new").exists() && !file("audit.snap").exists());
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 6);
    assert!(
        ran.err.contains("1 snapshot differs or is new") && ran.err.contains("good@audit.snap.new"),
        "{}",
        ran.err
    );
    insta(&program, &project, &["accept"]);
    assert_eq!(project.run(&["run"]).code, 0, "all of it was accepted");
}

#[test]
fn what_insta_wrote_is_reviewed_here() {
    let project = project();
    let snapshots = project.path("scenarios/s/snapshots");
    let file = |name: &str| snapshots.join(name);
    assert_eq!(project.run(&["run"]).code, 6);
    let content = std::fs::read_to_string(file("good@requests.snap.new")).unwrap();
    assert_eq!(project.run(&["reject"]).code, 0);
    let mut insta = Command::new(std::env::current_exe().unwrap());
    insta.args(["--exact", "cargo_insta::insta_writes_where_it_is_told"]).env(FOLDER, &snapshots);
    insta
        .env(CONTENT, SnapshotText::content_of(&content))
        .env("INSTA_UPDATE", "new")
        .env("INSTA_FORCE_PASS", "1");
    assert!(insta.output().unwrap().status.success());
    let by_insta = std::fs::read_to_string(file("good@requests.snap.new")).unwrap();
    assert!(by_insta.contains("assertion_line: "), "{by_insta}");

    assert_eq!(project.run(&["accept", "s/good@requests"]).code, 0);
    let accepted = std::fs::read_to_string(file("good@requests.snap")).unwrap();
    assert!(!accepted.contains("assertion_line: ") && !file("good@requests.snap.new").exists(), "{accepted}");
    assert_eq!(project.run(&["run"]).code, 6, "that of the audit trail is new");
    assert!(!file("good@requests.snap.new").exists(), "the one that insta wrote is as it must be");
}

/// Insta's own part of the test above: it is run in a process of its own.
#[test]
fn insta_writes_where_it_is_told() {
    let (Some(folder), Ok(content)) = (std::env::var_os(FOLDER), std::env::var(CONTENT)) else { return };
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("good@requests", content));
}
