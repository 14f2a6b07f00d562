//! `counterpart exec`: a command beside the recorder or the stand-ins.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and what is skipped is said"
)]

use crate::support::Project;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A token that no rule knows but by its place.
const TOKEN: &str = "Zk3x9Tq7LmN2pR5sV8wY1";

/// A provider that counts what it is asked.
struct Api {
    address: std::net::SocketAddr,
    seen: Arc<Seen>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    tokens: Mutex<Vec<String>>,
}

impl Seen {
    fn take(&self, headers: &HeaderMap) -> usize {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.tokens.lock().unwrap().push(token.to_owned());
        self.requests.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl Api {
    fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen = Arc::new(Seen::default());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let issues = |State(seen): State<Arc<Seen>>, headers: HeaderMap| async move {
            let number = seen.take(&headers);
            ([("content-type", "application/json")], format!(r#"{{"issues":[{number}]}}"#))
        };
        let create = |State(seen): State<Arc<Seen>>, headers: HeaderMap, body: String| async move {
            seen.take(&headers);
            (StatusCode::CREATED, body)
        };
        let router = Router::new()
            .route("/v1/issues", get(issues).post(create))
            .route("/v1/labels", get(issues))
            .with_state(Arc::clone(&seen));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, seen, _runtime: runtime }
    }

    fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

/// A project without fixtures, whose temporary files are in a folder of its own.
fn project(config: &str) -> Project {
    let project = Project::new();
    project.write("counterpart.toml", &format!("counterpart = \"config/1\"\n{config}"));
    project
}

fn exec(project: &Project, options: &[&str], script: &str) -> Ended {
    let output = command(project, options, script).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(project: &Project, options: &[&str], script: &str) -> Command {
    let mut arguments = vec!["exec"];
    arguments.extend(options);
    arguments.extend(["--", "sh", "-c", script]);
    let mut command = project.command(&arguments);
    std::fs::create_dir_all(project.path("tmp")).unwrap();
    command.env("TMPDIR", project.path("tmp")).env("XDG_DATA_HOME", project.path("data"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name);
    }
    command
}

#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// All that a folder holds, one text.
fn everything_in(folder: &std::path::Path) -> String {
    let mut all = String::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return all };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            all.push_str(&everything_in(&path));
        } else {
            all.push_str(&format!(
                "{}\n{}",
                path.display(),
                String::from_utf8_lossy(&std::fs::read(&path).unwrap())
            ));
        }
    }
    all
}

const RECORD: &str = r#"curl -sS -H "authorization: Bearer $TOKEN" "$COUNTERPART_HUB_URL/issues"; echo; curl -sS -d title=a "$COUNTERPART_URL/issues""#;

#[test]
fn what_was_recorded_is_played_without_the_api_and_without_its_secrets() {
    let project = project("");
    let api = Api::start();
    let options = ["--record", "--provider", "hub", "--flow", "list", "--upstream", &api.url()];
    let recorded = command(&project, &options, RECORD).env("TOKEN", TOKEN).output().unwrap();
    let recorded_out = String::from_utf8(recorded.stdout).unwrap();
    assert_eq!(recorded_out, "{\"issues\":[1]}\ntitle=a");
    insta::assert_snapshot!(String::from_utf8(recorded.stderr).unwrap(), @r"
    wrote fixtures/hub/list.yaml: 2 exchanges
    1 secret was replaced, 0 bodies were not kept
    drafted fixtures/hub/provider.yaml: look it over, it decides how the fixture is played
    ");
    assert_eq!(recorded.status.code(), Some(0));
    assert_eq!(api.requests(), 2);
    assert!(!everything_in(&project.path("")).contains(TOKEN), "the token is on the disk");

    drop(api);
    let value = exec(&project, &["--fixture", "hub/list"], "echo \"$COUNTERPART_URL\"");
    assert!(value.out.trim_end().ends_with("/v1"), "the base path of the recording is kept: {}", value.out);
    let config = "[exec.hub]\ncredentials_env = { TOKEN = \"{access_token}\" }\n";
    project.write("counterpart.toml", &format!("counterpart = \"config/1\"\n{config}"));
    let played = exec(&project, &["--fixture", "hub/list"], RECORD);
    assert_eq!(played.out, recorded_out);
    insta::assert_snapshot!(played.err, @r"
    answered from hub/list:
    2 request(s): 2 replayed
    ");
    assert_eq!(played.code, 0);
    assert_eq!(everything_in(&project.path("tmp")), "", "something is left behind");
}

#[test]
fn the_code_of_the_command_is_passed_through() {
    let project = Project::new();
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let ended = exec(&project, &["--fixture", "matrix/missing"], script);
        assert_eq!(ended.code, code, "{script}: {}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn a_request_that_nobody_recorded_fails_and_is_told_last() {
    let project = Project::new();
    let script = r#"echo before; curl -s -o /dev/null -w '%{http_code}\n' "$COUNTERPART_URL/_matrix/client/v3/directory/room/x"; echo err >&2"#;
    let ended = exec(&project, &["--fixture", "matrix/missing"], script);
    assert_eq!((ended.code, ended.out.as_str()), (1, "before\n501\n"));
    insta::assert_snapshot!(ended.err, @r"
    err
    answered from matrix/missing:
    GET /_matrix/client/v3/directory/room/x: unmatched: nearest is matrix/missing#resolve_alias-1: the path is /_matrix/client/v3/directory/room/x, recorded /_matrix/client/v3/directory/room/#nowhere:test.local
    never asked for: matrix/missing#resolve_alias-1
    1 request(s): 1 unmatched
    failed because of: unmatched (--allow unmatched)
    ");
    let code = |options: &[&str], after: &str| exec(&project, options, &format!("{script}; {after}")).code;
    assert_eq!(code(&["--fixture", "matrix/missing"], "exit 5"), 5, "the command's own failure comes first");
    assert_eq!(code(&["--fixture", "matrix/missing", "--allow", "unmatched"], "true"), 0);
    let quiet = exec(&project, &["-q", "--fixture", "matrix/missing"], "true");
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
}

/// Becomes the program that it is given, which hears the signals that a script ignores for what it runs in the
/// background: these tests may be run so.
const HEARING: &str = "\
import os, signal, sys
for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE): signal.signal(each, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn a_signal_reaches_the_command_and_its_answer_is_the_end() {
    let project = Project::new();
    for (signal, code) in [("TERM", 7), ("HUP", 8), ("INT", 9), ("QUIT", 10), ("USR1", 11)] {
        let script = format!("trap 'kill $!; exit {code}' {signal}; sleep 600 & echo ready; wait");
        let mut command = Command::new("python3");
        command.args(["-c", HEARING, env!("CARGO_BIN_EXE_counterpart")]).current_dir(project.path(""));
        command.args(["exec", "--no-proxy", "--fixture", "matrix/missing", "--", "sh", "-c", &script]);
        let mut running = Project::started(command);
        assert_eq!(running.first_line, "ready\n");
        let id = running.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
        assert_eq!(running.wait().code, code, "{signal}");
    }
}

/// Presses Ctrl-C at a terminal once the command is ready.
const AT_A_TERMINAL: &str = r#"
import os, pty, signal, sys
child, terminal = pty.fork()
if child == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b"ready" not in seen:
    seen += os.read(terminal, 1024)
os.write(terminal, b"\x03")
try:
    while os.read(terminal, 1024):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn what_a_key_at_the_terminal_sends_is_not_delivered_twice() {
    let project = Project::new();
    // Signals arrive in order: when TERM comes back, each INT before it has come.
    let script = "n=0; trap 'n=$((n+1)); kill -TERM $PPID' INT; trap 'kill $!; exit $((10+n))' TERM; \
                  sleep 600 & echo ready; while :; do wait; done";
    let mut command = Command::new("python3");
    command.args(["-c", AT_A_TERMINAL, env!("CARGO_BIN_EXE_counterpart")]);
    command.args(["exec", "--no-proxy", "--fixture", "matrix/missing", "--", "sh", "-c", script]);
    match command.current_dir(project.path("")).output() {
        Ok(output) => assert_eq!(output.status.code(), Some(11), "{output:?}"),
        Err(error) => eprintln!("SKIPPED: python3 opens the terminal of this test: {error}"),
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_beginning_stays_ignored() {
    let project = Project::new();
    let mut shell = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" exec --no-proxy --fixture matrix/missing -- sh -c 'kill -HUP $PPID; kill -HUP $$; echo alive'";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_counterpart")]).current_dir(project.path(""));
    let output = shell.output().unwrap();
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"alive\n"[..]));
}

#[test]
fn what_a_failing_command_asked_for_is_kept_and_said() {
    let project = project("");
    let api = Api::start();
    let options = ["--record", "--fixture", "hub/list", "--upstream", &api.url()];
    let ended = exec(&project, &options, r#"curl -s "$COUNTERPART_URL/issues"; exit 4"#);
    assert_eq!(ended.code, 4);
    assert!(
        ended.err.contains("the command ended with 4: what is kept shows a run that failed"),
        "{}",
        ended.err
    );
    assert!(project.path("fixtures/hub/list.yaml").is_file());

    let nothing = exec(&project, &["--record", "--fixture", "hub/none", "--upstream", &api.url()], "true");
    assert_eq!(nothing.code, 4);
    assert!(nothing.err.starts_with("hub/none: no request came, so nothing was written"), "{}", nothing.err);
    assert!(!project.path("fixtures/hub/none.yaml").exists());
}

#[test]
fn the_variables_that_the_project_names_are_there() {
    let config = "[exec.matrix]\nbase_url_env = [\"A_URL\", \"B_URL\"]\ncredentials_env = { \
                  TOKEN = \"Bearer {access_token}\", SAME = \"{access_token:1}\" }\n";
    let project = Project::new();
    let mut text = std::fs::read_to_string(project.path("counterpart.toml")).unwrap();
    text.push_str(config);
    project.write("counterpart.toml", &text);
    let script = "echo \"$A_URL $B_URL $COUNTERPART_MATRIX_URL $COUNTERPART_URL\"; echo \"$TOKEN/$SAME\"";
    let ended = exec(&project, &["--fixture", "matrix/missing"], script);
    let (urls, token) = ended.out.trim_end().split_once('\n').unwrap();
    let urls: Vec<&str> = urls.split(' ').collect();
    assert!(
        urls.len() == 4 && urls.iter().all(|url| url.starts_with("http://127.0.0.1:") && *url == urls[0]),
        "{urls:?}"
    );
    let (bearer, same) = token.split_once('/').unwrap();
    assert!(same.starts_with("cp-1-") && bearer == format!("Bearer {same}"), "{token}");

    project.write("counterpart.toml", &text.replace("{access_token:1}", "{acces_token}"));
    let wrong = exec(&project, &["--fixture", "matrix/missing"], "echo ran");
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.contains("[exec.matrix] credentials_env SAME: {acces_token}"), "{}", wrong.err);
}

#[test]
fn auto_records_what_is_missing_and_plays_the_rest() {
    let project = project("");
    let api = Api::start();
    let upstream = api.url();
    let options = ["--mode", "auto", "--fixture", "hub/list", "--upstream", upstream.as_str()];
    let issues = r#"curl -sS -H "authorization: Bearer Zk3x9Tq7LmN2pR5sV8wY1" "$COUNTERPART_URL/issues""#;
    let first = exec(&project, &options, issues);
    assert_eq!((first.code, first.out.as_str(), api.requests()), (0, "{\"issues\":[1]}", 1), "{}", first.err);
    let before = std::fs::read_to_string(project.path("fixtures/hub/list.yaml")).unwrap();

    let again = exec(&project, &options, issues);
    assert_eq!((again.code, again.out.as_str(), api.requests()), (0, "{\"issues\":[1]}", 1), "{}", again.err);
    assert!(again.err.starts_with("hub/list: nothing was missing\n"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(project.path("fixtures/hub/list.yaml")).unwrap(), before);

    // Without --upstream: the fixture says where it was recorded.
    let more = format!(
        r#"{issues}; curl -sS -H "authorization: Bearer Zk3x9Tq7LmN2pR5sV8wY1" "$COUNTERPART_URL/labels"; curl -sS -H "authorization: Bearer Zk3x9Tq7LmN2pR5sV8wY1" -d a=1 "$COUNTERPART_URL/issues""#
    );
    let completed = exec(&project, &["--mode", "auto", "--fixture", "hub/list"], &more);
    assert_eq!(
        (completed.out.as_str(), api.requests()),
        ("{\"issues\":[1]}{\"issues\":[2]}a=1", 3),
        "{}",
        completed.err
    );
    assert!(
        completed.err.starts_with("wrote fixtures/hub/list.yaml: 3 exchanges, 2 of them new\n"),
        "{}",
        completed.err
    );
    let after = std::fs::read_to_string(project.path("fixtures/hub/list.yaml")).unwrap();
    assert!(!after.contains(TOKEN));
    let exchanges = |text: &str| text.split_once("exchanges:\n").unwrap().1.to_owned();
    assert!(exchanges(&after).starts_with(&exchanges(&before)), "what was there stays: {after}");
    assert!(after.contains("«access_token:2»"), "{after}");

    drop(api);
    let config = "[exec.hub]\ncredentials_env = { A = \"{access_token:1}\", B = \"{access_token:2}\" }\n";
    project.write("counterpart.toml", &format!("counterpart = \"config/1\"\n{config}"));
    let played = exec(
        &project,
        &["--fixture", "hub/list"],
        r#"curl -sS -H "authorization: Bearer $A" "$COUNTERPART_URL/issues"; curl -sS -H "authorization: Bearer $B" "$COUNTERPART_URL/labels"; curl -sS -H "authorization: Bearer $B" -d a=1 "$COUNTERPART_URL/issues""#,
    );
    assert_eq!((played.code, played.out.as_str()), (0, completed.out.as_str()), "{}", played.err);
}

#[test]
fn auto_sends_no_value_that_stands_for_a_secret_to_the_real_api() {
    let project = project("");
    let api = Api::start();
    let options = ["--mode", "auto", "--fixture", "hub/list", "--upstream", &api.url()];
    exec(
        &project,
        &options,
        r#"curl -sS -H "authorization: Bearer Zk3x9Tq7LmN2pR5sV8wY1" "$COUNTERPART_URL/issues""#,
    );
    let config = "[exec.hub]\ncredentials_env = { A = \"{access_token}\" }\n";
    project.write("counterpart.toml", &format!("counterpart = \"config/1\"\n{config}"));
    let token = exec(&project, &["--fixture", "hub/list"], "printf %s \"$A\"").out;
    assert!(token.starts_with("cp-1-"), "{token}");
    for script in [
        format!(
            "curl -s -o /dev/null -w '%{{http_code}}' -H 'authorization: Bearer {token}' $COUNTERPART_URL/labels"
        ),
        format!("curl -s -o /dev/null -w '%{{http_code}}' '$COUNTERPART_URL/labels?token={token}'")
            .replace('\'', "\""),
        format!("curl -s -o /dev/null -w '%{{http_code}}' -d 'x={token}' $COUNTERPART_URL/issues"),
        format!("curl -s -o /dev/null -w '%{{http_code}}' -u 'me:{token}' $COUNTERPART_URL/labels"),
    ] {
        let ended = exec(&project, &options, &script);
        assert_eq!(
            (ended.out.as_str(), ended.code, api.requests()),
            ("501", 1, 1),
            "{script}: {}",
            ended.err
        );
    }
}

#[test]
fn programs_read_one_line() {
    let project = Project::new();
    let ended = exec(&project, &["--format", "json", "--fixture", "matrix/missing"], "echo out; exit 3");
    assert_eq!(ended.out, "out\n");
    let told: serde_json::Value = serde_json::from_str(&ended.err).unwrap();
    insta::assert_snapshot!(told, @r#"{"event":"ended","command_code":3,"code":3,"played":{"passed":true,"failed_because":[],"counts":{"requests":0,"replayed":0,"volatile":0,"any_body":0,"repeated":0,"behaved":0,"faulted":0,"fault_inapplicable":0,"exhausted":0,"unmatched":0,"connections_failed":0},"forgotten":0,"unanswered":[],"unused_faults":[],"unused_exchanges":["matrix/missing#resolve_alias-1"]},"recorded":[],"refused":{},"tunnelled":{},"handshakes_failed":{}}"#);
}

#[test]
fn a_fault_strikes_and_one_that_does_not_fails() {
    let project = Project::new();
    let target = "_matrix/client/v3/directory/room/%23nowhere%3Atest.local";
    let script = format!("curl -s -o /dev/null -w '%{{http_code}}' \"$COUNTERPART_URL/{target}\"");
    let fault = ["--fixture", "matrix/missing", "--fault", "rate_limited@resolve_alias-1"];
    let struck = exec(&project, &fault, &script);
    assert_eq!((struck.code, struck.out.as_str()), (0, "429"), "{}", struck.err);
    assert_eq!(exec(&project, &fault, "true").code, 1, "a fault that strikes nobody proves nothing");
}

#[test]
fn arguments_that_make_no_sense_are_told_before_the_command_runs() {
    let project = Project::new();
    let told: Vec<String> = [
        &[][..],
        &["--record"],
        &["--fixture", "matrix/mising"],
        &["--record", "--fixture", "matrix/missing", "--fixture", "matrix/send-message"],
        &["--record", "--fixture", "unknown/flow"],
        &["--fixture", "matrix/missing", "--host", "a.example=hub"],
        &["--fixture", "matrix/missing", "--fixture", "shop-rest", "--upstream", "http://a.example"],
        &["--record", "--fixture", "matrix/missing", "--fault", "timeout@x-1"],
        &["--record", "--fixture", "hub/list", "--upstream", "ftp://a.example"],
    ]
    .into_iter()
    .map(|options| {
        let ended = exec(&project, options, "echo ran");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{options:?}");
        let repository = crate::support::repository().display().to_string();
        format!("{}\n  {}", options.join(" "), ended.err.replace(&repository, ""))
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"));
    let missing = project.run(&["exec", "--fixture", "matrix/missing", "--", "./no-such-program"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("the command ./no-such-program cannot be started"), "{}", missing.err);
}

/// What clients read of the environment.
const GIVEN: [&str; 15] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "NODE_USE_ENV_PROXY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "PERL_LWP_SSL_CA_FILE",
];

const HUB: &str = r#"counterpart: fixture/1
provider: hub
flow: list
provenance: {written: {after: nobody}}
exchanges:
- id: get-issues-1
  request: {method: GET, target: /issues, headers: {host: api.hub.example}}
  response: {status: 200, body: {text: from the hub}}
- id: get-issues-2
  request: {method: GET, target: /issues, headers: {host: files.hub.example}}
  response: {status: 200, body: {text: from the files}}
- id: get-moved-1
  request: {method: GET, target: /moved, headers: {host: api.hub.example}}
  response: {status: 302, headers: {location: "https://files.hub.example/issues"}}
"#;

#[test]
fn the_command_is_given_a_proxy_and_whom_to_trust() {
    let project = project("");
    project.write("fixtures/hub/list.yaml", HUB);
    project.write("own.pem", "-----BEGIN CERTIFICATE-----\nof the user\n-----END CERTIFICATE-----\n");
    let names = GIVEN.map(|name| format!("{name}=${name}")).join("\\n");
    let script = format!(
        "printf \"{names}\\n\"; ls -ld \"${{SSL_CERT_FILE%/*}}\" | cut -c1-10; cat \"$SSL_CERT_FILE\""
    );
    let mut command = command(&project, &["--fixture", "hub/list"], &script);
    let output = command.env("REQUESTS_CA_BUNDLE", project.path("own.pem")).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let (variables, bundle) = out.split_once("drwx------\n").expect("the folder is the user's alone");
    let value = |name: &str| {
        let line = variables.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name} in {variables}")).to_owned()
    };
    let proxy = value("HTTPS_PROXY");
    assert!(proxy.starts_with("http://127.0.0.1:"), "{proxy}");
    for name in &GIVEN[..4] {
        assert_eq!(value(name), proxy);
    }
    assert_eq!(
        (value("NO_PROXY"), value("NODE_USE_ENV_PROXY")),
        ("127.0.0.1,localhost,::1".into(), "1".into())
    );
    for name in &GIVEN[7..] {
        assert_eq!(value(name), value("SSL_CERT_FILE"));
    }
    let ours = std::fs::read_to_string(project.path("data/counterpart/ca/ca.pem")).unwrap();
    assert!(bundle.starts_with(&ours) && bundle.contains("of the user"), "{bundle}");
    assert_eq!(everything_in(&project.path("tmp")), "", "something is left behind");

    let without = exec(&project, &["--no-proxy", "--fixture", "hub/list"], "echo \"$HTTPS_PROXY$DENO_CERT\"");
    assert_eq!(without.out, "\n");
}

#[test]
fn hosts_are_played_by_their_own_names_and_no_other_is_reached() {
    let project = project("");
    project.write("fixtures/hub/list.yaml", HUB);
    let script = "for url in https://files.hub.example/issues https://api.hub.example/issues http://api.hub.example/issues; \
                  do curl -sS $url; echo; done; curl -sSL https://api.hub.example/moved";
    let played = exec(&project, &["--fixture", "hub/list"], script);
    assert_eq!(played.out, "from the files\nfrom the hub\nfrom the hub\nfrom the files", "{}", played.err);
    assert_eq!(played.code, 0, "{}", played.err);

    let other = "curl -s https://api.other.example/; curl -s http://api.other.example/; true";
    let refused = exec(&project, &["--fixture", "hub/list"], other);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.starts_with("refused: api.other.example:443 (1), api.other.example:80 (1)\n"),
        "{}",
        refused.err
    );
    assert_eq!(exec(&project, &["--fixture", "hub/list", "--allow", "unmatched"], other).code, 0);

    let unmatched = exec(&project, &["--fixture", "hub/list"], "curl -s https://files.hub.example/moved");
    assert!(
        unmatched.code == 1 && unmatched.out.contains("nearest is hub/list#get-issues-2"),
        "{}",
        unmatched.out
    );
}

#[test]
fn a_host_behind_tls_is_recorded_by_its_own_name_and_completed() {
    let project = project("");
    project.write("real/hub/list.yaml", HUB);
    let real = project.path("real").display().to_string();
    let ca = project.path("real-ca").display().to_string();
    let api = project.start(&["--format", "json", "serve", &real, "--tls", "--tls-ca", &ca]);
    let ready: serde_json::Value = serde_json::from_str(&api.first_line).unwrap();
    let address = ready["base_url"].as_str().unwrap().trim_start_matches("https://").to_owned();
    let port = address.rsplit_once(':').unwrap().1;
    let host = format!("localhost:{port}");
    let trusted = format!("{ca}/ca.pem");
    let record = ["--record", "--fixture", "hub/seen", "--host", &host, "--upstream-ca", &trusted];
    let both = format!("curl -sS https://{host}/issues; curl -sS \"$COUNTERPART_URL/issues\"");
    let recorded = exec(&project, &record, &both);
    assert_eq!((recorded.code, recorded.out.as_str()), (0, "from the hubfrom the files"), "{}", recorded.err);
    assert!(recorded.err.starts_with("wrote fixtures/hub/seen.yaml: 2 exchanges\n"), "{}", recorded.err);
    // Before the profile is looked over it is not known that a token is not judged; there is none here.
    let played = exec(&project, &["--fixture", "hub/seen", "--host", &host], &both);
    assert_eq!((played.code, played.out.as_str()), (0, "from the hubfrom the files"), "{}", played.err);

    let auto = ["--mode", "auto", "--fixture", "hub/seen", "--host", &host, "--upstream-ca", &trusted];
    let more = format!("{both}; curl -sS -o /dev/null -w '%{{http_code}}' https://{host}/moved");
    let completed = exec(&project, &auto, &more);
    assert_eq!(
        (completed.code, completed.out.as_str()),
        (0, "from the hubfrom the files302"),
        "{}",
        completed.err
    );
    assert!(
        completed.err.starts_with("wrote fixtures/hub/seen.yaml: 3 exchanges, 1 of them new\n"),
        "{}",
        completed.err
    );
}
