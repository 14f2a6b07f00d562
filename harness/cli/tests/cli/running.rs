//! `counterpart run`: what is printed, what is written, and the exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, repository};
use counterpart_outcome::{canonical, read_run};
use std::io::Write;
use std::process::Stdio;

fn project() -> Project {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    project
}

#[test]
fn a_run_that_passes_writes_its_reports() {
    let project = project();
    let ran = project.run(&["run", "--report", "markdown=out/report.md"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("passed   s/good ("), "{}", ran.out);
    assert!(ran.out.contains("GO: "), "{}", ran.out);
    let run = read_run(&project.path("target/counterpart/latest/run.json")).unwrap();
    assert_eq!(run.totals().passed, 1);
    for (file, expected) in [
        ("target/counterpart/latest/junit.xml", "<testsuites"),
        ("target/counterpart/latest/report.html", "<!doctype html>"),
        ("out/report.md", "GO"),
    ] {
        let text = std::fs::read_to_string(project.path(file)).unwrap();
        assert!(text.to_lowercase().contains(&expected.to_lowercase()), "{file}");
    }
}

#[test]
fn a_run_that_fails_says_where_and_why() {
    let project = project();
    project.write("scenarios/s/good.yaml", &GOOD.replace("count: 72", "count: 73"));
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 1);
    for expected in ["scenarios/s/good.yaml:9:", "expected: 73", "actual:   72", "NO-GO"] {
        assert!(ran.out.contains(expected), "{expected:?} is not in {}", ran.out);
    }
}

