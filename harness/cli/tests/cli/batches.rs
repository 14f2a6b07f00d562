//! Connectors that print their records, in the form of Airbyte's sources. They need python3.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};
use counterpart_outcome::read_run;

/// A source of two streams, whose ways of ending are its last argument. It goes on where its state says.
const SOURCE: &str = r##"
import json, os, sys, urllib.request
print("starting up", file=sys.stderr)
how, state = sys.argv[-1], {}
if "--state" in sys.argv:
    for entry in json.load(open(sys.argv[sys.argv.index("--state") + 1])):
        state[entry["stream"]["stream_descriptor"]["name"]] = entry["stream"]["stream_state"]["last"]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
target = os.environ["API"] + "/_matrix/client/v3/directory/room/%23history%3Atest.local"
room = json.load(opener.open(target))["room_id"]
def say(message): print(json.dumps(message), flush=True)
def record(stream, number):
    if number > state.get(stream, 0):
        data = {"id": stream + str(number), "room": room, "began_at": state.get(stream, 0)}
        say({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}})
def keep(stream, number):
    if number > state.get(stream, 0):
        descriptor = {"stream_descriptor": {"name": stream}, "stream_state": {"last": number}}
        say({"type": "STATE", "state": {"type": "STREAM", "stream": descriptor}})
