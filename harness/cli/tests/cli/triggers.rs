//! Triggers that are no calls, each from a scenario file: a program, a dropped file, a tick of the schedule. They need
//! python3.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};
use counterpart_outcome::read_run;

/// A program that asks the provider for one thing, and writes what came of it as a line of `rows.jsonl`.
const JOB: &str = r##"
import json, os, sys, time, urllib.request
if sys.argv[1] == "#nowhere:test.local": sys.exit("no such room: " + sys.argv[1])
if sys.argv[1] == "#endless:test.local": print("begun", flush=True); time.sleep(1000)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
target = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
row = {"id": json.load(opener.open(target))["room_id"], "room": sys.argv[1]}
with open(os.path.join(os.environ["DATA"], "rows.jsonl"), "a") as rows: rows.write(json.dumps(row) + "\n")
print("copied", sys.argv[1])
"##;

/// A subject that is there and does nothing by itself.
const IDLE: &str = r#"{ command = { run = ["python3", "-c", "import time; print('ready', flush=True); time.sleep(1000)"], ready = { line = "ready" } } }"#;

/// Plays a scenario against a subject; what it comes to, and what its steps came to.
fn played(subject: &str, files: &[(&str, &str)], scenario: &str) -> (Ran, Vec<String>) {
    let project = Project::new();
    files.iter().for_each(|(name, text)| project.write(name, text));
    project.write("scenarios/s/it.yaml", scenario);
    project.configure(&format!("[subject.mine]\n{subject}"));
    let ran = project.run(&["run", "--subject", "mine", "--out", "out"]);
    let Ok(run) = read_run(&project.path("out/run.json")) else { return (ran, Vec::new()) };
    let steps = run.scenarios.iter().flat_map(|one| &one.attempts).flat_map(|attempt| &attempt.steps);
    (ran, steps.map(|step| format!("{}: {}", step.step, step.result)).collect())
}

fn scenario(steps: &str, expect: &str) -> String {
    format!(
        "counterpart: scenario/1\ntitle: It is set off\ncovers: []\nfixtures: [matrix/room-history]\n\
         steps:\n{steps}expect:\n{expect}allow:\n  unused: one request is enough here\n"
    )
}

fn run_subject(further: &str) -> String {
    format!(
        "launch = {IDLE}\nprobe.destination = {{ files = \"{{data}}/rows.jsonl\", key = \"id\" }}\n\
         trigger.sync = {{ run = [\"python3\", \"job.py\", \"{{room}}\"], \
         env = {{ API = \"{{base_url}}\", DATA = \"{{data}}\" }}{further} }}\n"
    )
}

#[test]
fn a_program_is_run_to_its_end() {
    let steps = "  - trigger: {sync: {room: \"#history:test.local\"}, answer: {exit_code: 0, lines: [\"copied #history:test.local\"]}}\n  - settle: {}\n";
    let scenario = scenario(
        steps,
        "  - probe: {name: destination, record: {room: \"#history:test.local\"}, count: 1}\n  - requests: {to: resolve_alias, count: 1}\n",
    );
    let (ran, steps) = played(&run_subject(""), &[("job.py", JOB)], &scenario);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(
        steps,
        [
            "trigger sync: ended with exit code 0",
            "settle: taken to be at rest: a second without a request, and no probe `runs` that would tell"
        ]
    );
}

#[test]
fn a_program_that_fails_is_a_violation_and_one_without_end_could_not_be_judged() {
    let steps = "  - trigger: {sync: {room: \"#nowhere:test.local\"}}\n  - settle: {}\n";
    let failing = scenario(steps, "  - destination: {count: 0}\n");
    let (ran, _) = played(&run_subject(""), &[("job.py", JOB)], &failing);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for told in [
        "a program that ends with exit code 0",
        "`python3 job.py` ended with exit code 1",
        "| no such room: #nowhere:test.local",
    ] {
        assert!(ran.out.contains(told), "{told:?} is not in {}", ran.out);
    }
    let endless = failing.replace("#nowhere", "#endless");
    let (ran, _) = played(&run_subject(", within = \"1s\""), &[("job.py", JOB)], &endless);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    for told in ["`python3 job.py` did not end within 1s; give it longer with `within`", "| begun"] {
        assert!(ran.out.contains(told), "{told:?} is not in {}", ran.out);
    }
}

