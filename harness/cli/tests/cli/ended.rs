//! What is told to stop, what runs out of time and what cannot be written loses nothing that was found before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, Ran};
use counterpart_outcome::{Verdict, read_run};
use counterpart_scenario::was_not_run;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server in real time that asks once when it is told to. If that fails it asks for ever, and never comes to rest; or it
/// asks for three seconds, forgets what it was told to do, and rests.
const SERVER: &str = r#"
import json, os, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
url = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
records = []
def ask():
    try:
        records.append({"room": json.load(opener.open(url, timeout=2))["room_id"]})
        return True
    except Exception:
        return False
def work():
    if not ask():
        open("failed", "a").write("once\n")
        if "forgets" in sys.argv:
            for _ in range(30):
                ask()
                records.clear()
                time.sleep(0.1)
            return
        while True:
            ask()
            time.sleep(0.05)
class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = json.dumps({"records": records}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer()
    def do_POST(self):
        threading.Thread(target=work, daemon=True).start()
        self.answer()
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

const ASKS: &str = r"counterpart: scenario/1
title: It asks
covers: []
fixtures: [matrix/room-history]
steps:
  - trigger: {go: {}}
  - settle: {}
expect:
  - requests: {to: resolve_alias, at_least: 1}
allow:
  unused: one request is enough here
  unmatched: it asks again and again
  exhausted: it asks again and again
";

fn project() -> Project {
    let project = Project::new();
    project.write("server.py", SERVER);
    project.configure(
        r#"[subject.server]
clock = "real"
health = "/health"
trigger.go = { call = "POST /go" }
launch.command = { run = ["python3", "server.py", "{port}"], env = { API = "{base_url}" } }
[subject.forgets]
clock = "real"
health = "/health"
trigger.go = { call = "POST /go" }
probe.destination = { get = "/records", records = "/records", key = "room" }
launch.command = { run = ["python3", "server.py", "{port}", "forgets"], env = { API = "{base_url}" } }
"#,
    );
    project.write("scenarios/s/a-asks.yaml", ASKS);
    let fault = "steps:\n".to_owned();
    let faults =
        "faults:\n  - {at: {exchange: resolve_alias-1}, times: 1, inject: {server_error: {status: 500}}}\n";
    project.write("scenarios/s/b-never.yaml", &ASKS.replace(&fault, &format!("{faults}{fault}")));
    project
}

/// Presses Ctrl-C once so many requests of the subject have failed; how it ended, and after how long.
#[expect(
    clippy::disallowed_methods,
    reason = "a process that is to be interrupted is waited for in real time"
)]
fn interrupted(project: &Project, failures: usize, arguments: &[&str]) -> (Ran, Duration) {
    let mut command = project.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let failed = || std::fs::read_to_string(project.path("failed")).unwrap_or_default().lines().count();
    while failed() < failures && began.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let took = told.elapsed();
    assert!(failed() >= failures, "too few requests failed: {}", failed());
    (Ran::of(&output), took)
}

#[test]
fn ctrl_c_ends_the_case_under_way_and_tells_what_was_tried() {
    let project = project();
    let (ran, took) = interrupted(
        &project,
        1,
        &["explore", "scenarios/s/a-asks.yaml", "--subject", "server", "--jobs", "1"],
    );
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(ran.err.contains("told to stop"), "{}", ran.err);
    assert!(ran.out.contains("1 case was under way when it ended"), "{}", ran.out);
    assert!(ran.out.contains("nothing found in "), "{}", ran.out);
}

#[test]
fn ctrl_c_ends_shrinking_and_what_was_found_is_kept() {
    let project = project();
    // The case, the same by itself, and then one with fewer records.
    let arguments = ["explore", "scenarios/s/a-asks.yaml", "--subject", "forgets", "--jobs", "1"];
    let (ran, took) = interrupted(&project, 3, &arguments);
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    assert!(took < Duration::from_millis(2_500), "the last try takes three seconds: {took:?}");
    assert!(ran.out.contains(" is not kept with server_error at resolve_alias"), "{}", ran.out);
    let found = std::fs::read_dir(project.path("scenarios/found")).unwrap().count();
    assert!(found > 0, "{}", ran.out);
}

