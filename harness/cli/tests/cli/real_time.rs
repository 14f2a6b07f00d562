//! A connector that lives in real time, and how what it does is told apart: it waits because it was told to, a provider's
//! fault ends it, or it refuses a trigger.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};
use counterpart_outcome::read_run;

/// Copies three pages, one request after the other, in the background. It does as it is told to be.
const CONNECTOR: &str = r#"
import http.server, json, os, sys, threading, time, urllib.error, urllib.request
how = sys.argv[1]
rows, runs = [], []
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(path):
    asked = urllib.request.Request(os.environ["API"] + "/_matrix/client/v3/" + path)
    asked.add_header("authorization", "Bearer " + os.environ["TOKEN"])
    while True:
        try: return json.load(opener.open(asked))
        except urllib.error.HTTPError as error:
            if how == "dies": os._exit(7)
            if how == "gives up": runs[-1]["state"] = "failed"; sys.exit()
            if how == "backs off": time.sleep(1.6)
            time.sleep(int(error.headers.get("Retry-After", "0")))
        except ValueError as error:
            print("no JSON:", error, file=sys.stderr, flush=True)
            os._exit(9)
def copy():
    if how == "once" and os.path.exists("lived"): os._exit(5)
    open("lived", "w").close()
    run = {"state": "running"}
    runs.append(run)
    room = ask("directory/room/%23history%3Atest.local")["room_id"]
    rows.append({"id": "room"})
    page = ask("rooms/%21" + room[1:] + "/messages?dir=b&limit=10")
    rows.extend({"id": event["event_id"]} for event in page["chunk"])
    run["state"] = "done"
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_GET(self): self.answer(rows if self.path == "/rows" else runs)
    def do_POST(self):
        if how == "refuses": return self.answer({"error": "database is down"}, 503)
        threading.Thread(target=copy, daemon=True).start()
        self.answer({})
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"#;

fn scenario(faults: &str, settle: &str) -> String {
    format!(
        "counterpart: scenario/1\ntitle: Two requests bring eleven rows\ncovers: []\nfixtures: [matrix/room-history]\n\
         {faults}steps:\n  - trigger: {{sync: {{}}}}\n{settle}expect:\n  - destination: {{count: 11, unique_by: id}}\n\
         allow:\n  unused: two requests are enough here\n"
    )
}

fn played(how: &str, runs: &str, scenario: &str, arguments: &[&str]) -> (Project, Ran) {
    let project = Project::new();
    project.write("connector.py", CONNECTOR);
    project.write("scenarios/s/rows.yaml", scenario);
    project.configure(&format!(
        r#"[subject.mine]
trigger.sync = {{ call = "POST /sync" }}
probe.destination = {{ get = "/rows", key = "id" }}
{runs}
[subject.mine.launch.command]
run = ["python3", "connector.py", {how:?}]
env = {{ PORT = "{{port}}", API = "{{base_url}}", TOKEN = "{{access_token}}" }}
"#
    ));
    let ran = project.run(arguments);
    (project, ran)
}

const RUN: [&str; 3] = ["run", "--out", "out"];
const SETTLE: &str = "  - settle: {}\n";
const RUNS: &str = r#"probe.runs = { get = "/runs", state = "state", settled = ["done"] }"#;

#[test]
fn who_was_told_to_wait_is_not_at_rest_while_it_waits() {
    let faults = "faults:\n  - {at: {exchange: messages-1}, inject: {rate_limited: {retry_after_s: 2}}}\n";
    let (project, ran) = played("copies", "", &scenario(faults, SETTLE), &RUN);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let run = read_run(&project.path("out/run.json")).unwrap();
    let told = &run.scenarios[0].attempts[0].steps[1].result;
    assert_eq!(told, "taken to be at rest: a second without a request, and no probe `runs` that would tell");
    let doctor = project.run(&["doctor"]);
    assert!(doctor.out.contains("lives in real time and has no probe `runs`"), "{}", doctor.out);
    let (project, ran) = played("copies", RUNS, &scenario(faults, SETTLE), &RUN);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let run = read_run(&project.path("out/run.json")).unwrap();
    assert_eq!(run.scenarios[0].attempts[0].steps[1].result, "quiet; no timer fired");
    assert!(!project.run(&["doctor"]).out.contains("has no probe `runs`"));
}

