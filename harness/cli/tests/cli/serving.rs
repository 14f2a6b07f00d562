//! Commands that run until they are told to stop: `record`, `serve`, `runtime serve`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, repository};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// One request over a connection of its own; everything that came back.
fn get(address: &str, target: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_passes_the_recorder_is_served_again() {
    let project = Project::new();
    project.write("counterpart.toml", "counterpart = \"config/1\"\n");
    let profile = std::fs::read_to_string(repository().join("fixtures/matrix/provider.yaml")).unwrap();
    project.write("fixtures/matrix/provider.yaml", &profile);

    // The stand-in of the repository's fixtures plays the real server.
    let real = Project::new().start(&["serve", "matrix/missing"]);
    let upstream = format!("http://{}", real.address());
    let target = "/_matrix/client/v3/directory/room/%23nowhere%3Atest.local";
    let recorder =
        project.start(&["record", "--provider", "matrix", "--flow", "again", "--upstream", &upstream]);
    let recorded = get(&recorder.address(), target, "authorization: Bearer Zk3x9Tq7LmN2pR5sV8wY1\r\n");
    assert!(recorded.starts_with("HTTP/1.1 404"), "{recorded}");
    let ran = recorder.terminate();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("wrote fixtures/matrix/again.yaml: 1 exchange\n"), "{}", ran.out);
    let fixture = std::fs::read_to_string(project.path("fixtures/matrix/again.yaml")).unwrap();
    assert!(fixture.contains("authorization: Bearer «access_token:1»"), "{fixture}");
    assert!(!fixture.contains("Zk3x9Tq7LmN2pR5sV8wY1"));

    let served = project.start(&["serve", "matrix/again"]);
    assert!(get(&served.address(), target, "").starts_with("HTTP/1.1 404"));
    assert_eq!(served.terminate().code, 0);
    let unmatched = project.start(&["serve", "matrix/again"]);
    assert!(
        get(&unmatched.address(), "/_matrix/client/v3/directory/room/x", "")
            .contains("nearest is matrix/again#resolve_alias-1")
    );
    let ran = unmatched.terminate();
    assert_eq!(ran.code, 1, "a request that no fixture holds fails: {}", ran.err);
}

#[test]
fn an_upstream_that_cannot_be_reached_is_a_502_and_recorded() {
    let project = Project::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = format!("http://{closed}");
    let mut recorder = project.start(&[
        "record",
        "--provider",
        "p",
        "--flow",
        "f",
        "--upstream",
        &upstream,
        "--out",
        "out",
        "--until-idle",
        "50ms",
    ]);
    let answer = get(&recorder.address(), "/x", "");
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains(&closed.to_string()), "{answer}");
    let ran = recorder.wait();
    assert_eq!(ran.code, 0, "{}", ran.err);
    let fixture = std::fs::read_to_string(project.path("out/p/f.yaml")).unwrap();
    assert!(fixture.contains("ended: unreachable"), "{fixture}");
}

#[test]
fn a_port_in_use_is_named_with_its_own_code() {
    let project = Project::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for arguments in [
        &["serve", "matrix/missing", "--listen", &address][..],
        &[
            "record",
            "--provider",
            "p",
            "--flow",
            "f",
            "--upstream",
            "http://127.0.0.1:9",
            "--listen",
            &address,
        ],
        &["runtime", "serve", "--data", "data", "--listen", &address],
    ] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 3, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(&address), "{}", ran.err);
    }
}

#[test]
fn the_runtime_serves_and_stops_in_good_order() {
    let project = Project::new();
    let runtime = project.start(&["runtime", "serve", "--data", "data", "--test-clock"]);
    assert!(get(&runtime.address(), "/health", "").contains("\"ok\""));
    assert!(get(&runtime.address(), "/clock", "").contains("\"busy\":0"));
    assert_eq!(runtime.terminate().code, 0);
}