#[test]
fn no_case_outlives_the_budget_and_those_that_do_not_rest_are_told() {
    let project = project();
    let arguments =
        ["explore", "scenarios/s/a-asks.yaml", "--subject", "server", "--jobs", "1", "--budget", "9s"];
    let ran = project.run(&arguments);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("not judged: case 2: server_error"), "{}", ran.out);
    assert!(ran.out.contains("--subject server --seed 1 --cases 2"), "{}", ran.out);
    let (_, took) = ran.out.split_once(" in ").unwrap();
    let seconds: f64 = took.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds < 16.0, "{}", ran.out);
    assert!(!project.path("scenarios/found").exists());
}

#[test]
fn ctrl_c_keeps_what_was_judged_and_the_rest_is_played_again() {
    let project = project();
    let (ran, took) = interrupted(&project, 1, &["run", "--subject", "server", "--out", "out"]);
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
    assert!(took < Duration::from_secs(4), "{took:?}");
    let run = read_run(&project.path("out/run.json")).unwrap();
    assert_eq!(run.scenarios[0].verdict, Verdict::Passed);
    assert!(was_not_run(&run.scenarios[1]), "{:?}", run.scenarios[1].verdict);
    let again = project.run(&["run", "--subject", "server", "--out", "out", "--rerun-failed", "--list"]);
    assert!(
        again.out.starts_with("s/b-never") && again.out.lines().count() == 1,
        "{}{}",
        again.out,
        again.err
    );
}

#[test]
fn where_reports_cannot_go_is_told_before_anything_is_played() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    project.write("README.md", "not a folder");
    project.write("folder/file", "");
    for (option, value, ending) in [
        ("--out", "README.md", "--out README.md: README.md is no folder"),
        (
            "--report",
            "html=folder",
            "--report html=folder: folder is a folder, and a file is to be written there",
        ),
        ("--report", "ctrf=README.md/a", "--report ctrf=README.md/a: README.md is no folder"),
    ] {
        let ran = project.run(&["run", option, value]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
        assert!(ran.err.contains(ending), "{}", ran.err);
    }
    let ran = project.run(&["explore", "scenarios/s/good.yaml", "--out", "README.md", "--cases", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    assert!(ran.err.contains("--out README.md: README.md is no folder"), "{}", ran.err);
}

#[test]
fn a_verdict_outlives_reports_that_cannot_be_written_in_the_end() {
    let project = Project::new();
    // In the way of the report only once the run has begun: its folder is the report of another format.
    project.write("scenarios/s/good.yaml", &GOOD.replace("72", "73"));
    let ran = project.run(&["run", "--report", "markdown=new,ctrf=new/ctrf.json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("NO-GO") && ran.out.contains("run.json, "), "{}", ran.out);
    assert!(ran.err.contains("--report ctrf=new/ctrf.json: new/ctrf.json is not written: "), "{}", ran.err);
    project.write("scenarios/s/good.yaml", GOOD);
    std::fs::remove_file(project.path("new")).unwrap();
    let ran = project.run(&["run", "--report", "markdown=new,ctrf=new/ctrf.json"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("GO: "), "{}", ran.out);
}

#[test]
fn findings_that_cannot_be_written_are_printed() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let arguments =
        ["explore", "scenarios/s/good.yaml", "--plant", "no_validation", "--cases", "200", "--stop-at-first"];
    let ran = project.run(&arguments);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let found = std::fs::read_dir(project.path("scenarios/found")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&found).unwrap();
    std::fs::remove_file(&found).unwrap();
    std::fs::create_dir(&found).unwrap();
    let ran = project.run(&arguments);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains(&text) && ran.out.contains("could not be written; it is"), "{}", ran.out);
    assert!(ran.err.contains("--out (it is not given): ") && ran.err.contains("found/"), "{}", ran.err);
}