/// A subject that looks into a folder again and again, and takes what is whole: a file that ends in a line `END`.
const WATCHER: &str = r##"
import glob, json, os, sys, time
DATA = os.environ["DATA"]
os.makedirs(os.path.join(DATA, "in"), exist_ok=True)
print("watching", flush=True)
while True:
    for path in glob.glob(os.path.join(DATA, "in", "*.csv")):
        lines = open(path).read().split("\n")
        if lines[-2:] != ["END", ""] and "careless" not in sys.argv: continue
        with open(os.path.join(DATA, "rows.jsonl"), "a") as rows:
            for line in lines: rows.write(json.dumps({"id": line}) + "\n" if line not in ("END", "") else "")
        os.remove(path)
    time.sleep(0.01)
"##;

fn watcher(how: &str) -> String {
    format!(
        r#"launch.command = {{ run = ["python3", "watcher.py", "{how}"], env = {{ DATA = "{{data}}" }}, ready = {{ line = "watching" }} }}
files = "{{data}}"
probe.destination = {{ files = "{{data}}/rows.jsonl", key = "id" }}
trigger.drop = {{ put = "{{data}}/in/{{name}}.csv", text = "{{first}}\nb\nc\nEND\n" }}
trigger.copy = {{ put = "{{data}}/in/{{name}}.csv", from = "orders.csv" }}
trigger.half = {{ put = "{{data}}/in/{{name}}.csv", from = "orders.csv", half = true }}
"#
    )
}

