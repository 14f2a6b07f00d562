//! One process for the whole suite that dies in the middle of it. They need python3, and /proc to look for what is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};

/// A connector that is told of its tenants by a call. It starts a child that goes on without it.
const CONNECTOR: &str = r##"
import http.server, json, os, subprocess, threading, urllib.request
open("started", "a").write(os.environ["DATA"] + "\n")
subprocess.Popen(["sh", "-c", "setsid sleep 1000 & wait"], start_new_session=True)
tenants, rows = {}, {}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
class Endpoints(http.server.BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(rows.get(self.path.split("/")[-1], []))
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        tenant = body["tenant"]
        if self.path == "/settings":
            tenants[tenant] = body
            print("token of", tenant, "is", body["token"], flush=True)
            return self.answer({})
        if body["how"] == "dies": print("stack overflow", flush=True); os._exit(139)
        if body["how"] == "dies later":
            print("out of memory", flush=True)
            threading.Timer(0.05, os._exit, [137]).start()
            return self.answer({})
        if body["how"] == "rests": return self.answer({})
        target = tenants[tenant]["api"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
        rows.setdefault(tenant, []).append(json.load(opener.open(target)))
        self.answer({})
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints).serve_forever()
"##;

fn scenario(how: &str) -> String {
    format!(
        "counterpart: scenario/1\ntitle: One request brings one row\ncovers: []\nfixtures: [matrix/room-history]\n\
         steps:\n  - trigger: {{sync: {{how: {how:?}}}}}\n  - settle: {{}}\nexpect:\n  - destination: {{count: 1}}\n\
         allow:\n  unused: one request is enough here\n"
    )
}

fn project(scenarios: &[(&str, &str)]) -> Project {
    let project = Project::new();
    project.write("connector.py", CONNECTOR);
    for (name, how) in scenarios {
        project.write(&format!("scenarios/s/{name}.yaml"), &scenario(how));
    }
    let mark = project.path("").display().to_string();
    project.configure(&format!(r#"[subject.mine]
setup.settings = {{ call = "POST /settings", json = {{ tenant = "{{tenant}}", api = "{{base_url}}", token = "{{access_token}}" }} }}
trigger.sync = {{ call = "POST /sync", json = {{ tenant = "{{tenant}}", how = "{{how}}" }} }}
probe.destination = {{ get = "/rows/{{tenant}}", key = "room_id" }}
[subject.mine.launch.command]
run = ["python3", "connector.py"]
each = "suite"
stop_within = "400ms"
env = {{ PORT = "{{port}}", DATA = "{{data}}", TEST_MARK = {mark:?} }}
"#));
    project
}

/// The folders of the processes that were started, each of which is gone.
fn started(project: &Project) -> usize {
    let text = std::fs::read_to_string(project.path("started")).unwrap();
    for folder in text.lines() {
        assert!(!std::path::Path::new(folder).exists(), "{folder} is left");
    }
    text.lines().count()
}

fn is_told_and_the_next_one_is_fresh(how: &str, ended: &str, said: &str) -> Ran {
    let project =
        project(&[("a-before", "well"), ("b-middle", how), ("c-behind", "well"), ("d-behind", "well")]);
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("4 scenarios: 3 passed, 1 errored"), "{}", ran.out);
    assert!(ran.out.contains("errored  s/b-middle"), "{}", ran.out);
    assert!(ran.out.contains(ended) && ran.out.contains(said), "{}", ran.out);
    assert!(!ran.out.contains("cp-"), "a secret is shown: {}", ran.out);
    assert_eq!(started(&project), 2, "{}", ran.out);
    assert_eq!(project.processes_left(), Vec::<String>::new());
    ran
}

#[test]
fn one_that_dies_at_work() {
    is_told_and_the_next_one_is_fresh(
        "dies",
        "the subject `python3 connector.py` ended with exit code 139",
        "| stack overflow",
    );
}

#[test]
fn one_that_dies_once_it_has_answered() {
    is_told_and_the_next_one_is_fresh(
        "dies later",
        "the subject `python3 connector.py` ended with exit code 137",
        "| out of memory",
    );
}

#[test]
fn what_an_earlier_scenario_of_another_provider_left_in_its_output_shows_no_secret() {
    let project = project(&[("a-before", "rests"), ("b-middle", "dies")]);
    let other = scenario("rests").replace("matrix/room-history", "github/create-issue");
    project.write("scenarios/s/a-before.yaml", &other.replace("count: 1", "count: 0"));
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("2 scenarios: 1 passed, 1 errored"), "{}", ran.out);
    for shown in ["-1 is «secret of another scenario»", "-1 is «access_token:1»"] {
        assert!(ran.out.contains(shown), "{shown:?} is not in {}", ran.out);
    }
    assert!(!ran.out.contains("cp-"), "a secret is shown: {}", ran.out);
}
