//! `record` as a process: what it tells, what it costs, and what is left on the disk however it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

#[path = "../reliability/name_space.rs"]
#[expect(dead_code, reason = "another test needs more of it")]
mod name_space;
use crate::support::{Project, Running};
use name_space::SmallDisk;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Known to nobody but these tests.
const SECRETS: [&str; 4] =
    ["Tq7Jx92KdLm3PzR8vTn0Ws4Ya", "hunter2-and-a-half", "jo.doe@example.org", "Ck5Rb81MvXn4QwE7tYu2Zs9Pd"];

/// A server that answers each request with a JSON document.
fn upstream(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer_all(stream.unwrap(), body));
        }
    });
    format!("http://{address}")
}

fn answer_all(mut stream: TcpStream, body: &str) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
        // A request that says so is never answered.
        if seen.windows(6).any(|part| part == b"/hang?") {
            continue;
        }
        while let Some(end) = seen.windows(4).position(|part| part == b"\r\n\r\n") {
            seen.drain(..end + 4);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            );
            if stream.write_all((head + body).as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn leaking() -> &'static str {
    Box::leak(format!(r#"{{"access_token":"{}","email":"{}"}}"#, SECRETS[0], SECRETS[2]).into_boxed_str())
}

fn request(target: &str) -> String {
    format!(
        "GET {target}?password={} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        SECRETS[1], SECRETS[3]
    )
}

/// Asks so many times on one connection.
fn ask(address: &str, count: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = leaking().as_bytes();
    for _ in 0..count {
        stream.write_all(request("/me").as_bytes()).unwrap();
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while !seen.ends_with(body) {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..count]);
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .flat_map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// The files below a folder in which a secret stands.
fn leaks(folder: &Path) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        SECRETS.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
    };
    files_below(folder).into_iter().filter(holds).collect()
}

/// A recorder all of whose files are below the project.
fn start(project: &Project, upstream: &str) -> Running {
    let out = project.path("out");
    let mut command =
        project.command(&["record", "--provider", "acme", "--flow", "f", "--upstream", upstream]);
    std::fs::create_dir_all(project.path("tmp")).unwrap();
    command.arg("--out").arg(out);
    for name in ["TMPDIR", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env(name, project.path("tmp"));
    }
    Project::started(command)
}

#[test]
fn a_kill_while_recording_leaves_no_secret_anywhere() {
    let project = Project::new();
    let recorder = start(&project, &upstream(leaking()));
    ask(&recorder.address(), 50);
    // Some are still under way.
    let mut open = TcpStream::connect(recorder.address()).unwrap();
    open.write_all(request("/hang").as_bytes()).unwrap();
    recorder.kill();
    assert_eq!(leaks(&project.path(".")), Vec::<PathBuf>::new());
    assert_eq!(files_below(&project.path("out")), Vec::<PathBuf>::new());
    assert_eq!(files_below(&project.path("tmp")), Vec::<PathBuf>::new());
    // What is looked for is found where it is.
    project.write("out/acme/leak.yaml", &format!("authorization: Bearer {}\n", SECRETS[3]));
    assert_eq!(leaks(&project.path(".")).len(), 1);
}

#[test]
fn a_kill_while_writing_leaves_no_secret_anywhere() {
    let project = Project::new();
    let upstream = upstream(leaking());
    let mut was_writing = 0;
    for _ in 0..5 {
        let recorder = start(&project, &upstream);
        ask(&recorder.address(), 300);
        let id = recorder.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        // As soon as there is a file, or it has ended.
        let status = PathBuf::from(format!("/proc/{id}/stat"));
        let is_running = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z "));
        while files_below(&project.path("out")).is_empty() && is_running() {
            std::thread::yield_now();
        }
        was_writing += usize::from(is_running());
        recorder.kill();
        assert_eq!(leaks(&project.path(".")), Vec::<PathBuf>::new());
        let _ = std::fs::remove_dir_all(project.path("out"));
    }
    assert!(was_writing > 0, "it was never caught in the act");
}

#[test]
fn a_full_disk_is_told_and_the_older_fixture_stays() {
    let disk = match SmallDisk::new(512) {
        Ok(disk) => disk,
        Err(why) => {
            // As everywhere: a proof that was not made says so.
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: full disk while recording: no disk of its own: {why}");
            return;
        }
    };
    let within = |words: &[&str]| {
        let all = disk.words();
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).args(words).env("NO_COLOR", "1");
        command
    };
    let (upstream, out) = (upstream(leaking()), disk.path().join("fixtures"));
    let start = || {
        let mut command = within(&[env!("CARGO_BIN_EXE_counterpart"), "record", "--provider", "acme"]);
        command.args(["--flow", "f", "--upstream", &upstream, "--out"]).arg(&out);
        Project::started(command)
    };
    let fixture = out.join("acme/f.yaml");
    let read = || within(&["cat", fixture.to_str().unwrap()]).output().unwrap().stdout;
    let recorder = start();
    ask(&recorder.address(), 1);
    assert_eq!(recorder.terminate().code, 0);
    let before = read();
    assert!(before.starts_with(b"# yaml-language-server"));

    disk.put_ballast(None);
    let recorder = start();
    ask(&recorder.address(), 200);
    let ran = recorder.terminate();
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("No space left on device") && ran.err.contains("acme"), "{}", ran.err);
    assert_eq!(read(), before);
    let left = within(&["find", out.to_str().unwrap(), "-type", "f"]).output().unwrap().stdout;
    assert_eq!(
        String::from_utf8(left).unwrap().lines().count(),
        2,
        "the fixture and its profile, and nothing aside"
    );
}

