//! `counterpart run`: what is printed, what is written, and the exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod support;

use counterpart_outcome::{canonical, read_run};
use support::{GOOD, Project, repository};

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
    assert_eq!(shown.code, 6, "without a terminal nothing is decided");
    assert!(shown.out.contains("+ 0s GET /_matrix/client/v3/directory/room/"), "{}", shown.out);
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
