//! Steps and expectations against a small subject that takes files, has versions, and lives in real time: played to
//! pass, and to fail for the reason that each is there for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Library;
use counterpart_outcome::{ScenarioOutcome, Verdict};
use counterpart_scenario::{Catalogue, Planner, RunOptions, Runner, SnapshotMode};
use counterpart_subject::{BoxFuture, Launch, LaunchError, LaunchRequest, Running, SubjectSpec};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const FIXTURE: &str = r#"counterpart: fixture/1
provider: p
flow: f
provenance: {written: {after: nothing}}
exchanges:
- id: order-1
  request: {method: POST, target: /orders, headers: {content-type: application/json}, body: {json: '{"n": 1}'}}
  response: {status: 201, headers: {content-type: application/json}, body: {json: '{"id": "o-1"}'}}
"#;

const CONTRACT: &str = "openapi: 3.1.0
info: {title: p, version: '1'}
paths:
  /orders:
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [n], properties: {n: {type: TYPE}}}}}
      responses: {'201': {description: made, content: {application/json: {schema: {type: object}}}}}
";

/// What the subject knows; a kill and another version leave it as it is.
#[derive(Default)]
struct State {
    base_url: String,
    version: String,
    killed: usize,
    records: Vec<Value>,
    runs: Vec<Value>,
}

struct Subject {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct LaunchHere {
    folder: PathBuf,
}

impl Launch for LaunchHere {
    fn launch(&self, _: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        // Each play has a folder of its own, and here they follow each other.
        let _ = std::fs::remove_dir_all(&self.folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { version: "1".into(), ..State::default() }));
        let (shared, folder) = (Arc::clone(&state), self.folder.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, folder) = (Arc::clone(&shared), folder.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &shared, &folder));
            }
        });
        Box::pin(async move { Ok(Box::new(Subject { address, state }) as Box<dyn Running>) })
    }
}

impl Running for Subject {
    fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn restart(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        Box::pin(async { Ok(()) })
    }

    fn kill(&mut self, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        self.state.lock().unwrap().killed += 1;
        Box::pin(async { Ok(()) })
    }

    fn deploy(&mut self, version: &str, _: Timestamp) -> BoxFuture<'_, Result<(), LaunchError>> {
        self.state.lock().unwrap().version = version.to_owned();
        Box::pin(async { Ok(()) })
    }
}

fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).unwrap_or_default();
        bytes.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let promised = text.to_lowercase().split("content-length: ").nth(1).map(ToOwned::to_owned);
        let promised = promised.and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && (body.len() >= promised.unwrap_or(0) || length == 0)
        {
            let line = head.lines().next().unwrap_or_default();
            return (line.to_owned(), serde_json::from_str(body).unwrap_or_default());
        }
        assert!(length > 0, "a request that breaks off");
    }
}

/// Sends an order to the provider; the status.
fn order(base_url: &str, n: &Value) -> u64 {
    let host = base_url.strip_prefix("http://").unwrap();
    let body = json!({ "n": n }).to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, folder: &Path) {
    let (line, body) = read(&mut stream);
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut state = state.lock().unwrap();
    let told = match path.as_str() {
        "/settings" => {
            body["api"].as_str().unwrap().clone_into(&mut state.base_url);
            json!({})
        }
        "/order" => {
            let status = order(&state.base_url, &body["n"]);
            let id = format!("run-{}", state.runs.len() + 1);
            state.runs.push(json!({ "id": id, "state": "done" }));
            let record = json!({ "id": format!("r-{}", state.records.len()), "run": id, "status": status });
            state.records.push(record);
            json!({ "run": { "id": id }, "number": state.runs.len() })
        }
        "/pick-up" => {
            state.runs.push(json!({ "id": "pick-up", "state": "done" }));
            for entry in std::fs::read_dir(folder.join("in")).unwrap() {
                let path = entry.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                // Half a file has no last line.
                if text.ends_with("end\n") {
                    std::fs::create_dir_all(folder.join("out")).unwrap();
                    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                    let lines: Vec<&str> = text.lines().collect();
                    let json = json!({ "lines": lines.len(), "first": lines[0] }).to_string();
                    std::fs::write(folder.join(format!("out/{name}.json")), json).unwrap();
                    std::fs::remove_file(path).unwrap();
                }
            }
            json!({})
        }
        "/refused" => {
            state.runs.push(json!({ "id": "refused", "state": "done" }));
            json!({ "why": "no such room" })
        }
        "/log" => json!([{ "level": "info", "version": state.version, "killed": state.killed }]),
        "/runs" => json!(state.runs),
        "/destination" => json!(state.records),
        other => json!({ "echo": other, "sent": body }),
    };
    let told = told.to_string();
    let status = if path == "/refused" { "422 Unprocessable Content" } else { "200 OK" };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", told.len());
    let _ = stream.write_all(format!("{head}{told}").as_bytes());
}

