//! Subjects that behave badly: each is told as what could not be judged, nothing of it is left, and the rest of the suite
//! goes on. They need python3, and /proc to look for what is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{ONE_ROW, Project};

/// A subject that is good but for one thing, the first time it is started; and good from then on.
const SUBJECT: &str = r#"
import http.server, json, os, signal, subprocess, sys, threading, time, urllib.request
first = not os.path.exists("started")
open("started", "w").close()
BAD = sys.argv[1] if first else ""
state = {"now": os.environ["CLOCK_START"], "next_timer": None, "busy": 0, "started": 0, "finished": 0}
rows = []
print("hello from the subject, token", os.environ["TOKEN"], flush=True)
if BAD == "never ready": time.sleep(1000)
if BAD == "crashes at start": sys.exit("no such table: users")
if BAD == "binary":
    sys.stdout.buffer.write(b"\x00\x01\xff\xfe\x1b[31m\n"); sys.stdout.flush(); sys.exit(1)
if BAD == "flood":
    while True: print("x" * 200)
if BAD == "ignores SIGTERM": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if BAD == "leaves children":
    subprocess.Popen(["sh", "-c", "trap '' TERM; setsid sleep 1000 & wait"], start_new_session=True)
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, text):
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        if self.path == "/rows": return self.answer("<html>" if BAD == "garbage" else json.dumps(rows))
        if BAD == "no clock": return self.answer("{")
        if BAD == "more over than begun" and rows: return self.answer(json.dumps({**state, "finished": 9}))
        if BAD == "backwards" and rows: return self.answer(json.dumps({**state, "now": "2025-01-01T00:00:00Z"}))
        if BAD == "timer in the past" and rows:
            return self.answer(json.dumps({**state, "next_timer": "2025-01-01T00:00:00Z"}))
        if BAD == "timer never fires" and rows: state["next_timer"] = "2026-01-01T00:00:05Z"
        self.answer(json.dumps(state))
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        if self.path == "/clock/advance": state["now"] = body["to"]; return self.answer(json.dumps(state))
        if BAD == "crashes in the middle": print("segmentation fault", flush=True); os._exit(7)
        state["started"] += 1
        target = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        rows.append(json.load(opener.open(target)))
        state["finished"] += 1
        self.answer("{}")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

fn project(bad: &str) -> Project {
    let project = Project::new();
    project.write("subject.py", SUBJECT);
    project.write("scenarios/s/a-first.yaml", ONE_ROW);
    project.write("scenarios/s/b-second.yaml", ONE_ROW);
    let mark = project.path("").display().to_string();
    project.configure(&format!(r#"[subject.mine]
clock = "endpoint"
trigger.sync = {{ call = "POST /sync", json = {{}} }}
probe.destination = {{ get = "/rows", key = "room_id" }}
[subject.mine.launch.command]
run = ["python3", "subject.py", {bad:?}]
within = "8s"
stop_within = "400ms"
env = {{ PORT = "{{port}}", API = "{{base_url}}", TOKEN = "{{access_token}}", CLOCK_START = "{{clock_start}}", TEST_MARK = {mark:?} }}
"#));
    project
}

/// The first scenario is errored for this reason, the second passes, and nothing is left.
fn is_told(bad: &str, reasons: &[&str]) {
    let project = project(bad);
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 3, "{bad}: {}{}", ran.out, ran.err);
    assert!(ran.out.contains("2 scenarios: 1 passed, 1 errored"), "{bad}: {}", ran.out);
    for reason in reasons {
        assert!(ran.out.contains(reason), "{bad}: {reason:?} is not in {}", ran.out);
    }
    assert!(!ran.out.contains("cp-"), "{bad}: a secret is shown: {}", ran.out);
    assert_eq!(project.processes_left(), Vec::<String>::new(), "{bad}");
}

#[test]
fn one_that_never_gets_ready() {
    // Its time is short for a machine that is busy: it never comes anyway.
    is_told(
        "never ready",
        &["was not ready within 8s: nothing listens on 127.0.0.1:", "| hello from the subject"],
    );
}

#[test]
fn one_that_crashes() {
    let said = "  | no such table: users";
    is_told("crashes at start", &["ended with exit code 1 before it was ready", said]);
    is_told(
        "crashes in the middle",
        &["the subject `python3 subject.py` ended with exit code 7", "| segmentation fault"],
    );
}

#[test]
fn one_that_prints_what_nobody_can_read() {
    is_told("binary", &["ended with exit code 1", r"\u{0}\u{1}\xff\xfe\u{1b}[31m"]);
    is_told("flood", &["was not ready within", "| xxxxx"]);
}

#[test]
fn one_that_does_not_go() {
    is_told("ignores SIGTERM", &["did not end within 400ms of being asked to (SIGTERM) and was killed"]);
    is_told("leaves children", &["of the processes that it started behind, which were killed", "sleep 1000"]);
}

#[test]
fn one_that_answers_garbage() {
    is_told("garbage", &["probe.destination", "<html>"]);
    is_told("no clock", &["200 with the state of the clock"]);
}

#[test]
fn one_that_lies_about_its_clock() {
    is_told("more over than begun", &["finished is 9, more than started"]);
    is_told("backwards", &["time goes backwards"]);
    is_told("timer in the past", &["a timer that is due fires"]);
    is_told("timer never fires", &["the timer never fires"]);
}

#[test]
fn nothing_is_left_after_ctrl_c() {
    let project = project("never ready");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_counterpart"));
    command.args(["run", "--subject", "mine"]).current_dir(project.path("")).env_remove("CI");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // It is there once it has left its trace.
    while !project.path("started").exists() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(project.processes_left(), Vec::<String>::new());
}
