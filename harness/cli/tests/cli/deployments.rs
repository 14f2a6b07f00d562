//! A subject that is put in place in another version in the middle of its work. They need python3.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};
use counterpart_outcome::read_run;

/// A connector that copies two things, an hour apart, with the clock protocol. Its second version keeps its place in
/// another form, and takes over what the first one left.
const CONNECTOR: &str = r#"
import datetime, http.server, json, os, signal, sys, urllib.request
DATA, VERSION, HOW = os.environ["DATA"], os.environ["VERSION"], sys.argv[1]
if VERSION == "v2" and HOW == "crashes": sys.exit("migration 2 failed: no column `step`")
place, rows, audit = os.path.join(DATA, "place.json"), os.path.join(DATA, "rows.json"), os.path.join(DATA, "audit.json")
parse = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
text = lambda at: at.isoformat().replace("+00:00", "Z") if at else None
now, timer, requests = parse(os.environ["CLOCK_START"]), None, 0
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def load(path): return json.load(open(path)) if os.path.exists(path) else []
def add(path, entry): json.dump(load(path) + [entry], open(path + ".new", "w")); os.replace(path + ".new", path)
def keep(step): json.dump({"next": step} if VERSION == "v2" else [step], open(place, "w"))
if os.path.exists(place) and not (VERSION == "v2" and HOW == "forgets"):
    found = load(place)
    step = found[0] if isinstance(found, list) else found["next"]
    keep(step)
    timer = now + datetime.timedelta(hours=1) if step == 2 else None
def copy(step):
    global requests, timer
    room = "!8TJ7sLp3WO9odmaClpL-EbfFRHnXrpoO0Z3kYoVPEa0"
    path = ["directory/room/%23history%3Atest.local", "rooms/%21" + room[1:] + "/messages?dir=b&limit=10"][step - 1]
    asked = urllib.request.Request(os.environ["API"] + "/_matrix/client/v3/" + path)
    asked.add_header("authorization", "Bearer " + os.environ["TOKEN"])
    requests += 1
    answer = json.load(opener.open(asked))
    add(rows, {"step": step, "what": answer["room_id"] if step == 1 else len(answer["chunk"])})
    add(audit, {"at": text(now), "by": VERSION, "port": os.environ["PORT"], "feature": os.environ.get("FEATURE")})
    timer = now + datetime.timedelta(hours=1) if step == 1 else None
    keep(step + 1)
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def state(self):
        self.answer({"now": text(now), "next_timer": text(timer), "busy": 0, "started": requests, "finished": requests})
    def do_GET(self):
        if self.path == "/clock": return self.state()
        self.answer(load(rows if self.path == "/rows" else audit))
    def do_POST(self):
        global now, timer
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        if self.path == "/sync": copy(1); return self.answer({})
        to = parse(body["to"])
        if timer and timer <= to: now, timer = timer, None; copy(2)
        else: now = to
        self.state()
    def log_message(self, *_): pass
def end(*_): open(os.path.join(DATA, "ended-in-good-order"), "a").write(VERSION + "\n"); os._exit(0)
signal.signal(signal.SIGTERM, end)
print("begun as", VERSION, "at", text(now), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

const SCENARIO: &str = r#"counterpart: scenario/1
title: A version that is put in place half-way goes on where the one before stood
covers: []
fixtures: [matrix/room-history]
steps:
  - trigger: {sync: {}}
  - advance: {by: 10m}
  - deploy: {version: v2}
  - settle: {}
expect:
  - destination: {same_as: happy_path, unique_by: step, count: 2}
  - audit:
      entries:
        - {by: v1, at: "2026-01-01T00:00:00Z", feature: "off"}
        - {by: v2, at: "2026-01-01T01:10:00Z", feature: "on"}
  - files: {exist: [ended-in-good-order], content: {ended-in-good-order: "v1\n"}}
allow:
  unused: two requests are enough here
"#;

/// What the scenario comes to, and, per scenario that was played, what its steps came to.
fn deployed(how: &str, scenario: &str) -> (Ran, Vec<String>) {
    let project = Project::new();
    project.write("connector.py", CONNECTOR);
    project.write("scenarios/s/deployed.yaml", scenario);
    project.configure(&format!(r#"[subject.mine]
clock = "endpoint"
files = "{{data}}"
trigger.sync = {{ call = "POST /sync" }}
probe.destination = {{ get = "/rows", key = "step" }}
probe.audit = {{ get = "/audit" }}
[subject.mine.launch.command]
run = ["python3", "connector.py", {how:?}]
env = {{ PORT = "{{port}}", API = "{{base_url}}", TOKEN = "{{access_token}}", DATA = "{{data}}", CLOCK_START = "{{clock_start}}", VERSION = "v1", FEATURE = "off" }}
[subject.mine.versions.v2]
env = {{ VERSION = "v2", FEATURE = "on" }}
"#));
    let ran = project.run(&["run", "--subject", "mine", "--out", "out"]);
    let Ok(run) = read_run(&project.path("out/run.json")) else { return (ran, Vec::new()) };
    let steps = run.scenarios.iter().flat_map(|one| &one.attempts).flat_map(|attempt| &attempt.steps);
    let told = steps.map(|step| format!("{}: {} at {}", step.step, step.result, step.at)).collect();
    (ran, told)
}

#[test]
fn a_version_goes_on_where_the_one_before_stood() {
    let (ran, steps) = deployed("migrates", SCENARIO);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!(steps.join("\n"), @"
    trigger sync: 200 at 2026-01-01T00:00:00Z
    advance 10m: reached; no timer fired at 2026-01-01T00:00:00Z
    deploy v2: stopped, and started as that version at 2026-01-01T00:10:00Z
    settle: quiet; 1 timer fired at 2026-01-01T00:10:00Z
    ");
}

#[test]
fn a_version_that_forgets_what_was_under_way_is_found() {
    let (ran, _) = deployed("forgets", SCENARIO);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("invariant nothing_lost"), "{}", ran.out);
}

#[test]
fn a_version_that_does_not_start_could_not_be_judged() {
    let (ran, _) = deployed("crashes", SCENARIO);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    for told in [
        "step `deploy`: the subject does not run as it must: `python3 connector.py` ended with exit code 1 before it was ready",
        "| begun as v1 at 2026-01-01T00:00:00Z",
        "| migration 2 failed: no column `step`",
    ] {
        assert!(ran.out.contains(told), "{told:?} is not in {}", ran.out);
    }
    assert_eq!(ran.out.matches("| migration 2 failed").count(), 1, "{}", ran.out);
}

#[test]
fn a_version_that_nobody_described_is_refused_when_the_file_is_read() {
    let (ran, _) = deployed("migrates", &SCENARIO.replace("version: v2", "version: v3"));
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    let told = "s/deployed.yaml:8:5: there is no version `v3` here; did you mean `v2`?; each is described as \
                [subject.<name>.versions.<version>]";
    assert!(ran.err.contains(told), "{}", ran.err);
}