say({"type": "LOG", "log": {"level": "INFO", "message": "hello"}})
say({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": {"status": "STARTED"}}})
if how == "prints rubbish": print("Traceback (most recent call last):")
if how == "unknown type": say({"type": "RECORDS", "records": []})
record("users", 1); keep("users", 1)
record("users", 2); record("rooms", 1)
keep("rooms", 1)
if how == "fails":
    say({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1, "error": {"message": "quota used up"}}})
    sys.exit("quota used up")
if how == "is cut off": sys.stdout.write('{"type": "RECORD", "rec'); sys.stdout.flush(); os._exit(1)
record("users", 3); keep("users", 3)
say({"type": "CONTROL", "control": {"type": "CONNECTOR_CONFIG", "emitted_at": 1}})
"##;

fn played(target: &str, scenario: &str) -> (Ran, Vec<String>) {
    let project = Project::new();
    project.write("source.py", SOURCE);
    project.write("scenarios/s/it.yaml", scenario);
    project.configure(&format!(
        r#"[subject.source]
trigger.sync = {{ batch = ["{{how}}"] }}
probe.destination = {{ stdout = {{}}, key = "id" }}
[subject.source.launch.batch]
run = ["python3", "source.py", "read"]
state = ["--state", "{{state}}"]
env = {{ API = "{{base_url}}" }}
{target}
"#
    ));
    let ran = project.run(&["run", "--subject", "source", "--out", "out"]);
    let Ok(run) = read_run(&project.path("out/run.json")) else { return (ran, Vec::new()) };
    let steps = run.scenarios.iter().flat_map(|one| &one.attempts).flat_map(|attempt| &attempt.steps);
    (ran, steps.map(|step| format!("{}: {}", step.step, step.result)).collect())
}

fn scenario(steps: &str, expect: &str) -> String {
    format!(
        "counterpart: scenario/1\ntitle: It is read\ncovers: []\nfixtures: [matrix/room-history]\n\
         steps:\n{steps}expect:\n{expect}allow:\n  unused: one request is enough here\n"
    )
}

#[test]
fn a_source_passes_its_state_on() {
    let steps = "  - trigger: {sync: {how: well}, answer: {exit_code: 0, records: 4, committed: 4, states: 3}}\n  - trigger: {sync: {how: well}, answer: {records: 0}}\n  - settle: {}\n";
    let expect = "  - destination: {count: 4, unique_by: id}\n  - probe: {name: destination, record: {_stream: rooms}, count: 1}\n";
    let (ran, steps) = played("", &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!(steps.join("\n"), @"
    trigger sync: ended with exit code 0; 4 records, 4 committed, 3 states
    trigger sync: ended with exit code 0; 0 records, 0 committed, 0 states
    settle: quiet; no timer fired
    ");
}

/// Streams take turns: what a state of one says is nothing about another.
#[test]
fn a_run_that_fails_leaves_of_each_stream_what_its_own_state_covers() {
    let steps = "  - trigger: {sync: {how: fails}, answer: {exit_code: 1, records: 3, committed: 2, states: 2}}\n  - trigger: {sync: {how: well}, answer: {exit_code: 0, records: 2, committed: 2}}\n  - settle: {}\n";
    let expect = "  - destination: {count: 4, unique_by: id}\n  - probe: {name: destination, record: {id: users2, began_at: 1}, count: 1}\n";
    let (ran, steps) = played("", &scenario(steps, expect));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    // Which of its two streams is read last is not decided.
    assert!(
        steps[0].starts_with(
            "trigger sync: ended with exit code 1; 3 records, 2 committed, 2 states; its last line: "
        ),
        "{steps:?}"
    );
    let at_once = "target = { commits = \"at_once\" }";
    let twice = scenario(
        "  - trigger: {sync: {how: fails}}\n  - trigger: {sync: {how: well}}\n  - settle: {}\n",
        "  - destination: {count: 5}\n",
    );
    let (ran, _) = played(at_once, &twice);
    assert_eq!(ran.code, 1, "what came after a stream's state came twice: {}{}", ran.out, ran.err);
    assert!(ran.out.contains("invariant applied_once") && ran.out.contains("users2"), "{}", ran.out);
}

#[test]
fn a_last_line_that_is_cut_off_is_left_out() {
    let steps = "  - trigger: {sync: {how: is cut off}, answer: {exit_code: 1, records: 3, committed: 2}}\n  - settle: {}\n";
    let off = "invariants:\n  off: {recovers: it is to fail here}\n";
    let expect = "  - destination: {count: 2}\n";
    let (ran, _) = played("", &(scenario(steps, expect) + off));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (ran, _) = played("", &scenario(steps, expect));
    assert_eq!(ran.code, 1, "it fails with nothing in its way: {}{}", ran.out, ran.err);
    let told = "the last run failed, though nothing was in its way\n    not kept: invariant recovers\n";
    assert!(ran.out.contains(told), "{}", ran.out);
}

/// A tap that is right: what fails ends it, and its exit code says so.
const TAP_THAT_GIVES_UP: &str = r#"
import json, os, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(path):
    asked = urllib.request.Request(os.environ["API"] + "/_matrix/client/v3/" + path)
    asked.add_header("authorization", "Bearer " + os.environ["TOKEN"])
    return json.load(opener.open(asked, timeout=1))
try: room = ask("directory/room/%23history%3Atest.local")["room_id"]
except Exception as error: sys.exit(f"failed: {error}")
if KEYED: print(json.dumps({"type": "SCHEMA", "stream": "rooms", "schema": {}, "key_properties": ["id"]}))
print(json.dumps({"type": "RECORD", "stream": "rooms", "record": {"id": room}}))
print(json.dumps({"type": "STATE", "value": {"done": True}}))
"#;

#[test]
fn exploring_runs_a_batch_again_that_failed_and_blames_it_for_nothing() {
    explored_for_nothing("True");
}

/// Without keys a second run would bring everything twice.
#[test]
fn exploring_does_not_run_a_batch_again_that_knows_no_key() {
    explored_for_nothing("False");
}

fn explored_for_nothing(keyed: &str) {
    let project = project_with(&TAP_THAT_GIVES_UP.replace("KEYED", keyed));
    let explored = project.run(&["explore", "s/room", "--cases", "24", "--jobs", "2", "--budget", "60s"]);
    assert_eq!(explored.code, 0, "{}{}", explored.out, explored.err);
    let singles = explored.out.lines().find(|line| line.starts_with("singles")).unwrap();
    let kept: usize = singles.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(kept >= 3, "faults struck: {}", explored.out);
}

/// What a run that failed leaves behind stops every later one.
#[test]
fn exploring_finds_a_batch_that_never_recovers() {
    let locks = r#"
lock = os.environ["DATA"] + "/lock"
if os.path.exists(lock): sys.exit("failed: another run is under way")
open(lock, "w").close()
"#;
    let (before, after) =
        ("def ask(path):", "print(json.dumps({\"type\": \"STATE\", \"value\": {\"done\": True}}))\n");
    let tap = TAP_THAT_GIVES_UP.replace("KEYED", "True").replace(before, &format!("{locks}{before}"));
    let project = project_with(&tap.replace(after, &format!("{after}os.remove(lock)\n")));
    let options = ["explore", "s/room", "--cases", "24", "--jobs", "1", "--budget", "60s", "--stop-at-first"];
    let explored = project.run(&options);
    assert_eq!(explored.code, 1, "{}{}", explored.out, explored.err);
    assert!(explored.out.contains("invariant recovers"), "{}", explored.out);
    let found = project.run(&["run", "found"]);
    assert_eq!(found.code, 1, "{}{}", found.out, found.err);
    assert!(found.out.contains("its last line: failed: another run is under way"), "{}", found.out);
}

/// While nobody listens no request is seen: the run that comes at once has a fault in its way all the same.
#[test]
fn who_is_refused_twice_is_not_blamed() {
    let project = project_with(&TAP_THAT_GIVES_UP.replace("KEYED", "True"));
    project.write("scenarios/s/refused.yaml", &with_fault("{refused: {for_s: 60}}", 2));
    let ran = project.run(&["run", "s/refused", "--out", "out"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

/// It brings all, and fails: whoever schedules it would run it again for ever.
#[test]
fn a_batch_that_always_fails_cannot_be_compared_with_itself() {
    let tap = TAP_THAT_GIVES_UP.replace("KEYED", "True") + "\nsys.exit('state.db is read-only')\n";
    let project = project_with(&tap);
    project.write("scenarios/s/error.yaml", &with_fault("{server_error: {}}", 2));
    let ran = project.run(&["run", "s/error", "--out", "out"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let told = "without any fault the last run fails, too: it ended with exit code 1; 1 records, 1 committed, 1 states; its last line: state.db is read-only; mend that";
    assert!(ran.out.contains(told), "{}", ran.out);
}

#[test]
fn a_batch_that_a_fault_kills_has_failed() {
    let dies = "import signal; os.kill(os.getpid(), signal.SIGSEGV)";
    let tap = TAP_THAT_GIVES_UP.replace("KEYED", "True").replace("sys.exit(f\"failed: {error}\")", dies);
    let project = project_with(&tap);
    project.write("scenarios/s/error.yaml", &with_fault("{server_error: {}}", 2));
    let ran = project.run(&["run", "s/error", "--out", "out"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("a signal ended the run while a provider misbehaved"), "{}", ran.out);
}

#[test]
fn a_run_that_waits_for_ever_is_told_for_what() {
    let project =
        project_with(&TAP_THAT_GIVES_UP.replace("KEYED", "True").replace("timeout=1", "timeout=None"));
    let text = std::fs::read_to_string(project.path("counterpart.toml")).unwrap();
    project.write(
        "counterpart.toml",
        &text.replace("run = [\"python3\"", "within = \"2s\", run = [\"python3\""),
    );
    project.write("scenarios/s/hangs.yaml", &with_fault("{timeout: {}}", 1));
    let ran = project.run(&["run", "s/hangs", "--out", "out"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("met the fault timeout and was not answered: whoever sets no time-out waits"),
        "{}",
        ran.out
    );
}

#[test]
fn what_differs_from_run_to_run_is_named_and_left_out() {
    let tap = TAP_THAT_GIVES_UP
        .replace("KEYED", "True")
        .replace("{\"id\": room}", "{\"id\": room, \"at\": os.getpid()}");
    let project = project_with(&tap);
    let scenario =
        with_fault("{latency: {by: {fixed: {ms: 10}}}}", 1).replace("{count: 1}", "{same_as: happy_path}");
    project.write("scenarios/s/slow.yaml", &scenario);
    let ran = project.run(&["run", "s/slow", "--out", "out"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("they differ in `at` (") && ran.out.contains("the probe's `varies`"),
        "{}",
        ran.out
    );
    let text = std::fs::read_to_string(project.path("counterpart.toml")).unwrap();
    project.write("counterpart.toml", &text.replace("key = \"id\"", "key = \"id\", varies = [\"at\"]"));
    let ran = project.run(&["run", "s/slow", "--out", "out"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

/// A scenario of the tap that asks once, with a fault in its way.
fn with_fault(fault: &str, runs: usize) -> String {
    let runs = "  - trigger: {go: {}}\n".repeat(runs);
    format!(
        "counterpart: scenario/1\ntitle: One room\ncovers: []\nfixtures: [matrix/room-history]\nfaults:\n  \
         - at: {{exchange: resolve_alias-1}}\n    inject: {fault}\nsteps:\n{runs}expect:\n  \
         - destination: {{at_most: 1}}\nallow:\n  unused: one request is enough here\n"
    )
    .replace("{at_most: 1}", if fault.contains("latency") { "{count: 1}" } else { "{at_most: 1}" })
}

fn project_with(tap: &str) -> Project {
    let project = Project::new();
    project.write("tap.py", tap);
    let scenario = "counterpart: scenario/1\ntitle: One room\ncovers: []\nfixtures: [matrix/room-history]\n\
                    steps:\n  - trigger: {go: {}}\nexpect:\n  - destination: {count: 1}\n\
                    allow:\n  unused: one request is enough here\n";
    project.write("scenarios/s/room.yaml", scenario);
    project.configure(
        r#"[subject.tap]
trigger.go = { batch = [] }
probe.destination = { stdout = {}, key = "id" }
launch.batch = { run = ["python3", "tap.py"], env = { API = "{base_url}", TOKEN = "{access_token}", DATA = "{data}" } }
"#,
    );
    project
}

#[test]
fn lines_that_are_no_messages_could_not_be_judged() {
    let told = |how: &str| {
        let steps = format!("  - trigger: {{sync: {{how: {how}}}}}\n  - settle: {{}}\n");
        let (ran, _) = played("", &scenario(&steps, "  - destination: {count: 4}\n"));
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        ran.out
    };
    let rubbish = told("prints rubbish");
    assert!(rubbish.contains("line 3 of its standard output is no JSON"), "{rubbish}");
    let unknown = told("unknown type");
    assert!(
        unknown.contains("line 3 of its standard output is of the type \"RECORDS\", which is not understood"),
        "{unknown}"
    );
}