struct Project {
    root: tempfile::TempDir,
}

impl Project {
    fn new(contract_type: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("fixtures/p/f.yaml", FIXTURE);
        let provider = "counterpart: provider/1\nprovider: p\noperations: {order: POST /orders}\n";
        write("fixtures/p/provider.yaml", provider);
        write("contracts/p.openapi.yaml", &CONTRACT.replace("TYPE", contract_type));
        write("s/orders.csv", "from a file\nend\n");
        Self { root }
    }

    fn spec(&self) -> SubjectSpec {
        serde_json::from_value(json!({
            "launch": { "url": "http://127.0.0.1:1" },
            "files": self.root.path().join("data"),
            "setup": { "api": { "call": "PUT /settings", "json": { "api": "{base_url}" } } },
            "trigger": {
                "order": { "call": "POST /order", "json": { "n": 1 } },
                "pick_up": { "call": "POST /pick-up" },
                "refused": { "call": "POST /refused" },
            },
            "probe": {
                "destination": { "get": "/destination", "key": "id" },
                "runs": { "get": "/runs", "settled": ["done"], "state": "state" },
                "log": { "get": "/log" },
            },
        }))
        .unwrap()
    }

    /// Plays a scenario's rest: what comes behind its fixtures.
    fn play(&self, rest: &str) -> Vec<ScenarioOutcome> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let path = self.root.path().join("s/a.yaml");
        let head = "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: [p/f]\n";
        std::fs::write(&path, format!("{head}{rest}")).unwrap();
        let library = Library::new(self.root.path().join("fixtures"));
        let (catalogue, spec) = (Catalogue::default(), self.spec());
        let plans =
            Planner::new(&library, &catalogue, &spec).plans(&path, "s/a").unwrap_or_else(|e| panic!("{e}"));
        let launch = LaunchHere { folder: self.root.path().join("data") };
        let options =
            RunOptions { seed: 1, snapshots: SnapshotMode::WritePending, tenants: "tenant".to_owned() };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let runner = Runner::new(spec.clone(), &launch, http, options).on(jiff::civil::date(2026, 6, 1));
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio.block_on(async {
            let mut outcomes = Vec::new();
            for plan in &plans {
                outcomes.push(runner.run(plan).await);
            }
            outcomes
        })
    }

    /// What is wrong with the one scenario, in words.
    fn wrong(&self, rest: &str) -> Vec<String> {
        let outcomes = self.play(rest);
        let [outcome] = &outcomes[..] else { panic!("{} outcomes", outcomes.len()) };
        let attempt = &outcome.attempts[0];
        let broken = attempt.violations.iter();
        let words =
            broken.map(|one| format!("{}: wanted {}; found {}", one.message, one.expected, one.actual));
        attempt.error.clone().into_iter().chain(words).collect()
    }
}

const NOT_USED: &str = "\nallow: {unused: the provider is not needed here}\n";

