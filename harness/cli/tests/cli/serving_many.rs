//! `counterpart serve` with several providers, over TLS, with its control API, and what it tells when it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran, Running};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

const SHOP: &str = "counterpart: provider/1\nprovider: shop\nhosts: [api.shop.example]\noperations: {items: GET /items, order: POST /orders}\n";
const MAIL: &str = "counterpart: provider/1\nprovider: mail\noperations: {items: GET /items}\n";

fn exchange(id: &str, method: &str, target: &str, answer: &str) -> String {
    format!(
        "  - id: {id}\n    direction: outbound\n    offset_ms: 0\n    latency_ms: 0\n    request: {{method: {method}, target: {target}}}\n    response:\n      status: 200\n      headers: {{content-type: application/json}}\n      body: {{json: '{answer}'}}\n"
    )
}

fn fixture(provider: &str, flow: &str, exchanges: &[String]) -> String {
    format!(
        "counterpart: fixture/1\nprovider: {provider}\nflow: {flow}\nprovenance: {{written: {{after: the test}}}}\nexchanges:\n{}",
        exchanges.concat()
    )
}

/// A project with a folder of two providers.
fn project() -> Project {
    let project = Project::new();
    project.write("counterpart.toml", "counterpart = \"config/1\"\n");
    project.write("fixtures/shop/provider.yaml", SHOP);
    project.write(
        "fixtures/shop/list.yaml",
        &fixture(
            "shop",
            "list",
            &[exchange("items-1", "GET", "/items", "[1]"), exchange("order-1", "POST", "/orders", "[2]")],
        ),
    );
    project.write("fixtures/mail/provider.yaml", MAIL);
    project.write(
        "fixtures/mail/list.yaml",
        &fixture("mail", "list", &[exchange("items-1", "GET", "/items", "[3]")]),
    );
    project
}

/// One request; everything that came back.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, target: &str) -> String {
    ask(address, &format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n"))
}

fn post(address: &str, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "POST {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn without_scheme(url: &Value) -> String {
    url.as_str().unwrap().split_once("://").unwrap().1.trim_end_matches('/').to_owned()
}

/// What was printed, without what differs from run to run.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("127.0.0.1:") {
        let (before, address) = rest.split_at(at + "127.0.0.1:".len());
        masked.push_str(before);
        masked.push_str("[port]");
        rest = address.trim_start_matches(|sign: char| sign.is_ascii_digit());
    }
    masked + rest
}

fn end(running: Running) -> (String, i32) {
    let Ran { code, out, err } = running.terminate();
    (masked(&format!("{out}{err}")), code)
}

#[test]
fn a_folder_of_providers_is_told_as_text() {
    let mut running = project().start(&["serve", "fixtures", "--control", "127.0.0.1:0"]);
    let first = running.first_line.clone();
    let address = running.address().split('/').next().unwrap().to_owned();
    let lines = running.lines_until("control API");
    assert!(get(&address, "/mail/items").ends_with("[3]"));
    assert!(
        ask(&address, "GET /items HTTP/1.1\r\nhost: api.shop.example\r\n").ends_with("[1]"),
        "by its host"
    );
    insta::assert_snapshot!(masked(&format!("{first}{}", lines.join("\n"))));
    let (told, code) = end(running);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn what_could_not_be_played_is_told_at_the_end_and_fails() {
    let project = project();
    let begin = |more: &[&str]| {
        let mut arguments = vec!["serve", "shop", "--fault", "server_error@items*2"];
        arguments.extend(more);
        project.start(&arguments)
    };
    let act = |running: &Running| {
        let address = running.address();
        for _ in 0..2 {
            post(&address, "/orders", "");
            get(&address, "/nothing");
        }
        get(&address, "/items");
    };
    let running = begin(&[]);
    act(&running);
    let (told, code) = end(running);
    assert_eq!(code, 1, "{told}");
    insta::assert_snapshot!(told);
    let running = begin(&["--allow", "unmatched,exhausted,unused_faults"]);
    act(&running);
    let (told, code) = end(running);
    assert_eq!(code, 0, "{told}");
    let running =
        begin(&["--allow", "unmatched,exhausted", "--allow", "unused_faults", "--deny", "unused_exchanges"]);
    act(&running);
    let (told, code) = end(running);
    assert!(code == 1 && told.contains("failed because of: unused_exchanges"), "{told}");
    let running = begin(&["--quiet", "--allow", "unused_faults"]);
    let (told, code) = end(running);
    assert!(code == 0 && !told.contains("never asked for"), "{told}");
}

#[test]
fn programs_read_one_line_at_the_beginning_and_one_at_the_end() {
    let project = project();
    let running =
        project.start(&["serve", "shop", "mail/list", "--format", "json", "--control", "127.0.0.1:0"]);
    let ready = json(&running.first_line);
    let keys: Vec<&String> = ready.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["event", "base_url", "providers", "control_url", "ca_file"]);
    assert_eq!((&ready["event"], &ready["ca_file"]), (&Value::from("ready"), &Value::Null));
    let providers = ready["providers"].as_array().unwrap();
    let names: Vec<&Value> = providers.iter().map(|one| &one["provider"]).collect();
    assert_eq!(names, ["shop", "mail"]);
    let control = without_scheme(&ready["control_url"]);
    let base = without_scheme(&ready["base_url"]);
    assert!(get(&control, "/ready").contains("\"ready\":true"));
    assert!(post(&control, "/faults", r#"{"spec":"not_found@order-1"}"#).starts_with("HTTP/1.1 201"));
    assert!(post(&base, "/shop/orders", "").starts_with("HTTP/1.1 404"));
    get(&base, "/nobody");
    let Ran { code, out, err } = running.terminate();
    assert_eq!((code, err.as_str()), (1, ""));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json(&out)).unwrap());
}