/// It says itself that it is done, whatever it was told.
#[test]
fn who_gives_up_and_shows_it_is_at_rest() {
    let faults = "faults:\n  - {at: {exchange: messages-1}, inject: {rate_limited: {retry_after_s: 300}}}\n";
    let off = "invariants:\n  off: {nothing_lost: it gives up}\n";
    let scenario = scenario(faults, SETTLE).replace("{count: 11,", "{count: 1,") + off;
    let runs = RUNS.replace("[\"done\"]", "[\"done\", \"failed\"]");
    let (_, ran) = played("gives up", &runs, &scenario, &RUN);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn a_guess_of_rest_is_told_with_what_is_missing() {
    let faults = "faults:\n  - {at: {exchange: messages-1}, inject: {server_error: {}}}\n";
    let (_, ran) = played("backs off", "", &scenario(faults, SETTLE), &RUN);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let told = "lost without a word; nothing tells when the work is over, so a second without a request was taken for \
                its end: describe the subject's probe `runs`";
    assert!(ran.out.contains(told), "{}", ran.out);
    let unseen = "whether it was, the subject has no probe to show: `holds` and `alerts`";
    assert!(ran.out.contains(unseen), "{}", ran.out);
}

#[test]
fn one_that_a_fault_ends_has_failed_and_is_found_by_exploring() {
    let faults = "faults:\n  - {at: {exchange: messages-1}, inject: {malformed_json: {}}}\n";
    let (project, ran) = played("copies", RUNS, &scenario(faults, SETTLE), &RUN);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for told in
        ["what the provider did ended the subject", "ended with exit code 9", "no JSON: ", "GET /_matrix"]
    {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    let run = read_run(&project.path("out/run.json")).unwrap();
    let answer = &run.integrations[0].answers[1];
    assert!(format!("{answer:?}").contains("No"), "it does not recover by itself: {answer:?}");
    let (project, _) = played("dies", RUNS, &scenario("", SETTLE), &RUN);
    let explored = project.run(&["explore", "s/rows", "--cases", "9", "--stop-at-first", "--jobs", "1"]);
    assert_eq!(explored.code, 1, "{}{}", explored.out, explored.err);
    assert!(explored.out.contains("what the provider did ended the subject"), "{}", explored.out);
    let found = std::fs::read_dir(project.path("scenarios/found")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(project.run(&["run", found.to_str().unwrap()]).code, 1, "it fails by itself");
}

/// The happy path lives; what ends the next play is no fault, for none has struck.
#[test]
fn one_that_ends_before_any_fault_could_not_be_judged() {
    let faults = "faults:\n  - {at: {exchange: messages-1}, inject: {malformed_json: {}}}\n";
    let (_, ran) = played("once", RUNS, &scenario(faults, SETTLE), &RUN);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("ended with exit code 5"), "{}", ran.out);
}

#[test]
fn a_trigger_that_is_refused_is_told_whatever_follows() {
    let (_, ran) = played("refuses", RUNS, &scenario("", SETTLE), &RUN);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("the subject refused it") && ran.out.contains("database is down"),
        "{}",
        ran.out
    );
}

#[test]
fn a_scenario_that_waits_for_nothing_says_so() {
    let faults =
        "faults:\n  - {at: {exchange: resolve_alias-1}, inject: {latency: {by: {fixed: {ms: 2000}}}}}\n";
    let (_, ran) = played("copies", RUNS, &scenario(faults, ""), &RUN);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no `settle` stands behind the last step"), "{}", ran.out);
}