#[test]
fn files_are_put_taken_and_looked_at() {
    let project = Project::new("integer");
    let steps = "steps:
  - file: {name: in/orders.csv, put: orders.csv}
  - file: {name: 'in/{tenant}.csv', text: \"of {tenant}\\nend\\n\"}
  - file: {name: in/half.csv, text: \"half of it is not all of it\\nend\\n\", half: true}
  - trigger: {pick_up: {}}
expect:
";
    let good = "  - files:
      exist: [out/orders.json, 'out/{tenant}.json', in/half.csv]
      gone: [in/orders.csv, out/half.json]
      counts: {'out/*.json': {count: 2}, '**/*': {at_least: 3, at_most: 3}}
      content:
        out/orders.json: {lines: {$type: integer}, first: from a file}
        in/half.csv: {$regex: ^half of}
";
    assert_eq!(project.wrong(&format!("{steps}{good}{NOT_USED}")), [""; 0]);
    let bad = "  - files:
      exist: [out/half.json]
      gone: ['in/*.csv']
      counts: {'out/*': {at_least: 3}}
      content: {out/orders.json: {lines: 3}, out/none.json: {}}
";
    let wrong = project.wrong(&format!("{steps}{bad}{NOT_USED}")).join("\n");
    insta::assert_snapshot!(wrong, @r##"
    a file is missing: wanted out/half.json; found there are: in/half.csv, out/orders.json, out/tenant-51b369cc0a63-1.json
    a file is still there: wanted no in/*.csv; found in/half.csv
    there are 2 files out/*: wanted at least 3; found 2
    the file out/orders.json does not hold what it must: wanted {"lines":3}; found {"lines":2,"first":"from a file"}
    a file is missing: wanted out/none.json; found there are: in/half.csv, out/orders.json, out/tenant-51b369cc0a63-1.json
    "##);

    let outcomes = project.play(&format!("{steps}  - snapshot: {{of: [files]}}\n{NOT_USED}"));
    let pending = std::fs::read_to_string(&outcomes[0].snapshots_pending[0]).unwrap();
    let (_, content) = pending.split_once("\n---\n").unwrap();
    assert!(content.contains("in/half.csv\n| half of it is "), "{content}");
    assert!(content.contains("out/orders.json\n| {\"lines\":2,\"first\":\"from a file\"}"), "{content}");
}

#[test]
fn every_file_that_fits_is_looked_into_as_its_name_says() {
    let project = Project::new("integer");
    let rest = |content: &str| {
        format!(
            "steps:
  - file: {{name: out/a.jsonl, text: \"{{\\\"n\\\": 1}}\\n{{\\\"n\\\": 2}}\\n\"}}
  - file: {{name: out/b.jsonl, text: \"{{\\\"n\\\": 3}}\\n\"}}
  - file: {{name: out/c.json, text: \"{{\\\"n\\\": 1}}\"}}
  - call: {{request: GET /a}}
expect:
  - files: {{content: {{{content}}}}}
{NOT_USED}"
        )
    };
    for (content, wrong) in [
        ("out/a.jsonl: [{n: 1}, {n: 2}], out/c.json: {n: 1}", 0),
        ("out/a.jsonl: [{n: 1}]", 1),
        ("'out/*.jsonl': {$contains: {n: {$type: integer}}}", 0),
        ("'out/*.jsonl': {$contains: {n: 1}}", 1),
        ("'out/*.jsonl': {$contains: {n: 4}}", 2),
    ] {
        assert_eq!(project.wrong(&rest(content)).len(), wrong, "{content}");
    }
}

#[test]
fn another_version_and_a_kill_are_seen_by_the_subject() {
    let project = Project::new("integer");
    let steps = "steps:
  - trigger: {order: {}}
  - settle: {}
  - kill: {}
  - deploy: {version: '2'}
expect:
";
    let expect = |version: &str| {
        format!("{steps}  - probe: {{name: log, record: {{version: '{version}', killed: 1}}}}\n")
    };
    assert_eq!(project.wrong(&expect("2")), [""; 0]);
    // What the first one logged is still there.
    assert_eq!(project.wrong(&expect("1")), [""; 0]);
    assert_eq!(project.wrong(&expect("3")).len(), 1, "there is no third");
}

#[test]
fn what_is_captured_is_sent_on_and_expected() {
    let project = Project::new("integer");
    let rest = |wanted: &str| {
        format!(
            "variables: {{path: 'a b'}}
steps:
  - trigger: {{order: {{}}, capture: {{run: $.run.id, number: $.number}}, answer: {{run: {{id: {{$regex: '^run-'}}}}}}}}
  - call:
      request: 'POST /echo/{{path}}/{{run}}'
      json: {{number: '{{number}}', text: 'run {{run}}'}}
      answer: {{echo: /echo/a%20b/run-1, sent: {{number: 1, text: run run-1}}}}
expect:
  - destination: {{records: [{{run: '{wanted}', status: 201}}]}}
"
        )
    };
    assert_eq!(project.wrong(&rest("{run}")), [""; 0]);
    let wrong = project.wrong(&rest("{run}x")).join("\n");
    insta::assert_snapshot!(wrong, @r#"no record of the destination is as it must be; no `settle` stands behind the last step, so the work may still have been under way: wanted {"run":"run-1x","status":201}; found none of 1; the nearest: {"id":"r-0","run":"run-1","status":201}"#);
    let nothing_there = "steps:\n  - trigger: {order: {}, capture: {id: $.nowhere}, answer: {run: {id: 5}}}\nexpect:\n  - destination: {count: 1}\n";
    insta::assert_snapshot!(project.wrong(nothing_there).join("\n"), @r##"without any fault the steps do not pass: `id` could not be captured from the answer (0 values there; the answer: {"run":{"id":"run-1"},"number":1})"##);
}

#[test]
fn what_the_subject_refuses_or_answers_otherwise_is_a_violation() {
    let project = Project::new("integer");
    let one = |step: &str| {
        project.wrong(&format!(
            "steps:\n  - {step}\n  - settle: {{}}\nexpect:\n  - destination: {{at_most: 1}}\n{NOT_USED}"
        ))
    };
    assert_eq!(one("call: {request: POST /refused, status: 422}"), [""; 0]);
    assert_eq!(one("call: {request: POST /echo, answer: {echo: /echo}}"), [""; 0]);
    let wrong = [
        "trigger: {refused: {}}",
        "call: {request: POST /refused}",
        "call: {request: POST /echo, status: 422}",
        "call: {request: POST /echo, answer: {echo: /other}}",
        "trigger: {order: {}, answer: {run: {id: {$regex: ^walk}}}}",
    ]
    .map(|step| format!("{step}: {}", one(step).join("; ")));
    insta::assert_snapshot!(wrong.join("\n"), @r#"
    trigger: {refused: {}}: the subject refused it: wanted 2xx; found 422: {"why":"no such room"}
    call: {request: POST /refused}: the subject refused it: wanted 2xx; found 422: {"why":"no such room"}
    call: {request: POST /echo, status: 422}: the subject refused it: wanted 422; found 200: {"echo":"/echo","sent":null}
    call: {request: POST /echo, answer: {echo: /other}}: the subject's answer is not what it must be: wanted {"echo":"/other"}; found {"echo":"/echo","sent":null}
    trigger: {order: {}, answer: {run: {id: {$regex: ^walk}}}}: the subject's answer is not what it must be: wanted {"run":{"id":{$regex:"^walk"}}}; found {"run":{"id":"run-1"},"number":1}
    "#);
}

#[test]
fn steps_are_repeated_as_often_as_they_say_and_waited_for_in_number() {
    let project = Project::new("integer");
    let rest = |times: usize, count: usize| {
        format!(
            "steps:\n  - repeat:\n      times: {times}\n      steps:\n        - trigger: {{order: {{}}}}\n  - wait_for: {{probe: runs, record: {{state: done}}, count: {count}, within: 1s}}\n  - settle: {{}}\nexpect:\n  - destination: {{count: {times}}}\nallow: {{exhausted: the same order is sent again}}\ninvariants: {{off: {{loud: that is another test}}}}\n"
        )
    };
    assert_eq!(project.wrong(&rest(3, 3)), [""; 0]);
    let wrong = project.wrong(&rest(3, 2));
    assert_eq!(wrong.len(), 1, "three are not two: {wrong:?}");
}

#[test]
fn acts_are_taken_together_and_told_in_the_order_of_the_file() {
    let project = Project::new("integer");
    let outcomes = project.play(
        "steps:
  - parallel:
      steps:
        - call: {request: GET /b}
        - call: {request: GET /a, answer: {echo: /a}}
        - trigger: {order: {}}
  - settle: {}
expect:
  - destination: {count: 1}
",
    );
    let attempt = &outcomes[0].attempts[0];
    assert_eq!(outcomes[0].verdict, Verdict::Passed, "{:?} {:?}", attempt.error, attempt.violations);
    let steps: Vec<&str> = attempt.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["call GET /b", "call GET /a", "trigger order", "settle"]);
}

#[test]
fn what_never_shows_is_a_violation() {
    let project = Project::new("integer");
    let rest = |state: &str| {
        format!(
            "steps:\n  - trigger: {{order: {{}}}}\n  - wait_for: {{probe: runs, record: {{state: {state}}}, within: 1s}}\nexpect:\n  - destination: {{count: 1}}\n"
        )
    };
    assert_eq!(project.wrong(&rest("done")), [""; 0]);
    insta::assert_snapshot!(project.wrong(&rest("over")).join("\n"), @r#"
    the probe `runs` never showed what was waited for: wanted at least 1 with {"state":"over"} within 1s; found 1 records; the nearest: {"id":"run-1","state":"done"}
    "#);
}

#[test]
fn what_is_really_sent_is_held_against_the_contract() {
    let rest = "steps:\n  - trigger: {order: {}}\n  - settle: {}\nexpect:\n  - contract: {}\n";
    assert_eq!(Project::new("integer").wrong(rest), [""; 0]);
    insta::assert_snapshot!(Project::new("string").wrong(rest).join("\n"), @r#"
    request 1, POST /orders: the request body does not fit its schema at /n: wanted string; found 1
    "#);
}

#[test]
fn a_contract_that_nothing_could_break_is_not_kept_and_one_that_is_broken_often_is_told_in_short() {
    let nothing = format!("steps:\n  - call: {{request: GET /a}}\nexpect:\n  - contract: {{}}\n{NOT_USED}");
    assert_eq!(
        Project::new("integer").wrong(&nothing),
        ["no request was sent that could keep the contract: wanted requests; found none"]
    );
    let often = "steps:\n  - repeat:\n      times: 24\n      steps:\n        - trigger: {order: {}}\n  - settle: {}\nexpect:\n  - contract: {}\nallow: {exhausted: the same order is sent again}\ninvariants: {off: {loud: that is another test, polite: so is that}}\n";
    let wrong = Project::new("string").wrong(often);
    assert_eq!(wrong.len(), 21, "{wrong:?}");
    // 24 requests, and 23 answers that say that there is no further one.
    assert_eq!(wrong[20], "the contract is broken more often: wanted no breach; found 27 more");
}

#[test]
fn each_row_of_a_table_is_a_scenario_of_its_own() {
    let outcomes = Project::new("integer").play(
        "cases: {one: {n: 1}, two: {n: 2}}
steps:
  - trigger: {order: {}}
  - settle: {}
expect:
  - destination: {count: '{n}'}
",
    );
    let told: Vec<(&str, &Verdict)> = outcomes.iter().map(|one| (one.name.as_str(), &one.verdict)).collect();
    assert_eq!(told, [("s/a[one]", &Verdict::Passed), ("s/a[two]", &Verdict::Failed)]);
}

#[test]
fn a_quarantine_counts_until_its_last_day_is_over() {
    let project = Project::new("integer");
    for (until, counts) in [("2026-06-01", true), ("2026-05-31", false)] {
        let outcomes = project.play(&format!(
            "quarantine: {{reason: known, owner: data team, until: {until}}}
steps:\n  - trigger: {{order: {{}}}}\n  - settle: {{}}\nexpect:\n  - destination: {{count: 5}}\n"
        ));
        assert_eq!(outcomes[0].verdict, Verdict::Failed, "what is known is still so");
        assert_eq!(outcomes[0].is_quarantined(), counts, "{until}");
    }
}

#[test]
fn an_invariant_that_must_be_checked_and_cannot_be_leaves_nothing_to_judge() {
    let rest = |name: &str| {
        format!(
            "invariants: {{on: [{name}]}}\nsteps:\n  - trigger: {{order: {{}}}}\n  - settle: {{}}\nexpect:\n  - destination: {{count: 1}}\n"
        )
    };
    let project = Project::new("integer");
    assert_eq!(project.wrong(&rest("applied_once")), [""; 0]);
    assert_eq!(
        project.wrong(&rest("audited")),
        ["the invariant `audited` must be checked here, and cannot be: the subject has no probe `audit`"]
    );
}