#[test]
fn quiet_says_nothing_where_nothing_is_wrong() {
    let ran = project().run(&["run", "--quiet"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[test]
fn json_is_json_and_nothing_else() {
    let project = project();
    let ran = project.run(&["run", "--format", "json"]);
    let run: counterpart_outcome::Run = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, run.scenarios.len()), (0, 1));
    let listed: serde_json::Value =
        serde_json::from_str(&project.run(&["run", "--list", "--format", "json"]).out).unwrap();
    assert_eq!(listed[0]["name"], "s/good");
    assert_eq!(project.run(&["run", "--list"]).out, "s/good  A good one\n");
}

#[test]
fn a_failure_in_quarantine_is_shown_and_is_no_go_ahead() {
    let project = project();
    let wrong = GOOD.replace("count: 72", "count: 73");
    let known = |until: &str| {
        format!("{wrong}quarantine: {{reason: The room grew, owner: data team, until: {until}}}\n")
    };
    project.write("scenarios/s/known.yaml", &known("2999-12-31"));
    let ran = project.run(&["run", "--report", "markdown=out/report.md"]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    for expected in
        ["quarantined  s/known", "INCONCLUSIVE", "quarantined until 2999-12-31 (data team): The room grew"]
    {
        assert!(ran.out.contains(expected), "{expected:?} is not in {}", ran.out);
    }
    for file in
        ["target/counterpart/latest/junit.xml", "target/counterpart/latest/report.html", "out/report.md"]
    {
        let text = std::fs::read_to_string(project.path(file)).unwrap();
        assert!(text.contains("The room grew") && text.to_lowercase().contains("quarantined"), "{file}");
    }
    project.write("scenarios/s/known.yaml", &known("2020-01-01"));
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 1, "its time is over: {}", ran.out);
    assert!(ran.out.contains("its quarantine ended on 2020-01-01"), "{}", ran.out);
}

#[test]
fn rows_of_a_table_are_listed_and_chosen_by_name() {
    let project = project();
    let rows = GOOD.replace("#history:test.local", "{room}").replace("count: 72", "count: '{count}'");
    let table = "cases:\n  right: {room: '#history:test.local', count: 72}\n  wrong: {room: '#history:test.local', count: 71}\n";
    project.write("scenarios/s/rows.yaml", &format!("{rows}{table}"));
    let listed = project.run(&["run", "--list"]).out;
    assert!(listed.contains("s/rows[right]") && listed.contains("s/rows[wrong]"), "{listed}");
    assert_eq!(project.run(&["run", "--filter", "rows[right]"]).code, 0);
    assert_eq!(project.run(&["run", "--filter", "rows[wrong]"]).code, 1);
}

#[test]
fn nothing_selected_has_its_own_code() {
    let ran = project().run(&["run", "--filter", "no-such-scenario"]);
    assert_eq!(ran.code, 4, "{}", ran.err);
}

#[test]
fn colours_are_used_when_asked_for_and_never_beside_a_terminal() {
    let project = project();
    let coloured = project.command(&["run", "--color", "always"]).env_remove("NO_COLOR").output().unwrap();
    assert!(String::from_utf8_lossy(&coloured.stdout).contains('\u{1b}'));
    let piped = project.command(&["run"]).env_remove("NO_COLOR").output().unwrap();
    assert!(!String::from_utf8_lossy(&piped.stdout).contains('\u{1b}'));
}

#[test]
fn the_same_seed_gives_the_same_canonical_run() {
    let project = Project::new();
    let suite = repository().join("scenarios/chat-import");
    let run = |out: &str, seed: &str| {
        let ran =
            project.run(&["run", suite.to_str().unwrap(), "--out", out, "--seed", seed, "--filter", "r"]);
        assert_eq!(ran.code, 0, "{}", ran.out);
        canonical(&read_run(&project.path(out).join("run.json")).unwrap())
    };
    let first = run("first", "7");
    assert_eq!(first, run("second", "7"));
    assert_ne!(first, run("third", "8"), "the seed decides the jitter");
}

#[test]
fn a_snapshot_is_reviewed() {
    let project = project();
    project.write("scenarios/s/good.yaml", &format!("{GOOD}  - snapshot: {{of: [requests]}}\n"));
    let snapshot = project.path("scenarios/s/snapshots/good@requests.snap");
    let pending = project.path("scenarios/s/snapshots/good@requests.snap.new");
    assert_eq!(project.run(&["run"]).code, 6, "a new snapshot waits for review");
    assert!(pending.exists() && !snapshot.exists());
    let shown = project.run(&["review"]);
    assert_eq!(shown.code, 6, "where nobody answers nothing is decided");
    assert!(shown.out.contains("+ 0s GET /_matrix/client/v3/directory/room/"), "{}", shown.out);
    assert!(shown.out.contains("A good one") && shown.out.contains("scenarios/s/good.yaml"), "{}", shown.out);
    assert_eq!(project.run(&["accept"]).code, 0);
    assert!(!pending.exists() && snapshot.exists());
    assert_eq!(project.run(&["run"]).code, 0);

    let changed = std::fs::read_to_string(&snapshot).unwrap().replace("-> 200", "-> 201");
    std::fs::write(&snapshot, &changed).unwrap();
    let in_ci = project.command(&["run"]).env("CI", "true").output().unwrap();
    assert_eq!(in_ci.status.code(), Some(6));
    assert!(!pending.exists(), "in CI nothing is written");
    assert_eq!(project.run(&["run"]).code, 6);
    assert_eq!(project.run(&["reject"]).code, 0);
    assert!(!pending.exists());
    assert_eq!(std::fs::read_to_string(&snapshot).unwrap(), changed);
}

/// A project whose scenario has three new snapshots.
fn with_three_new_snapshots() -> Project {
    let project = project();
    let expect = format!("{GOOD}  - snapshot: {{of: [requests, audit, destination]}}\n");
    project.write("scenarios/s/good.yaml", &expect);
    assert_eq!(project.run(&["run"]).code, 6);
    project
}

/// The names of the files with this ending among the snapshots.
fn snapshots(project: &Project, ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(project.path("scenarios/s/snapshots")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}

fn reviewed(project: &Project, answers: &str) -> (i32, String) {
    let mut child = project.command(&["review"]);
    let mut child =
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn each_snapshot_is_decided_about_by_a_line() {
    let project = with_three_new_snapshots();
    // Sorted: audit, destination, requests.
    assert_eq!(reviewed(&project, "what?\na\nr\ns\n").0, 6);
    assert_eq!(snapshots(&project, ".snap"), ["good@audit"]);
    assert_eq!(snapshots(&project, ".snap.new"), ["good@requests"]);
    assert_eq!(project.run(&["run"]).code, 6);
    let (code, err) = reviewed(&project, "quit\n");
    assert!(code == 6 && err.starts_with("2 snapshots wait still"), "{err}");
    assert_eq!(reviewed(&project, "l\n").0, 0);
    assert_eq!(snapshots(&project, ".snap"), ["good@audit", "good@destination", "good@requests"]);
    assert_eq!(project.run(&["run"]).code, 0);
}

#[test]
fn snapshots_are_settled_by_name_and_by_path() {
    let project = with_three_new_snapshots();
    let wrong = project.run(&["accept", "s/good@requets"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("did you mean `s/good@requests`?"), "{}", wrong.err);
    assert_eq!(project.run(&["accept", "s/good@requests"]).code, 0);
    assert_eq!(project.run(&["reject", "scenarios/s/snapshots/good@audit.snap"]).code, 0);
    assert_eq!(snapshots(&project, ".snap"), ["good@requests"]);
    assert_eq!(snapshots(&project, ".snap.new"), ["good@destination"]);
    assert_eq!(project.run(&["accept", "scenarios/s/good.yaml"]).code, 0);
    assert_eq!(snapshots(&project, ".snap"), ["good@destination", "good@requests"]);
}

#[test]
fn snapshots_that_no_scenario_asks_for_are_told() {
    let project = with_three_new_snapshots();
    assert_eq!(project.run(&["accept"]).code, 0);
    assert_eq!(project.run(&["review", "--unreferenced"]).code, 0);
    project.write("scenarios/s/good.yaml", &format!("{GOOD}  - snapshot: {{of: [requests, audit]}}\n"));
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 0, "that is no matter of the run");
    assert!(
        ran.err.starts_with("1 snapshot is asked for by no scenario (scenarios/s/snapshots/good@dest"),
        "{}",
        ran.err
    );
    let told = project.run(&["review", "--unreferenced"]);
    assert_eq!((told.code, told.out.as_str()), (6, "scenarios/s/snapshots/good@destination.snap\n"));
}

#[test]
fn a_field_that_differs_each_time_is_redacted_and_a_misspelt_one_is_told() {
    let project = project();
    let write = |field: &str| {
        let expect = format!("{GOOD}  - snapshot: {{of: [audit], redact: [{field}]}}\n");
        project.write("scenarios/s/good.yaml", &expect);
    };
    write("attempt");
    assert_eq!(project.run(&["run"]).code, 6);
    let text = std::fs::read_to_string(project.path("scenarios/s/snapshots/good@audit.snap.new")).unwrap();
    assert!(
        text.contains(r#""attempt": "{redacted}""#) && text.contains(r#""tenant": "{tenant}""#),
        "{text}"
    );
    write("atempt");
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("`redact` of a snapshot names `atempt`"), "{}", ran.out);
}
