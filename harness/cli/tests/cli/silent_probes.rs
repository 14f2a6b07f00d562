//! Probes that come to nothing: one that never answers, a database that is locked, a line that is never ended. Each is
//! told within a bounded time as what could not be judged, and the rest of the suite goes on. They need python3.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{ONE_ROW, Project};
use counterpart_outcome::read_run;

/// A subject that keeps its rows in three places, and is bad at one of them the first time it is started.
const SUBJECT: &str = r#"
import http.server, json, os, sqlite3, sys, threading, time, urllib.request
BAD = sys.argv[1] if not os.path.exists("started") else ""
open("started", "w").close()
database = sqlite3.connect(os.path.join(os.environ["DATA"], "app.db"), isolation_level=None, check_same_thread=False)
database.execute("CREATE TABLE rows (id)")
rows = []
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if BAD == "never answers": print("asked for rows", flush=True); time.sleep(1000)
        if BAD == "answers for ever":
            self.send_response(200); self.send_header("Content-Length", "1000000"); self.end_headers()
            while True: self.wfile.write(b" "); time.sleep(0.5)
        self.answer(rows)
    def do_POST(self):
        target = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
        found = json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(target))["room_id"]
        rows.append({"id": found})
        if BAD == "locks": database.execute("BEGIN EXCLUSIVE")
        database.execute("INSERT INTO rows VALUES (?)", [found])
        line = json.dumps({"id": found})
        if BAD == "half a line": line = line[:len(line) // 2]
        sys.stdout.write(line + ("" if BAD in ("half a line", "no end of line") else "\n")); sys.stdout.flush()
        self.answer({})
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

/// The first scenario is errored for these reasons, within so long; the second passes.
fn is_told(bad: &str, probe: &str, reasons: &[&str], within_s: u64) {
    let project = Project::new();
    project.write("subject.py", SUBJECT);
    project.write("scenarios/s/a-first.yaml", ONE_ROW);
    project.write("scenarios/s/b-second.yaml", ONE_ROW);
    project.configure(&format!(
        r#"[subject.mine]
trigger.sync = {{ call = "POST /sync", json = {{}} }}
probe.destination = {{ {probe}, key = "id" }}
[subject.mine.launch.command]
run = ["python3", "subject.py", {bad:?}]
env = {{ PORT = "{{port}}", API = "{{base_url}}", DATA = "{{data}}" }}
"#
    ));
    let ran = project.run(&["run", "--subject", "mine", "--out", "out"]);
    assert_eq!(ran.code, 3, "{bad}: {}{}", ran.out, ran.err);
    assert!(ran.out.contains("2 scenarios: 1 passed, 1 errored"), "{bad}: {}", ran.out);
    for reason in reasons {
        assert!(ran.out.contains(reason), "{bad}: {reason:?} is not in {}", ran.out);
    }
    let run = read_run(&project.path("out/run.json")).unwrap();
    let took_ms = run.scenarios[0].attempts[0].wall_ms;
    assert!(took_ms < within_s * 1000, "{bad}: it took {took_ms} ms");
}

#[test]
fn one_that_never_answers() {
    let reasons =
        ["probe.destination: http://127.0.0.1:", "it gave no whole answer within 30s", "| asked for rows"];
    is_told("never answers", "get = \"/rows\"", &reasons, 60);
}

#[test]
fn one_whose_answer_never_ends() {
    is_told(
        "answers for ever",
        "get = \"/rows\"",
        &["probe.destination: http://127.0.0.1:", "it gave no whole answer within 30s"],
        60,
    );
}

#[test]
fn a_database_that_stays_locked() {
    let probe = "sql = \"SELECT id FROM rows\", database = \"sqlite:{data}/app.db\"";
    is_told(
        "locks",
        probe,
        &[
            "probe.destination: sqlite:",
            "SQLite said: database is locked, and it was for 5s; expected that the subject ends its transactions",
        ],
        30,
    );
}

#[test]
fn a_line_that_is_never_ended() {
    is_told(
        "half a line",
        "stdout = {}",
        &[
            "probe.destination: standard output",
            "its last line is not ended: {\"id\": \"",
            "expected a line end behind each record",
        ],
        30,
    );
    is_told(
        "no end of line",
        "stdout = {}",
        &[
            "probe.destination: standard output",
            "its last line is not ended: {\"id\": \"",
            "expected a line end behind each record",
        ],
        30,
    );
}