#[test]
fn a_test_clock_moves_when_it_is_told_to() {
    let running =
        project().start(&["serve", "mail", "--format", "json", "--control", "127.0.0.1:0", "--test-clock"]);
    let control = without_scheme(&json(&running.first_line)["control_url"]);
    assert!(get(&control, "/clock").contains("2026-01-01T00:00:00Z"));
    assert!(post(&control, "/clock/advance", r#"{"by":"90m"}"#).contains("2026-01-01T01:30:00Z"));
}

#[test]
fn what_to_serve_is_found_by_name_and_by_path() {
    let project = project();
    project.write(
        "elsewhere/shop/list.yaml",
        &fixture("shop", "list", &[exchange("items-1", "GET", "/items", "[9]")]),
    );
    for (arguments, target, expected) in [
        (&["shop/list"][..], "/items", "[1]"),
        (&["fixtures/shop/list.yaml"], "/items", "[1]"),
        (&["./fixtures/shop"], "/items", "[1]"),
        (&["elsewhere"], "/items", "[9]"),
        (&["shop", "fixtures/shop/list.yaml", "fixtures"], "/shop/items", "[1]"),
    ] {
        let mut all = vec!["serve"];
        all.extend(arguments);
        let running = project.start(&all);
        let address = running.address().split('/').next().unwrap().to_owned();
        assert!(get(&address, target).ends_with(expected), "{arguments:?}");
    }
}

#[test]
fn arguments_that_cannot_be_served() {
    let project = project();
    project.write("elsewhere/shop/list.yaml", &fixture("shop", "list", &[]));
    project.write("empty/readme.txt", "");
    project.write("lost.yaml", "");
    let mut told = Vec::new();
    for arguments in [
        &["nothing"][..],
        &["shpo"],
        &["shop/lst"],
        &["fixtures/shop/provider.yaml"],
        &["empty"],
        &["shop", "elsewhere"],
        &["shop", "mail", "--fault", "timeout@items"],
        &["shop", "mail", "--fault", "timeout@items-9"],
        &["shop", "mail", "--fault", "male:timeout@items-1"],
        &["shop", "mail", "--fault", "mail:timeout@order-1"],
        &["shop", "--fault", "certificate_expired@connection:1"],
        &["shop", "--test-clock"],
        &["shop", "--tls-ca", "x"],
        &["shop", "--allow", "unmatchd"],
        &[],
    ] {
        let mut all = vec!["serve"];
        all.extend(arguments);
        let ran = project.run(&all);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        told.push(format!("$ counterpart {}\n{}", all.join(" "), ran.err));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[cfg(unix)]
#[test]
fn an_authority_is_made_once_and_kept_to_oneself() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    let arguments = ["serve", "shop", "--tls", "--tls-ca", "authority", "--format", "json"];
    let begin = || {
        let running = project.start(&arguments);
        let ready = json(&running.first_line);
        assert!(ready["base_url"].as_str().unwrap().starts_with("https://127.0.0.1:"));
        assert!(ready["ca_file"].as_str().unwrap().ends_with("authority/ca.pem"));
        std::fs::read_to_string(project.path("authority/ca.pem")).unwrap()
    };
    let made = begin();
    let key = project.path("authority/ca-key.pem");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    assert_eq!(begin(), made);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    // Where nobody can listen: were the key not looked at, that would be told instead, and nothing would be waited for.
    let nowhere: Vec<&str> = arguments.into_iter().chain(["--listen", "192.0.2.1:0"]).collect();
    let refused = project.run(&nowhere);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("mode 0644") && refused.err.contains("chmod 600"), "{}", refused.err);
    std::fs::remove_file(&key).unwrap();
    let refused = project.run(&nowhere);
    assert!(refused.code == 3 && refused.err.contains("ca-key.pem"), "{}", refused.err);
    // In a folder of the user's, where none is named.
    let mut child = project
        .command(&["serve", "shop", "--tls", "--format", "json"])
        .env("XDG_DATA_HOME", project.path("data"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(project.path("data/counterpart/ca/ca.pem").is_file(), "{line}");
}