#[test]
fn a_file_is_dropped_whole_and_by_halves() {
    let files = [("watcher.py", WATCHER), ("orders.csv", "d\ne\nf\nEND\n")];
    let steps = "  - trigger: {drop: {name: one, first: a}}\n  - trigger: {half: {name: two}}\n  - wait_for: {probe: destination, record: {id: c}}\n  - trigger: {copy: {name: three}}\n  - wait_for: {probe: destination, record: {id: f}}\n  - settle: {}\n";
    let expect = "  - destination: {count: 6, unique_by: id}\n  - files: {exist: [in/two.csv], gone: [in/one.csv, in/three.csv], content: {in/two.csv: \"d\\ne\\nf\"}}\n";
    let (ran, steps) = played(&watcher("careful"), &files, &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!(steps.join("\n"), @"
    trigger drop: 10 bytes
    trigger half: half of 10 bytes
    wait_for destination: shown; no timer fired
    trigger copy: 10 bytes
    wait_for destination: shown; no timer fired
    settle: taken to be at rest: a second without a request, and no probe `runs` that would tell
    ");
}

#[test]
fn who_takes_half_a_file_is_found() {
    let files = [("watcher.py", WATCHER), ("orders.csv", "d\ne\nf\nEND\n")];
    let steps = "  - trigger: {half: {name: two}}\n  - settle: {}\n";
    let expect = "  - destination: {count: 0}\n";
    let (ran, _) = played(&watcher("careful"), &files, &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (ran, _) = played(&watcher("careless"), &files, &scenario(steps, expect));
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
}

#[test]
fn a_file_that_is_not_there_to_be_dropped_is_told() {
    let steps = "  - trigger: {copy: {name: two}}\n  - settle: {}\n";
    let (ran, _) = played(
        &watcher("careful"),
        &[("watcher.py", WATCHER)],
        &scenario(steps, "  - destination: {count: 0}\n"),
    );
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("trigger.copy: from: "), "{}", ran.out);
}

/// A subject that asks the provider whenever its schedule ticks: every hour, or when it is called.
const SCHEDULED: &str = r#"
import datetime, http.server, json, os, sys, urllib.request
parse = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
text = lambda at: at.isoformat().replace("+00:00", "Z") if at else None
EVERY = datetime.timedelta(hours=float(sys.argv[1])) if sys.argv[1] != "never" else None
now, requests, rows = parse(os.environ["CLOCK_START"]), 0, []
timer = now + EVERY if EVERY else None
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def tick():
    global requests, timer
    requests += 1
    target = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
    found = json.load(opener.open(target))["room_id"]
    rows.append({"id": found + " at " + text(now)})
    timer = now + EVERY if EVERY else None
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def state(self):
        self.answer({"now": text(now), "next_timer": text(timer), "busy": 0, "started": requests, "finished": requests})
    def do_GET(self):
        if self.path == "/clock": return self.state()
        self.answer(rows)
    def do_POST(self):
        global now, timer
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        if self.path == "/tick": tick(); return self.answer({})
        to = parse(body["to"])
        if timer and timer <= to: now = timer; tick()
        else: now = to
        self.state()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

fn scheduled(every: &str, clock: &str, tick: &str) -> String {
    format!(
        r#"clock = "{clock}"
launch.command = {{ run = ["python3", "scheduled.py", "{every}"], env = {{ PORT = "{{port}}", API = "{{base_url}}", CLOCK_START = "{{clock_start}}" }} }}
probe.destination = {{ get = "/rows", key = "id" }}
trigger.schedule = {{ tick = {tick} }}
"#
    )
}

#[test]
fn a_schedule_ticks() {
    let steps = "  - trigger: {schedule: {}}\n  - settle: {within: 30m}\n  - trigger: {schedule: {}}\n  - settle: {within: 30m}\n";
    let expect = "  - destination: {count: 2, unique_by: id}\n  - requests: {to: resolve_alias, count: 2, apart: {at_least: 1h, at_most: 1h}}\n  - elapsed: {at_least: 2h, at_most: 2h}\n";
    let (ran, steps) =
        played(&scheduled("1", "endpoint", "{}"), &[("scheduled.py", SCHEDULED)], &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!(steps.join("\n"), @"
    trigger schedule: reached; 1 timer fired
    settle: reached; no timer fired
    trigger schedule: reached; 1 timer fired
    settle: reached; no timer fired
    ");
}

#[test]
fn a_tick_in_real_time_is_a_call() {
    let steps = "  - trigger: {schedule: {}}\n  - settle: {}\n";
    let expect = "  - destination: {count: 1}\n  - requests: {to: resolve_alias, count: 1}\n";
    let files = [("scheduled.py", SCHEDULED)];
    let (ran, steps_taken) =
        played(&scheduled("never", "real", "{ call = \"POST /tick\" }"), &files, &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(
        steps_taken,
        [
            "trigger schedule: 200",
            "settle: taken to be at rest: a second without a request, and no probe `runs` that would tell"
        ]
    );
    let (ran, _) = played(&scheduled("never", "real", "{}"), &files, &scenario(steps, expect));
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!(ran.err, @r#"error: counterpart.toml: [subject.mine] trigger.schedule: `tick = {}` moves a clock, which takes clock = "endpoint"; in real time write the call that does what the schedule does, as in tick = { call = "POST /tick" }"#);
}

#[test]
fn a_schedule_that_has_no_timer_cannot_tick() {
    let steps = "  - trigger: {schedule: {}}\n  - settle: {}\n";
    let scenario = scenario(steps, "  - destination: {count: 1}\n");
    let (ran, _) = played(&scheduled("never", "endpoint", "{}"), &[("scheduled.py", SCHEDULED)], &scenario);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("the subject has no timer, so no schedule that could tick: next_timer is null"),
        "{}",
        ran.out
    );
}
