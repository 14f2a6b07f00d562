//! A subject that is a program: started for each scenario, and ended with all that it started.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test"
)]

use crate::support::{GOOD, Project, repository};
use counterpart_outcome::read_run;

fn runtime(further: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_counterpart");
    format!(
        "{{ command = {{ run = [{binary:?}, \"runtime\", \"serve\", \"--data\", \"{{data}}\", \
         \"--listen\", \"127.0.0.1:{{port}}\", \"--test-clock\", \"--clock-start\", \"{{clock_start}}\"], {further} }} }}"
    )
}

#[test]
fn the_bundled_runtime_is_one_like_any_other() {
    let project = Project::new();
    project.describe_the_runtime(&runtime("ready = { http = \"/health\" }"), "endpoint");
    let suite = repository().join("scenarios/chat-import");
    let ran = project.run(&["run", suite.to_str().unwrap(), "--subject", "mine", "--out", "out"]);
    assert_eq!(ran.code, 0, "also what restarts it: {}{}", ran.out, ran.err);
    let run = read_run(&project.path("out/run.json")).unwrap();
    assert_eq!((run.subject.kind.as_str(), run.totals().passed), ("command", run.totals().total));
}

#[test]
fn one_for_the_whole_suite_is_started_once() {
    let project = Project::new();
    let binary = env!("CARGO_BIN_EXE_counterpart");
    let script = "echo started >> started; exec $0 runtime serve --data $1 --listen $2 --test-clock";
    let launch = format!(
        "{{ command = {{ run = [\"sh\", \"-c\", \"{script}\", {binary:?}, \"{{data}}\", \"127.0.0.1:{{port}}\"], \
         each = \"suite\" }} }}"
    );
    project.describe_the_runtime(&launch, "endpoint");
    project.write("scenarios/s/good.yaml", GOOD);
    project.write("scenarios/s/again.yaml", GOOD);
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(std::fs::read_to_string(project.path("started")).unwrap(), "started\n");
    let refused = launch.replace("{port}", "{port}{access_token}");
    project.describe_the_runtime(&refused, "endpoint");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("{access_token} differs from play to play"), "{}", ran.err);
}

/// A batch that prints what day it is, and how long a wait took.
const JOB: &str = r#"
import datetime, json, os, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local").read()
began = time.monotonic(); time.sleep(0.2); took = time.monotonic() - began
row = {"day": datetime.date.today().isoformat(), "waited": 0.19 < took < 60}
print(json.dumps({"type": "RECORD", "stream": "days", "record": row}))
"#;

#[test]
fn dates_are_shifted_between_the_runs_of_a_batch() {
    let project = Project::new();
    project.write("job.py", JOB);
    project.configure(
        r#"[subject.job]
clock = "faketime"
trigger.go = { batch = [] }
probe.destination = { stdout = {}, key = "day" }
launch.batch = { run = ["python3", "job.py"], env = { API = "{base_url}" } }
"#,
    );
    project.write(
        "scenarios/s/days.yaml",
        r#"counterpart: scenario/1
title: Two days later it is another day
covers: []
fixtures: [matrix/room-history]
steps:
  - trigger: {go: {}}
  - advance: {by: 2d}
  - trigger: {go: {}}
  - settle: {}
expect:
  - probe: {name: destination, record: {day: "2026-01-01", waited: true}, count: 1}
  - probe: {name: destination, record: {day: "2026-01-03", waited: true}, count: 1}
  - elapsed: {at_least: 2d, at_most: 2d 1h}
allow:
  unused: one request is enough here
"#,
    );
    let ran = project.run(&["run", "--subject", "job"]);
    if ran.out.contains("needs the library libfaketime") {
        assert!(std::env::var_os("COUNTERPART_REQUIRE_EXAMPLES").is_none(), "{}", ran.out);
        eprintln!("SKIPPED: shifted dates need libfaketime (apt-get install libfaketime)");
        assert!(ran.out.contains("apt-get install libfaketime") && ran.code == 3, "{}", ran.out);
        return;
    }
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let nowhere =
        project.command(&["run", "--subject", "job"]).env("COUNTERPART_FAKETIME_LIB", "/nowhere").output();
    let ran = crate::support::Ran::of(&nowhere.unwrap());
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("apt-get install libfaketime"), "{}", ran.out);
}

/// A program whose dates are shifted; it is asked for the date that it sees.
const DATED: &str = r#"
import datetime, http.server, json, os, urllib.request
rows = []
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_GET(self): self.answer(rows)
    def do_POST(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local").read()
        rows.append({"number": len(rows), "day": datetime.date.today().isoformat()})
        self.answer({})
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

#[test]
fn dates_of_a_program_are_shifted_where_it_is_at_rest_alone() {
    let project = Project::new();
    project.write("dated.py", DATED);
    project.configure(
        r#"[subject.dated]
clock = "faketime"
trigger.go = { call = "POST /go" }
probe.destination = { get = "/rows", key = "number" }
launch.command = { run = ["python3", "dated.py"], env = { API = "{base_url}", PORT = "{port}" } }
"#,
    );
    let scenario = |steps: &str| {
        format!(
            "counterpart: scenario/1\ntitle: Two days later it is another day\ncovers: []\n\
             fixtures: [matrix/room-history]\nsteps:\n{steps}expect:\n  \
             - probe: {{name: destination, record: {{number: 0, day: \"2026-01-01\"}}, count: 1}}\n  \
             - probe: {{name: destination, record: {{number: 1, day: \"2026-01-03\"}}, count: 1}}\n\
             allow:\n  unused: one request is enough here\n"
        )
    };
    let (go, settle, advance) = ("  - trigger: {go: {}}\n", "  - settle: {}\n", "  - advance: {by: 2d}\n");
    project.write("scenarios/s/a-at-rest.yaml", &scenario(&[go, settle, advance, go, settle].concat()));
    project.write("scenarios/s/b-at-work.yaml", &scenario(&[go, advance, go, settle].concat()));
    let repeated = "  - repeat:\n      times: 2\n      steps:\n        - advance: {by: 2d}\n        - trigger: {go: {}}\n";
    project.write("scenarios/s/c-the-second-time.yaml", &scenario(&[repeated, settle].concat()));
    let ran = project.run(&["run", "--subject", "dated"]);
    if ran.out.contains("needs the library libfaketime") {
        assert!(std::env::var_os("COUNTERPART_REQUIRE_EXAMPLES").is_none(), "{}", ran.out);
        eprintln!("SKIPPED: shifted dates need libfaketime (apt-get install libfaketime)");
        return;
    }
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("3 scenarios: 1 passed, 2 skipped"), "{}", ran.out);
    let reason = "only the subject's dates are shifted, its waits are real, and a step moves the clock while it is at work";
    assert_eq!(
        ran.out.lines().filter(|line| line.starts_with("skipped") && line.contains(reason)).count(),
        2,
        "{}",
        ran.out
    );
}
