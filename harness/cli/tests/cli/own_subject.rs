//! A subject that somebody else runs: described in `counterpart.toml`, met over HTTP alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, repository};
use counterpart_outcome::{Verdict, read_run};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Describes the bundled runtime, in a process of its own, as anybody would describe their connector.
fn describe(project: &Project, address: &str, clock: &str) {
    project.describe_the_runtime(&format!("{{ url = \"http://{address}\" }}"), clock);
}

#[test]
fn the_whole_suite_runs_against_it_and_again() {
    let project = Project::new();
    let runtime = project.start(&["runtime", "serve", "--data", "data", "--test-clock"]);
    describe(&project, &runtime.address(), "endpoint");
    let suite = repository().join("scenarios/chat-import");
    for round in ["first", "second"] {
        let ran = project.run(&["run", suite.to_str().unwrap(), "--subject", "mine", "--out", round]);
        assert_eq!(ran.code, 5, "all but two could be judged: {}{}", ran.out, ran.err);
        let run = read_run(&project.path(round).join("run.json")).unwrap();
        assert_eq!((run.subject.name.as_str(), run.subject.kind.as_str()), ("mine", "url"));
        assert_eq!(run.subject.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!((run.totals().passed, run.totals().skipped), (run.totals().total - 2, 2));
        let skipped: Vec<&str> = run
            .scenarios
            .iter()
            .filter(|one| matches!(one.verdict, Verdict::Skipped { .. }))
            .map(|one| one.name.rsplit('/').next().unwrap())
            .collect();
        let expected = ["killed-while-waiting", "restarted-while-waiting"];
        assert_eq!(skipped, expected, "it can be neither killed nor restarted from here");
    }
}

#[test]
fn one_that_lives_in_real_time_is_waited_for() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let runtime = project.start(&["runtime", "serve", "--data", "data"]);
    describe(&project, &runtime.address(), "real");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn one_that_is_not_there_could_not_be_judged() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    describe(&project, &closed.to_string(), "endpoint");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 3, "errored and nothing failed");
    assert!(ran.out.contains(&closed.to_string()) && ran.out.contains("refused"), "{}", ran.out);
}

/// A connector of the worst kind: until it is answered well, it asks again and again without any wait.
fn hammering_connector() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let busy = Arc::new(AtomicU64::new(0));
    let calls = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        let mut provider = String::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            if let Some((_, rest)) = request.split_once("http://127.0.0.1:") {
                provider = format!("127.0.0.1:{}", rest.split('"').next().unwrap());
            }
            if request.starts_with("POST /sync") {
                busy.store(1, Ordering::SeqCst);
                let (busy, calls, provider) = (Arc::clone(&busy), Arc::clone(&calls), provider.clone());
                std::thread::spawn(move || hammer(&provider, &busy, &calls));
            }
            let (busy, calls) = (busy.load(Ordering::SeqCst), calls.load(Ordering::SeqCst));
            let state = format!(
                r#"{{"now":"2026-01-01T00:00:00Z","next_timer":null,"busy":{busy},"started":{calls},"finished":{calls}}}"#
            );
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", state.len());
            let _ = stream.write_all(format!("{head}{state}").as_bytes());
        }
    });
    address
}

/// Head and body, by the promised length.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).unwrap_or_default();
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let promised = text
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next().unwrap_or_default().trim().parse::<usize>().ok());
        let whole = text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= promised.unwrap_or(0));
        if whole || length == 0 {
            return text;
        }
    }
}

/// It ends when it is answered with 200, or when the stand-in is gone.
fn hammer(provider: &str, busy: &AtomicU64, calls: &AtomicU64) {
    let target = "/_matrix/client/v3/directory/room/%23history%3Atest.local";
    let ask = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    while let Ok(mut stream) = TcpStream::connect(provider) {
        calls.fetch_add(1, Ordering::SeqCst);
        let mut answer = Vec::new();
        let _ = stream.write_all(ask.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
        if answer.starts_with(b"HTTP/1.1 200") {
            break;
        }
    }
    busy.store(0, Ordering::SeqCst);
}

#[test]
fn one_that_hammers_is_stopped_and_told() {
    let project = Project::new();
    let scenario = GOOD
        .replace("steps:", "faults:\n  - {at: {request: {to: resolve_alias}}, times: always, inject: {server_error: {}}}\nsteps:")
        .replace("{room: \"#history:test.local\"}", "{}")
        .replace("destination: {count: 72}", "requests: {to: resolve_alias, at_most: 20}");
    project.write("scenarios/s/hammer.yaml", &scenario);
    let subject = format!(
        "launch = {{ url = \"http://{}\" }}\nclock = \"endpoint\"\n\
         setup.connect = {{ call = \"PUT /settings\", json = {{ api = \"{{base_url}}\" }} }}\n\
         trigger.sync = {{ call = \"POST /sync\" }}\n",
        hammering_connector()
    );
    project.configure(&format!("[subject.mine]\n{subject}"));
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("without any time passing on its clock"), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("not kept: step settle"), "it is a violation of its own: {}", ran.out);
}

#[test]
fn the_only_subject_that_is_described_is_meant_and_of_several_one_is_chosen() {
    let project = Project::new();
    let subject = |name: &str| {
        format!(
            "[subject.{name}]\nlaunch = {{ url = \"http://127.0.0.1:9\" }}\n[subject.{name}.trigger.go]\ncall = \"POST /go\"\n"
        )
    };
    let head = "counterpart = \"config/1\"\n";
    project.write("counterpart.toml", &format!("{head}{}", subject("mine")));
    project.write(
        "scenarios/s/a.yaml",
        "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: [p/f]\nsteps:\n  - trigger: {go: {}}\nexpect:\n  - requests: {to: GET /x, count: 0}\n",
    );
    project.write("fixtures/p/provider.yaml", "counterpart: provider/1\nprovider: p\n");
    project.write(
        "fixtures/p/f.yaml",
        "counterpart: fixture/1\nprovider: p\nflow: f\nprovenance: {written: {after: nothing}}\nexchanges: []\n",
    );
    let ran = project.run(&["run"]);
    assert!(ran.out.contains("subject mine; 1 scenario: 1 errored"), "{}{}", ran.out, ran.err);
    project.write("counterpart.toml", &format!("{head}{}{}", subject("mine"), subject("other")));
    for command in [&["run"][..], &["explore", "scenarios/s/a.yaml"][..]] {
        let ran = project.run(command);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(
            ran.err.contains("describes several subjects: mine, other; say with --subject"),
            "{}",
            ran.err
        );
    }
}