/// Bytes of a body that is far larger than what is kept.
const LARGE: u64 = 200 * 1024 * 1024;
const MOST_GROWTH_KIB: u64 = 64 * 1024;

/// A figure of a process, in KiB.
fn memory(id: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_large_body_passes_in_constant_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        std::io::copy(&mut Read::by_ref(&mut stream).take(LARGE), &mut std::io::sink()).unwrap();
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(b'a').take(LARGE), &mut stream).unwrap();
    });
    let project = Project::new();
    let recorder = start(&project, &upstream);
    let before = memory(recorder.id(), "VmRSS:");
    let mut stream = TcpStream::connect(recorder.address()).unwrap();
    let head =
        format!("POST /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {LARGE}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    std::io::copy(&mut std::io::repeat(b'a').take(LARGE), &mut stream).unwrap();
    let came = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    assert!(came > LARGE, "{came}");
    let growth = memory(recorder.id(), "VmHWM:").saturating_sub(before);
    assert!(growth < MOST_GROWTH_KIB, "{growth} KiB");
    assert_eq!(recorder.terminate().code, 0);
    let text = std::fs::read_to_string(project.path("out/acme/f.yaml")).unwrap();
    assert_eq!(text.matches(&format!("size_bytes: {LARGE}")).count(), 2, "{text}");
}

#[test]
fn a_proxy_records_the_hosts_that_are_named() {
    let project = Project::new();
    let (named, other) = (upstream("{\"named\":1}"), upstream("{\"other\":1}"));
    let host = named.trim_start_matches("http://");
    let mut command = project.command(&["record", "--proxy", "--flow", "f", "--out", "out", "--ca", "ca"]);
    command.args(["--host", &format!("{host}=acme")]);
    let recorder = Project::started(command);
    assert!(recorder.first_line.starts_with("recording through the proxy http://127.0.0.1:"));
    for url in [&named, &other] {
        let mut stream = TcpStream::connect(recorder.address()).unwrap();
        write!(stream, "GET {url}/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut seen = String::new();
        stream.read_to_string(&mut seen).unwrap();
        assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"), "{seen}");
    }
    let ran = recorder.terminate();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains(&format!("  {host} -> acme/f")), "{}", ran.out);
    assert!(ran.out.contains("wrote out/acme/f.yaml: 1 exchange"), "{}", ran.out);
    let other = other.trim_start_matches("http://");
    assert!(ran.err.contains(&format!("not recorded, because it was not named: {other} (1)")), "{}", ran.err);
    assert!(ran.err.contains("REQUESTS_CA_BUNDLE="), "{}", ran.err);
}

#[test]
fn the_authority_is_shown_and_renewed() {
    let project = Project::new();
    let ca = |command: &str| {
        let mut all = project.command(&["ca", command]);
        let output = all.env("XDG_DATA_HOME", project.path("data")).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let path = project.path("data/counterpart/ca/ca.pem");
    assert_eq!(ca("path").0, format!("{}\n", path.display()));
    let first = ca("print").0;
    assert_eq!(first, std::fs::read_to_string(&path).unwrap());
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----\n"));
    let (told, beside) = ca("renew");
    assert_eq!(told, format!("{}\n", path.display()));
    assert!(beside.contains("has to be told") && beside.contains("NODE_EXTRA_CA_CERTS"), "{beside}");
    assert_ne!(ca("print").0, first);
}

#[test]
fn what_cannot_be_recorded_is_told_with_its_mend() {
    let project = Project::new();
    project.write("none.pem", "no certificate");
    let said = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        ran.err
    };
    insta::assert_snapshot!(
        [
            said(&["record", "--proxy", "--flow", "f", "--provider", "acme", "--out", "out"]),
            said(&["record", "--proxy", "--flow", "f", "--host", "a.example", "--out", "out"]),
            said(&["record", "--proxy", "--flow", "f", "--host", "https://a.example/v1=acme"]),
            said(&["record", "--provider", "p", "--flow", "f", "--upstream", "https://a.example", "--upstream-ca", "none.pem"]),
            said(&["record", "--flow", "f", "--provider", "p"]),
        ]
        .join("\n"),
        @r#"
    error: no host is named, and out/acme/provider.yaml names no hosts, or is not there; name each host to record, as in --host api.example.com

    error: --host a.example: whose it is is not said; write --host a.example=PROVIDER, or name one --provider for all

    error: invalid value 'https://a.example/v1=acme' for '--host <HOST[=PROVIDER]>': "https://a.example/v1" is a URL; expected a host as api.example.com, *.example.com or api.example.com:8443

    For more information, try '--help'.

    error: --upstream-ca none.pem: holds no certificate; expected PEM, as `-----BEGIN CERTIFICATE-----`

    error: there is nothing to record: name the real API with --upstream URL, where its webhooks arrive with --webhooks PATH=URL, or both; or record --proxy
    "#
    );
}
